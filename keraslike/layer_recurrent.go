// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// GRU is a gated recurrent unit over whole sequences (Cho et al. 2014). With
// W, U and b for each of the gates z, r and n, σ for RecurrentActivation and act for
// the activation:
//
//	z = σ(x·W_z + h·U_z + b_z)     how much of the state stays
//	r = σ(x·W_r + h·U_r + b_r)     how much of it the candidate sees
//	n = act(x·W_n + b_n + r∘(h·U_n + c_n))
//	h = z∘h + (1-z)∘n
//
// ResetBefore applies r to h before the product, as the paper has it, with one
// bias instead of two.
//
//	input    (batch, steps, in); optionally followed by the initial state (batch, units)
//	output   (batch, units), the last state; with ReturnSequences (batch, steps, units)
//	further outputs  with ReturnState the last state (Tensor.Output(1))
//	weights  kernel (in, 3·units), recurrent_kernel (units, 3·units),
//	         bias (2, 3·units); with ResetBefore (3·units)
//
// The state does not change at masked steps.
//
// Other activations than the defaults and RecurrentDropout take a slower way through the
// cell.
//
// Options:
//
//	ActivationFunc        Tanh
//	RecurrentActivation   Sigmoid
//	ReturnSequences       off
//	ReturnState           off
//	GoBackwards           off
//	ZeroOutputForMask     off
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

// LSTM is a long short-term memory over whole sequences (Hochreiter &
// Schmidhuber 1997). With W, U and b for each of the gates i, f, g and o, σ for
// RecurrentActivation and act for the activation:
//
//	i, f, o = σ(x·W + h·U + b);  g = act(x·W_g + h·U_g + b_g)
//	c = f∘c + i∘g;  h = o∘act(c)
//
//	input    (batch, steps, in); optionally followed by the initial states h and c, (batch, units)
//	output   (batch, units), the last state; with ReturnSequences (batch, steps, units)
//	further outputs  with ReturnState the last h (Tensor.Output(1)) and c (Tensor.Output(2))
//	weights  kernel (in, 4·units), recurrent_kernel (units, 4·units), bias (4·units),
//	         which begins with ones for f (Jozefowicz et al. 2015) and zeros for the others
//
// Options:
//
//	ActivationFunc        Tanh
//	RecurrentActivation   Sigmoid
//	ReturnSequences       off
//	ReturnState           off
//	GoBackwards           off
//	ZeroOutputForMask     off
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

// SimpleRNN is h = act(x·W + h·U + b) over whole sequences (Elman 1990).
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

// RecurrentFlag is a RecurrentOption that is off by default.
type RecurrentFlag string

// The flags of the recurrent layers.
const (
	// ReturnSequences makes the state after every step the output instead of the last.
	ReturnSequences RecurrentFlag = "ReturnSequences"
	// ReturnState adds the last state as further outputs: output 1 is h, output 2 of an
	// LSTM c.
	ReturnState RecurrentFlag = "ReturnState"
	// GoBackwards takes the steps from the last to the first; outputs stay in the order
	// in which they are computed.
	GoBackwards RecurrentFlag = "GoBackwards"
	// ZeroOutputForMask makes the output 0 at masked steps, with ReturnSequences, instead
	// of the state before them.
	ZeroOutputForMask RecurrentFlag = "ZeroOutputForMask"
	// ResetBefore applies a GRU's reset gate to the state before the product with the
	// recurrent kernel (reset_after=False in Keras).
	ResetBefore RecurrentFlag = "ResetBefore"
)

func (f RecurrentFlag) sets() setting { return set(string(f), true) }
func (RecurrentFlag) forRecurrent()   {}

func ofRecurrent(option string, value any) RecurrentOption {
	return recurrentOption{setting: set(option, value)}
}

// RecurrentActivation is the activation function of a GRU's or LSTM's gates.
func RecurrentActivation(f ActivationFunc) RecurrentOption {
	return ofRecurrent("RecurrentActivation", f)
}

// InputDropout is the rate at which a recurrent layer drops its inputs while the model
// trains (dropout in Keras). A feature is dropped at all steps of a sequence or at none
// (Gal & Ghahramani 2016, https://arxiv.org/abs/1512.05287).
func InputDropout(rate float64) RecurrentOption { return ofRecurrent("InputDropout", rate) }

// RecurrentDropout is the rate at which a recurrent layer drops its state, where this
// enters the products with the recurrent kernel, while the model trains
// (recurrent_dropout in Keras). The units dropped are the same at all steps of a
// sequence; each gate has its own, and then its own inputs dropped, too.
func RecurrentDropout(rate float64) RecurrentOption { return ofRecurrent("RecurrentDropout", rate) }

// RecurrentInitializer sets the initializer of the recurrent kernel.
func RecurrentInitializer(i Initializer) RecurrentOption {
	return ofRecurrent("RecurrentInitializer", i)
}

// RecurrentRegularizer adds r of the recurrent kernel to the loss.
func RecurrentRegularizer(r Regularizer) RecurrentOption {
	return ofRecurrent("RecurrentRegularizer", r)
}

