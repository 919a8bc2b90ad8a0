// SPDX-License-Identifier: Apache-2.0

// Package keraslike has the layers, the training loop and the names that Keras
// users know, on the expression graphs of package graph.
//
// A model is a stack of layers, or any net of them:
//
//	model := keraslike.Sequential("mnist",
//		keraslike.Input(784),
//		keraslike.Dense(512, keraslike.ReLU),
//		keraslike.Dropout(0.5),
//		keraslike.Dense(10, keraslike.Softmax),
//	)
//
//	in := keraslike.Input(13)
//	x := keraslike.Dense(64, keraslike.ReLU).Apply(in)
//	model := keraslike.NewModel("boston", []*keraslike.Tensor{in}, []*keraslike.Tensor{keraslike.Dense(1).Apply(x)})
//
// Compile says how it is trained, Fit trains, Evaluate measures, Predict uses
// it, Save and Load keep it:
//
//	err := model.Compile(keraslike.RMSprop(0.001), keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy, keraslike.Seed(1))
//	history, err := model.Fit(ctx, train, keraslike.Epochs(5), keraslike.BatchSize(128), keraslike.Validation(test))
//
// # Data
//
// Data in memory are arrays made from Go slices. Whatever does not fit is an error:
//
//	x, err := keraslike.Rows(table)     // [][]float64, one row for each sample
//	y, err := keraslike.Column(classes) // []int
//	train, err := keraslike.Data(x, y)
//	p, err := model.Predict(x)
//	classes := p.ArgMax()
//
// Everything with the methods of [Source] or [Stream] can be trained on as well. Package
// datasets reads tables, texts and folders of images; the folder examples has a complete
// program for each.
//
// # Options
//
// What a layer cannot do without is an argument; everything else is an option with a
// default, in any order. Each family of layers has options of its own, such as
// [ConvOption]: Dropout(0.5, NoBias) does not compile. The doc comment of each
// constructor lists the options that fit and their defaults, which are Keras 3's, as are
// the formulas.
//
// # Mistakes
//
// Wrong shapes and impossible arguments are kept until the model is built and
// come back together, each as a [ShapeError] that names the layer, what it got,
// what it wanted and the shapes on the way. No panic leaves the package.
//
// # Randomness
//
// All random numbers come from the [Seed] of Compile, through generators named
// after their purpose: first weights after their path, the order of samples after
// the epoch, dropout after its layer and the step.
//
// One seed gives one model, byte for byte, in every process and with any number of
// workers, as long as the kernels take the same path: AVX-512, AVX2, or portable Go
// built for one architecture. The paths add in different orders and fuse different
// multiplications and additions, so that a model trained on one of them differs from
// another's in its last bits from the first step on, and after many steps in the last
// digits of its figures. The environment variable REEF_KERNEL ("avx512", "avx2",
// "generic") selects a path that the processor has.
//
// # Graphs
//
// A model has one graph for each purpose and batch size: training with dropout and
// gradients, evaluation, prediction. They share the weights, are compiled once,
// and running them allocates nothing. There is no mode to switch.
//
// A layer of one's own is a [Definition] behind [Custom], or a [Lambda].
package keraslike
