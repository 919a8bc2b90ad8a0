// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// attentionSteps are the axes of inputs, counted from 1 since 0 is the batch: those that are attended,
// and the others before the features.
type attentionSteps struct{ attended, others []int }

// steps returns the axes of query and value.
func (d *attention) steps(query, value Shape) (a attentionSteps, err error) {
	if len(query) != len(value) {
		return a, fmt.Errorf("query has shape %v, value %v, want the same number of axes", query, value)
	}
	along := make([]bool, len(query))
	for _, axis := range d.AttentionAxes {
		i, err := axisOf(axis, query)
		if err != nil {
			return a, fmt.Errorf("AttentionAxes: %w", err)
		}
		if i == len(query)-1 || along[i] {
			return a, fmt.Errorf("AttentionAxes: axes are %v, want each axis of steps at most once", d.AttentionAxes)
		}
		along[i] = true
	}
	for i := range query[:len(query)-1] {
		if along[i] || d.AttentionAxes == nil {
			a.attended = append(a.attended, i+1)
		} else if a.others = append(a.others, i+1); query[i] != value[i] {
			return a, fmt.Errorf("query has shape %v, value %v, want the same length of axis %d, which is not attended", query, value, i+1)
		}
	}
	return a, nil
}

// lengths returns the lengths of axes.
func lengthsOf(s Shape, axes []int) (list []int) {
	for _, a := range axes {
		list = append(list, s[a-1])
	}
	return list
}

// scores returns the shape of the weights of a sample.
func (a attentionSteps) scores(heads int, query, value Shape) Shape {
	return slices.Concat(lengthsOf(query, a.others), Shape{heads}, lengthsOf(query, a.attended), lengthsOf(value, a.attended))
}

// forwardAlongAxes is Forward for inputs with several axes of steps: the others belong to the batch.
func (d *attention) forwardAlongAxes(s *Scope, in []*graph.Node, query, value Shape) *graph.Node {
	a, err := d.steps(query, value)
	if err != nil {
		return s.Do(nil, err)
	}
	batch, others := s.batch, Shape(lengthsOf(query, a.others)).Size()
	order := slices.Concat([]int{0}, a.others, a.attended, []int{len(query)})
	flat := make([]*graph.Node, len(in))
	for i, x := range in {
		shape := Shape(x.Shape()[1:])
		flat[i] = s.Do(graph.Reshape(s.Do(graph.Transpose(x, order...)), batch*others, Shape(lengthsOf(shape, a.attended)).Size(), shape[len(shape)-1]))
	}
	y, scores := d.attend(s, flat, nil, nil, nil)
	if d.ReturnScores {
		s.Output(s.Do(graph.Reshape(scores, a.scores(d.Heads, query, value).withBatch(batch)...)))
	}
	if y == nil {
		return nil
	}
	moved := slices.Concat([]int{batch}, lengthsOf(query, a.others), lengthsOf(query, a.attended), y.Shape()[2:])
	back := make([]int, len(order), len(moved))
	for i, axis := range order {
		back[axis] = i
	}
	for axis := len(order); axis < len(moved); axis++ { // further axes of features
		back = append(back, axis)
	}
	return s.Do(graph.Transpose(s.Do(graph.Reshape(y, moved...)), back...))
}

// windowed returns a mask that is also 0 outside of the window.
func (d *attention) windowed(s *Scope, mask, query, value *graph.Node) *graph.Node {
	if d.SlidingWindow == nil {
		return mask
	}
	batch, t, n := query.Shape()[0], query.Shape()[1], value.Shape()[1]
	near := stepMask(s, query.Graph(), t, n, func(i, j int) bool { return max(i-j, j-i) < *d.SlidingWindow })
	near = s.Do(graph.BroadcastTo(near, batch, t, n))
	if mask == nil {
		return near
	}
	return s.Do(graph.Mul(mask, near))
}

// attendAll returns the heads' sums, (batch, t, heads·valueDim), and with ReturnScores the weights.
func (d *attention) attendAll(s *Scope, spec graph.AttentionSpec, in graph.AttentionInputs) (y, scores *graph.Node) {
	if in.Query == nil || in.Key == nil || in.Value == nil {
		return nil, nil
	}
	in.Mask = d.windowed(s, in.Mask, in.Query, in.Value)
	if d.ReturnScores {
		return s.attentionWithScores(spec, in)
	}
	return s.Do(graph.Attention(spec, in)), nil
}

