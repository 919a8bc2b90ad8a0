// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// ConvLSTM2D is a long short-term memory over sequences of images whose products are convolutions
// (Shi et al. 2015, https://arxiv.org/abs/1506.04214). With W, U and b for each of the gates i, f, g and
// o, * the cross-correlation of Conv2D with a kernel of kernel x kernel cells, σ the RecurrentActivation
// and act the activation:
//
//	i, f, o = σ(x * W + h * U + b);  g = act(x * W_g + h * U_g + b_g)
//	c = f∘c + i∘g;  h = o∘act(c)
//
// Strides, dilation and padding are those of x * W; h * U has strides of 1, no dilation and SamePadding.
//
//	input    (batch, steps, height, width, in); optionally followed by the initial states h and c,
//	         (batch, height', width', filters)
//	output   (batch, height', width', filters), the last state, with sizes as in Conv2D; with
//	         ReturnSequences (batch, steps, height', width', filters)
//	further outputs  with ReturnState the last h (Tensor.Output(1)) and c (Tensor.Output(2))
//	weights  kernel (kh, kw, in, 4·filters), recurrent_kernel (kh, kw, filters, 4·filters),
//	         bias (4·filters), initialized to ones for f and to zeros for the others
//
// The states do not change at masked steps; a mask with more axes than the batch and the steps marks cells of
// the states, which it must fit. In training InputDropout drops values of x for each gate by itself, the same
// at all steps, and RecurrentDropout values of h likewise.
//
// Options:
//
//	ActivationFunc             Tanh
//	RecurrentActivation        Sigmoid
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	Dilation                   1
//	KernelSize                 kernel
//	ReturnSequences            off
//	ReturnState                off
//	GoBackwards                off
//	ZeroOutputForMask          off
//	Stateful                   off
//	InputDropout               0
//	RecurrentDropout           0
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	RecurrentInitializer       Orthogonal(1)
//	BiasInitializer            Zeros(), Ones() for the forget gate
//	KernelRegularizer          none
//	RecurrentRegularizer       none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	RecurrentConstraint        none
//	BiasConstraint             none
//	Name                       "conv_lstm2d", "conv_lstm2d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/recurrent_layers/conv_lstm2d/.
func ConvLSTM2D(filters, kernel int, opts ...ConvLSTMOption) Layer {
	return newConvLSTM(2, filters, kernel, opts)
}

// ConvLSTM1D is ConvLSTM2D over sequences of series.
//
//	input    (batch, steps, length, in); optionally followed by the initial states h and c,
//	         (batch, length', filters)
//	output   (batch, length', filters), the last state; with ReturnSequences (batch, steps, length', filters)
//	further outputs  with ReturnState the last h (Tensor.Output(1)) and c (Tensor.Output(2))
//	weights  kernel (k, in, 4·filters), recurrent_kernel (k, filters, 4·filters), bias (4·filters)
//
// Options:
//
//	ActivationFunc             Tanh
//	RecurrentActivation        Sigmoid
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	Dilation                   1
//	KernelSize                 kernel
//	ReturnSequences            off
//	ReturnState                off
//	GoBackwards                off
//	ZeroOutputForMask          off
//	Stateful                   off
//	InputDropout               0
//	RecurrentDropout           0
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	RecurrentInitializer       Orthogonal(1)
//	BiasInitializer            Zeros(), Ones() for the forget gate
//	KernelRegularizer          none
//	RecurrentRegularizer       none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	RecurrentConstraint        none
//	BiasConstraint             none
//	Name                       "conv_lstm1d", "conv_lstm1d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/recurrent_layers/conv_lstm1d/.
func ConvLSTM1D(filters, kernel int, opts ...ConvLSTMOption) Layer {
	return newConvLSTM(1, filters, kernel, opts)
}

