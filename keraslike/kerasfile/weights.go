// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/openfile"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// WeightsOption is an option of LoadWeights, LoadWeightsFS and LoadWeightsFrom: ByName or SkipMismatch.
type WeightsOption interface{ applyWeights(*weightsSettings) }

type weightsSettings struct{ byName, skip bool }

type weightsFlag int

const (
	// ByName loads the layers that file and model have in common, by name, and leaves the
	// others unchanged; the report lists them. Without ByName every layer must match.
	ByName weightsFlag = iota
	// SkipMismatch, used with ByName, leaves layers whose shapes differ unchanged.
	SkipMismatch
)

func (f weightsFlag) applyWeights(s *weightsSettings) {
	switch f {
	case ByName:
		s.byName = true
	case SkipMismatch:
		s.skip = true
	}
}

// LoadWeights loads weights into the model, which keeps its architecture and its settings,
// from .h5 files of Keras 1 and 2, .keras and .weights.h5 files of Keras 3, and safetensors
// files such as those of Model.Save. The report lists where each tensor was loaded.
//
// Layers are matched by their names, those of nested models by their paths. If not all names
// agree, or names in the model are automatic, layers are matched as in Keras: for files of
// Keras 1 and 2 by the order of Model.layers, if the number of layers with weights is the same,
// for those of Keras 3 by class and number in that order. The report states this. A safetensors
// file is matched only by the paths of the weights. A partial match is an error without ByName.
// After an error the model is unchanged, since nothing is written before everything has been
// read and checked.
//
// A model that is not built yet is built if the file has all its weights.
func LoadWeights(m *k.Model, path string, options ...WeightsOption) (*Report, error) {
	f, err := openfile.Path(path)
	return loadWeightsOpened(m, f, path, err, options)
}

// LoadWeightsFS is LoadWeights for a file of a file system, for instance of an embed.FS.
func LoadWeightsFS(m *k.Model, fsys fs.FS, name string, options ...WeightsOption) (_ *Report, err error) {
	defer caught(&err, "load weights", fsys)
	f, err := openfile.FS(fsys, name)
	return loadWeightsOpened(m, f, name, err, options)
}

func loadWeightsOpened(m *k.Model, f *openfile.File, name string, err error, options []WeightsOption) (*Report, error) {
	if err != nil {
		return nil, fmt.Errorf("load weights: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	return LoadWeightsFrom(m, f, f.Size(), name, options...)
}

// LoadWeightsFrom is LoadWeights for a file of size bytes in r, for instance a bytes.Reader;
// errors and the report call it name.
func LoadWeightsFrom(m *k.Model, r io.ReaderAt, size int64, name string, options ...WeightsOption) (report *Report, err error) {
	defer caught(&err, "load weights", r)
	var s weightsSettings
	for i, o := range options {
		if isNil(o) {
			return nil, fmt.Errorf("load weights: option %d is nil", i)
		}
		o.applyWeights(&s)
	}
	if m == nil {
		return nil, errors.New("load weights: the model is nil")
	}
	if err := m.Err(); err != nil {
		return nil, err
	}
	source, err := openWeights(r, size, name, hasChannelsFirst(m))
	if err != nil {
		return nil, text.Brief(fmt.Errorf("load weights: %w", err))
	}
	if report, err = take(m, source, s); err != nil {
		return nil, text.Brief(fmt.Errorf("load weights: model %q: %w", m.Name(), err))
	}
	return report, nil
}

// take matches and reads everything before it writes.
func take(m *k.Model, f *weightsFile, s weightsSettings) (*Report, error) {
	r := &Report{File: f.name, Version: f.version}
	var pairs []pair
	switch {
	case f.paths:
		pairs = pairPaths(m, f)
	case f.legacy:
		pairs = pairUnits(m, f, s.byName, r)
	default:
		pairs = pairLeaves(m, f, s.byName, r)
	}
	var mistakes []string
	var used []pair
	for _, p := range pairs {
		e := Entry{Reason: p.reason, Used: p.reason == ""}
		if p.tensor != nil {
			e.Tensor, e.TensorShape = p.tensor.path, p.tensor.shape
		}
		if p.weight != nil {
			e.Weight, e.WeightShape = m.WeightPath(p.weight), p.weight.Shape()
		}
		r.Entries = append(r.Entries, e)
		if e.Used {
			used = append(used, p)
		} else if p.reason != sameLayer && (!s.byName || p.layer && !s.skip) {
			mistakes = append(mistakes, e.mistake())
		}
	}
	if len(mistakes) > 0 {
		return nil, fmt.Errorf("%s does not fit: %s", f.name, firstOf(mistakes))
	}
	if len(used) == 0 {
		return nil, fmt.Errorf("%s and the model have no layer in common", f.name)
	}
	values := make([][]float32, len(used))
	for i, p := range used {
		var err error
		if values[i], err = p.tensor.read(); err != nil {
			return nil, err
		}
		if err := p.weight.Check(values[i]); err != nil {
			return nil, fmt.Errorf("%s: tensor %q: %w", f.name, p.tensor.path, err)
		}
	}
	weights := make([]*k.Weight, len(used))
	for i, p := range used {
		weights[i] = p.weight
	}
	err := k.UpdateWeights(weights, func(i int, to []float32) {
		copy(to, values[i])
		values[i] = nil
	})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(m.Weights(), func(w *k.Weight) bool { return !w.HasValues() }) {
		return r, m.Build(0)
	}
	return r, nil
}

// mistake describes why an entry was not used.
func (e Entry) mistake() string {
	switch {
	case e.Weight == "":
		return fmt.Sprintf("tensor %q of shape %v: %s", e.Tensor, e.TensorShape, e.Reason)
	case e.Tensor == "":
		return fmt.Sprintf("weight %q of shape %v: %s", e.Weight, e.WeightShape, e.Reason)
	}
	return fmt.Sprintf("tensor %q of shape %v for weight %q of shape %v: %s", e.Tensor, e.TensorShape, e.Weight, e.WeightShape, e.Reason)
}

// firstOf joins the first few of a list of mistakes.
func firstOf(mistakes []string) string {
	const most = 6
	text := strings.Join(mistakes[:min(most, len(mistakes))], "; ")
	if rest := len(mistakes) - most; rest > 0 {
		text += fmt.Sprintf("; and %d more", rest)
	}
	return text
}
