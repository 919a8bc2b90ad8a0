// SPDX-License-Identifier: Apache-2.0

package main

import k "github.com/reef-dl/reef/keraslike"

// layers are models of one layer, trained with the mean squared error.
var layers = []workload{
	oneLayer("conv_1x1", shape{28, 28, 256}, shape{28, 28, 256}, k.Conv2D(256, 1)),
	oneLayer("conv_3x3", shape{28, 28, 128}, shape{28, 28, 128}, k.Conv2D(128, 3, k.SamePadding)),
	oneLayer("conv_3x3_stride2", shape{28, 28, 128}, shape{14, 14, 128}, k.Conv2D(128, 3, k.Strides(2), k.SamePadding)),
	oneLayer("conv_3x3_dilated", shape{32, 32, 64}, shape{32, 32, 64}, k.Conv2D(64, 3, k.Dilation(2), k.SamePadding)),
	oneLayer("conv_5x5", shape{32, 32, 64}, shape{32, 32, 64}, k.Conv2D(64, 5, k.SamePadding)),
	oneLayer("conv_7x7_stride2", shape{224, 224, 3}, shape{112, 112, 64}, k.Conv2D(64, 7, k.Strides(2), k.SamePadding)),
	oneLayer("conv_3_to_64", shape{224, 224, 3}, shape{224, 224, 64}, k.Conv2D(64, 3, k.SamePadding)),
	oneLayer("depthwise_3x3", shape{56, 56, 128}, shape{56, 56, 128}, k.DepthwiseConv2D(3, k.SamePadding)),
	oneLayer("transpose_4x4", shape{16, 16, 128}, shape{32, 32, 64}, k.Conv2DTranspose(64, 4, k.Strides(2), k.SamePadding)),
	oneLayer("conv_lstm2d", shape{10, 32, 32, 16}, shape{32, 32, 32}, k.ConvLSTM2D(32, 3, k.SamePadding)).of(4),
	oneLayer("batchnorm", shape{56, 56, 64}, shape{56, 56, 64}, k.BatchNormalization()).of(32),
	oneLayer("layernorm", shape{512, 512}, shape{512, 512}, k.LayerNormalization()),
	{
		name: "attention", batch: 8, rate: 1e-3, loss: k.MeanSquaredError,
		model: func() *k.Model {
			x := k.Input(512, 512)
			return k.NewModel("attention", []*k.Tensor{x}, []*k.Tensor{k.MultiHeadAttention(8, 64).Apply(x)})
		},
		input: pixels(512, 512), label: floats(512, 512),
	},
	{
		name: "softmax_50k", batch: 64, rate: 1e-3, loss: k.SparseCategoricalCrossentropy,
		model: func() *k.Model {
			return k.Sequential("softmax_50k", k.Input(128), k.Dense(50000, k.Softmax))
		},
		input: pixels(128), label: integers(50000),
	},
	recurrent("gru", shape{240, 14}, k.GRU(32)),
	recurrent("gru_relu", shape{240, 14}, k.GRU(32, k.ReLU)),
	recurrent("gru_recurrent_dropout", shape{240, 14}, k.GRU(32, k.RecurrentDropout(0.2))),
	recurrent("lstm", shape{240, 14}, k.LSTM(32)),
	recurrent("lstm_relu", shape{240, 14}, k.LSTM(32, k.ReLU)),
	recurrent("lstm_recurrent_dropout", shape{240, 14}, k.LSTM(32, k.RecurrentDropout(0.2))),
	recurrent("simple_rnn", shape{240, 14}, k.SimpleRNN(32)),
	recurrent("gru_256", shape{100, 128}, k.GRU(256)).of(64),
	recurrent("lstm_256", shape{100, 128}, k.LSTM(256)).of(64),
	recurrent("lstm_5000_steps", shape{5000, 14}, k.LSTM(64)),
}

type shape = []int

func oneLayer(name string, in, out shape, layer k.Layer) workload {
	return workload{
		name: name, batch: 8, rate: 1e-3, loss: k.MeanSquaredError,
		model: func() *k.Model { return k.Sequential(name, k.Input(in...), layer) },
		input: pixels(in...), label: floats(out...),
	}
}

// recurrent is a layer that returns its last state, followed by a Dense layer.
func recurrent(name string, in shape, layer k.Layer) workload {
	w := oneLayer(name, in, shape{1}, layer)
	w.model = func() *k.Model { return k.Sequential(name, k.Input(in...), layer, k.Dense(1)) }
	return w.of(128)
}

// of returns the workload with another batch size.
func (w workload) of(batch int) workload {
	w.batch = batch
	return w
}
