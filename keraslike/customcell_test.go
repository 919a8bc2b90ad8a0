// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// minimalCell is the cell of Keras's page on RNN.
type minimalCell struct {
	Units int `json:"units"`
}

func (*minimalCell) Kind() string        { return "MinimalCell" }
func (c *minimalCell) States() []k.Shape { return []k.Shape{{c.Units}} }

func (c *minimalCell) Build(b *k.Builder, in k.Shape) (k.Shape, error) {
	b.Weight("kernel", k.RandomUniform(0.05), k.Regularizer{}, in[0], c.Units)
	b.Weight("recurrent_kernel", k.RandomUniform(0.05), k.Regularizer{}, c.Units, c.Units)
	return k.Shape{c.Units}, nil
}

func (c *minimalCell) Step(s *k.Scope, x *graph.Node, states []*graph.Node) (*graph.Node, []*graph.Node) {
	fromX := s.Do(graph.MatMul(x, s.Weight("kernel")))
	h := s.Do(graph.Add(fromX, s.Do(graph.MatMul(states[0], s.Weight("recurrent_kernel")))))
	return h, []*graph.Node{h}
}

// leakyCell has two states of different sizes and an output that is neither, see layers_cells_keras.py.
type leakyCell struct {
	Units int `json:"units"`
	Out   int `json:"out"`
}

func (*leakyCell) Kind() string        { return "LeakyCell" }
func (c *leakyCell) States() []k.Shape { return []k.Shape{{c.Units}, {1}} }

func (c *leakyCell) Build(b *k.Builder, in k.Shape) (k.Shape, error) {
	b.Weight("kernel", k.GlorotUniform(), k.Regularizer{}, in[0], c.Units)
	b.Weight("recurrent_kernel", k.GlorotUniform(), k.Regularizer{}, c.Units, c.Units)
	b.Weight("output_kernel", k.GlorotUniform(), k.Regularizer{}, c.Units, c.Out)
	return k.Shape{c.Out}, nil
}

func (c *leakyCell) Step(s *k.Scope, x *graph.Node, states []*graph.Node) (*graph.Node, []*graph.Node) {
	fromX := s.Do(graph.MatMul(x, s.Weight("kernel")))
	a := s.Activate(s.Do(graph.Add(fromX, s.Do(graph.MatMul(states[0], s.Weight("recurrent_kernel"))))), k.Tanh)
	sum := s.Do(graph.Sum(a, graph.Axes(1), graph.KeepDims()))
	b := s.Do(graph.Add(s.Do(graph.Scale(states[1], 0.5)), sum))
	return s.Do(graph.Add(s.Do(graph.MatMul(a, s.Weight("output_kernel"))), b)), []*graph.Node{a, b}
}

// cellsOf are the cells of a case.
func cellsOf(a golden.Args) k.RecurrentCell {
	var cells []k.RecurrentCell
	for i, v := range a["cells"].([]any) {
		name := k.Name(string(rune('a'+i)) + "_cell")
		switch v {
		case "minimal":
			cells = append(cells, k.CustomCell(&minimalCell{2}, name))
		case "leaky":
			cells = append(cells, k.CustomCell(&leakyCell{2, 3}, name))
		case "lstm":
			cells = append(cells, k.LSTMCell(2, name))
		}
	}
	return k.StackedRNNCells(cells...)
}

// TestCustomCellValues: cells of one's own, alone, stacked and in Bidirectional, with masks; Bidirectional of RNN and of
// ConvLSTM, with every merge mode.
func TestCustomCellValues(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "layers_cells_keras") {
		seen++
		a := c.Args
		opts := recurrentOptions(a)
		var layer k.Layer
		if a.String("inner") == "ConvLSTM1D" {
			var options []k.ConvLSTMOption
			for _, o := range opts {
				options = append(options, o.(k.RecurrentFlag))
			}
			layer = k.ConvLSTM1D(2, 2, options...)
		} else {
			layer = k.RNN(cellsOf(a), opts...)
		}
		if a.String("layer") == "Bidirectional" {
			mode := k.MergeNone
			if m := a.String("merge_mode"); m != "" {
				mode = k.MergeMode(m)
			}
			layer = k.Bidirectional(layer, mode)
		}
		t.Run(c.Name, func(t *testing.T) { checkRecurrent(t, c, layer, outputsOf(c)) })
	}
	if seen != 18 {
		t.Errorf("%d cases, want 18", seen)
	}
}

