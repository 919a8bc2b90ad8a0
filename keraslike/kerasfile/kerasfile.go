// SPDX-License-Identifier: Apache-2.0

// Package kerasfile reads the files that Keras writes: whole models with Load, weights
// into a model of your own with LoadWeights.
//
//	m, report, err := kerasfile.Load("vgg16.h5")
//
// Each function returns a Report of which tensor went where and what was decided.
package kerasfile

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// LoadOption is an option of Load and Read: InputShape or WithLimits.
type LoadOption interface{ applyLoad(*loadSettings) }

type loadSettings struct {
	known   []k.Shape
	limits  k.Limits
	unnamed bool // the file's names of layers are not taken over, for tests
}

type loadOption func(*loadSettings)

func (o loadOption) applyLoad(s *loadSettings) { o(s) }

// InputShape is the shape of one sample, for a model whose file leaves it open, such as
// (None, None, 3) or a series of any length. A model with several inputs takes one
// InputShape for each, in their order.
func InputShape(shape ...int) LoadOption {
	return loadOption(func(s *loadSettings) { s.known = append(s.known, k.Shape(shape)) })
}

// WithLimits bounds what the model may cost; the defaults are those of keraslike.Limits
// for files.
func WithLimits(l k.Limits) LoadOption {
	return loadOption(func(s *loadSettings) { s.limits = l })
}

// Load makes the model that Keras saved as a whole: the .h5 files of Keras 2
// (model.save, Sequential or functional) and the .keras files of Keras 3. How the model
// was compiled is not taken over.
//
// A layer that keraslike does not have, or one with an argument that would change what it
// computes, is an error that names it: build such a model yourself and use LoadWeights.
// Arguments that act in training only are omitted, which the report notes. Architectures
// of Keras 1, whose arguments had other names, are an error too.
//
// Options: InputShape, WithLimits.
// See https://keras.io/guides/serialization_and_saving/.
func Load(path string, options ...LoadOption) (*k.Model, *Report, error) {
	f, err := kerash5.Open(path)
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %w", err))
	}
	defer func() { _ = f.Close() }() // only read
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %w", err))
	}
	return load(f, info.Size(), path, options)
}

// Read is Load from a file of size bytes in r, for instance a bytes.Reader over an
// embedded file; name stands for it in errors and in the report.
func Read(r io.ReaderAt, size int64, name string, options ...LoadOption) (m *k.Model, report *Report, err error) {
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
		major = 2 // the first that notes its version everywhere is later
	}
	if major < 2 {
		return nil, nil, fmt.Errorf("its architecture is of Keras %s, want 2 or later: build the model and use LoadWeights", f.KerasVersion)
	}
	b := newBuilder(major, len(f.Config))
	b.unnamed = s.unnamed
	m, err := b.model(f.Config, "", s.known, 0)
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

// caught makes an error of a panic in r: defer caught(&err, "load weights", r).
func caught(err *error, what string, r io.ReaderAt) {
	if p := recover(); p != nil {
		*err = &k.PanicError{In: fmt.Sprintf("%s %T", what, r), Value: p, Stack: debug.Stack()}
	}
}

// isNil reports an option that is nothing.
func isNil(option any) bool {
	v := reflect.ValueOf(option)
	return !v.IsValid() || v.Kind() == reflect.Func && v.IsNil()
}
