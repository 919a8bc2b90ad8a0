// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Concatenate joins its inputs along an axis: Concatenate().Of(a, b, c).
//
//	inputs  two or more that agree in all axes but one
//	output  the same with the sum of that axis
//
// Options: Axis (default -1, the last), Name.
// See https://keras.io/api/layers/merging_layers/concatenate/.
func Concatenate(opts ...ConcatenateOption) Layer {
	d := &concatenate{Axis: -1}
	for _, o := range given(opts, &d.mistake) {
		o.applyConcatenate(d)
	}
	return &layer{name: d.name, def: d}
}

// ConcatenateOption is an option of Concatenate.
type ConcatenateOption interface{ applyConcatenate(*concatenate) }

func (n Name) applyConcatenate(d *concatenate) { d.name = string(n) }
func (a Axis) applyConcatenate(d *concatenate) { d.Axis = int(a) }

type concatenate struct {
	common
	Axis int `json:"axis"`
}

func (d *concatenate) Kind() string { return "Concatenate" }

func (d *concatenate) Build(_ *Builder, in []Shape) (Shape, error) {
	if len(in) < 2 {
		return nil, fmt.Errorf("got %d inputs, want at least 2", len(in))
	}
	axis, err := axisOf(d.Axis, in[0])
	if err != nil {
		return nil, err
	}
	out := append(Shape{}, in[0]...)
	for i, x := range in[1:] {
		if len(x) != len(out) {
			return nil, fmt.Errorf("input %d has shape %v, input 0 has %v: want the same number of axes", i+1, x, in[0])
		}
		want := append(Shape{}, in[0]...)
		if want[axis] = x[axis]; !x.Equal(want) {
			return nil, fmt.Errorf("input %d has shape %v, which differs from %v in more than axis %d", i+1, x, in[0], axis+1)
		}
		out[axis] += x[axis]
	}
	return out, nil
}

func (d *concatenate) Forward(s *Scope, in []*graph.Node) *graph.Node {
	axis, err := axisOf(d.Axis, Shape(in[0].Shape()[1:]))
	if err != nil {
		return s.Do(nil, err)
	}
	s.SetMask(0, d.mask(s, in, axis+1))
	return s.Do(graph.Concat(axis+1, in...))
}

// mask joins the masks along one of their own axes, along another it is anyMask.
func (d *concatenate) mask(s *Scope, in []*graph.Node, axis int) *graph.Node {
	masks, axes := s.inputMasks(len(in)), 0
	for _, m := range masks {
		if m != nil {
			axes = len(m.Shape())
		}
	}
	if axis >= axes {
		return s.anyMask(masks)
	}
	for i, m := range masks {
		if m == nil {
			masks[i] = s.Do(graph.Ones(in[i], axes))
		}
	}
	return s.Do(graph.Concat(axis, masks...))
}