// ConvLSTM3D is ConvLSTM2D over sequences of volumes.
//
//	input    (batch, steps, depth, height, width, in); optionally followed by the initial states h and c,
//	         (batch, depth', height', width', filters)
//	output   (batch, depth', height', width', filters), the last state; with ReturnSequences
//	         (batch, steps, depth', height', width', filters)
//	further outputs  with ReturnState the last h (Tensor.Output(1)) and c (Tensor.Output(2))
//	weights  kernel (kd, kh, kw, in, 4·filters), recurrent_kernel (kd, kh, kw, filters, 4·filters),
//	         bias (4·filters)
//
// Options:
//
//	ActivationFunc             Tanh
//	RecurrentActivation        Sigmoid
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	Dilation                   1
//	KernelSize                 kernel
//	ReturnSequences            off
//	ReturnState                off
//	GoBackwards                off
//	ZeroOutputForMask          off
//	Stateful                   off
//	InputDropout               0
//	RecurrentDropout           0
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	RecurrentInitializer       Orthogonal(1)
//	BiasInitializer            Zeros(), Ones() for the forget gate
//	KernelRegularizer          none
//	RecurrentRegularizer       none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	RecurrentConstraint        none
//	BiasConstraint             none
//	Name                       "conv_lstm3d", "conv_lstm3d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/recurrent_layers/conv_lstm3d/.
func ConvLSTM3D(filters, kernel int, opts ...ConvLSTMOption) Layer {
	return newConvLSTM(3, filters, kernel, opts)
}

type convLSTM struct {
	regularized
	RecurrentRegularizer Regularizer `json:"recurrent_regularizer,omitzero" option:"RecurrentRegularizer"`
	RecurrentConstraint  Constraint  `json:"recurrent_constraint,omitzero" option:"RecurrentConstraint"`

	Filters int `json:"filters"`
	window
	Activation          ActivationFunc `json:"activation" option:"ActivationFunc"`
	RecurrentActivation ActivationFunc `json:"recurrent_activation" option:"RecurrentActivation"`
	ReturnSequences     bool           `json:"return_sequences,omitempty" option:"ReturnSequences"`
	ReturnState         bool           `json:"return_state,omitempty" option:"ReturnState"`
	GoBackwards         bool           `json:"go_backwards,omitempty" option:"GoBackwards"`
	ZeroOutputForMask   bool           `json:"zero_output_for_mask,omitempty" option:"ZeroOutputForMask"`
	Stateful            bool           `json:"stateful,omitempty" option:"Stateful"`
	NoBias              bool           `json:"no_bias,omitempty" option:"NoBias"`
	InputDropout        float64        `json:"dropout,omitempty" option:"InputDropout"`
	RecurrentDropout    float64        `json:"recurrent_dropout,omitempty" option:"RecurrentDropout"`

	KernelInitializer    Initializer  `json:"kernel_initializer" option:"KernelInitializer"`
	RecurrentInitializer Initializer  `json:"recurrent_initializer" option:"RecurrentInitializer"`
	BiasInitializer      *Initializer `json:"bias_initializer,omitempty" option:"BiasInitializer"` // nil for unit_forget
}

func newConvLSTM(axes, filters, kernel int, opts []ConvLSTMOption) Layer {
	return newLayer(&convLSTM{
		Filters: filters, window: newWindow(axes, kernel), Activation: Tanh, RecurrentActivation: Sigmoid,
		KernelInitializer: GlorotUniform(), RecurrentInitializer: Orthogonal(1),
	}, opts)
}

// convLSTMGates are i, f, g and o, in the order in which the last axis of the weights has them.
const convLSTMGates = 4

var _ = register[convLSTM]("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")

func (d *convLSTM) Kind() string { return fmt.Sprintf("ConvLSTM%dD", d.Axes) }

func (d *convLSTM) refuses() []string { return []string{"CausalPadding"} }

func (d *convLSTM) check() error {
	switch {
	case d.Filters <= 0:
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	case d.Padding == graph.Causal:
		return errors.New("padding is causal, want valid or same")
	case !(d.InputDropout >= 0 && d.InputDropout < 1):
		return fmt.Errorf("dropout is %g, want 0 <= dropout < 1", d.InputDropout)
	case !(d.RecurrentDropout >= 0 && d.RecurrentDropout < 1):
		return fmt.Errorf("recurrent dropout is %g, want 0 <= dropout < 1", d.RecurrentDropout)
	}
	if err := d.RecurrentActivation.check(); err != nil {
		return fmt.Errorf("recurrent activation: %w", err)
	}
	if err := checkConv(&d.window, 3, &d.regularized, d.Activation); err != nil {
		return err
	}
	return errors.Join(d.RecurrentRegularizer.check(), d.RecurrentConstraint.check())
}

// convLSTMStepValues is how many values for each of a state a step of the loop and that of its gradient have.
const convLSTMStepValues = 16

