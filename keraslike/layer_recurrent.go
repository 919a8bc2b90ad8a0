// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// GRU is a gated recurrent unit over sequences (Cho et al. 2014). With W, U and b for each of
// the gates z, r and n, σ the RecurrentActivation and act the activation:
//
//	z = σ(x·W_z + h·U_z + b_z)     update gate: how much of the state is kept
//	r = σ(x·W_r + h·U_r + b_r)     reset gate: how much of the state enters n
//	n = act(x·W_n + b_n + r∘(h·U_n + c_n))
//	h = z∘h + (1-z)∘n
//
// ResetBefore applies r to h before the product, as in the paper, with one bias instead of
// two.
//
//	input    (batch, steps, in); optionally followed by the initial state (batch, units)
//	output   (batch, units), the last state; with ReturnSequences (batch, steps, units)
//	further outputs  with ReturnState the last state (Tensor.Output(1))
//	weights  kernel (in, 3·units), recurrent_kernel (units, 3·units),
//	         bias (2, 3·units); with ResetBefore (3·units)
//
// The state does not change at masked steps.
//
// RecurrentDropout and activations other than the defaults use a slower implementation.
//
// Options:
//
//	ActivationFunc        Tanh
//	RecurrentActivation   Sigmoid
//	ReturnSequences       off
//	ReturnState           off
//	GoBackwards           off
//	ZeroOutputForMask     off
//	Stateful              off
//	ResetBefore           off
//	InputDropout          0
//	RecurrentDropout      0
//	NoBias                off
//	KernelInitializer     GlorotUniform()
//	RecurrentInitializer  Orthogonal(1)
//	BiasInitializer       Zeros()
//	KernelRegularizer     none
//	RecurrentRegularizer  none
//	BiasRegularizer       none
//	ActivityRegularizer   none
//	KernelConstraint      none
//	RecurrentConstraint   none
//	BiasConstraint        none
//	Name                  "gru", "gru_1" and so on
//	Trainable             true
//
// See https://keras.io/api/layers/recurrent_layers/gru/.
func GRU(units int, opts ...RecurrentOption) Layer {
	return newRecurrent(&recurrent{Cell: "GRU", Units: units, RecurrentActivation: Sigmoid}, opts)
}

// LSTM is a long short-term memory over sequences (Hochreiter & Schmidhuber 1997). With W, U
// and b for each of the gates i, f, g and o, σ the RecurrentActivation and act the
// activation:
//
//	i, f, o = σ(x·W + h·U + b);  g = act(x·W_g + h·U_g + b_g)
//	c = f∘c + i∘g;  h = o∘act(c)
//
//	input    (batch, steps, in); optionally followed by the initial states h and c, (batch, units)
//	output   (batch, units), the last state; with ReturnSequences (batch, steps, units)
//	further outputs  with ReturnState the last h (Tensor.Output(1)) and c (Tensor.Output(2))
//	weights  kernel (in, 4·units), recurrent_kernel (units, 4·units), bias (4·units),
//	         initialized to ones for f (Jozefowicz et al. 2015) and to zeros for the others
//
// Options:
//
//	ActivationFunc        Tanh
//	RecurrentActivation   Sigmoid
//	ReturnSequences       off
//	ReturnState           off
//	GoBackwards           off
//	ZeroOutputForMask     off
//	Stateful              off
//	InputDropout          0
//	RecurrentDropout      0
//	NoBias                off
//	KernelInitializer     GlorotUniform()
//	RecurrentInitializer  Orthogonal(1)
//	BiasInitializer       Zeros(), Ones() for the forget gate
//	KernelRegularizer     none
//	RecurrentRegularizer  none
//	BiasRegularizer       none
//	ActivityRegularizer   none
//	KernelConstraint      none
//	RecurrentConstraint   none
//	BiasConstraint        none
//	Name                  "lstm", "lstm_1" and so on
//	Trainable             true
//
// See https://keras.io/api/layers/recurrent_layers/lstm/.
func LSTM(units int, opts ...RecurrentOption) Layer {
	return newRecurrent(&recurrent{Cell: "LSTM", Units: units, RecurrentActivation: Sigmoid}, opts)
}

