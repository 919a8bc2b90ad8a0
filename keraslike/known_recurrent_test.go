// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// withMask gives its first input the second as its mask.
type withMask struct{}

func (withMask) Kind() string { return "WithMask" }

func (withMask) Build(_ *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	return in[0], nil
}

func (withMask) Forward(s *keraslike.Scope, in []*graph.Node) *graph.Node {
	s.SetMask(0, in[1])
	return in[0]
}

// recurrentOptions are the options of a layer or a cell, as its arguments say.
func recurrentOptions(a golden.Args) (opts []keraslike.RecurrentOption) {
	if f := a.String("activation"); f != "" {
		opts = append(opts, keraslike.ActivationFunc(f))
	}
	if f := a.String("recurrent_activation"); f != "" {
		opts = append(opts, keraslike.RecurrentActivation(keraslike.ActivationFunc(f)))
	}
	for name, option := range map[string]keraslike.RecurrentOption{
		"return_sequences": keraslike.ReturnSequences, "return_state": keraslike.ReturnState, "go_backwards": keraslike.GoBackwards,
		"zero_output_for_mask": keraslike.ZeroOutputForMask,
	} {
		if a.Bool(name) {
			opts = append(opts, option)
		}
	}
	if bias, given := a["use_bias"].(bool); given && !bias {
		opts = append(opts, keraslike.NoBias)
	}
	return opts
}

// recurrentLayer is the layer of a case.
func recurrentLayer(c golden.Case, kind string) keraslike.Layer {
	a := c.Args
	opts := recurrentOptions(a)
	switch kind {
	case "SimpleRNN":
		return keraslike.SimpleRNN(a.Int("units"), opts...)
	case "GRU":
		if !a.Bool("reset_after") {
			opts = append(opts, keraslike.ResetBefore)
		}
		return keraslike.GRU(a.Int("units"), opts...)
	case "LSTM":
		return keraslike.LSTM(a.Int("units"), opts...)
	}
	panic("no layer of kind " + kind)
}

