// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gorgonia.org/tensor"
)

// pair is a weight with the tensor that goes into it, or one of the two alone.
type pair struct {
	tensor *fileTensor
	weight *Weight
	reason string // why the pair cannot be used
	layer  bool   // file and model both have the layer
}

// take matches, reads everything, and only then writes.
func (m *Model) take(f *weightsFile, s weightsSettings) (*Receipt, error) {
	r := &Receipt{File: f.name, Version: f.version}
	var pairs []pair
	switch {
	case f.paths:
		pairs = m.pairPaths(f)
	case f.legacy:
		pairs = m.pairUnits(f, s, r)
	default:
		pairs = m.pairLeaves(f, s, r)
	}
	var mistakes []string
	var used []pair
	for _, p := range pairs {
		e := ReceiptEntry{Reason: p.reason, Used: p.reason == ""}
		if p.tensor != nil {
			e.Tensor, e.TensorShape = p.tensor.path, p.tensor.shape
		}
		if p.weight != nil {
			e.Weight, e.WeightShape = m.paths[p.weight], p.weight.shape
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
		if want := Shape(p.weight.shape).Size(); len(values[i]) != want {
			return nil, fmt.Errorf("%s: %s has %d values, want %d", f.name, p.tensor.path, len(values[i]), want)
		}
		if err := p.weight.checkValues(p.tensor.path, values[i]); err != nil {
			return nil, fmt.Errorf("%s: tensor %w", f.name, err)
		}
	}
	for i, p := range used {
		p.weight.take(values[i])
	}
	if !slices.ContainsFunc(m.weights, func(w *Weight) bool { return w.value == nil }) {
		return r, m.Build(0)
	}
	return r, nil
}

// take is Set that keeps the slice when there are no values yet.
func (w *Weight) take(values []float32) {
	if w.value == nil {
		w.value = tensor.New(tensor.WithShape(w.shape...), tensor.WithBacking(values))
		return
	}
	copy(w.value.Float32s(), values)
}

// mistake is what is wrong with an entry that was not used.
func (e ReceiptEntry) mistake() string {
	switch {
	case e.Weight == "":
		return fmt.Sprintf("tensor %q of shape %v: %s", e.Tensor, e.TensorShape, e.Reason)
	case e.Tensor == "":
		return fmt.Sprintf("weight %q of shape %v: %s", e.Weight, e.WeightShape, e.Reason)
	}
	return fmt.Sprintf("tensor %q of shape %v for weight %q of shape %v: %s", e.Tensor, e.TensorShape, e.Weight, e.WeightShape, e.Reason)
}

// firstOf joins the first few of many mistakes.
func firstOf(mistakes []string) string {
	const most = 6
	text := strings.Join(mistakes[:min(most, len(mistakes))], "; ")
	if rest := len(mistakes) - most; rest > 0 {
		text += fmt.Sprintf("; and %d more", rest)
	}
	return text
}

const (
	noWeight = "the model has no such weight"
	noTensor = "the file has no such tensor"

	// A layer is taken as a whole or not at all.
	sameLayer = "another weight of its layer does not fit"
)

// pairPaths matches tensors and weights by the weights' paths.
func (m *Model) pairPaths(f *weightsFile) []pair {
	byPath := map[string]*Weight{}
	for _, w := range m.weights {
		byPath[m.paths[w]] = w
	}
	var pairs []pair
	found := map[*Weight]bool{}
	for _, l := range f.layers {
		t := &l.tensors[0]
		w := byPath[t.path]
		if w == nil {
			pairs = append(pairs, pair{tensor: t, reason: noWeight})
			continue
		}
		found[w] = true
		pairs = append(pairs, pair{t, w, misfit(t, w), true})
	}
	for _, w := range m.weights {
		if !found[w] {
			pairs = append(pairs, pair{weight: w, reason: noTensor})
		}
	}
	return pairs
}

// pairLayer matches the tensors of one layer, which both sides have in the order of
// Keras's get_weights.
func (f *weightsFile) pairLayer(l leaf, tensors []fileTensor) (pairs []pair, good bool) {
	tensors = f.convert(l, tensors)
	weights := l.layer.weights
	good = true
	for i := range max(len(tensors), len(weights)) {
		p := pair{layer: true}
		switch {
		case i >= len(tensors):
			p.weight, p.reason = weights[i], noTensor
		case i >= len(weights):
			p.tensor, p.reason = &tensors[i], noWeight
		default:
			p.tensor, p.weight = &tensors[i], weights[i]
			p.reason = misfit(p.tensor, p.weight)
		}
		good = good && p.reason == ""
		pairs = append(pairs, p)
	}
	for i := range pairs {
		if !good && pairs[i].reason == "" {
			pairs[i].reason = sameLayer
		}
	}
	return pairs, good
}

// weightNames are names that mean the same in both packages: where tensor and weight
// have different ones of them, equal shapes do not make them fit.
var weightNames = []string{"kernel", "recurrent_kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "mean", "variance", "embeddings", "alpha"}

// misfit says why a tensor cannot go into a weight.
func misfit(t *fileTensor, w *Weight) string {
	name := path.Base(t.name)
	if name != path.Base(w.name) && slices.Contains(weightNames, name) && slices.Contains(weightNames, path.Base(w.name)) {
		return "their names differ"
	}
	if !slices.Equal(t.shape, w.shape) {
		return "the shapes differ"
	}
	return ""
}