// SimpleRNN computes h = act(x·W + h·U + b) over sequences (Elman 1990).
//
//	input    (batch, steps, in); optionally followed by the initial state (batch, units)
//	output   (batch, units), the last state; with ReturnSequences (batch, steps, units)
//	further outputs  with ReturnState the last state (Tensor.Output(1))
//	weights  kernel (in, units), recurrent_kernel (units, units), bias (units)
//
// Options:
//
//	ActivationFunc        Tanh
//	ReturnSequences       off
//	ReturnState           off
//	GoBackwards           off
//	ZeroOutputForMask     off
//	Stateful              off
//	InputDropout          0
//	RecurrentDropout      0
//	NoBias                off
//	KernelInitializer     GlorotUniform()
//	RecurrentInitializer  Orthogonal(1)
//	BiasInitializer       Zeros()
//	KernelRegularizer     none
//	RecurrentRegularizer  none
//	BiasRegularizer       none
//	ActivityRegularizer   none
//	KernelConstraint      none
//	RecurrentConstraint   none
//	BiasConstraint        none
//	Name                  "simple_rnn", "simple_rnn_1" and so on
//	Trainable             true
//
// See https://keras.io/api/layers/recurrent_layers/simple_rnn/.
func SimpleRNN(units int, opts ...RecurrentOption) Layer {
	return newRecurrent(&recurrent{Cell: "SimpleRNN", Units: units}, opts)
}

// RecurrentFlag is a RecurrentOption that turns something on. All flags are off by default.
type RecurrentFlag string

// The flags of the recurrent layers.
const (
	// ReturnSequences returns the state after every step instead of only the last one.
	ReturnSequences RecurrentFlag = "ReturnSequences"
	// ReturnState returns the final state as further outputs: output 1 is h, output 2 is c
	// of an LSTM.
	ReturnState RecurrentFlag = "ReturnState"
	// GoBackwards processes the steps from the last to the first. Outputs are in the order
	// in which they are computed.
	GoBackwards RecurrentFlag = "GoBackwards"
	// ZeroOutputForMask makes the output at masked steps 0 instead of the previous state.
	// Without ReturnSequences the output is 0 if the step that is processed last is masked.
	ZeroOutputForMask RecurrentFlag = "ZeroOutputForMask"
	// ResetBefore applies a GRU's reset gate to the state before the product with the
	// recurrent kernel (reset_after=False in Keras).
	ResetBefore RecurrentFlag = "ResetBefore"
	// Stateful makes the final states of sample i of a batch the initial states of sample i of the
	// next batch, in training, Evaluate and Predict alike: a sequence that is longer than a batch's is
	// cut into parts, of which each batch has one. All batches have the same number of samples, which
	// the first one sets, in the order of the data (KeepOrder); gradients end where the batch begins.
	// Initial states that the layer is given replace those of the batch before. The states start at 0,
	// and Model.ResetStates sets them to 0 again; no epoch and no call does so by itself. They belong
	// to the model that computes, not to the layer: two models with the same layers have states of
	// their own. Save stores them WithOptimizer only. A batch is a whole, but the batches of calls at
	// the same time continue each other's. It is an error in a distributed training, in Phases and
	// within TimeDistributed.
	Stateful RecurrentFlag = "Stateful"
)

func (f RecurrentFlag) sets() setting { return set(string(f), true) }
func (RecurrentFlag) forRecurrent()   {}
func (RecurrentFlag) forConvLSTM()    {}

func newRecurrentOption(option string, value any) RecurrentOption {
	return recurrentOption{setting: set(option, value)}
}

// RecurrentActivation is the activation function of the gates of GRU and LSTM; the default is
// Sigmoid.
func RecurrentActivation(f ActivationFunc) RecurrentOption {
	return newRecurrentOption("RecurrentActivation", f)
}

// InputDropout is the fraction of its inputs that a recurrent layer drops in training
// (dropout in Keras). A feature is dropped at all steps of a sequence or at none (Gal &
// Ghahramani 2016, https://arxiv.org/abs/1512.05287). The default is 0.
func InputDropout(rate float64) RecurrentOption { return newRecurrentOption("InputDropout", rate) }

// RecurrentDropout is the fraction of its state that a recurrent layer drops in training in
// the products with the recurrent kernel (recurrent_dropout in Keras). The dropped units are
// the same at all steps of a sequence and different for each gate; with both kinds of dropout
// the dropped inputs also differ for each gate. The default is 0.
func RecurrentDropout(rate float64) RecurrentOption {
	return newRecurrentOption("RecurrentDropout", rate)
}

// RecurrentInitializer sets the initializer of the recurrent kernel; the default is
// Orthogonal(1).
func RecurrentInitializer(i Initializer) RecurrentOption {
	return newRecurrentOption("RecurrentInitializer", i)
}

// RecurrentRegularizer adds the penalty r of the recurrent kernel to the loss. By default
// there is no penalty.
func RecurrentRegularizer(r Regularizer) RecurrentOption {
	return newRecurrentOption("RecurrentRegularizer", r)
}