// attendByHead is attendAll for a mask (batch, heads, t, s), as the op has one for all heads: each head becomes a
// sample.
func (d *attention) attendByHead(s *Scope, spec graph.AttentionSpec, in graph.AttentionInputs) (y, scores *graph.Node) {
	if in.Query == nil || in.Key == nil || in.Value == nil {
		return nil, nil
	}
	heads := spec.Heads
	batch, t, n := in.Query.Shape()[0], in.Query.Shape()[1], in.Key.Shape()[1]
	split := func(x *graph.Node) *graph.Node {
		steps, dim := x.Shape()[1], x.Shape()[2]/heads
		x = s.Do(graph.Transpose(s.Do(graph.Reshape(x, batch, steps, heads, dim)), 0, 2, 1, 3))
		return s.Do(graph.Reshape(x, batch*heads, steps, dim))
	}
	repeated := func(mask *graph.Node) *graph.Node {
		if mask == nil {
			return nil
		}
		return s.Do(graph.Repeat(mask, heads, 0))
	}
	spec.Heads = 1
	dim := in.Value.Shape()[2] / heads
	y, scores = d.attendAll(s, spec, graph.AttentionInputs{
		Query: split(in.Query), Key: split(in.Key), Value: split(in.Value),
		Mask: s.Do(graph.Reshape(in.Mask, batch*heads, t, n)), QueryMask: repeated(in.QueryMask), KeyMask: repeated(in.KeyMask),
	})
	if scores != nil {
		scores = s.Do(graph.Reshape(scores, batch, heads, t, n))
	}
	y = s.Do(graph.Transpose(s.Do(graph.Reshape(y, batch, heads, t, dim)), 0, 2, 1, 3))
	return s.Do(graph.Reshape(y, batch, t, heads*dim)), scores
}

// stepMask is a constant (1, t, s) of 1 where keep and 0 elsewhere.
func stepMask(s *Scope, g *graph.Graph, t, n int, keep func(i, j int) bool) *graph.Node {
	values := make([]float32, t*n)
	for i := range t {
		for j := range n {
			if keep(i, j) {
				values[i*n+j] = 1
			}
		}
	}
	return s.Do(graph.Constant(g, tensor.New(tensor.WithShape(1, t, n), tensor.WithBacking(values))))
}

// attentionWithScores is graph.Attention that also returns the weights, (batch, heads, t, s).
func (s *Scope) attentionWithScores(spec graph.AttentionSpec, in graph.AttentionInputs) (y, weights *graph.Node) {
	if in.Query == nil || in.Key == nil || in.Value == nil {
		return nil, nil
	}
	split := func(x *graph.Node) *graph.Node {
		shape := x.Shape()
		return s.Do(graph.Transpose(s.Do(graph.Reshape(x, shape[0], shape[1], spec.Heads, shape[2]/spec.Heads)), 0, 2, 1, 3))
	}
	batch, t, n := in.Query.Shape()[0], in.Query.Shape()[1], in.Key.Shape()[1]
	scores := s.Do(graph.Scale(s.Do(graph.MatMul(split(in.Query), split(in.Key), graph.Transposed(false, true))), spec.Scale))
	hide := func(mask *graph.Node, shape ...int) {
		if mask != nil {
			hidden := s.Do(graph.Affine(s.Do(graph.Reshape(mask, shape...)), -graph.MaskedScore, graph.MaskedScore))
			scores = s.Do(graph.Add(scores, hidden))
		}
	}
	hide(in.Mask, batch, 1, t, n)
	hide(in.QueryMask, batch, 1, t, 1)
	hide(in.KeyMask, batch, 1, 1, n)
	if spec.Causal {
		hide(stepMask(s, in.Query.Graph(), t, n, func(i, j int) bool { return j <= i }), 1, 1, t, n)
	}
	weights = s.Do(graph.Softmax(scores))
	dropped := weights
	if spec.Rate > 0 {
		dropped = s.Do(graph.Dropout(weights, spec.Rate, spec.Random, spec.Stream))
	}
	y = s.Do(graph.MatMul(dropped, split(in.Value)))
	return s.Do(graph.Reshape(s.Do(graph.Transpose(y, 0, 2, 1, 3)), batch, t, in.Value.Shape()[2])), weights
}
