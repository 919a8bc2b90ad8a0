// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// RNN runs a cell over sequences: RNN(LSTMCell(64)) is LSTM(64), and a stack of cells is one layer:
//
//	keraslike.RNN(keraslike.StackedRNNCells(keraslike.GRUCell(64), keraslike.LSTMCell(32)))
//
// CustomCell is a cell of your own.
//
//	input    (batch, steps, in); optionally followed by the initial states of all cells, in the order
//	         of the cells: h (batch, units), and c of an LSTMCell; those of a CustomCell are its own
//	output   (batch, units) of the last cell at the last step; with ReturnSequences (batch, steps, units)
//	further outputs  with ReturnState the last states of all cells, in the same order
//	weights  those of the layers of the same kinds under the names of the cells, such as
//	         lstm_cell/kernel
//
// The states do not change at masked steps.
//
// Options:
//
//	ReturnSequences    off
//	ReturnState        off
//	GoBackwards        off
//	ZeroOutputForMask  off
//	Stateful           off
//	Name               "rnn", "rnn_1" and so on
//	Trainable          true
//
// See https://keras.io/api/layers/recurrent_layers/rnn/.
func RNN(c RecurrentCell, opts ...RecurrentOption) Layer {
	d := &rnn{}
	if !isNil(c) {
		d.cells = namedCells(c.cells())
	}
	return newLayer(d, opts)
}

// RecurrentCell is a step of a recurrent layer, for RNN: SimpleRNNCell, GRUCell, LSTMCell, StackedRNNCells
// or a CustomCell.
type RecurrentCell interface{ cells() []*cell }

type recurrentCells []*cell

func (c recurrentCells) cells() []*cell { return c }

// cell has the name of a cell and the layer that runs it over sequences, which is nil if it is not one.
type cell struct {
	name    string
	frozen  bool
	mistake error // of its options
	over    sequenceLayer
}

// kind names the cell in errors: that of LSTM is the LSTMCell.
func (c *cell) kind() string {
	if own, ok := c.over.(*cellLoop); ok {
		return own.Kind()
	}
	return c.over.Kind() + "Cell"
}

// SimpleRNNCell is the cell of SimpleRNN, whose options it has, but for those that RNN has and
// ActivityRegularizer. Its name is "simple_rnn_cell", "simple_rnn_cell_1" and so on within an RNN.
//
// See https://keras.io/api/layers/recurrent_layers/simple_rnn_cell/.
func SimpleRNNCell(units int, opts ...RecurrentOption) RecurrentCell {
	return recurrentCells{cellOf(SimpleRNN(units, opts...))}
}

// GRUCell is the cell of GRU, whose options it has, but for those that RNN has and
// ActivityRegularizer. Its name is "gru_cell", "gru_cell_1" and so on within an RNN.
//
// See https://keras.io/api/layers/recurrent_layers/gru_cell/.
func GRUCell(units int, opts ...RecurrentOption) RecurrentCell {
	return recurrentCells{cellOf(GRU(units, opts...))}
}

// LSTMCell is the cell of LSTM, whose options it has, but for those that RNN has and
// ActivityRegularizer. Its name is "lstm_cell", "lstm_cell_1" and so on within an RNN.
//
// See https://keras.io/api/layers/recurrent_layers/lstm_cell/.
func LSTMCell(units int, opts ...RecurrentOption) RecurrentCell {
	return recurrentCells{cellOf(LSTM(units, opts...))}
}

// StackedRNNCells is a cell of several, of which each has the output of the one before as its input.
//
// See https://keras.io/api/layers/recurrent_layers/stacked_rnn_cells/.
func StackedRNNCells(cells ...RecurrentCell) RecurrentCell {
	var all recurrentCells
	for _, c := range cells {
		if isNil(c) {
			all = append(all, &cell{}) // which check reports
			continue
		}
		all = append(all, c.cells()...)
	}
	return all
}