// RecurrentConstraint applies c to the recurrent kernel after each update. By default there
// is no constraint.
func RecurrentConstraint(c Constraint) RecurrentOption {
	return newRecurrentOption("RecurrentConstraint", c)
}

type recurrent struct {
	KernelRegularizer    Regularizer `json:"kernel_regularizer" option:"KernelRegularizer"`
	RecurrentRegularizer Regularizer `json:"recurrent_regularizer,omitzero" option:"RecurrentRegularizer"`
	BiasRegularizer      Regularizer `json:"bias_regularizer,omitzero" option:"BiasRegularizer"`
	ActivityRegularizer  Regularizer `json:"activity_regularizer,omitzero" option:"ActivityRegularizer"`
	KernelConstraint     Constraint  `json:"kernel_constraint,omitzero" option:"KernelConstraint"`
	RecurrentConstraint  Constraint  `json:"recurrent_constraint,omitzero" option:"RecurrentConstraint"`
	BiasConstraint       Constraint  `json:"bias_constraint,omitzero" option:"BiasConstraint"`

	Cell              string         `json:"cell"`
	Units             int            `json:"units"`
	Activation        ActivationFunc `json:"activation" option:"ActivationFunc"`
	ReturnSequences   bool           `json:"return_sequences,omitempty" option:"ReturnSequences"`
	ReturnState       bool           `json:"return_state,omitempty" option:"ReturnState"`
	GoBackwards       bool           `json:"go_backwards,omitempty" option:"GoBackwards"`
	Stateful          bool           `json:"stateful,omitempty" option:"Stateful"`
	ResetBefore       bool           `json:"reset_before,omitempty" option:"ResetBefore"`
	NoBias            bool           `json:"no_bias,omitempty" option:"NoBias"`
	ZeroOutputForMask bool           `json:"zero_output_for_mask,omitempty" option:"ZeroOutputForMask"`

	RecurrentActivation ActivationFunc `json:"recurrent_activation,omitempty" option:"RecurrentActivation"` // Sigmoid if a gated cell has none
	InputDropout        float64        `json:"dropout,omitempty" option:"InputDropout"`
	RecurrentDropout    float64        `json:"recurrent_dropout,omitempty" option:"RecurrentDropout"`

	KernelInitializer    Initializer  `json:"kernel_initializer" option:"KernelInitializer"`
	RecurrentInitializer Initializer  `json:"recurrent_initializer" option:"RecurrentInitializer"`
	BiasInitializer      *Initializer `json:"bias_initializer,omitempty" option:"BiasInitializer"` // nil for the cell's default
}

func newRecurrent(d *recurrent, opts []RecurrentOption) Layer {
	d.Activation, d.KernelInitializer, d.RecurrentInitializer = Tanh, GlorotUniform(), Orthogonal(1)
	return newLayer(d, opts)
}

func (d *recurrent) refuses() []string {
	switch d.Cell {
	case "LSTM":
		return []string{"ResetBefore"}
	case "SimpleRNN":
		return []string{"ResetBefore", "RecurrentActivation"}
	}
	return nil
}

var _ = register[recurrent]("SimpleRNN", "GRU", "LSTM")

func (d *recurrent) Kind() string { return d.Cell }

func (d *recurrent) check() error {
	_, gates := d.cell()
	switch {
	case gates == 0:
		return fmt.Errorf("cell %q is unknown", d.Cell)
	case d.Units <= 0:
		return fmt.Errorf("units is %d, want a positive number", d.Units)
	case d.ResetBefore && d.Cell != "GRU":
		return errors.New("ResetBefore is an option of GRU")
	case d.RecurrentActivation != "" && d.Cell == "SimpleRNN":
		return errors.New("RecurrentActivation is an option of GRU and LSTM")
	case !(d.InputDropout >= 0 && d.InputDropout < 1):
		return fmt.Errorf("dropout is %g, want 0 <= dropout < 1", d.InputDropout)
	case !(d.RecurrentDropout >= 0 && d.RecurrentDropout < 1):
		return fmt.Errorf("recurrent dropout is %g, want 0 <= dropout < 1", d.RecurrentDropout)
	}
	if _, err := d.Activation.elementwise(); err != nil {
		return err
	}
	if _, err := d.RecurrentActivation.elementwise(); err != nil {
		return fmt.Errorf("recurrent activation: %w", err)
	}
	return errors.Join(d.KernelRegularizer.check(), d.RecurrentRegularizer.check(), d.BiasRegularizer.check(), d.ActivityRegularizer.check(),
		d.KernelConstraint.check(), d.RecurrentConstraint.check(), d.BiasConstraint.check())
}

