// SPDX-License-Identifier: Apache-2.0

// Package kerasfile reads the files that Keras writes: whole models with Load, weights
// into a model of your own with LoadWeights.
//
//	m, report, err := kerasfile.Load("vgg16.h5")
//
// Both take a path; LoadFS and LoadWeightsFS take a file of a file system, LoadFrom and
// LoadWeightsFrom any io.ReaderAt.
//
// Each function returns a Report that lists where each tensor was loaded and why.
package kerasfile

import (
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/internal/openfile"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// LoadOption is an option of Load, LoadFS and LoadFrom: InputShape or WithLimits.
type LoadOption interface{ applyLoad(*loadSettings) }

type loadSettings struct {
	known   []k.Shape
	limits  k.Limits
	unnamed bool // ignore the names of layers in the file, for tests
}

type loadOption func(*loadSettings)

func (o loadOption) applyLoad(s *loadSettings) { o(s) }

// InputShape is the shape of one sample, for a model whose file does not have it or leaves axes
// open, such as (None, None, 3) or a sequence of any length. Without it open axes are
// keraslike.Any. A model with several inputs takes one InputShape for each, in their order.
func InputShape(shape ...int) LoadOption {
	return loadOption(func(s *loadSettings) { s.known = append(s.known, k.Shape(shape)) })
}

// WithLimits limits what the model may cost; the defaults are those of keraslike.Limits
// for files.
func WithLimits(l k.Limits) LoadOption {
	return loadOption(func(s *loadSettings) { s.limits = l })
}

// Load reads a whole model from a .h5 file of Keras 2 (model.save, Sequential or functional)
// or a .keras file of Keras 3. It ignores how the model was compiled.
//
// A layer that keraslike does not have, or one with an argument that would change what it
// computes, is an error that names it: build such a model yourself and use LoadWeights.
// Arguments that act in training only are ignored, with a note in the report. Architectures
// of Keras 1, whose arguments had other names, are errors, too.
//
// Options: InputShape, WithLimits.
// See https://keras.io/guides/serialization_and_saving/.
func Load(path string, options ...LoadOption) (*k.Model, *Report, error) {
	f, err := openfile.Path(path)
	return loadOpened(f, path, err, options)
}

// LoadFS is Load for a file of a file system, for instance of an embed.FS.
func LoadFS(fsys fs.FS, name string, options ...LoadOption) (_ *k.Model, _ *Report, err error) {
	defer caught(&err, "load keras model", fsys)
	f, err := openfile.FS(fsys, name)
	return loadOpened(f, name, err, options)
}

func loadOpened(f *openfile.File, name string, err error, options []LoadOption) (*k.Model, *Report, error) {
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %w", err))
	}
	defer func() { _ = f.Close() }() // only read
	return LoadFrom(f, f.Size(), name, options...)
}

// LoadFrom is Load for a file of size bytes in r, for instance a bytes.Reader; errors and the
// report call it name.
func LoadFrom(r io.ReaderAt, size int64, name string, options ...LoadOption) (m *k.Model, report *Report, err error) {
	defer caught(&err, "load keras model", r)
	f, err := kerash5.New(r, size, name)
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %w", err))
	}
	return load(f, size, name, options)
}

func load(f *kerash5.File, size int64, name string, options []LoadOption) (*k.Model, *Report, error) {
	var s loadSettings
	for i, o := range options {
		if isNil(o) {
			return nil, nil, fmt.Errorf("load keras model: option %d is nil", i)
		}
		o.applyLoad(&s)
	}
	m, report, err := modelOf(f, size, name, s)
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %s: %w", name, err))
	}
	return m, report, nil
}

func modelOf(f *kerash5.File, size int64, name string, s loadSettings) (*k.Model, *Report, error) {
	if f.Config == nil {
		return nil, nil, fmt.Errorf("holds weights only: build the model and use LoadWeights")
	}
	version, _, _ := strings.Cut(f.KerasVersion, ".")
	major, err := strconv.Atoi(version)
	if err != nil {
		major = 2 // early versions do not state theirs
	}
	if major < 2 {
		return nil, nil, fmt.Errorf("the architecture is from Keras %s, want 2 or later: build the model and use LoadWeights", f.KerasVersion)
	}
	b := newBuilder(major, len(f.Config))
	b.unnamed = s.unnamed
	m, err := b.model(f.Config, "", s.known, 0)
	if err != nil && b.random { // which may be what cannot run where it stands, or as the file has it
		b = newBuilder(major, len(f.Config))
		b.unnamed, b.plain = s.unnamed, true
		m, err = b.model(f.Config, "", s.known, 0)
	}
	if err != nil && b.open {
		err = fmt.Errorf("%w (axes of the input that the file leaves open are of any length here; InputShape fixes them)", err)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := m.SetFileLimits(s.limits, size); err != nil {
		return nil, nil, err
	}
	report := &Report{File: name, Version: f.KerasVersion}
	if len(m.Weights()) > 0 || len(f.Layers) > 0 {
		if report, err = take(m, kerasWeights(f, name), weightsSettings{}); err != nil {
			return nil, nil, err
		}
	}
	report.Notes = append(b.notes, report.Notes...)
	return m, report, m.Build(0)
}

// caught turns a panic in r, which a file is read from, into an error: defer caught(&err, "load
// weights", r).
func caught(err *error, what string, r any) {
	if p := recover(); p != nil {
		*err = &k.PanicError{In: fmt.Sprintf("%s %T", what, r), Value: p, Stack: debug.Stack()}
	}
}

// isNil reports whether an option is nil.
func isNil(option any) bool {
	v := reflect.ValueOf(option)
	return !v.IsValid() || v.Kind() == reflect.Func && v.IsNil()
}
