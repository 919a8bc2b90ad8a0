// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// GRU is a gated recurrent unit over whole sequences (Cho et al. 2014). With
// W, U and b for each of the gates z, r and n:
//
//	z = σ(x·W_z + h·U_z + b_z)     how much of the state stays
//	r = σ(x·W_r + h·U_r + b_r)     how much of it the candidate sees
//	n = tanh(x·W_n + b_n + r∘(h·U_n + c_n))
//	h = z∘h + (1-z)∘n
//
// ResetBefore applies r to h before the product, as the paper has it, with one
// bias instead of two.
//
//	input    (batch, steps, in)
//	output   (batch, units), the last state; with ReturnSequences (batch, steps, units)
//	weights  kernel (in, 3·units) by GlorotUniform, recurrent_kernel (units, 3·units) by
//	         Orthogonal, bias (2, 3·units) by Zeros; with ResetBefore (3·units)
//
// Options: ReturnSequences, GoBackwards, ResetBefore, NoBias, KernelInit,
// RecurrentInit, BiasInit, KernelL2, RecurrentL2, Name, a RestraintOption.
// See https://keras.io/api/layers/recurrent_layers/gru/.
func GRU(units int, opts ...RecurrentOption) Layer {
	return newRecurrent(&recurrent{Cell: "GRU", Units: units, Activation: Tanh}, opts)
}

// LSTM is a long short-term memory over whole sequences (Hochreiter &
// Schmidhuber 1997). With W, U and b for each of the gates i, f, g and o:
//
//	i, f, o = σ(x·W + h·U + b);  g = tanh(x·W_g + h·U_g + b_g)
//	c = f∘c + i∘g;  h = o∘tanh(c)
//
//	input    (batch, steps, in)
//	output   (batch, units), the last state; with ReturnSequences (batch, steps, units)
//	weights  kernel (in, 4·units) by GlorotUniform, recurrent_kernel (units, 4·units) by
//	         Orthogonal, bias (4·units) by Zeros, with ones for f (Jozefowicz et al. 2015)
//
// Options: ReturnSequences, GoBackwards, NoBias, KernelInit, RecurrentInit,
// BiasInit (which also sets f's), KernelL2, RecurrentL2, Name, a RestraintOption.
// See https://keras.io/api/layers/recurrent_layers/lstm/.
func LSTM(units int, opts ...RecurrentOption) Layer {
	return newRecurrent(&recurrent{Cell: "LSTM", Units: units, Activation: Tanh}, opts)
}

// SimpleRNN is h = act(x·W + h·U + b) over whole sequences (Elman 1990).
//
//	input    (batch, steps, in)
//	output   (batch, units), the last state; with ReturnSequences (batch, steps, units)
//	weights  kernel (in, units) by GlorotUniform, recurrent_kernel (units, units) by
//	         Orthogonal, bias (units) by Zeros
//
// Options: an activation whose derivative follows from its output (default
// Tanh), and those of GRU but ResetBefore.
// See https://keras.io/api/layers/recurrent_layers/simple_rnn/.
func SimpleRNN(units int, opts ...RecurrentOption) Layer {
	return newRecurrent(&recurrent{Cell: "SimpleRNN", Units: units, Activation: Tanh}, opts)
}

// RecurrentOption is an option of the recurrent layers.
type RecurrentOption interface{ applyRecurrent(*recurrent) }

type recurrent struct {
	common
	restraints
	Cell            string         `json:"cell"`
	Units           int            `json:"units"`
	Activation      ActivationFunc `json:"activation"`
	ReturnSequences bool           `json:"return_sequences,omitempty"`
	ReturnState     bool           `json:"return_state,omitempty"`
	GoBackwards     bool           `json:"go_backwards,omitempty"`
	ResetBefore     bool           `json:"reset_before,omitempty"`
	NoBias          bool           `json:"no_bias,omitempty"`
	KernelInit      Initializer    `json:"kernel_initializer"`
	RecurrentInit   Initializer    `json:"recurrent_initializer"`
	BiasInit        *Initializer   `json:"bias_initializer,omitempty"`
}

func newRecurrent(d *recurrent, opts []RecurrentOption) Layer {
	d.KernelInit, d.RecurrentInit = GlorotUniform(), Orthogonal(1)
	for _, o := range opts {
		o.applyRecurrent(d)
	}
	return &layer{name: d.name, def: d}
}

func (d *recurrent) Kind() string { return d.Cell }

func (d *recurrent) check() error {
	_, gates := d.cell()
	switch {
	case gates == 0:
		return fmt.Errorf("cell %q is unknown", d.Cell)
	case d.Units <= 0:
		return fmt.Errorf("units is %d, want a positive number", d.Units)
	case d.ResetBefore && d.Cell != "GRU":
		return fmt.Errorf("ResetBefore is an option of GRU")
	case d.Cell != "SimpleRNN" && d.Activation != Tanh:
		return fmt.Errorf("activation is %s, want tanh", d.Activation)
	}
	act, err := d.Activation.elementwise()
	if err == nil && !act.FromOutput() {
		err = fmt.Errorf("activation is %s, want one whose derivative follows from its output", d.Activation)
	}
	if err == nil {
		err = d.restraints.check()
	}
	return err
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
	b.Weight("kernel", d.KernelInit, d.KernelRegularizer, x[1], columns)
	b.Weight("recurrent_kernel", d.RecurrentInit, d.RecurrentRegularizer, d.Units, columns)
	if !d.NoBias {
		shape := []int{columns}
		if cell == graph.GRUResetAfterCell {
			shape = []int{2, columns}
		}
		b.Weight("bias", d.biasInit(), d.BiasRegularizer, shape...)
	}
	d.constrain(b)
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
	case d.BiasInit != nil:
		return *d.BiasInit
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
	cell, _ := d.cell()
	act, _ := d.Activation.elementwise() // checked by check
	spec := graph.RecurrentSpec{Cell: cell, Act: act, Reverse: d.GoBackwards, Output: d.output()}
	operands := graph.RecurrentInputs{X: in[0], W: s.Weight("kernel"), U: s.Weight("recurrent_kernel")}
	if !d.NoBias {
		operands.Bias = s.Weight("bias")
	}
	if len(in) > 1 {
		operands.H0 = in[1]
	}
	if len(in) > 2 {
		operands.C0 = in[2]
	}
	y = s.Do(graph.Recurrent(spec, operands))
	if y != nil && d.ReturnState {
		y, states = d.split(s, y, spec.Output)
	}
	return d.watch(s, y), states
}

// output is what the graph's op has to put out.
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

// split takes what the op puts out apart into the layer's output and the states.
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