// cellOf returns the cell of a recurrent layer.
func cellOf(layer Layer) *cell {
	l := layer.core()
	return &cell{name: l.name, frozen: l.frozen, mistake: l.mistake, over: l.def.(sequenceLayer)}
}

// namedCells returns copies, as the cells may be used elsewhere, that all have a name.
func namedCells(cells []*cell) []*cell {
	taken := map[string]bool{}
	for _, c := range cells {
		taken[c.name] = true
	}
	named := make([]*cell, len(cells))
	for i, c := range cells {
		own := *c
		if c.over != nil {
			own.over = c.over.twin()
			base := snakeCase(c.kind())
			for n, name := 1, base; own.name == ""; n, name = n+1, fmt.Sprintf("%s_%d", base, n) {
				if !taken[name] {
					own.name, taken[name] = name, true
				}
			}
		}
		named[i] = &own
	}
	return named
}

type rnn struct {
	cells             []*cell
	ReturnSequences   bool `option:"ReturnSequences"`
	ReturnState       bool `option:"ReturnState"`
	GoBackwards       bool `option:"GoBackwards"`
	ZeroOutputForMask bool `option:"ZeroOutputForMask"`
	Stateful          bool `option:"Stateful"`
}

var _ = register[rnn]("RNN")

func (d *rnn) Kind() string { return "RNN" }

func (d *rnn) check() error {
	if len(d.cells) == 0 {
		return errors.New("got no cell")
	}
	names := map[string]bool{}
	for i, c := range d.cells {
		if c.over == nil {
			return fmt.Errorf("cell %d is nil", i)
		}
		err := errors.Join(c.mistake, c.over.check(), finiteSettings(c.over), c.unfit())
		switch {
		case err != nil:
		case names[c.name]:
			err = errors.New("another cell has the same name")
		case unfitName(c.name) != "":
			err = errors.New("the name " + unfitName(c.name))
		}
		if err != nil {
			return fmt.Errorf("%s %q: %w", c.kind(), c.name, err)
		}
		names[c.name] = true
	}
	return nil
}

// unfit reports options of a layer that a cell does not have.
func (c *cell) unfit() error {
	f := c.over.flags()
	for _, o := range []struct {
		set  bool
		name string
	}{
		{*f.returnSequences, "ReturnSequences"}, {*f.returnState, "ReturnState"}, {*f.goBackwards, "GoBackwards"},
		{*f.zeroOutputForMask, "ZeroOutputForMask"}, {*f.stateful, "Stateful"}, {c.frozen, "Trainable"},
	} {
		if o.set {
			return fmt.Errorf("%s is an option of RNN, not of its cells", o.name)
		}
	}
	if r, ok := c.over.(*recurrent); ok && r.ActivityRegularizer != (Regularizer{}) {
		return errors.New("ActivityRegularizer is no option of a cell")
	}
	return nil
}

func (d *rnn) multiplications(_ []Shape, _ Shape, each float64) float64 {
	return recurrentStepCost * each
}

func (d *rnn) internalValues(in []Shape) (n float64) {
	for _, c := range d.cells {
		n += c.over.internalValues(in)
	}
	return n
}

// layers returns the layers of which the stack consists: at every step but the last of the last
// one each gives what the next one needs.
func (d *rnn) layers() []sequenceLayer {
	list := make([]sequenceLayer, len(d.cells))
	for i, c := range d.cells {
		list[i] = c.over.twin()
		f := list[i].flags()
		*f.returnSequences, *f.returnState, *f.stateful = d.ReturnSequences || i < len(list)-1, d.ReturnState, d.Stateful
	}
	return list
}

func (d *rnn) states() (n int) {
	for _, c := range d.cells {
		n += c.over.states()
	}
	return n
}

