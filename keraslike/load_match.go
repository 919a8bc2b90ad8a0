// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"gorgonia.org/tensor"
)

// leaf is a layer with weights of its own, at its path.
type leaf struct {
	path    string
	kind    string
	weights []*Weight
}

// leaves are the layers with weights in the order of the layers, each once, those of
// nested models at the place of their model.
func (m *Model) leaves(prefix string, seen map[*Weight]bool) []leaf {
	var list []leaf
	for _, l := range m.layers() {
		if l.sub != nil {
			list = append(list, l.sub.leaves(prefix+l.name+"/", seen)...)
			continue
		}
		if len(l.weights) > 0 && !seen[l.weights[0]] {
			seen[l.weights[0]] = true
			list = append(list, leaf{prefix + l.name, l.def.Kind(), l.weights})
		}
	}
	return list
}

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
	if f.paths {
		pairs = m.pairPaths(f)
	} else {
		pairs, r.ByOrder = m.pairLayers(f, s)
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

// pairLayers matches layers by name, or else by order.
func (m *Model) pairLayers(f *weightsFile, s weightsSettings) (pairs []pair, byOrder bool) {
	leaves := m.leaves("", map[*Weight]bool{})
	byName := map[string]int{}
	for i, l := range f.layers {
		byName[l.name] = i
	}
	partner := make([]int, len(leaves)) // of the file's layers, -1 for none
	same := 0
	for i, l := range leaves {
		if at, ok := byName[l.path]; ok {
			partner[i] = at
			same++
		} else {
			partner[i] = -1
		}
	}
	whole := same == len(leaves) && same == len(f.layers)
	if byOrder = !whole && !s.byName && len(leaves) == len(f.layers); byOrder {
		for i := range partner {
			partner[i] = i
		}
	}
	used := map[int]bool{}
	for i, l := range leaves {
		if partner[i] < 0 {
			for _, w := range l.weights {
				pairs = append(pairs, pair{weight: w, reason: noTensor})
			}
			continue
		}
		used[partner[i]] = true
		pairs = append(pairs, pairLayer(l, f.layers[partner[i]])...)
	}
	for i, l := range f.layers {
		if !used[i] {
			for k := range l.tensors {
				pairs = append(pairs, pair{tensor: &l.tensors[k], reason: noWeight})
			}
		}
	}
	return pairs, byOrder
}

// pairLayer matches the tensors of one layer, which both sides have in the order of
// Keras's get_weights.
func pairLayer(l leaf, file fileLayer) []pair {
	tensors := convert(l.kind, file.tensors)
	var pairs []pair
	good := true
	for i := range max(len(tensors), len(l.weights)) {
		p := pair{layer: true}
		switch {
		case i >= len(tensors):
			p.weight, p.reason = l.weights[i], noTensor
		case i >= len(l.weights):
			p.tensor, p.reason = &tensors[i], noWeight
		default:
			p.tensor, p.weight = &tensors[i], l.weights[i]
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
	return pairs
}

// weightNames are names that mean the same in both packages: where tensor and weight
// have different ones of them, equal shapes do not make them fit.
var weightNames = []string{"kernel", "recurrent_kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "mean", "variance", "embeddings", "alpha"}

// misfit says why a tensor cannot go into a weight. Axes of one make no difference.
func misfit(t *fileTensor, w *Weight) string {
	name := path.Base(t.name)
	if name != path.Base(w.name) && slices.Contains(weightNames, name) && slices.Contains(weightNames, path.Base(w.name)) {
		return "their names differ"
	}
	long := func(shape []int) []int {
		return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
	}
	if !slices.Equal(long(t.shape), long(w.shape)) {
		return "the shapes differ"
	}
	return ""
}

// convert puts the tensors of a layer into today's form.
func convert(kind string, tensors []fileTensor) []fileTensor {
	switch {
	case kind == "LSTM" && len(tensors) == 12: // Keras 1: W, U, b of i, c, f and o
		return joined(tensors, 0, 2, 1, 3)
	case kind == "GRU" && len(tensors) == 9: // Keras 1: of z, r and h
		return joined(tensors, 0, 1, 2)
	case kind == "Normalization" && len(tensors) == 3: // the third is a count of samples
		return tensors[:2]
	}
	return tensors
}

// joined makes one kernel, one recurrent kernel and one bias of those of the gates.
func joined(tensors []fileTensor, gates ...int) []fileTensor {
	var out []fileTensor
	for i, name := range []string{"kernel", "recurrent_kernel", "bias"} {
		var parts []fileTensor
		for _, g := range gates {
			parts = append(parts, tensors[3*g+i])
		}
		t := fileTensor{name: name, path: parts[0].path + " ...", shape: slices.Clone(parts[0].shape)}
		if len(t.shape) == 0 {
			return tensors // no gates of a layer; the shapes will not fit
		}
		last := len(t.shape) - 1
		t.shape[last] *= len(gates)
		t.read = func() ([]float32, error) { return side(parts) }
		out = append(out, t)
	}
	return out
}

// side reads matrices of the same shape and puts them side by side.
func side(parts []fileTensor) ([]float32, error) {
	shape := parts[0].shape
	width := shape[len(shape)-1]
	if width == 0 {
		return nil, errors.New("a gate has no columns")
	}
	rows := Shape(shape).Size() / width
	out := make([]float32, rows*width*len(parts))
	for k, p := range parts {
		if !slices.Equal(p.shape, shape) {
			return nil, fmt.Errorf("%s has shape %v, want %v as %s", p.path, p.shape, shape, parts[0].path)
		}
		values, err := p.read()
		if err != nil {
			return nil, err
		}
		for row := range rows {
			copy(out[(row*len(parts)+k)*width:], values[row*width:(row+1)*width])
		}
	}
	return out, nil
}
