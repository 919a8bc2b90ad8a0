// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Add is the sum of its inputs, element by element: Add().Of(a, b, c).
//
//	inputs  two or more of the same shape; an axis of length 1 is repeated to fit the others
//	output  that shape
//
// See https://keras.io/api/layers/merging_layers/add/.
func Add(opts ...LayerOption) Layer { return newMerge("Add", opts) }

// Subtract is a - b for two inputs. Shapes are Add's.
// See https://keras.io/api/layers/merging_layers/subtract/.
func Subtract(opts ...LayerOption) Layer { return newMerge("Subtract", opts) }

// Multiply is the product of its inputs, element by element; a factor at a masked step
// is 1, and the product 0 where all inputs have masks and none counts. Shapes are Add's.
// See https://keras.io/api/layers/merging_layers/multiply/.
func Multiply(opts ...LayerOption) Layer { return newMerge("Multiply", opts) }

// Average is the mean of its inputs, element by element. Shapes are Add's.
// See https://keras.io/api/layers/merging_layers/average/.
func Average(opts ...LayerOption) Layer { return newMerge("Average", opts) }

// Maximum is the largest of its inputs, element by element, without those at masked
// steps; where none counts it is the first. Of equal ones the first gets the gradient.
// Shapes are Add's.
// See https://keras.io/api/layers/merging_layers/maximum/.
func Maximum(opts ...LayerOption) Layer { return newMerge("Maximum", opts) }

// Minimum is the smallest of its inputs, with the masks and the gradient of Maximum.
// Shapes are Add's.
// See https://keras.io/api/layers/merging_layers/minimum/.
func Minimum(opts ...LayerOption) Layer { return newMerge("Minimum", opts) }

func newMerge(function string, opts []LayerOption) Layer {
	d := &merge{Function: function}
	return newLayer(d, &d.common, opts)
}

type merge struct {
	common
	Function string `json:"function"`
}

func (d *merge) Kind() string { return d.Function }

func (d *merge) check() error {
	switch d.Function {
	case "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum":
		return nil
	}
	return fmt.Errorf("function is %q, which merges nothing", d.Function)
}

func (d *merge) Build(_ *Builder, in []Shape) (Shape, error) {
	if len(in) < 2 || len(in) > 2 && d.Function == "Subtract" {
		want := map[bool]string{true: "2", false: "at least 2"}[d.Function == "Subtract"]
		return nil, fmt.Errorf("got %d inputs, want %s", len(in), want)
	}
	out := append(Shape{}, in[0]...)
	for i, x := range in[1:] {
		if len(x) != len(out) {
			return nil, fmt.Errorf("input %d has shape %v, input 0 has %v: want the same number of axes", i+1, x, in[0])
		}
		for k, n := range x {
			if out[k] == 1 {
				out[k] = n
			} else if n != 1 && n != out[k] {
				return nil, fmt.Errorf("input %d has shape %v, which does not fit %v", i+1, x, out)
			}
		}
	}
	return out, nil
}

func (d *merge) Forward(s *Scope, in []*graph.Node) *graph.Node {
	masks := s.inputMasks(len(in))
	s.SetMask(0, s.anyMask(masks))
	in = broadcast(s, in)
	for i, m := range masks {
		if in[i] == nil {
			return nil
		}
		masks[i] = s.maskLike(m, in[i])
	}
	y := in[0]
	switch d.Function {
	case "Multiply":
		return multiplied(s, in, masks)
	case "Maximum":
		return largest(s, in, masks)
	case "Minimum": // min(a, b) = -max(-a, -b)
		for i, x := range in {
			in[i] = s.Do(graph.Scale(x, -1))
		}
		return s.Do(graph.Scale(largest(s, in, masks), -1))
	}
	for _, x := range in[1:] {
		if d.Function == "Subtract" {
			y = s.Do(graph.Sub(y, x))
		} else {
			y = s.Do(graph.Add(y, x))
		}
	}
	if d.Function == "Average" {
		y = s.Do(graph.Scale(y, 1/float64(len(in))))
	}
	return y
}

// multiplied multiplies the inputs with 1 in the place of what is masked.
func multiplied(s *Scope, in, masks []*graph.Node) (y *graph.Node) {
	for i, x := range in {
		if masks[i] != nil {
			x = s.where(masks[i], x, s.Do(graph.Ones(x, len(x.Shape()))))
		}
		if i == 0 {
			y = x
		} else {
			y = s.Do(graph.Mul(y, x))
		}
	}
	if mask := s.anyMask(masks); mask != nil {
		y = s.Do(graph.MaskSteps(y, mask))
	}
	return y
}

// largest is the maximum so far, joined by each input in turn: what is masked in one of
// the two is the other's.
func largest(s *Scope, in, masks []*graph.Node) *graph.Node {
	y, mask := in[0], masks[0]
	for i, x := range in[1:] {
		m := masks[i+1]
		if m != nil {
			x = s.where(m, x, y)
		}
		if mask != nil {
			y = s.where(mask, y, x)
		}
		mask = s.anyMask([]*graph.Node{mask, m})
		y = s.Do(graph.Maximum(y, x))
	}
	return y
}

// broadcast repeats axes of length 1 to the longest of that axis.
func broadcast(s *Scope, in []*graph.Node) []*graph.Node {
	out := append([]*graph.Node{}, in...)
	for i := range out {
		for axis := range in[0].Shape() {
			longest := 1
			for _, x := range in {
				longest = max(longest, x.Shape()[axis])
			}
			if in[i].Shape()[axis] < longest {
				out[i] = s.Do(graph.RepeatElements(out[i], axis, longest))
			}
		}
	}
	return out
}