// internalValues counts what the loop computes again in each step; what it keeps is in the memory plan.
func (d *convLSTM) internalValues(in []Shape) float64 {
	if len(in[0]) == 0 {
		return 0
	}
	return convLSTMStepValues * float64(d.Filters) * positionCount(in[0][1:])
}

func (d *convLSTM) Build(b *Builder, in []Shape) (Shape, error) {
	if n := len(in) - 1; n > 0 && n != 2 {
		return nil, fmt.Errorf("got %d initial states, want none or 2", n)
	}
	if err := oneInput(in[:min(1, len(in))]); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) != d.Axes+2 {
		want := map[int]string{1: "length", 2: "height, width", 3: "depth, height, width"}[d.Axes]
		return nil, fmt.Errorf("input has shape %v, want (batch, steps, %s, channels)", x, want)
	}
	state, err := d.output(x[1:], d.Filters)
	if err != nil {
		return nil, err
	}
	for i, h := range in[1:] {
		if !h.Equal(state) {
			return nil, fmt.Errorf("initial state %d has shape %v, want %v", i, h, state)
		}
	}
	size, columns := d.KernelSize.sizes(d.Axes), convLSTMGates*d.Filters
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, append(slices.Clone(size), x[d.Axes+1], columns)...)
	b.Weight("recurrent_kernel", d.RecurrentInitializer, d.RecurrentRegularizer, append(size, d.Filters, columns)...)
	if !d.NoBias {
		b.Weight("bias", d.biasInit(), d.BiasRegularizer, columns)
	}
	d.constrain(b)
	b.Constrain("recurrent_kernel", d.RecurrentConstraint)
	if d.ReturnState {
		b.Output(state)
		b.Output(state)
	}
	if d.Stateful {
		b.carry(state, state)
	}
	if d.ReturnSequences {
		return append(Shape{x[0]}, state...), nil
	}
	return state, nil
}

func (d *convLSTM) biasInit() Initializer {
	if d.BiasInitializer != nil {
		return *d.BiasInitializer
	}
	return Initializer{Kind: "unit_forget"}
}

func (d *convLSTM) states() int { return 2 }

func (d *convLSTM) Forward(s *Scope, in []*graph.Node) *graph.Node { return forwardOver(d, s, in) }

func (d *convLSTM) run(s *Scope, in []*graph.Node) (y *graph.Node, states []*graph.Node) {
	if in[0] == nil {
		return nil, nil
	}
	mask := s.Mask(0)
	loop := graph.Loop{Over: graph.Nodes{d.inputs(s, in[0])}, Reverse: d.GoBackwards}
	if loop.Over[0] == nil {
		return nil, nil
	}
	state := slices.Clone(loop.Over[0].Shape()[1:])
	state[d.Axes+1] = d.Filters
	switch {
	case len(in) > 1:
		loop.Init = append(loop.Init, in[1:]...)
	case d.Stateful:
		loop.Init = s.carried(Shape(state[1:]), Shape(state[1:]))
	default:
		zeros := s.Do(graph.Zeros(s.g, graph.Float32, state...))
		loop.Init = graph.Nodes{zeros, zeros}
	}
	if mask != nil {
		loop.Over = append(loop.Over, d.unmasked(s, mask, state))
	}
	step := d.step(s, s.Weight("recurrent_kernel"), state)
	if s.err != nil {
		return nil, nil
	}
	last, kept, err := graph.Scan(loop, step)
	if s.Do(nil, err); err != nil {
		return nil, nil
	}
	if d.Stateful {
		s.carry(last)
	}
	y = last[0]
	if d.ReturnSequences {
		y = s.Do(graph.SwapAxes(kept[0], 0, 1))
		if d.ZeroOutputForMask && mask != nil {
			y = s.Do(graph.MaskSteps(y, mask))
		}
		if d.GoBackwards { // what the loop keeps is in the order of the input
			y = s.Do(graph.Flip(y, 1))
		}
		s.SetMask(0, mask)
	} else if d.ZeroOutputForMask {
		y = s.zeroLastMasked(y, mask, d.GoBackwards)
	}
	if d.ReturnState {
		for _, h := range last {
			states = append(states, d.penalizeActivity(s, h))
		}
	}
	return d.penalizeActivity(s, y), states
}

