// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

// workloads are the models of the comparison and single layers.
var workloads = slices.Concat(models, layers)

// models are those of the recipes and of services. Softmax and sigmoid are fused with the
// loss, which takes logits.
var models = []workload{
	{
		name: "mnist_dense", batch: 128, rate: 1e-3, loss: k.SparseCategoricalCrossentropy,
		model: func() *k.Model {
			return k.Sequential("mnist_dense", k.Input(784), k.Dense(512, k.ReLU), k.Dense(10, k.Softmax))
		},
		input: pixels(784), label: integers(10),
	},
	{
		name: "boston", batch: 16, rate: 1e-3, loss: k.MeanSquaredError,
		model: func() *k.Model {
			return k.Sequential("boston", k.Input(13), k.Dense(64, k.ReLU), k.Dense(64, k.ReLU), k.Dense(1))
		},
		input: floats(13), label: floats(1),
	},
	{
		name: "imdb_dense", batch: 512, rate: 1e-3, loss: k.BinaryCrossentropy,
		model: func() *k.Model {
			return k.Sequential("imdb_dense", k.Input(10000),
				k.Dense(16, k.ReLU, k.KernelRegularizer(k.L2(0.001))), k.Dropout(0.5), k.Dense(16, k.ReLU, k.KernelRegularizer(k.L2(0.001))), k.Dropout(0.5), k.Dense(1, k.Sigmoid))
		},
		input: multiHot(10000, 0.012), label: integers(2, 1),
	},
	{
		name: "reuters", batch: 512, rate: 1e-3, loss: k.SparseCategoricalCrossentropy,
		model: func() *k.Model {
			return k.Sequential("reuters", k.Input(10000), k.Dense(64, k.ReLU), k.Dense(64, k.ReLU), k.Dense(46, k.Softmax))
		},
		input: multiHot(10000, 0.012), label: integers(46),
	},
	{
		name: "mnist_cnn", batch: 64, rate: 1e-3, loss: k.SparseCategoricalCrossentropy,
		model: mnistCNN, input: pixels(28, 28, 1), label: integers(10),
	},
	{
		name: "catsdogs_scratch", batch: 20, rate: 1e-4, loss: k.BinaryCrossentropy,
		model: func() *k.Model {
			return k.Sequential("catsdogs_scratch", k.Input(150, 150, 3),
				k.Conv2D(32, 3, k.ReLU), k.MaxPooling2D(2), k.Conv2D(64, 3, k.ReLU), k.MaxPooling2D(2),
				k.Conv2D(128, 3, k.ReLU), k.MaxPooling2D(2), k.Conv2D(128, 3, k.ReLU), k.MaxPooling2D(2),
				k.Flatten(), k.Dropout(0.5), k.Dense(512, k.ReLU), k.Dense(1, k.Sigmoid))
		},
		input: pixels(150, 150, 3), label: integers(2, 1),
	},
	{
		name: "vgg16_features", batch: 20,
		model: func() *k.Model { return k.Sequential("vgg16_features", k.Input(150, 150, 3), vgg16()) },
		input: pixels(150, 150, 3),
	},
	{
		name: "vgg16_finetune", batch: 20, rate: 1e-5, loss: k.BinaryCrossentropy,
		model: func() *k.Model {
			m := k.Sequential("vgg16_finetune", k.Input(150, 150, 3), vgg16(), k.Flatten(), k.Dense(256, k.ReLU), k.Dense(1, k.Sigmoid))
			_ = m.SetTrainable(false, "vgg16") // the layers exist
			_ = m.SetTrainable(true, "vgg16/block5_conv1", "vgg16/block5_conv2", "vgg16/block5_conv3")
			return m
		},
		input: pixels(150, 150, 3), label: integers(2, 1),
	},
	{
		name: "embedding_dense", batch: 32, rate: 1e-3, loss: k.BinaryCrossentropy,
		model: func() *k.Model {
			return k.Sequential("embedding_dense", k.Input(100), k.Embedding(10000, 100), k.Flatten(), k.Dense(32, k.ReLU), k.Dense(1, k.Sigmoid))
		},
		input: integers(10000, 100), label: integers(2, 1),
	},
	{
		name: "gru_jena", batch: 128, rate: 1e-3, loss: k.MeanAbsoluteError,
		model: func() *k.Model { return k.Sequential("gru_jena", k.Input(240, 14), k.GRU(32), k.Dense(1)) },
		input: floats(240, 14), label: floats(1),
	},
	{
		name: "gru_jena_stacked", batch: 128, rate: 1e-3, loss: k.MeanAbsoluteError,
		model: func() *k.Model {
			// The dropout=0.1 of Keras's GRU drops the same features in all steps of a sample.
			return k.Sequential("gru_jena_stacked", k.Input(240, 14),
				k.SpatialDropout1D(0.1), k.GRU(32, k.ReturnSequences), k.GRU(64), k.Dense(1))
		},
		input: floats(240, 14), label: floats(1),
	},
	{
		name: "lstm_imdb", batch: 128, rate: 1e-3, loss: k.BinaryCrossentropy,
		model: func() *k.Model {
			return k.Sequential("lstm_imdb", k.Input(500), k.Embedding(10000, 32), k.LSTM(32), k.Dense(1, k.Sigmoid))
		},
		input: integers(10000, 500), label: integers(2, 1),
	},
	{
		name: "conv1d_imdb", batch: 128, rate: 1e-4, loss: k.BinaryCrossentropy,
		model: func() *k.Model {
			return k.Sequential("conv1d_imdb", k.Input(500), k.Embedding(10000, 128),
				k.Conv1D(32, 7, k.ReLU), k.MaxPooling1D(5), k.Conv1D(32, 7, k.ReLU), k.GlobalMaxPooling1D(), k.Dense(1, k.Sigmoid))
		},
		input: integers(10000, 500), label: integers(2, 1),
	},
	{
		name: "mlp_big", batch: 64, rate: 1e-3, loss: k.MeanSquaredError,
		model: func() *k.Model {
			return k.Sequential("mlp_big", k.Input(1024), k.Dense(4096, k.ReLU), k.Dense(4096, k.ReLU), k.Dense(1000))
		},
		input: pixels(1024), label: floats(1000),
	},
	{
		name: "squeezenet", batch: 32,
		model: func() *k.Model {
			m, _ := applications.SqueezeNet(applications.Untrained) // Build reports its errors
			return m
		},
		input: pixels(227, 227, 3),
	},
	{name: "predict_latency", batch: 1, model: mnistCNN, input: pixels(28, 28, 1)},
}

func mnistCNN() *k.Model {
	return k.Sequential("mnist_cnn", k.Input(28, 28, 1),
		k.Conv2D(32, 3, k.ReLU), k.MaxPooling2D(2), k.Conv2D(64, 3, k.ReLU), k.MaxPooling2D(2), k.Conv2D(64, 3, k.ReLU),
		k.Flatten(), k.Dense(64, k.ReLU), k.Dense(10, k.Softmax))
}

// vgg16 is VGG16 without its top and with random weights, which do not affect the time. The
// model that contains it reports its errors.
func vgg16() *k.Model {
	m, _ := applications.VGG16(applications.Untrained, applications.WithoutTop, applications.InputShape(150, 150))
	return m
}