// recurrentTrial applies a layer to a case's series, with its mask and first states,
// and takes the outputs of the given names.
func recurrentTrial(t *testing.T, c golden.Case, layer keraslike.Layer, outputs []string) *trial {
	t.Helper()
	tr := &trial{recorder: &recorder{}, batch: c.Inputs["x"].Shape[0]}
	dummy := keraslike.Input(1)
	node := func(name string) *keraslike.Tensor {
		_, free := c.Want["d"+name]
		return keraslike.Custom(&held{name, tr.batch, c.Inputs[name].Shape[1:], !free}, keraslike.Name("held "+name)).Apply(dummy)
	}
	in := []*keraslike.Tensor{node("x")}
	if _, ok := c.Inputs["mask"]; ok {
		in[0] = keraslike.Custom(withMask{}).Apply(in[0], node("mask"))
	}
	for _, name := range present(c, []string{"h0", "c0", "forward_h0", "forward_c0", "backward_h0", "backward_c0", "a_h0", "a_c0", "b_h0", "b_c0"}) {
		in = append(in, node(name))
	}
	y := layer.Apply(in...)
	var out []*keraslike.Tensor
	for k := range outputs {
		out = append(out, y.Output(k))
	}
	wantError(t, keraslike.NewModel("m", []*keraslike.Tensor{dummy}, []*keraslike.Tensor{y.Output(len(outputs))}).Build(0), "has no output")
	tr.model = keraslike.NewModel("trial", []*keraslike.Tensor{dummy}, out)
	if err := tr.model.Compile(tr.recorder, weighted{}); err != nil {
		t.Fatal(err)
	}
	for _, w := range tr.model.Weights() {
		name, isInput := strings.CutPrefix(w.Path(), "held ")
		if isInput {
			name = strings.TrimSuffix(name, "/x")
		} else {
			way, rest, both := strings.Cut(w.Name(), "/")
			if name = way; both {
				name = way[:strings.Index(way, "_")+1] + rest
			}
		}
		if err := w.Set(c.Inputs[name].Float32()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, ok := c.Want["d"+name]; ok {
			tr.gradients = append(tr.gradients, name)
		}
	}
	return tr
}

// checkRecurrent compares all outputs of a case and all gradients of the sum of all
// outputs times r, r_h, ...
func checkRecurrent(t *testing.T, c golden.Case, layer keraslike.Layer, outputs []string) {
	t.Helper()
	tr := recurrentTrial(t, c, layer, outputs)
	got, err := tr.model.PredictSource(t.Context(), dataOf(t, tr.input(), nil))
	if err != nil {
		t.Fatal(err)
	}
	var targets []graph.Value
	for k, name := range outputs {
		golden.Close(t, name, got[k].Values(), c.Want[name], layerRelative, layerAbsolute)
		r := c.Inputs["r_"+name]
		if name == "y" {
			r = c.Inputs["r"]
		}
		targets = append(targets, tensorOf(r.Shape, r.Float32()))
	}
	if _, err := tr.model.TrainOnBatchOf([]graph.Value{tr.input()}, targets, nil); err != nil {
		t.Fatal(err)
	}
	if len(tr.recorder.gradients) != len(tr.gradients) {
		t.Fatalf("%d gradients, want those of %v", len(tr.recorder.gradients), tr.gradients)
	}
	for i, name := range tr.gradients {
		golden.Close(t, "d"+name, tr.recorder.gradients[i], c.Want["d"+name], layerRelative, layerAbsolute)
	}
}

// outputsOf are the names of a case's outputs in the layer's order.
func outputsOf(c golden.Case) []string {
	names := []string{"y", "y_backward", "h", "c", "forward_h", "forward_c", "backward_h", "backward_c", "a_h", "a_c", "b_h", "b_c", "c_h"}
	return slices.DeleteFunc(names, func(n string) bool { _, ok := c.Want[n]; return !ok })
}

// TestRecurrentValues: every flag of SimpleRNN, GRU and LSTM, with masks and first states.
func TestRecurrentValues(t *testing.T) {
	seen := map[string]int{}
	for _, c := range golden.Load(t, "layers_recurrent") {
		kind := c.Args.String("layer")
		if kind == "Bidirectional" || len(present(c, []string{"input_mask", "recurrent_mask"})) > 0 || len(c.Inputs) == 0 {
			continue // masks of dropout are given to graph.Recurrent, which has a test of these
		}
		seen[kind]++
		t.Run(c.Name, func(t *testing.T) { checkRecurrent(t, c, recurrentLayer(c, kind), outputsOf(c)) })
	}
	if want := map[string]int{"SimpleRNN": 20, "GRU": 41, "LSTM": 21}; !maps.Equal(seen, want) {
		t.Errorf("compared %v, want %v", seen, want)
	}
}

// TestConvLSTMValues: strides, padding, dilation and every flag, with masks and first states.
func TestConvLSTMValues(t *testing.T) {
	constructors := map[string]func(filters, kernel int, opts ...keraslike.ConvLSTMOption) keraslike.Layer{
		"ConvLSTM1D": keraslike.ConvLSTM1D, "ConvLSTM2D": keraslike.ConvLSTM2D, "ConvLSTM3D": keraslike.ConvLSTM3D,
	}
	seen := map[string]int{}
	for _, c := range golden.Load(t, "layers_convlstm_keras") {
		a := c.Args
		kind := a.String("layer")
		seen[kind]++
		opts := options[keraslike.ConvLSTMOption](windowOptions(a))
		opts = append(opts, keraslike.RecurrentActivation(keraslike.ActivationFunc(a.String("recurrent_activation"))))
		for name, flag := range map[string]keraslike.RecurrentFlag{
			"return_sequences": keraslike.ReturnSequences, "return_state": keraslike.ReturnState, "go_backwards": keraslike.GoBackwards,
			"zero_output_for_mask": keraslike.ZeroOutputForMask,
		} {
			if a.Bool(name) {
				opts = append(opts, flag)
			}
		}
		t.Run(c.Name, func(t *testing.T) {
			checkRecurrent(t, c, constructors[kind](a.Int("filters"), 1, opts...), outputsOf(c))
		})
	}
	if want := map[string]int{"ConvLSTM1D": 9, "ConvLSTM2D": 7, "ConvLSTM3D": 2}; !maps.Equal(seen, want) {
		t.Errorf("compared %v, want %v", seen, want)
	}
}

// TestRNNValues: cells and stacks of cells, with masks and first states.
func TestRNNValues(t *testing.T) {
	constructors := map[string]func(units int, opts ...keraslike.RecurrentOption) keraslike.RecurrentCell{
		"SimpleRNNCell": keraslike.SimpleRNNCell, "GRUCell": keraslike.GRUCell, "LSTMCell": keraslike.LSTMCell,
	}
	seen := 0
	for _, c := range golden.Load(t, "layers_rnn_keras") {
		seen++
		var cells []keraslike.RecurrentCell
		for k, v := range c.Args["cells"].([]any) {
			a := golden.Args(v.(map[string]any))
			opts := append(recurrentOptions(a), keraslike.Name(string(rune('a'+k))+"_cell"))
			if after, given := a["reset_after"].(bool); given && !after {
				opts = append(opts, keraslike.ResetBefore)
			}
			cells = append(cells, constructors[a.String("cell")](a.Int("units"), opts...))
		}
		t.Run(c.Name, func(t *testing.T) {
			checkRecurrent(t, c, keraslike.RNN(keraslike.StackedRNNCells(cells...), recurrentOptions(c.Args)...), outputsOf(c))
		})
	}
	if seen != 11 {
		t.Errorf("%d cases, want 11", seen)
	}
}

// TestBidirectionalValues: every merge mode, with masks and states.
func TestBidirectionalValues(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "layers_recurrent") {
		a := c.Args
		if a.String("layer") != "Bidirectional" {
			continue
		}
		seen++
		mode := keraslike.MergeNone
		if m := a.String("merge_mode"); m != "" {
			mode = keraslike.MergeMode(m)
		}
		t.Run(c.Name, func(t *testing.T) {
			checkRecurrent(t, c, keraslike.Bidirectional(recurrentLayer(c, a.String("inner")), mode), outputsOf(c))
		})
	}
	if seen < 25 {
		t.Errorf("%d cases, want at least 25", seen)
	}
}
