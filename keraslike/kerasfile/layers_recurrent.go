// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"errors"
	"fmt"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"CuDNNGRU":  {read: func(a *args) k.Layer { return recurrent(a, k.GRU, gateActivation(a)...) }, states: true}, // with reset_after, sigmoid and tanh
	"CuDNNLSTM": {read: func(a *args) k.Layer { return recurrent(a, k.LSTM, gateActivation(a)...) }, states: true},
	"SimpleRNN": {read: func(a *args) k.Layer { return recurrent(a, k.SimpleRNN) }, mask: passesMask, states: true},
	"LSTM":      {read: func(a *args) k.Layer { return recurrent(a, k.LSTM, gateActivation(a)...) }, mask: passesMask, states: true},
	"GRU":       {read: gru, mask: passesMask, states: true},

	"RNN":        {read: rnn, mask: passesMask, states: true},
	"ConvLSTM1D": {read: func(a *args) k.Layer { return convLSTM(a, k.ConvLSTM1D, 1) }, mask: passesMask, states: true},
	"ConvLSTM2D": {read: func(a *args) k.Layer { return convLSTM(a, k.ConvLSTM2D, 2) }, mask: passesMask, states: true},
	"ConvLSTM3D": {read: func(a *args) k.Layer { return convLSTM(a, k.ConvLSTM3D, 3) }, mask: passesMask, states: true},

	"Bidirectional":   {read: bidirectional, mask: passesMask, states: true},
	"TimeDistributed": {read: timeDistributed, mask: passesMask},
})

// recurrent reads a layer or a cell.
func recurrent[T any](a *args, make func(units int, options ...k.RecurrentOption) T, options ...k.RecurrentOption) T {
	options = append(options, weighted[k.RecurrentOption](a)...)
	options = append(options, recurrentOptions(a)...)
	return make(a.count("units"), options...)
}

// convLSTM reads a layer whose arguments are those of a convolution and those of a recurrent layer.
func convLSTM(a *args, make func(filters, kernel int, options ...k.ConvLSTMOption) k.Layer, axes int) k.Layer {
	a.channels()
	options := append(weighted[k.ConvLSTMOption](a), k.KernelSize(a.window("kernel_size", axes, 0)...), k.Strides(a.window("strides", axes, 1)...),
		k.Dilation(a.window("dilation_rate", axes, 1)...))
	options = append(options, when[k.ConvLSTMOption](a.padding("same") == "same", k.SamePadding)...)
	for _, o := range append(gateActivation(a), recurrentOptions(a)...) {
		options = append(options, o)
	}
	return make(a.count("filters"), 1, options...)
}

// recurrentOptions reads what all recurrent layers have.
func recurrentOptions(a *args) (options []k.RecurrentOption) {
	if _, given := a.raw["activation"]; given {
		options = append(options, a.activation("activation"))
	}
	r := a.regularizer("recurrent_regularizer")
	options = append(options, when[k.RecurrentOption](r != k.Regularizer{}, k.RecurrentRegularizer(r))...)
	limit := a.constraint("recurrent_constraint")
	options = append(options, when[k.RecurrentOption](!limit.IsZero(), k.RecurrentConstraint(limit))...)
	options = append(options, when[k.RecurrentOption](a.flag("return_sequences", false), k.ReturnSequences)...)
	options = append(options, when[k.RecurrentOption](a.flag("return_state", false), k.ReturnState)...)
	options = append(options, when[k.RecurrentOption](a.flag("go_backwards", false), k.GoBackwards)...)
	options = append(options, when[k.RecurrentOption](a.flag("zero_output_for_mask", false), k.ZeroOutputForMask)...)
	options = append(options, when[k.RecurrentOption](a.flag("stateful", false), k.Stateful)...)
	return append(options, k.InputDropout(a.number("dropout", 0)), k.RecurrentDropout(a.number("recurrent_dropout", 0)))
}

func gateActivation(a *args) []k.RecurrentOption {
	if _, given := a.raw["recurrent_activation"]; !given {
		return nil
	}
	return []k.RecurrentOption{k.RecurrentActivation(a.activation("recurrent_activation"))}
}

func gru(a *args) k.Layer { return recurrent(a, k.GRU, gruOptions(a)...) }

func gruOptions(a *args) []k.RecurrentOption {
	return append(gateActivation(a), when[k.RecurrentOption](!a.flag("reset_after", a.major >= 3), k.ResetBefore)...)
}

func rnn(a *args) k.Layer {
	var c layerConfig
	if !a.take("cell", &c) {
		a.fail("cell", errors.New("is missing"))
		return nil
	}
	cell, notes, err := cellOf(c, a.major, 0)
	if err != nil {
		a.fail("cell", err)
		return nil
	}
	a.notes = append(a.notes, notes...)
	var options []k.RecurrentOption
	for name, flag := range map[string]k.RecurrentFlag{
		"return_sequences": k.ReturnSequences, "return_state": k.ReturnState, "go_backwards": k.GoBackwards,
		"zero_output_for_mask": k.ZeroOutputForMask, "stateful": k.Stateful,
	} {
		options = append(options, when[k.RecurrentOption](a.flag(name, false), flag)...)
	}
	return k.RNN(cell, options...)
}

// cellOf makes a cell, which is no layer and may be a stack of cells.
func cellOf(c layerConfig, major, depth int) (cell k.RecurrentCell, notes []string, err error) {
	if c.custom() || depth > maxNesting {
		return nil, nil, fmt.Errorf("is of class %q, which is not Keras's own or nested too deeply", c.Class)
	}
	a := newArgs(c.Config, major, nil, nil)
	if a.err != nil {
		return nil, nil, a.err
	}
	name := k.Name(slashless(a.text("name", "")))
	switch c.Class {
	case "SimpleRNNCell":
		cell = recurrent(a, k.SimpleRNNCell, name)
	case "GRUCell":
		cell = recurrent(a, k.GRUCell, append(gruOptions(a), name)...)
	case "LSTMCell":
		cell = recurrent(a, k.LSTMCell, append(gateActivation(a), name)...)
	case "StackedRNNCells":
		var list []layerConfig
		a.take("cells", &list)
		var cells []k.RecurrentCell
		for _, inner := range list {
			one, more, err := cellOf(inner, major, depth+1)
			if err != nil {
				return nil, nil, err
			}
			cells, notes = append(cells, one), append(notes, more...)
		}
		cell = k.StackedRNNCells(cells...)
	default:
		return nil, nil, fmt.Errorf("is of class %q, want SimpleRNNCell, GRUCell, LSTMCell or StackedRNNCells", c.Class)
	}
	if err := a.finish(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.Class, err)
	}
	return cell, append(notes, a.notes...), nil
}

func timeDistributed(a *args) k.Layer {
	var step []k.Shape
	for _, x := range a.in {
		if len(x) > 0 {
			step = append(step, x[1:])
		}
	}
	return k.TimeDistributed(a.layer("layer", step))
}

// bidirectional reads a wrapped recurrent layer; files of Keras 2 describe the backward layer
// only if the user gave one.
func bidirectional(a *args) k.Layer {
	mode := k.MergeNone
	if string(a.raw["merge_mode"]) != "null" {
		mode = k.MergeMode(a.text("merge_mode", string(k.MergeConcat)))
	}
	forward := a.layer("layer", nil)
	options := []k.BidirectionalOption{mode}
	if raw := string(a.raw["backward_layer"]); raw != "" && raw != "null" {
		options = append(options, k.BackwardLayer(a.layer("backward_layer", nil)))
	}
	return k.Bidirectional(forward, options...)
}
