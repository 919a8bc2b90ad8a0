// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/npz"
	"github.com/reef-dl/reef/internal/sniff"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
	"github.com/reef-dl/reef/keraslike/kerash5"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// modelFile is an open file: a model, or weights alone.
type modelFile struct {
	path, format string
	size         int64
	model        *k.Model // nil for weights alone
	weights      []weight
	state        int      // arrays of training that are saved with the model
	notes        []string // what the reader had to say
	closer       io.Closer
}

// weight is an array of a file.
type weight struct {
	name  string
	shape []int
	role  string // "trainable", "frozen" or "state" in a model, the type of its numbers elsewhere
	read  func() ([]float32, error)
}

// The formats.
const (
	formatReef        = "Reef model"
	formatKerasH5     = "Keras model (HDF5)"
	formatKerasZip    = "Keras model (.keras)"
	formatKerasWeight = "Keras weights"
	formatSafetensors = "safetensors weights"
	formatNPZ         = "npz weights"
)

const wantModel = "want a model file: one that Reef saved, a Keras .h5 or .keras, or weights as safetensors, .npz or .weights.h5"

// maxNumbers is the largest array that is read from a file.
const maxNumbers = math.MaxInt32

// open reads a file. compiled asks for the settings of Compile, too, if they can be read.
func open(path string, compiled bool) (_ *modelFile, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		inside := filepath.Join(path, "model.safetensors")
		if _, err := os.Stat(inside); err == nil {
			return nil, fmt.Errorf("%s is a folder (did you mean %s?)", path, inside)
		}
		return nil, fmt.Errorf("%s is a folder, %s", path, wantModel)
	}
	file := &modelFile{path: path, size: info.Size()}
	defer func() {
		if err != nil && file.closer != nil {
			_ = file.closer.Close() // only read
		}
	}()
	begin, err := sniff.File(path)
	if err != nil {
		return nil, err
	}
	switch is := sniff.Name(begin); {
	case is == "an HDF5 file":
		return file, file.openKeras(formatKerasH5)
	case is == "a zip archive":
		isNumpy, err := holdsArrays(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if isNumpy {
			return file, file.openNPZ()
		}
		return file, file.openKeras(formatKerasZip)
	case is != "" && !looksLikeSafetensors(begin):
		return nil, fmt.Errorf("%s is %s, %s", path, is, wantModel)
	}
	return file, file.openSafetensors(compiled)
}

// openModel opens a file that must hold a model.
func openModel(path string, compiled bool) (*modelFile, error) {
	f, err := open(path, compiled)
	if err != nil {
		return nil, err
	}
	if f.model == nil {
		f.close()
		return nil, fmt.Errorf("%s holds weights without a model (%s): convert -into MODEL puts them into the model of another file", path, f.format)
	}
	return f, nil
}

// close closes the file; it was only read.
func (f *modelFile) close() {
	if f.closer != nil {
		_ = f.closer.Close()
	}
}

// looksLikeSafetensors: behind the length of the header is a JSON object.
func looksLikeSafetensors(begin []byte) bool { return len(begin) > 8 && begin[8] == '{' }

// holdsArrays reports whether a zip archive is one of numpy.
func holdsArrays(path string) (bool, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = z.Close() }() // only read
	return len(z.File) > 0 && !slices.ContainsFunc(z.File, func(f *zip.File) bool { return !strings.HasSuffix(f.Name, ".npy") }), nil
}