// inputs returns x * W + b of all steps, (steps, batch, ..., gates).
func (d *convLSTM) inputs(s *Scope, x *graph.Node) *graph.Node {
	var bias *graph.Node
	if !d.NoBias {
		bias = s.Weight("bias")
	}
	x = s.Do(graph.SwapAxes(x, 0, 1))
	if x == nil {
		return nil
	}
	spec := d.spec()
	if rate := d.InputDropout; rate > 0 && s.Training() {
		x = d.dropEach(s, x, d.dropMask(s, 0, rate, x.Shape()[1:]))
		spec.Groups = convLSTMGates
	}
	if x == nil {
		return nil
	}
	shape := x.Shape().Clone()
	flat := s.Do(graph.Reshape(x, append([]int{shape[0] * shape[1]}, shape[2:]...)...))
	z := s.Do(graph.Conv(flat, s.Weight("kernel"), bias, spec, graph.Act(graph.Linear)))
	if z == nil {
		return nil
	}
	return s.Do(graph.Reshape(z, append([]int{shape[0], shape[1]}, z.Shape()[1:]...)...))
}

// unmasked is true where a state changes, (steps, batch, 1, ..., 1). A mask with more axes than the batch and
// the steps marks cells of the states.
func (d *convLSTM) unmasked(s *Scope, mask *graph.Node, state []int) *graph.Node {
	cells := mask.Shape()[2:]
	if len(cells) > 0 && !slices.Equal(cells, state[1:min(1+len(cells), len(state))]) {
		return s.Do(nil, fmt.Errorf("%s %q: mask has shape %v, which does not fit states of shape %v", d.Kind(), s.path, mask.Shape(), graph.Shape(state)))
	}
	m := s.Do(graph.SwapAxes(mask, 0, 1))
	on := s.Do(graph.NotEqual(m, s.Do(graph.Scalar(m, 0))))
	if on == nil {
		return nil
	}
	return s.Do(graph.Reshape(on, append(slices.Clone(on.Shape()), slices.Repeat([]int{1}, d.Axes+1-len(cells))...)...))
}

// step returns the expression of one step, of which x is the convolution of the input.
func (d *convLSTM) step(s *Scope, weights *graph.Node, state []int) func(carried, x graph.Nodes) (next, keep graph.Nodes, err error) {
	spec := graph.ConvSpec{Padding: graph.Same}
	var drop *graph.Node
	if rate := d.RecurrentDropout; rate > 0 && s.Training() {
		drop = d.dropMask(s, 1, rate, state)
		spec.Groups = convLSTMGates
	}
	return func(carried, x graph.Nodes) (next, keep graph.Nodes, err error) {
		h0, c0 := carried[0], carried[1]
		h := h0
		if drop != nil {
			h = d.dropEach(s, h, drop)
		}
		z := s.Do(graph.Add(x[0], s.Do(graph.Conv(h, weights, nil, spec, graph.Act(graph.Linear)))))
		gate := func(k int, f ActivationFunc) *graph.Node {
			return s.Do(f.apply(s.Do(graph.Slice(z, graph.At(d.Axes+1, k*d.Filters, (k+1)*d.Filters)))))
		}
		i, f, o := gate(0, d.RecurrentActivation), gate(1, d.RecurrentActivation), gate(3, d.RecurrentActivation)
		c := s.Do(graph.Add(s.Do(graph.Mul(f, c0)), s.Do(graph.Mul(i, gate(2, d.Activation)))))
		h = s.Do(graph.Mul(o, s.Do(d.Activation.apply(c))))
		if len(x) > 1 {
			h, c = s.Do(graph.Where(x[1], h, h0)), s.Do(graph.Where(x[1], c, c0))
		}
		if d.ReturnSequences {
			keep = graph.Nodes{h}
		}
		return graph.Nodes{h, c}, keep, s.err
	}
}

// dropMask draws a mask for each gate, side by side in the last axis.
func (d *convLSTM) dropMask(s *Scope, stream int, rate float64, shape []int) *graph.Node {
	wide := slices.Clone(shape)
	wide[len(wide)-1] *= convLSTMGates
	rng, k := s.Random(stream)
	return s.Do(graph.Dropout(s.ones(wide...), rate, rng, k))
}

// dropEach returns x once for each gate, with its mask. A convolution by groups does the rest.
func (d *convLSTM) dropEach(s *Scope, x, mask *graph.Node) *graph.Node {
	if x == nil {
		return nil
	}
	wide := s.Do(graph.Concat(len(x.Shape())-1, x, x, x, x))
	return s.Do(graph.Mul(wide, mask))
}
