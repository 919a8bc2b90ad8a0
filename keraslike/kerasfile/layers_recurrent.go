// SPDX-License-Identifier: Apache-2.0

package kerasfile

import k "github.com/reef-dl/reef/keraslike"

var _ = register(map[string]class{
	"CuDNNGRU":  {read: func(a *args) k.Layer { return recurrent(a, k.GRU, gateActivation(a)...) }, states: true}, // with reset_after, sigmoid and tanh
	"CuDNNLSTM": {read: func(a *args) k.Layer { return recurrent(a, k.LSTM, gateActivation(a)...) }, states: true},
	"SimpleRNN": {read: func(a *args) k.Layer { return recurrent(a, k.SimpleRNN) }, mask: passesMask, states: true},
	"LSTM":      {read: func(a *args) k.Layer { return recurrent(a, k.LSTM, gateActivation(a)...) }, mask: passesMask, states: true},
	"GRU":       {read: gru, mask: passesMask, states: true},

	"ConvLSTM1D": {read: func(a *args) k.Layer { return convLSTM(a, k.ConvLSTM1D, 1) }, mask: passesMask, states: true},
	"ConvLSTM2D": {read: func(a *args) k.Layer { return convLSTM(a, k.ConvLSTM2D, 2) }, mask: passesMask, states: true},
	"ConvLSTM3D": {read: func(a *args) k.Layer { return convLSTM(a, k.ConvLSTM3D, 3) }, mask: passesMask, states: true},

	"Bidirectional":   {read: bidirectional, mask: passesMask, states: true},
	"TimeDistributed": {read: timeDistributed, mask: passesMask},
})

func recurrent(a *args, make func(units int, options ...k.RecurrentOption) k.Layer, options ...k.RecurrentOption) k.Layer {
	options = append(options, weighted[k.RecurrentOption](a)...)
	options = append(options, recurrentOptions(a)...)
	return make(a.count("units"), options...)
}

// convLSTM reads a layer whose arguments are those of a convolution and those of a recurrent layer.
func convLSTM(a *args, make func(filters, kernel int, options ...k.ConvLSTMOption) k.Layer, axes int) k.Layer {
	a.channelsLast()
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
	options = append(options, when[k.RecurrentOption](a.flag("return_sequences", false), k.ReturnSequences)...)
	options = append(options, when[k.RecurrentOption](a.flag("return_state", false), k.ReturnState)...)
	options = append(options, when[k.RecurrentOption](a.flag("go_backwards", false), k.GoBackwards)...)
	options = append(options, when[k.RecurrentOption](a.flag("zero_output_for_mask", false), k.ZeroOutputForMask)...)
	return append(options, k.InputDropout(a.number("dropout", 0)), k.RecurrentDropout(a.number("recurrent_dropout", 0)))
}

func gateActivation(a *args) []k.RecurrentOption {
	if _, given := a.raw["recurrent_activation"]; !given {
		return nil
	}
	return []k.RecurrentOption{k.RecurrentActivation(a.activation("recurrent_activation"))}
}

func gru(a *args) k.Layer {
	options := append(gateActivation(a), when[k.RecurrentOption](!a.flag("reset_after", a.major >= 3), k.ResetBefore)...)
	return recurrent(a, k.GRU, options...)
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