// cell returns the graph's cell and the number of its gates, 0 for an unknown cell.
func (d *recurrent) cell() (graph.Cell, int) {
	switch {
	case d.Cell == "SimpleRNN":
		return graph.SimpleCell, 1
	case d.Cell == "GRU" && d.ResetBefore:
		return graph.GRUCell, 3
	case d.Cell == "GRU":
		return graph.GRUResetAfterCell, 3
	case d.Cell == "LSTM":
		return graph.LSTMCell, 4
	}
	return 0, 0
}

// states returns the number of states of the cell: h, and c of an LSTM.
func (d *recurrent) states() int {
	if d.Cell == "LSTM" {
		return 2
	}
	return 1
}

// recurrentStepCost is the relative cost of a multiplication in a recurrent layer, whose steps
// cannot run in parallel.
const recurrentStepCost = 4

func (d *recurrent) multiplications(_ []Shape, _ Shape, each float64) float64 {
	return recurrentStepCost * each
}

// internalValues counts for each step of training the gates, the states and the values in between.
func (d *recurrent) internalValues(in []Shape) float64 {
	_, gates := d.cell()
	return float64(d.Units) * float64(gates+2) * positionCount(in[0])
}

func (d *recurrent) Build(b *Builder, in []Shape) (Shape, error) {
	if n := len(in) - 1; n > 0 && n != d.states() {
		return nil, fmt.Errorf("got %d initial states, want none or %d", n, d.states())
	}
	x, err := spatialInput(in[:min(1, len(in))], 1)
	if err != nil {
		return nil, err
	}
	for i, h := range in[1:] {
		if !h.Equal(Shape{d.Units}) {
			return nil, fmt.Errorf("initial state %d has shape %v, want %v", i, h, Shape{d.Units})
		}
	}
	cell, gates := d.cell()
	columns := gates * d.Units
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, x[1], columns)
	b.Weight("recurrent_kernel", d.RecurrentInitializer, d.RecurrentRegularizer, d.Units, columns)
	if !d.NoBias {
		shape := []int{columns}
		if cell == graph.GRUResetAfterCell {
			shape = []int{2, columns}
		}
		b.Weight("bias", d.biasInit(), d.BiasRegularizer, shape...)
	}
	b.Constrain("kernel", d.KernelConstraint)
	b.Constrain("recurrent_kernel", d.RecurrentConstraint)
	b.Constrain("bias", d.BiasConstraint)
	if d.ReturnState {
		for range d.states() {
			b.Output(Shape{d.Units})
		}
	}
	if d.Stateful {
		b.carry(slices.Repeat([]Shape{{d.Units}}, d.states())...)
	}
	if d.ReturnSequences {
		return Shape{x[0], d.Units}, nil
	}
	return Shape{d.Units}, nil
}

func (d *recurrent) biasInit() Initializer {
	switch {
	case d.BiasInitializer != nil:
		return *d.BiasInitializer
	case d.Cell == "LSTM":
		return Initializer{Kind: "unit_forget"}
	}
	return Zeros()
}

func (d *recurrent) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return forwardOver(d, s, in)
}

// run returns the output and, with ReturnState, the final states.
func (d *recurrent) run(s *Scope, in []*graph.Node) (y *graph.Node, states []*graph.Node) {
	if in[0] == nil {
		return nil, nil
	}
	spec := d.spec()
	operands := graph.RecurrentInputs{X: in[0], W: s.Weight("kernel"), U: s.Weight("recurrent_kernel"), Mask: s.Mask(0)}
	if !d.NoBias {
		operands.Bias = s.Weight("bias")
	}
	initial := in[1:]
	if d.Stateful && len(initial) == 0 {
		initial = s.carried(slices.Repeat([]Shape{{d.Units}}, d.states())...)
	}
	if len(initial) > 0 {
		operands.H0 = initial[0]
	}
	if len(initial) > 1 {
		operands.C0 = initial[1]
	}
	if s.Training() {
		d.drop(s, &operands)
	}
	y = s.Do(graph.Recurrent(spec, operands))
	if y != nil && (d.ReturnState || d.Stateful) {
		y, states = d.split(s, y, spec.Output)
	}
	if d.Stateful {
		s.carry(states)
	}
	if !d.ReturnState {
		states = nil
	}
	if d.ReturnSequences && operands.Mask != nil {
		s.SetMask(0, operands.Mask)
		if d.ZeroOutputForMask {
			y = d.zeroMasked(s, y, operands.Mask)
		}
	}
	if d.ZeroOutputForMask && !d.ReturnSequences {
		y = s.zeroLastMasked(y, operands.Mask, d.GoBackwards)
	}
	for _, h := range states {
		d.ActivityRegularizer.penalizeActivity(s, h)
	}
	return d.ActivityRegularizer.penalizeActivity(s, y), states
}

