// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Activation applies an activation function to every element.
//
// The output has the shape of the input, which may be any; GLU halves an axis. Softmax, LogSoftmax,
// Sparsemax and GLU work along an axis, the first two also along several together. With MaskInput Softmax
// takes a second input, a mask of the input's shape or with axes of length 1, and gives 0 where it is 0.
//
// The default of Axis is the last one. MaxValue and NegativeSlope fit ReLU; ThresholdAt fits ReLU, SoftShrink, HardShrink and Cutoff;
// OtherValue Cutoff; Alpha ELU, CELU and SquarePlus; Approximate GELU.
//
// Options:
//
//	Axis           none
//	NegativeSlope  0
//	MaxValue       none
//	ThresholdAt    that of the function
//	OtherValue     0
//	Alpha          that of the function
//	Approximate    off
//	MaskInput      off
//	Name           "activation", "activation_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/core_layers/activation/.
func Activation(f ActivationFunc, opts ...ActivationOption) Layer {
	return newLayer(&activation{Function: f}, opts)
}

// MaxValue is the largest value that Activation(ReLU) gives; by default there is none.
func MaxValue(v float64) ActivationOption { return activationOption{setting: set("MaxValue", v)} }

// ThresholdAt is the value below which Activation gives 0 for ReLU and OtherValue for Cutoff, both of
// which keep larger values, by default 0; and the distance from 0 for HardShrink and SoftShrink, by
// default 0.5.
func ThresholdAt(v float64) ActivationOption {
	return activationOption{setting: set("ThresholdAt", v)}
}

// OtherValue is what Activation(Cutoff) gives up to the threshold; the default is 0.
func OtherValue(v float64) ActivationOption { return activationOption{setting: set("OtherValue", v)} }

// Alpha is the constant of Activation(ELU) and Activation(CELU), by default 1, and that of
// Activation(SquarePlus), which Keras names b, by default 4.
func Alpha(v float64) ActivationOption { return activationOption{setting: set("Alpha", v)} }

// ActivationFlag is an ActivationOption that turns something on. All flags are off by default.
type ActivationFlag string

// The flags of Activation.
const (
	// Approximate computes GELU as x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
	Approximate ActivationFlag = "Approximate"
	// MaskInput gives Softmax a mask as a second input.
	MaskInput ActivationFlag = "MaskInput"
)

func (f ActivationFlag) sets() setting { return set(string(f), true) }
func (ActivationFlag) forActivation()  {}

type activation struct {
	passesMask
	Function ActivationFunc `json:"function"`
	activationConstants
	Axis      []int `json:"axis,omitempty" option:"Axis"` // nil for the last
	MaskInput bool  `json:"mask_input,omitempty" option:"MaskInput"`
}

var _ = register[activation]("Activation")

func (d *activation) Kind() string { return "Activation" }

// options are those that change the function, as they are given.
func (d *activation) options() (list []string) {
	add := func(option string, given bool) {
		if given {
			list = append(list, option)
		}
	}
	add("Alpha", d.Alpha != nil)
	add("Approximate", d.Approximate)
	add("Axis", d.Axis != nil)
	add("MaskInput", d.MaskInput)
	add("MaxValue", d.MaxValue != nil)
	add("NegativeSlope", d.NegativeSlope != nil)
	add("OtherValue", d.OtherValue != nil)
	add("ThresholdAt", d.ThresholdAt != nil)
	return list
}

func (d *activation) check() error {
	if d.Function != GLU {
		if err := d.Function.check(); err != nil {
			return err
		}
	}
	fit := d.Function.options()
	var mistakes []error
	for _, option := range d.options() {
		if !slices.Contains(fit, option) {
			want := "want no options"
			if len(fit) > 0 {
				want = "want " + strings.Join(fit, ", ")
			}
			mistakes = append(mistakes, fmt.Errorf("%s does not fit %s, %s", option, d.Function, want))
		}
	}
	if len(d.Axis) > 1 && d.Function != Softmax && d.Function != LogSoftmax {
		mistakes = append(mistakes, fmt.Errorf("Axis: got %d axes, %s takes one", len(d.Axis), d.Function))
	}
	return errors.Join(append(mistakes, d.activationConstants.check(d.Function))...)
}