func (file *modelFile) openSafetensors(compiled bool) error {
	f, err := safetensors.Open(file.path)
	if err != nil {
		return err
	}
	if _, ok := f.Metadata()["reef.format"]; !ok {
		file.format, file.closer = formatSafetensors, f
		for _, name := range f.Names() {
			shape, dtype, _ := f.Shape(name)
			file.weights = append(file.weights, weight{name, shape, dtype, func() ([]float32, error) {
				_, data, err := f.Tensor(name)
				return data, err
			}})
		}
		return nil
	}
	file.format = formatReef
	for _, name := range f.Names() {
		if strings.HasPrefix(name, "optimizer/") {
			file.state++
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if compiled {
		if file.model, err = k.Load(file.path); err == nil {
			file.ofModel()
			return nil
		}
	}
	m, plain := k.Load(file.path, k.WithoutCompile)
	if plain != nil {
		return plain
	}
	if err != nil { // a loss or metric of the user's own, which no command knows
		file.notes = append(file.notes, fmt.Sprintf("how it was compiled cannot be read: %v", err))
	}
	file.model = m
	file.ofModel()
	return nil
}

// ofModel lists the weights of the model.
func (file *modelFile) ofModel() {
	frozen := map[*k.Weight]bool{}
	for _, l := range file.model.Layers() {
		for _, w := range l.Weights {
			frozen[w] = !l.Trainable
		}
	}
	for _, w := range file.model.Weights() {
		role := "trainable"
		switch {
		case w.IsState():
			role = "state"
		case frozen[w]:
			role = "frozen"
		}
		file.weights = append(file.weights, weight{file.model.WeightPath(w), w.Shape(), role, func() ([]float32, error) { return w.Values(), nil }})
	}
}

func (file *modelFile) openKeras(format string) error {
	f, err := kerash5.Open(file.path)
	if err != nil {
		return err
	}
	file.format = format
	if f.Config != nil {
		if err := f.Close(); err != nil {
			return err
		}
		m, report, err := kerasfile.Load(file.path)
		if err != nil {
			return err
		}
		file.model = m
		if report.Version != "" {
			file.format = strings.Replace(format, "Keras", "Keras "+report.Version, 1)
		}
		file.notes = append(file.notes, report.Notes...)
		file.ofModel()
		return nil
	}
	file.format, file.closer = formatKerasWeight, f
	if f.KerasVersion != "" {
		file.format = strings.Replace(file.format, "Keras", "Keras "+f.KerasVersion, 1)
	}
	for _, l := range f.Layers {
		for _, w := range l.Weights {
			file.weights = append(file.weights, weight{w.Path, w.Shape, "", w.Read})
		}
	}
	return nil
}

func (file *modelFile) openNPZ() error {
	f, err := os.Open(file.path)
	if err != nil {
		return err
	}
	file.format, file.closer = formatNPZ, f
	a, err := npz.Open(f, file.size, file.path)
	if err != nil {
		return err
	}
	for _, name := range a.Names() {
		r, err := a.Rows(name, maxNumbers)
		if err != nil {
			return err
		}
		_ = r.Close() // only its header was read
		file.weights = append(file.weights, weight{name, r.Shape, r.Type, func() ([]float32, error) {
			r, err := a.Rows(name, maxNumbers)
			if err != nil {
				return nil, err
			}
			defer func() { _ = r.Close() }() // only read
			return r.All()
		}})
	}
	return nil
}

// into puts the weights of a file into a model, all of them.
func (file *modelFile) into(m *k.Model) (notes []string, err error) {
	if file.format != formatNPZ {
		report, err := kerasfile.LoadWeights(m, file.path)
		if err != nil {
			return nil, err
		}
		return report.Notes, nil
	}
	has := map[string]weight{}
	for _, w := range file.weights {
		has[w.name] = w
	}
	for _, w := range m.Weights() {
		path := m.WeightPath(w)
		from, ok := has[path]
		if !ok {
			return nil, fmt.Errorf("%s: no array %q, which the model wants", file.path, path)
		}
		if !slices.Equal(from.shape, w.Shape()) {
			return nil, fmt.Errorf("%s: array %q has shape %v, the model wants %v", file.path, path, from.shape, w.Shape())
		}
		values, err := from.read()
		if err == nil {
			err = w.Check(values)
		}
		if err == nil {
			err = w.Set(values)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: array %q: %w", file.path, path, err)
		}
		delete(has, path)
	}
	for name := range has {
		return nil, fmt.Errorf("%s: array %q, which the model has no place for", file.path, name)
	}
	return nil, nil
}

// exists reports whether there is a file or folder of that name.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
