// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Add sums its inputs element by element: Add().Apply(a, b, c).
//
//	inputs  two or more of the same shape; axes of length 1 are broadcast
//	output  the same shape
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/merging_layers/add/.
func Add(opts ...LayerOption) Layer { return newMerge("Add", opts) }

// Subtract computes a - b for two inputs. Shapes are as in Add.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/merging_layers/subtract/.
func Subtract(opts ...LayerOption) Layer { return newMerge("Subtract", opts) }

// Multiply multiplies its inputs element by element. Shapes are as in Add. Masked steps of
// an input count as 1; the product is 0 at steps that are masked in all inputs.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/merging_layers/multiply/.
func Multiply(opts ...LayerOption) Layer { return newMerge("Multiply", opts) }

// Average computes the mean of its inputs element by element. Shapes are as in Add.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/merging_layers/average/.
func Average(opts ...LayerOption) Layer { return newMerge("Average", opts) }

// Maximum computes the maximum of its inputs element by element. Shapes are as in Add.
// Masked steps of an input are ignored; at steps that are masked in all inputs the output is
// the first input. If several inputs are equal, the first one gets the gradient.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/merging_layers/maximum/.
func Maximum(opts ...LayerOption) Layer { return newMerge("Maximum", opts) }

// Minimum computes the minimum of its inputs element by element. Shapes are as in Add, masks
// and gradients as in Maximum.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/merging_layers/minimum/.
func Minimum(opts ...LayerOption) Layer { return newMerge("Minimum", opts) }

func newMerge(function string, opts []LayerOption) Layer {
	return newLayer(&merge{Function: function}, opts)
}

type merge struct {
	Function string `json:"function"`
}

var _ = register[merge]("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")

func (d *merge) Kind() string { return d.Function }

func (d *merge) check() error {
	switch d.Function {
	case "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum":
		return nil
	}
	return fmt.Errorf("function %q is unknown", d.Function)
}

