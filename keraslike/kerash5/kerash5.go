// SPDX-License-Identifier: Apache-2.0

// Package kerash5 reads the weights and the architecture of models saved by Keras: the HDF5
// files of Keras 1 and 2 (model.save and save_weights), the .keras archives of Keras 3 and
// late versions of Keras 2, and the .weights.h5 files of Keras 3.
//
// It knows files, not layers: it returns the weights of each group of the file in order, as
// float32 in Keras's shapes. The caller assigns them to a model.
//
// Reading a file of n bytes takes O(n) memory and time: a file whose unpacked content, at all
// levels, takes more than 160 MiB + 64·min(n, 1 MiB) + 8·n bytes is rejected.
//
// File formats: https://keras.io/guides/serialization_and_saving and
// https://keras.io/2/api/models/model_saving_apis.
package kerash5

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"

	"github.com/reef-dl/reef/internal/openfile"
	"github.com/reef-dl/reef/keraslike/kerash5/internal/hdf5"
)

// File is an open model file. Its description is in memory, its weights are read on demand.
// It is safe for concurrent use until Close.
type File struct {
	// KerasVersion is the version that wrote the file, for instance "2.13.1";
	// empty if the file does not state it.
	KerasVersion string
	// Config is the architecture as Keras's JSON, {"class_name": ..., "config": ...};
	// nil for a file of weights only.
	Config json.RawMessage
	// Backend computed the model, "tensorflow" or "theano" for instance; empty if
	// the file does not state it. Theano rotates the kernels of convolutions by 180 degrees.
	Backend string
	// Legacy is set for HDF5 files with the layout of Keras 1 and 2, which list the layers;
	// all weights of a nested model then belong to one layer.
	Legacy bool
	// Layers are all layers with weights: in the order of the model if the file states it
	// (Ordered), else in the order of their groups, with numbers compared as numbers.
	Layers  []Layer
	Ordered bool

	cost   *hdf5.Budget // of the whole file, with all that is packed in it
	closer io.Closer
}

// Layer is a layer that has weights.
type Layer struct {
	// Name is the layer's name in the model; inside a nested model of Keras 3 the
	// names of the models stand before it: "vgg16/block1_conv1". A layer's own name
	// may have slashes.
	Name string
	// Group is where Keras 3 keeps the layer, by its class and number, whatever it is
	// called: "functional/conv2d_1". It stands for the names where Named is false.
	Group   string
	Named   bool
	Weights []Weight
	// Inner are the layers of a nested model of Keras 1 and 2 in its order, by their
	// paths in it, if the file has the architecture. Slashes in names become underscores.
	Inner []string
}

// Weight is one array of a layer.
type Weight struct {
	// Name is how the file calls it within its group: "dense/kernel" or
	// "lstm/lstm_cell/bias" in Keras 1 and 2, where trainable weights come
	// before the others; a number in order, "0" or "forward_layer/cell/2", in Keras 3.
	Name  string
	Shape []int
	// Path is its path in the file.
	Path string

	file string
	data *hdf5.Dataset
}

// Read returns the elements, row-major, as float32.
func (w Weight) Read() (data []float32, err error) {
	defer w.guard(&err)
	data, err = w.data.Read()
	if err != nil {
		return nil, fmt.Errorf("kerash5: %s: %s: %w", w.file, w.Path, err)
	}
	return data, nil
}

func (w Weight) guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("kerash5: %s: %s: damaged file: %v", w.file, w.Path, r)
	}
}

// Open opens the file at path. The caller closes it.
func Open(path string) (*File, error) {
	r, err := openfile.Path(path)
	return opened(r, path, err)
}

// OpenFS opens a file of a file system, for instance of an embed.FS. The caller closes it.
func OpenFS(fsys fs.FS, name string) (*File, error) {
	r, err := openfile.FS(fsys, name)
	return opened(r, name, err)
}

func opened(r *openfile.File, name string, err error) (*File, error) {
	if err != nil {
		return nil, fmt.Errorf("kerash5: %w", err)
	}
	f, err := New(r, r.Size(), name)
	if err != nil {
		_ = r.Close() // only read
		return nil, err
	}
	f.closer = r
	return f, nil
}

// New reads the description of a file of size bytes that lies in r, HDF5 or
// zip; name stands for it in errors.
func New(r io.ReaderAt, size int64, name string) (f *File, err error) {
	if r == nil {
		return nil, fmt.Errorf("kerash5: %s: the reader is nil", name)
	}
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("kerash5: %s: damaged file: %v", name, p)
		}
	}()
	f = &File{cost: hdf5.NewBudget(size)}
	if hdf5.Is(r) {
		err = f.readHDF5(r, size, name)
	} else {
		err = f.readArchive(r, size, name)
	}
	if err != nil {
		return nil, fmt.Errorf("kerash5: %s: %w", name, err)
	}
	return f, nil
}

// Close closes the file if Open or OpenFS opened it.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// readHDF5 tells the two kinds of HDF5 file apart: Keras 1 and 2 list their
// layers in an attribute, Keras 3 has a fixed tree.
func (f *File) readHDF5(r io.ReaderAt, size int64, name string) error {
	h, err := hdf5.New(r, size, f.cost)
	if err != nil {
		return err
	}
	root, err := h.Tree()
	if err != nil {
		return err
	}
	if root.Child("model_weights") == nil && containerOf(root) != nil {
		_, legacy, err := longList(root, "layer_names") // a layer may be called "layers"
		if err != nil {
			return err
		}
		if !legacy {
			return f.readKeras3(root, name)
		}
	}
	return f.readLegacy(root, name)
}