// spec returns the specification of the graph's op. The activations have been checked.
func (d *recurrent) spec() graph.RecurrentSpec {
	cell, _ := d.cell()
	act, _ := d.Activation.elementwise()
	spec := graph.RecurrentSpec{Cell: cell, Act: act, Reverse: d.GoBackwards, Output: d.output()}
	if cell != graph.SimpleCell {
		gate := graph.Act(graph.Sigmoid)
		if d.RecurrentActivation != "" {
			gate, _ = d.RecurrentActivation.elementwise()
		}
		spec.Gated = &graph.CellActivations{Gate: gate, State: act}
	}
	return spec
}

// drop adds dropout in training. Without recurrent dropout one mask of x serves all gates, so
// it is applied before the layer; with it each gate has its own masks, as in Keras 3.
func (d *recurrent) drop(s *Scope, in *graph.RecurrentInputs) {
	shape := in.X.Shape()
	mask := func(k, size int, rate float64) *graph.Node {
		_, gates := d.cell()
		rng, stream := s.Random(k)
		return s.Do(graph.Dropout(s.ones(gates, shape[0], size), rate, rng, stream))
	}
	switch {
	case d.RecurrentDropout > 0:
		in.DropH = mask(1, d.Units, d.RecurrentDropout)
		if d.InputDropout > 0 {
			in.DropX = mask(0, shape[2], d.InputDropout)
		}
	case d.InputDropout > 0:
		rng, stream := s.Random(0)
		in.X = s.Do(graph.SpatialDropout(in.X, d.InputDropout, rng, stream))
	}
}

// zeroMasked sets the outputs at masked steps to 0. Outputs are in the order of computation.
func (d *recurrent) zeroMasked(s *Scope, y, mask *graph.Node) *graph.Node {
	if d.GoBackwards {
		mask = s.Do(graph.Flip(mask, 1))
	}
	return s.Do(graph.MaskSteps(y, mask))
}

// zeroLastMasked sets the last output of a series to 0 where the mask has 0 at the step that was
// processed last.
func (s *Scope) zeroLastMasked(y, mask *graph.Node, backwards bool) *graph.Node {
	if mask == nil {
		return y
	}
	last := mask.Shape()[1] - 1
	if backwards {
		last = 0
	}
	shape := slices.Delete(slices.Clone([]int(mask.Shape())), 1, 2)
	mask = s.Do(graph.Reshape(s.Do(graph.Slice(mask, graph.At(1, last, last+1))), shape...))
	return s.Do(graph.MaskSteps(y, mask))
}

// output selects what the graph's op returns.
func (d *recurrent) output() graph.RecurrentOutput {
	switch cell := (d.ReturnState || d.Stateful) && d.Cell == "LSTM"; {
	case cell && d.ReturnSequences:
		return graph.StatesAndCell
	case cell:
		return graph.StateAndCell
	case d.ReturnSequences:
		return graph.AllStates
	}
	return graph.LastState
}

// split separates the op's result into the layer's output and the states.
func (d *recurrent) split(s *Scope, all *graph.Node, output graph.RecurrentOutput) (y *graph.Node, states []*graph.Node) {
	shape, n := all.Shape(), d.Units
	batch := shape[0]
	switch output {
	case graph.AllStates:
		last := s.Do(graph.Slice(all, graph.At(1, -1, graph.Open)))
		return all, []*graph.Node{s.Do(graph.Reshape(last, batch, n))}
	case graph.StatesAndCell:
		end := shape[1] - n
		y = s.Do(graph.Reshape(s.Do(graph.Slice(all, graph.At(1, 0, end))), batch, end/n, n))
		return y, []*graph.Node{s.Do(graph.Slice(all, graph.At(1, end-n, end))), s.Do(graph.Slice(all, graph.At(1, end, end+n)))}
	case graph.StateAndCell:
		y = s.Do(graph.Slice(all, graph.At(1, 0, n)))
		return y, []*graph.Node{y, s.Do(graph.Slice(all, graph.At(1, n, 2*n)))}
	}
	return all, []*graph.Node{all}
}