func (d *merge) Build(_ *Builder, in []Shape) (Shape, error) {
	if len(in) < 2 || len(in) > 2 && d.Function == "Subtract" {
		want := map[bool]string{true: "2", false: "at least 2"}[d.Function == "Subtract"]
		return nil, fmt.Errorf("got %s, want %s", text.Count(len(in), "input"), want)
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

// multiplied multiplies the inputs, with 1 at masked steps.
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

// largest computes the maximum of the inputs one after another. If a step is masked in one of
// two, the value is that of the other.
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

// broadcast repeats axes of length 1 to the longest length of that axis.
func broadcast(s *Scope, in []*graph.Node) []*graph.Node {
	out := append([]*graph.Node{}, in...)
	for i := range out {
		for axis := range in[0].Shape() {
			longest := 1
			for _, x := range in {
				longest = max(longest, x.Shape()[axis])
			}
			if in[i].Shape()[axis] < longest {
				out[i] = s.Do(graph.Repeat(out[i], longest, axis))
			}
		}
	}
	return out
}

// Concatenate joins its inputs along an axis: Concatenate().Apply(a, b, c).
//
//	inputs  two or more whose shapes agree except along that axis
//	output  the same shape with the sum of the lengths along that axis
//
// Options:
//
//	Axis       -1
//	Name       "concatenate", "concatenate_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/merging_layers/concatenate/.
func Concatenate(opts ...MergeOption) Layer {
	return newLayer(&concatenate{Axis: -1}, opts)
}

type concatenate struct {
	Axis int `json:"axis" option:"Axis"`
}

var _ = register[concatenate]("Concatenate")

func (d *concatenate) Kind() string { return "Concatenate" }

func (d *concatenate) Build(_ *Builder, in []Shape) (Shape, error) {
	if len(in) < 2 {
		return nil, fmt.Errorf("got %s, want at least 2", text.Count(len(in), "input"))
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

// mask concatenates the masks if they have the axis; otherwise it returns anyMask.
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

// Dot sums the products of two inputs along one axis of each, sample by sample:
// Dot(2, 2).Apply(a, b) is c_ij = Σ_k a_ik·b_jk. Axes are counted from 1, the batch
// being axis 0; -1 is the last.
//
//	inputs  (batch, n) and (batch, n)         output  (batch, 1)
//	        (batch, p, n) and (batch, q, n)           (batch, p, q)
//	        (batch, p, n) and (batch, n)              (batch, p), and vice versa
//	        (batch, ..., n) and (batch, ..., n)       (batch, ..., ...), the other axes of a, then those of b
//
// The axis that is summed over may be any but the batch. More than two axes behind the batch are transposed so
// that it is the last one.
//
// Options:
//
//	Normalized  off
//	Name        "dot", "dot_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/merging_layers/dot/.
func Dot(axisA, axisB int, opts ...MergeOption) Layer {
	return newLayer(&dot{Axes: [2]int{axisA, axisB}}, opts)
}

// MergeFlag is a MergeOption that turns something on. It is off by default.
type MergeFlag string

// Normalized scales the vectors to length 1 first, so that Dot computes cosine similarities.
const Normalized MergeFlag = "Normalized"

func (f MergeFlag) sets() setting { return set(string(f), true) }
func (MergeFlag) forMerge()       {}

type dot struct {
	Axes       [2]int `json:"axes"`
	Normalized bool   `json:"normalize,omitempty" option:"Normalized"`
}

var _ = register[dot]("Dot")

func (d *dot) Kind() string { return "Dot" }

func (d *dot) Build(_ *Builder, in []Shape) (Shape, error) {
	if len(in) != 2 {
		return nil, fmt.Errorf("got %s, want 2", text.Count(len(in), "input"))
	}
	var out Shape
	var n [2]int
	for i, x := range in {
		if len(x) == 0 {
			return nil, fmt.Errorf("input %d has shape %v, want (batch, ..., n)", i, x)
		}
		axis, err := axisOf(d.Axes[i], x)
		if err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		n[i] = x[axis]
		out = append(out, slices.Delete(slices.Clone(x), axis, axis+1)...)
	}
	if n[0] != n[1] {
		return nil, fmt.Errorf("inputs have shapes %v and %v, whose axes %d and %d have different lengths %d and %d", in[0], in[1], d.Axes[0], d.Axes[1], n[0], n[1])
	}
	if len(out) == 0 {
		out = Shape{1}
	}
	return out, nil
}

func (d *dot) Forward(s *Scope, in []*graph.Node) *graph.Node {
	a, transA, p := d.matrix(s, in, 0)
	b, transB, q := d.matrix(s, in, 1)
	y := s.Do(graph.MatMul(a, b, graph.Transposed(transA, !transB)))
	out := slices.Concat(in[0].Shape()[:1], p, q)
	if len(out) == 1 {
		out = append(out, 1)
	}
	return s.Do(graph.Reshape(y, out...))
}

// matrix returns an input as (batch, rows, n), or as (batch, n, rows) with trans, and the axes that became rows.
func (d *dot) matrix(s *Scope, in []*graph.Node, i int) (x *graph.Node, trans bool, rows []int) {
	x = in[i]
	shape := x.Shape()
	axis, err := axisOf(d.Axes[i], Shape(shape[1:]))
	if err != nil {
		return s.Do(nil, err), false, nil
	}
	axis++
	rows = slices.Delete(slices.Clone([]int(shape[1:])), axis-1, axis)
	trans = len(shape) == 3 && axis == 1 && !d.Normalized
	if !trans && axis < len(shape)-1 {
		x = s.Do(graph.Transpose(x, append(slices.Delete(upTo(len(shape)), axis, axis+1), axis)...))
	}
	if len(shape) != 3 {
		x = s.Do(graph.Reshape(x, shape[0], Shape(rows).Size(), shape[axis]))
	}
	if d.Normalized {
		x = s.Do(graph.L2Normalize(x))
	}
	return x, trans, rows
}
