// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// CustomCell makes a cell from your own CellDefinition. The cell of Keras's page on RNN, whose state is its
// output h = x·W + h·U:
//
//	type Minimal struct{ Units int }
//
//	func (Minimal) Kind() string        { return "Minimal" }
//	func (c Minimal) States() []k.Shape { return []k.Shape{{c.Units}} }
//
//	func (c Minimal) Build(b *k.Builder, in k.Shape) (k.Shape, error) {
//		b.Weight("kernel", k.RandomUniform(0.05), k.Regularizer{}, in[0], c.Units)
//		b.Weight("recurrent_kernel", k.RandomUniform(0.05), k.Regularizer{}, c.Units, c.Units)
//		return k.Shape{c.Units}, nil
//	}
//
//	func (c Minimal) Step(s *k.Scope, x *graph.Node, states []*graph.Node) (*graph.Node, []*graph.Node) {
//		fromX := s.Do(graph.MatMul(x, s.Weight("kernel")))
//		fromH := s.Do(graph.MatMul(states[0], s.Weight("recurrent_kernel")))
//		h := s.Do(graph.Add(fromX, fromH))
//		return h, []*graph.Node{h}
//	}
//
//	layer := k.RNN(k.CustomCell(Minimal{32}), k.ReturnSequences)
//
// RNN runs it by graph.Scan, alone or in StackedRNNCells. At masked steps neither the states nor
// the output change; the output before the first step is 0.
//
// Options: Name (default: the kind, such as "minimal").
//
// See https://keras.io/api/layers/recurrent_layers/rnn/.
func CustomCell(d CellDefinition, opts ...LayerOption) RecurrentCell {
	loop := &cellLoop{}
	if isNil(d) {
		d = invalidCell{errors.New("has no definition")}
	} else if err := guard("definition", d, "Kind", func() error { _ = d.Kind(); return nil }); err != nil {
		d = invalidCell{err}
	}
	loop.cell = d
	return recurrentCells{cellOf(newLayer(loop, opts))}
}

// invalidCell replaces a nil or unusable definition, so that the error is reported together with the model's
// other errors.
type invalidCell struct{ err error }

func (invalidCell) Kind() string                           { return "CustomCell" }
func (invalidCell) States() []Shape                        { return nil }
func (c invalidCell) Build(*Builder, Shape) (Shape, error) { return nil, c.err }
func (invalidCell) Step(*Scope, *graph.Node, []*graph.Node) (*graph.Node, []*graph.Node) {
	return nil, nil
}

// cellLoop runs a cell over sequences.
type cellLoop struct {
	cell CellDefinition

	ReturnSequences, ReturnState, GoBackwards, ZeroOutputForMask, Stateful bool
}

func (d *cellLoop) Kind() string { return d.cell.Kind() }

func (d *cellLoop) check() error {
	if bad, ok := d.cell.(invalidCell); ok {
		return bad.err
	}
	if slices.Contains(cellsOfKeras, d.Kind()) {
		return fmt.Errorf("its kind is that of a layer of this package")
	}
	if len(d.shapes()) == 0 {
		return errors.New("has no states")
	}
	for i, h := range d.shapes() {
		if slices.ContainsFunc(h, func(n int) bool { return n < 1 }) || h.tooLarge() {
			return fmt.Errorf("state %d would have shape %v", i, h)
		}
	}
	return finiteSettings(d.cell)
}

// shapes returns those of the states, none where States panics.
func (d *cellLoop) shapes() (list []Shape) {
	_ = guard("definition", d.cell, "States", func() error { list = d.cell.States(); return nil })
	return list
}

func (d *cellLoop) states() int { return len(d.shapes()) }

func (d *cellLoop) flags() sequenceFlags {
	return flagsOf(&d.ReturnSequences, &d.ReturnState, &d.GoBackwards, &d.ZeroOutputForMask, &d.Stateful)
}

func (d *cellLoop) twin() sequenceLayer { own := *d; return &own }

// cellStepValues is how many values for each of a state a step of the loop and that of its gradient are taken to have.
const cellStepValues = 16

func (d *cellLoop) internalValues([]Shape) (n float64) {
	for _, h := range d.shapes() {
		n += cellStepValues * floatSize(h)
	}
	return n
}

func (d *cellLoop) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in[:min(1, len(in))]); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) < 2 {
		return nil, fmt.Errorf("input has shape %v, want (batch, steps, ...)", x)
	}
	shapes := d.shapes()
	for i, h := range in[1:] {
		if !h.Equal(shapes[i]) {
			return nil, fmt.Errorf("initial state %d has shape %v, want %v", i, h, shapes[i])
		}
	}
	y, err := d.cell.Build(b, slices.Clone(x[1:]))
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(y, func(n int) bool { return n < 1 }) {
		return nil, fmt.Errorf("output of a step would have shape %v", y)
	}
	if d.ReturnState {
		for _, h := range shapes {
			b.Output(h)
		}
	}
	if d.Stateful {
		b.carry(shapes...)
	}
	if d.ReturnSequences {
		return append(Shape{x[0]}, y...), nil
	}
	return y, nil
}

func (d *cellLoop) Forward(s *Scope, in []*graph.Node) *graph.Node { return forwardOver(d, s, in) }

