// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike/kerash5"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// WeightsOption is an option of LoadWeights: ByName or SkipMismatch.
type WeightsOption interface{ applyWeights(*weightsSettings) }

type weightsSettings struct{ byName, skip bool }

// ByName loads the layers that file and model both have, by their names, and leaves
// the others as they are: the receipt lists them. Without it every layer must match.
type ByName struct{}

// SkipMismatch leaves layers whose shapes differ as they are. It is for use with ByName.
type SkipMismatch struct{}

func (ByName) applyWeights(s *weightsSettings)       { s.byName = true }
func (SkipMismatch) applyWeights(s *weightsSettings) { s.skip = true }

// LoadWeights reads weights into the model, which keeps its architecture and its
// settings: from the .h5 files of Keras 1 and 2, the .keras and .weights.h5 files of
// Keras 3, and safetensors files such as Save writes. The receipt says what went where.
//
// Layers are matched by their names, those of nested models by their paths. When not
// all names agree, or names here were given automatically, they are matched as Keras
// does: in files of Keras 1 and 2 by the order of Model.layers, if there are equally
// many with weights, in those of Keras 3 by class and number in that order. The receipt
// says so. A file of safetensors is matched by the paths of the weights alone.
// What fits only in part is refused unless ByName asks for it, and then the
// model is as it was: nothing is written before everything has been read.
//
// A model that is not built yet and has all its weights afterwards is built.
func (m *Model) LoadWeights(path string, options ...WeightsOption) (*Receipt, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load weights: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("load weights: %w", err)
	}
	return m.ReadWeights(f, info.Size(), path, options...)
}

// ReadWeights is LoadWeights from a file of size bytes that lies in r, for instance a
// bytes.Reader over an embedded file; name stands for it in errors and in the receipt.
func (m *Model) ReadWeights(r io.ReaderAt, size int64, name string, options ...WeightsOption) (receipt *Receipt, err error) {
	defer caught(&err, "load weights", r, "")
	var s weightsSettings
	for _, o := range given(options, &err) {
		o.applyWeights(&s)
	}
	if err != nil {
		return nil, fmt.Errorf("load weights: %w", err)
	}
	if m.err != nil {
		return nil, m.err
	}
	source, err := openWeights(r, size, name)
	if err != nil {
		return nil, text.Brief(fmt.Errorf("load weights: %w", err))
	}
	if receipt, err = m.take(source, s); err != nil {
		return nil, text.Brief(fmt.Errorf("load weights: model %q: %w", m.name, err))
	}
	return receipt, nil
}

// weightsFile is a file's weights, by layer.
type weightsFile struct {
	name    string
	version string // of Keras
	backend string // of Keras
	paths   bool   // the names are paths of weights of this package
	legacy  bool   // a layer is one of the outermost model, with all below it
	ordered bool   // the layers are in the order of the model
	layers  []fileLayer
}

type fileLayer struct {
	name    string
	group   string // where Keras 3 keeps it
	named   bool   // name is the layer's own, not made of its group
	tensors []fileTensor
	inner   []string // layers of a nested model, in its order
}

type fileTensor struct {
	name  string // within the layer
	path  string // within the file
	shape []int
	read  func() ([]float32, error)
}

// openWeights tells the formats apart by their first bytes.
func openWeights(r io.ReaderAt, size int64, name string) (*weightsFile, error) {
	var start [8]byte
	if _, err := r.ReadAt(start[:], 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if isKeras(start[:]) {
		f, err := kerash5.New(r, size, name)
		if err != nil {
			return nil, err
		}
		return kerasWeights(f, name), channelsFirst(f)
	}
	f, err := safetensors.New(r, size, name)
	if err != nil {
		return nil, fmt.Errorf("%w (neither HDF5 nor .keras either)", err)
	}
	return safetensorsWeights(f, name), nil
}

// isKeras tells HDF5 and zip files, by how they begin.
func isKeras(start []byte) bool {
	return string(start) == "\x89HDF\r\n\x1a\n" || strings.HasPrefix(string(start), "PK\x03\x04")
}

// isKerasFile tells a file that begins as those of Keras.
func isKerasFile(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	var start [8]byte
	n, _ := f.ReadAt(start[:], 0)
	return isKeras(start[:n])
}

// channelsFirst refuses the weights of models that flatten images whose channels come
// first: behind Flatten they are in another order, in the same shape.
func channelsFirst(f *kerash5.File) error {
	has := func(text string) bool { return bytes.Contains(f.Config, []byte(text)) }
	if (has(`"channels_first"`) || has(`"dim_ordering": "th"`)) && (has(`"Flatten"`) || has(`"Reshape"`)) {
		return errors.New("the file's model has channels first and flattens them: its weights behind that are in another order than those of channels last")
	}
	return nil
}

func kerasWeights(f *kerash5.File, name string) *weightsFile {
	w := &weightsFile{name: name, version: f.KerasVersion, backend: f.Backend, legacy: f.Legacy, ordered: f.Ordered}
	for _, l := range f.Layers {
		layer := fileLayer{name: l.Name, group: l.Group, named: l.Named, inner: l.Inner}
		for _, t := range l.Weights {
			layer.tensors = append(layer.tensors, fileTensor{t.Name, t.Path, t.Shape, t.Read})
		}
		w.layers = append(w.layers, layer)
	}
	return w
}

// safetensorsWeights leaves away what Save notes of the optimiser.
func safetensorsWeights(f *safetensors.File, name string) *weightsFile {
	w := &weightsFile{name: name, paths: true}
	_, saved := f.Metadata()[metaFormat]
	for _, tensor := range f.Names() {
		if saved && strings.HasPrefix(tensor, "optimizer/") {
			continue
		}
		shape, _, _ := f.Shape(tensor)
		dir, base := path.Split(tensor)
		w.layers = append(w.layers, fileLayer{name: strings.TrimSuffix(dir, "/"), named: true, tensors: []fileTensor{{
			base, tensor, shape, func() ([]float32, error) {
				_, values, err := f.Tensor(tensor)
				return values, err
			},
		}}})
	}
	return w
}
