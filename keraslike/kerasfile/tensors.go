// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// weightsFile holds the weights of a file by layer.
type weightsFile struct {
	name    string
	version string // of Keras
	backend string // of Keras
	paths   bool   // names are paths of Reef's weights
	legacy  bool   // each layer is one of the outermost model, with everything nested in it
	ordered bool   // layers are in the order of the model
	layers  []fileLayer
}

type fileLayer struct {
	name    string
	group   string // where Keras 3 stores it
	named   bool   // name is the layer's own, not derived from its group
	tensors []fileTensor
	inner   []string // layers of a nested model, in its order
}

type fileTensor struct {
	name  string // within the layer
	path  string // within the file
	shape []int
	read  func() ([]float32, error)
}

// openWeights distinguishes the formats by their first bytes; first is set if the model has layers with the channels
// first.
func openWeights(r io.ReaderAt, size int64, name string, first bool) (*weightsFile, error) {
	var start [8]byte
	if _, err := r.ReadAt(start[:], 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if isKeras(start[:]) {
		f, err := kerash5.New(r, size, name)
		if err != nil {
			return nil, err
		}
		if !first {
			err = channelsFirst(f)
		}
		return kerasWeights(f, name), err
	}
	f, err := safetensors.New(r, size, name)
	if err != nil {
		return nil, fmt.Errorf("%w (nor is it HDF5 or .keras)", err)
	}
	return safetensorsWeights(f, name), nil
}

// isKeras recognizes HDF5 and zip files by their first bytes.
func isKeras(start []byte) bool {
	return string(start) == "\x89HDF\r\n\x1a\n" || strings.HasPrefix(string(start), "PK\x03\x04")
}

// hasChannelsFirst reports whether a layer of the model is a ChannelsFirst, as those are that Load makes of such files.
func hasChannelsFirst(m *k.Model) bool {
	return slices.ContainsFunc(m.Layers(), func(l k.LayerInfo) bool { return l.Kind == "ChannelsFirst" })
}

// channelsFirst returns an error for models that flatten channels-first images: the weights
// after Flatten have the same shape but another order.
func channelsFirst(f *kerash5.File) error {
	has := func(text string) bool { return bytes.Contains(f.Config, []byte(text)) }
	if (has(`"channels_first"`) || has(`"dim_ordering": "th"`)) && (has(`"Flatten"`) || has(`"Reshape"`)) {
		return errors.New("the file's model flattens channels-first images, so the order of the weights that follow differs from channels-last")
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

// safetensorsWeights omits the optimizer state that Model.Save writes.
func safetensorsWeights(f *safetensors.File, name string) *weightsFile {
	w := &weightsFile{name: name, paths: true}
	_, saved := f.Metadata()["reef.format"] // written by Model.Save
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