// alongAxis reports whether the function works along an axis.
func (f ActivationFunc) alongAxis() bool {
	return f == Softmax || f == LogSoftmax || f == Sparsemax || f == GLU
}

func (d *activation) axis() []int {
	if d.Axis == nil {
		return []int{-1}
	}
	return d.Axis
}

func (d *activation) Build(_ *Builder, in []Shape) (Shape, error) {
	if d.MaskInput {
		if len(in) != 2 {
			return nil, fmt.Errorf("got %s, want the input and its mask", text.Count(len(in), "input"))
		}
		if !masksFit(in[1], in[0]) {
			return nil, fmt.Errorf("mask has shape %v, want %v or axes of length 1", in[1], in[0])
		}
		in = in[:1]
	}
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if !d.Function.alongAxis() {
		return in[0], nil
	}
	if len(in[0]) == 0 {
		return nil, fmt.Errorf("input is one number for each sample, %s needs a row", d.Function)
	}
	if _, err := axesOf(d.axis(), in[0]); err != nil {
		return nil, err
	}
	if d.Function != GLU {
		return in[0], nil
	}
	axis, err := axisOf(d.axis()[0], in[0])
	if err != nil {
		return nil, err
	}
	if in[0][axis]%2 != 0 {
		return nil, fmt.Errorf("input has shape %v, glu wants an even length of the axis", in[0])
	}
	half := slices.Clone(in[0])
	half[axis] /= 2
	return half, nil
}

// masksFit reports whether a mask can be broadcast to a shape.
func masksFit(mask, to Shape) bool {
	if len(mask) != len(to) {
		return false
	}
	for i, n := range mask {
		if n != 1 && n != to[i] {
			return false
		}
	}
	return true
}

func (d *activation) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if !d.Function.alongAxis() {
		return s.activateWith(in[0], d.Function, d.activationConstants)
	}
	x := in[0]
	if d.Function == GLU {
		axis, err := axisOf(d.axis()[0], Shape(x.Shape()[1:]))
		s.Do(nil, err)
		half := x.Shape()[axis+1] / 2
		gate := s.Do(graph.Activate(s.Do(graph.Slice(x, graph.At(axis+1, half, graph.Open))), graph.Act(graph.Sigmoid)))
		return s.Do(graph.Mul(s.Do(graph.Slice(x, graph.At(axis+1, 0, half))), gate))
	}
	var keep *graph.Node
	if d.MaskInput {
		keep = s.Do(graph.Greater(in[1], s.Do(graph.Scalar(in[1], 0.5))))
		x = s.Do(graph.Where(keep, x, s.Do(graph.Scalar(x, graph.MaskedScore))))
	}
	y := d.rows(s, x)
	if keep != nil {
		y = s.Do(graph.Where(keep, y, s.Do(graph.Scalar(x, 0))))
	}
	return y
}

// rows applies the function along its axes.
func (d *activation) rows(s *Scope, x *graph.Node) *graph.Node {
	if x == nil {
		return nil
	}
	moved, back := axesLast(s, x, d.axis()...)
	if moved == x && len(d.Axis) < 2 {
		return s.Activate(x, d.Function)
	}
	if moved == nil {
		return nil
	}
	shape := slices.Clone([]int(moved.Shape()))
	n := len(shape) - len(d.axis())
	rows := s.Do(graph.Reshape(moved, append(slices.Clone(shape[:n]), Shape(shape[n:]).Size())...))
	return back(s.Do(graph.Reshape(s.Do(d.Function.apply(rows)), shape...)))
}