func (d *rnn) Build(b *Builder, in []Shape) (Shape, error) {
	if n := len(in) - 1; n > 0 && n != d.states() {
		return nil, fmt.Errorf("got %d initial states, want none or %d", n, d.states())
	}
	y, from := in[:min(1, len(in))], 0
	for i, layer := range d.layers() {
		back := within(&b.prefix, d.cells[i].name)
		shape, err := layer.Build(b, append(y[:len(y):len(y)], statesOf(in, from, layer.states())...))
		back()
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", d.cells[i].kind(), d.cells[i].name, err)
		}
		y, from = []Shape{shape}, from+layer.states()
	}
	return y[0], nil
}

// statesOf returns n of the initial states, starting at an index, if there are any.
func statesOf[T any](in []T, from, n int) []T {
	if len(in) < 2 {
		return nil
	}
	return in[1+from : 1+from+n]
}

func (d *rnn) Forward(s *Scope, in []*graph.Node) *graph.Node { return forwardOver(d, s, in) }

func (d *rnn) run(s *Scope, in []*graph.Node) (y *graph.Node, states []*graph.Node) {
	y, mask, masks := in[0], s.Mask(0), s.masks
	defer func() { s.masks = masks }()
	if d.GoBackwards { // once, before all cells
		y = s.Do(graph.Flip(y, 1))
		if mask != nil {
			s.masks = append([]*graph.Node{s.Do(graph.Flip(mask, 1))}, masks[1:]...)
		}
	}
	from := 0
	for i, layer := range d.layers() {
		back := within(&s.prefix, d.cells[i].name)
		var last []*graph.Node
		y, last = layer.run(s, append([]*graph.Node{y}, statesOf(in, from, layer.states())...))
		back()
		states, from = append(states, last...), from+layer.states()
	}
	s.outputMasks = nil
	if d.ReturnSequences && mask != nil {
		s.SetMask(0, mask)
		if d.ZeroOutputForMask {
			y = s.Do(graph.MaskSteps(y, s.Mask(0)))
		}
	}
	if d.ZeroOutputForMask && !d.ReturnSequences {
		y = s.zeroLastMasked(y, mask, d.GoBackwards)
	}
	return y, states
}

// rnnConfig is the saved form.
type rnnConfig struct {
	Cells             []layerConfig `json:"cells"` // as the layers of their kinds
	ReturnSequences   bool          `json:"return_sequences,omitempty"`
	ReturnState       bool          `json:"return_state,omitempty"`
	GoBackwards       bool          `json:"go_backwards,omitempty"`
	ZeroOutputForMask bool          `json:"zero_output_for_mask,omitempty"`
	Stateful          bool          `json:"stateful,omitempty"`
}

// MarshalJSON stores the cells and the options.
func (d *rnn) MarshalJSON() ([]byte, error) {
	c := rnnConfig{nil, d.ReturnSequences, d.ReturnState, d.GoBackwards, d.ZeroOutputForMask, d.Stateful}
	for _, one := range d.cells {
		saved, err := (&layer{name: one.name, def: one.over}).config()
		if err != nil {
			return nil, err
		}
		c.Cells = append(c.Cells, saved)
	}
	return json.Marshal(c)
}

// read restores the cells.
func (d *rnn) read(text []byte, outer *loader) error {
	var c rnnConfig
	if err := unmarshalStrict(text, &c); err != nil {
		return err
	}
	*d = rnn{nil, c.ReturnSequences, c.ReturnState, c.GoBackwards, c.ZeroOutputForMask, c.Stateful}
	from := newLoader(nil, len(text))
	for i := range c.Cells {
		saved := &c.Cells[i]
		if !slices.Contains(cellsOfKeras, saved.Kind) {
			own, err := outer.cell(saved)
			if err != nil {
				return err
			}
			d.cells = append(d.cells, own)
			continue
		}
		l, err := saved.layer(from)
		if err != nil {
			return err
		}
		d.cells = append(d.cells, cellOf(l))
	}
	d.cells = namedCells(d.cells)
	return nil
}

// cellsOfKeras are the kinds whose cells RNN has.
var cellsOfKeras = []string{"SimpleRNN", "GRU", "LSTM"}