// RecurrentConstraint applies c to the recurrent kernel after each update.
func RecurrentConstraint(c Constraint) RecurrentOption {
	return ofRecurrent("RecurrentConstraint", c)
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
	ResetBefore       bool           `json:"reset_before,omitempty" option:"ResetBefore"`
	NoBias            bool           `json:"no_bias,omitempty" option:"NoBias"`
	ZeroOutputForMask bool           `json:"zero_output_for_mask,omitempty" option:"ZeroOutputForMask"`

	RecurrentActivation ActivationFunc `json:"recurrent_activation,omitempty" option:"RecurrentActivation"` // Sigmoid where a gated cell has none
	InputDropout        float64        `json:"dropout,omitempty" option:"InputDropout"`
	RecurrentDropout    float64        `json:"recurrent_dropout,omitempty" option:"RecurrentDropout"`

	KernelInitializer    Initializer  `json:"kernel_initializer" option:"KernelInitializer"`
	RecurrentInitializer Initializer  `json:"recurrent_initializer" option:"RecurrentInitializer"`
	BiasInitializer      *Initializer `json:"bias_initializer,omitempty" option:"BiasInitializer"` // nil is the cell's own
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

// cell is the graph's cell, with the number of its gates; 0 for an unknown one.
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

// states is how many states the cell has: h, and c of an LSTM.
func (d *recurrent) states() int {
	if d.Cell == "LSTM" {
		return 2
	}
	return 1
}

// workOfStep is what a multiplication of a recurrent layer counts, because its steps wait
// for each other.
const workOfStep = 4

func (d *recurrent) multiplications(_ []Shape, _ Shape, each float64) float64 {
	return workOfStep * each
}

// held are for each step the values of the gates, the states, and what lies between.
func (d *recurrent) internalValues(in []Shape) float64 {
	_, gates := d.cell()
	return float64(d.Units) * float64(gates+2) * positions(in[0])
}

func (d *recurrent) Build(b *Builder, in []Shape) (Shape, error) {
	if n := len(in) - 1; n > 0 && n != d.states() {
		return nil, fmt.Errorf("got %d first states, want none or %d", n, d.states())
	}
	x, err := image(in[:min(1, len(in))], 1)
	if err != nil {
		return nil, err
	}
	for i, h := range in[1:] {
		if !h.Equal(Shape{d.Units}) {
			return nil, fmt.Errorf("first state %d has shape %v, want %v", i, h, Shape{d.Units})
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
	y, states := d.run(s, in)
	for _, h := range states {
		s.Output(h)
	}
	return y
}

// run gives the output and, where they are wanted, the last states.
func (d *recurrent) run(s *Scope, in []*graph.Node) (y *graph.Node, states []*graph.Node) {
	if in[0] == nil {
		return nil, nil
	}
	spec := d.spec()
	operands := graph.RecurrentInputs{X: in[0], W: s.Weight("kernel"), U: s.Weight("recurrent_kernel"), Mask: s.Mask(0)}
	if !d.NoBias {
		operands.Bias = s.Weight("bias")
	}
	if len(in) > 1 {
		operands.H0 = in[1]
	}
	if len(in) > 2 {
		operands.C0 = in[2]
	}
	if s.Training() {
		d.drop(s, &operands)
	}
	y = s.Do(graph.Recurrent(spec, operands))
	if y != nil && d.ReturnState {
		y, states = d.split(s, y, spec.Output)
	}
	if d.ReturnSequences && operands.Mask != nil {
		s.SetMask(0, operands.Mask)
		if d.ZeroOutputForMask {
			y = d.zeroMasked(s, y, operands.Mask)
		}
	}
	for _, h := range states {
		d.ActivityRegularizer.watch(s, h)
	}
	return d.ActivityRegularizer.watch(s, y), states
}

// spec is what the graph's op has to compute; the activations have been checked.
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

// drop adds the dropout of training. One mask of x for all gates is one in front of the
// layer; next to recurrent dropout each gate has masks of its own, as in Keras 3.
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

// zeroMasked sets the outputs at masked steps to 0; outputs have the order in which
// steps are taken.
func (d *recurrent) zeroMasked(s *Scope, y, mask *graph.Node) *graph.Node {
	if d.GoBackwards {
		mask = s.Do(graph.Reverse(mask, 1))
	}
	return s.Do(graph.MaskSteps(y, mask))
}

// output is what the graph's op has to return.
func (d *recurrent) output() graph.RecurrentOutput {
	switch cell := d.ReturnState && d.Cell == "LSTM"; {
	case cell && d.ReturnSequences:
		return graph.StatesAndCell
	case cell:
		return graph.StateAndCell
	case d.ReturnSequences:
		return graph.AllStates
	}
	return graph.LastState
}

// split separates what the op returns into the layer's output and the states.
func (d *recurrent) split(s *Scope, all *graph.Node, output graph.RecurrentOutput) (y *graph.Node, states []*graph.Node) {
	shape, n := all.Shape(), d.Units
	batch := shape[0]
	switch output {
	case graph.AllStates:
		last := s.Do(graph.Slice(all, 1, shape[1]-1, 1))
		return all, []*graph.Node{s.Do(graph.Reshape(last, batch, n))}
	case graph.StatesAndCell:
		end := shape[1] - n
		y = s.Do(graph.Reshape(s.Do(graph.Slice(all, 1, 0, end)), batch, end/n, n))
		return y, []*graph.Node{s.Do(graph.Slice(all, 1, end-n, n)), s.Do(graph.Slice(all, 1, end, n))}
	case graph.StateAndCell:
		y = s.Do(graph.Slice(all, 1, 0, n))
		return y, []*graph.Node{y, s.Do(graph.Slice(all, 1, n, n))}
	}
	return all, []*graph.Node{all}
}