func (d *cellLoop) run(s *Scope, in []*graph.Node) (y *graph.Node, states []*graph.Node) {
	x := s.Do(graph.SwapAxes(in[0], 0, 1))
	if x == nil {
		return nil, nil
	}
	loop, shapes := graph.Loop{Over: graph.Nodes{x}}, d.shapes()
	switch {
	case len(in) > 1:
		loop.Init = slices.Clone(in[1:])
	case d.Stateful:
		loop.Init = s.carried(shapes...)
	default:
		for _, h := range shapes {
			loop.Init = append(loop.Init, s.Do(graph.Zeros(s.g, graph.Float32, append([]int{s.batch}, h...)...)))
		}
	}
	mask := s.Mask(0)
	if mask != nil {
		if len(mask.Shape()) != 2 {
			return s.Do(nil, fmt.Errorf("%s %q: mask has shape %v, want (batch, steps)", d.Kind(), s.path, mask.Shape())), nil
		}
		m := s.Do(graph.SwapAxes(mask, 0, 1))
		loop.Over = append(loop.Over, s.Do(graph.NotEqual(m, s.Do(graph.Scalar(m, 0)))))
	}
	before, err := d.firstOutput(s, x, loop.Init)
	loop.Init = append(loop.Init, s.Do(before, err))
	if s.err != nil {
		return nil, nil
	}
	last, kept, err := graph.Scan(loop, func(carried, x graph.Nodes) (next, keep graph.Nodes, err error) {
		next, err = d.step(s, carried, x)
		if err == nil && d.ReturnSequences {
			keep = next[len(next)-1:]
		}
		return next, keep, err
	})
	if s.Do(nil, err); err != nil {
		return nil, nil
	}
	n := len(shapes)
	if d.Stateful {
		s.carry(last[:n])
	}
	if d.ReturnState {
		states = last[:n]
	}
	if !d.ReturnSequences {
		return last[n], states
	}
	s.SetMask(0, mask)
	return s.Do(graph.SwapAxes(kept[0], 0, 1)), states
}

// firstOutput returns zeros of the shape of an output, which Build knows and the nodes of a step tell.
func (d *cellLoop) firstOutput(s *Scope, x *graph.Node, states []*graph.Node) (*graph.Node, error) {
	b := &Builder{layer: &layer{name: s.layer.name, def: s.layer.def}}
	y, err := d.cell.Build(b, Shape(x.Shape()[2:]))
	if err != nil {
		return nil, err
	}
	return graph.Zeros(s.g, graph.Float32, append([]int{states[0].Shape()[0]}, y...)...)
}

// step computes one step: carried are the states and the output before.
func (d *cellLoop) step(s *Scope, carried, x graph.Nodes) (next graph.Nodes, err error) {
	n := len(carried) - 1
	penalties, logged, updates, outputs := len(s.penalties), len(s.logged), len(s.updates), len(s.moreOutputs)
	y, states := d.cell.Step(s, x[0], slices.Clone(carried[:n]))
	switch next = append(slices.Clone(states), y); {
	case s.err != nil:
		return nil, s.err
	case len(s.penalties) > penalties || len(s.logged) > logged || len(s.updates) > updates || len(s.moreOutputs) > outputs:
		return nil, fmt.Errorf("%s %q: a step adds a loss, an entry of the logs, an update or an output, which only layers can", d.Kind(), s.path)
	case len(states) != n:
		return nil, fmt.Errorf("%s %q: Step gave %d states, want %d", d.Kind(), s.path, len(states), n)
	case slices.Contains(next, nil):
		return nil, fmt.Errorf("%s %q: Step gave no node", d.Kind(), s.path)
	}
	for i, h := range next {
		if want := carried[i].Shape(); !slices.Equal(h.Shape(), want) {
			what := fmt.Sprintf("state %d", i)
			if i == n {
				what = "an output"
			}
			return nil, fmt.Errorf("%s %q: Step gave %s of shape %v, want %v", d.Kind(), s.path, what, h.Shape(), want)
		}
		if len(x) > 1 {
			on := s.Do(graph.Reshape(x[1], append([]int{h.Shape()[0]}, slices.Repeat([]int{1}, len(h.Shape())-1)...)...))
			next[i] = s.Do(graph.Where(on, h, carried[i]))
		}
	}
	return next, s.err
}

// MarshalJSON stores the definition of the cell.
func (d *cellLoop) MarshalJSON() ([]byte, error) { return json.Marshal(d.cell) }

// WithCustomCell lets Load read an RNN of a cell of your own: make returns an empty definition, into which
// the saved arguments are decoded.
func WithCustomCell(make func() CellDefinition) LoadOption {
	return loadOption(func(s *loadSettings) {
		if s.cells == nil {
			s.cells = map[string]func() CellDefinition{}
		}
		s.cells[make().Kind()] = make
	})
}

// cell reads a cell of a kind that is not of this package.
func (l *loader) cell(c *layerConfig) (*cell, error) {
	make, ok := l.knownCells[c.Kind]
	if !ok {
		return nil, fmt.Errorf("has cells of SimpleRNN, GRU and LSTM, and those given WithCustomCell, got %q", c.Kind)
	}
	var d CellDefinition
	err := guard("custom cell", nil, c.Kind, func() error {
		if d = make(); isNil(d) {
			return fmt.Errorf("the function given to WithCustomCell returned nil for kind %q", c.Kind)
		}
		return unmarshalStrict(c.Config, d)
	})
	if err != nil {
		return nil, err
	}
	return &cell{name: c.Name, over: &cellLoop{cell: d}}, nil
}
