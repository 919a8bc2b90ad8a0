// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// KerasOption is an option of LoadKeras: InputDims or Limits.
type KerasOption interface{ applyKeras(*kerasSettings) }

type kerasSettings struct {
	known  []Shape
	limits Limits
}

func (l Limits) applyKeras(s *kerasSettings) { s.limits = l }

// InputDims is the shape of one sample, for a model whose file leaves it open,
// (None, None, 3) or a series of any length. A model with several inputs takes one
// InputDims for each, in their order.
func InputDims(shape ...int) KerasOption { return inputDims(shape) }

type inputDims Shape

func (d inputDims) applyKeras(s *kerasSettings) { s.known = append(s.known, Shape(d)) }

// LoadKeras makes the model that Keras saved as a whole: the .h5 files of Keras 2
// (model.save, Sequential or functional) and the .keras files of Keras 3. The receipt
// says which tensor went where. How the model was compiled is not taken over.
//
// A layer that this package has not, or with an argument that would change what it
// computes, is an error that names it: build such a model oneself and use
// Model.LoadWeights. Arguments that act in training only are left away with a note.
// The same goes for architectures of Keras 1, whose arguments had other names.
//
// See https://keras.io/guides/serialization_and_saving/.
func LoadKeras(path string, options ...KerasOption) (*Model, *Receipt, error) {
	f, err := kerash5.Open(path)
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %w", err))
	}
	defer func() { _ = f.Close() }() // only read
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %w", err))
	}
	return loadKeras(f, info.Size(), path, options)
}

// ReadKeras is LoadKeras from a file of size bytes that lies in r, for instance a
// bytes.Reader over an embedded file; name stands for it in errors and in the receipt.
func ReadKeras(r io.ReaderAt, size int64, name string, options ...KerasOption) (*Model, *Receipt, error) {
	f, err := kerash5.New(r, size, name)
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %w", err))
	}
	return loadKeras(f, size, name, options)
}

func loadKeras(f *kerash5.File, size int64, name string, options []KerasOption) (*Model, *Receipt, error) {
	var s kerasSettings
	var err error
	for _, o := range given(options, &err) {
		o.applyKeras(&s)
	}
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %w", err))
	}
	m, receipt, err := kerasModelOf(f, size, name, s)
	if err != nil {
		return nil, nil, text.Brief(fmt.Errorf("load keras model: %s: %w", name, err))
	}
	return m, receipt, nil
}

func kerasModelOf(f *kerash5.File, size int64, name string, s kerasSettings) (*Model, *Receipt, error) {
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
	m, err := b.model(f.Config, "", s.known, 0)
	if err != nil {
		return nil, nil, err
	}
	m.limitFile(s.limits, size)
	if err := m.affordable(predicting, 1); err != nil {
		return nil, nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	receipt := &Receipt{File: name, Version: f.KerasVersion}
	if len(m.weights) > 0 || len(f.Layers) > 0 {
		if receipt, err = m.take(kerasWeights(f, name), weightsSettings{}); err != nil {
			return nil, nil, err
		}
	}
	receipt.Notes = append(b.notes, receipt.Notes...)
	return m, receipt, m.Build(0)
}