// TestCustomCellSaved: a model with cells of one's own is loaded if their definitions are given.
func TestCustomCellSaved(t *testing.T) {
	m := k.Sequential("m", k.Input(4, 3),
		k.Bidirectional(k.RNN(k.StackedRNNCells(k.CustomCell(&leakyCell{2, 3}), k.GRUCell(2)), k.ReturnSequences)),
		k.RNN(k.CustomCell(&minimalCell{3}), k.Stateful), k.Dense(1))
	if err := m.Compile(k.SGD(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, w := range m.Weights() {
		paths = append(paths, w.Path())
	}
	for _, want := range []string{"bidirectional/forward_rnn/leaky_cell/output_kernel", "bidirectional/backward_rnn/gru_cell/bias", "rnn/minimal_cell/kernel"} {
		if !slices.Contains(paths, want) {
			t.Errorf("no weight %q among %v", want, paths)
		}
	}
	x := tensorOf([]int{2, 4, 3}, make([]float32, 24))
	for i := range 24 {
		x.Float32s()[i] = float32(i%7) - 3
	}
	content, _ := saved(t, m)
	first := predict(t, m, x)
	second := predict(t, m, x)
	if slices.Equal(first, second) {
		t.Error("a stateful cell gives the same twice")
	}
	leaky, minimal := k.WithCustomCell(func() k.CellDefinition { return &leakyCell{} }), k.WithCustomCell(func() k.CellDefinition { return &minimalCell{} })
	loaded, err := k.LoadBytes(content, leaky, minimal)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]float32{first, second} {
		if got := predict(t, loaded, x); !slices.Equal(got, want) {
			t.Errorf("a loaded model gives %v, want %v", got, want)
		}
	}
	if again, _ := saved(t, loaded); !bytes.Equal(again, content) {
		t.Error("a loaded model is saved with other bytes")
	}
	_, err = k.LoadBytes(content, leaky)
	wantError(t, err, "WithCustomCell", "MinimalCell")
	_, err = k.LoadBytes(content, leaky, k.WithCustomCell(func() k.CellDefinition { return &otherCell{kind: "MinimalCell"} }))
	wantError(t, err, "unknown field")
}

// otherCell does what its fields say.
type otherCell struct {
	kind   string
	states []k.Shape
	out    k.Shape
	step   func(s *k.Scope, x, h *graph.Node) (*graph.Node, []*graph.Node)
}

func (c *otherCell) Kind() string                                    { return c.kind }
func (c *otherCell) States() []k.Shape                               { return c.states }
func (c *otherCell) Build(_ *k.Builder, in k.Shape) (k.Shape, error) { return c.out, nil }
func (c *otherCell) Step(s *k.Scope, x *graph.Node, states []*graph.Node) (*graph.Node, []*graph.Node) {
	return c.step(s, x, states[0])
}

// TestCustomCellErrors: what a cell does wrong is an error that names it.
func TestCustomCellErrors(t *testing.T) {
	build := func(c k.CellDefinition, opts ...k.LayerOption) error {
		m := k.Sequential("m", k.Input(4, 2), k.RNN(k.CustomCell(c, opts...)), k.Dense(1))
		return m.Compile(k.SGD(0.1), k.MSE)
	}
	same := func(s *k.Scope, x, h *graph.Node) (*graph.Node, []*graph.Node) { return x, []*graph.Node{h} }
	good := func() *otherCell { return &otherCell{kind: "Own", states: []k.Shape{{3}}, out: k.Shape{2}, step: same} }
	if err := build(good()); err != nil {
		t.Error(err)
	}
	wantError(t, build(nil), "has no definition")
	var none *minimalCell
	wantError(t, build(none), "has no definition")
	for what, c := range map[string]struct {
		change func(*otherCell)
		parts  []string
	}{
		"no states":     {func(c *otherCell) { c.states = nil }, []string{`Own "own"`, "no states"}},
		"empty state":   {func(c *otherCell) { c.states = []k.Shape{{0}} }, []string{`Own "own"`, "state 0", "(batch, 0)"}},
		"kind of Keras": {func(c *otherCell) { c.kind = "LSTM" }, []string{"LSTM", "its kind is that of a layer"}},
		"empty output":  {func(c *otherCell) { c.out = k.Shape{0} }, []string{`Own "own"`, "output of a step"}},
		"wrong output":  {func(c *otherCell) { c.out = k.Shape{5} }, []string{`Own "rnn"`, "an output", "want (1, 5)"}},
		"no node": {func(c *otherCell) {
			c.step = func(_ *k.Scope, x, h *graph.Node) (*graph.Node, []*graph.Node) { return nil, []*graph.Node{h} }
		}, []string{`Own "rnn"`, "no node"}},
		"no state": {func(c *otherCell) {
			c.step = func(_ *k.Scope, x, h *graph.Node) (*graph.Node, []*graph.Node) { return x, nil }
		}, []string{`Own "rnn"`, "0 states, want 1"}},
		"wrong state": {func(c *otherCell) {
			c.step = func(_ *k.Scope, x, h *graph.Node) (*graph.Node, []*graph.Node) { return x, []*graph.Node{x} }
		}, []string{`Own "rnn"`, "state 0", "want (1, 3)"}},
		"loss": {func(c *otherCell) {
			c.step = func(s *k.Scope, x, h *graph.Node) (*graph.Node, []*graph.Node) {
				s.AddLoss("sum", s.Do(graph.Sum(x)))
				return x, []*graph.Node{h}
			}
		}, []string{`Own "rnn"`, "a step adds a loss, an entry of the logs"}},
		"random": {func(c *otherCell) {
			c.step = func(s *k.Scope, x, h *graph.Node) (*graph.Node, []*graph.Node) {
				rng, stream := s.Random(0)
				return s.Do(graph.Dropout(x, 0.5, rng, stream)), []*graph.Node{h}
			}
		}, []string{"random numbers would be the same in each step"}},
		"panic": {func(c *otherCell) {
			c.step = func(*k.Scope, *graph.Node, *graph.Node) (*graph.Node, []*graph.Node) { panic("no") }
		}, []string{`layer "rnn"`, "panic in the step"}},
	} {
		cell := good()
		c.change(cell)
		if err := build(cell); err == nil {
			t.Errorf("%s: no error", what)
		} else {
			for _, p := range c.parts {
				if !strings.Contains(err.Error(), p) {
					t.Errorf("%s: error %q lacks %q", what, err, p)
				}
			}
		}
	}
	wantError(t, build(good(), k.Trainable(false)), "Trainable is an option of RNN")
	short := k.Sequential("m", k.Input(4), k.RNN(k.CustomCell(good())))
	wantError(t, short.Build(0), `Own "own"`, "want (batch, steps, ...)")
	wrong := k.Sequential("m", k.Input(4, 3), k.Bidirectional(k.RNN(k.CustomCell(&minimalCell{2})), k.BackwardLayer(k.LSTM(3, k.GoBackwards)), k.MergeSum))
	wantError(t, wrong.Build(0), "sum of 2 and 3 units")
	wantError(t, k.Sequential("m", k.Input(4, 3), k.Bidirectional(k.Dense(3))).Build(0), "wraps SimpleRNN, GRU, LSTM, RNN")
}
