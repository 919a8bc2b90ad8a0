// SPDX-License-Identifier: Apache-2.0

// Package keraslike is a deep learning library with the layers, defaults and names of Keras 3.
// It is usually imported as k:
//
//	model := k.Sequential("digits",
//		k.Input(784),
//		k.Dense(512, k.ReLU),
//		k.Dropout(0.5),
//		k.Dense(10, k.Softmax),
//	)
//	err := model.Compile(k.RMSprop(0.001), k.SparseCategoricalCrossentropy, k.Accuracy)
//	x, err := k.Rows(pixels)   // [][]float32, one row for each image
//	y, err := k.Column(labels) // []int, the digits
//	train, err := k.Data(x, y)
//	history, err := model.Fit(ctx, train, k.Epochs(5), k.BatchSize(128), k.ValidationSplit(0.2))
//	fmt.Println(history)
//	scores, err := model.Evaluate(ctx, test)
//	p, err := model.Predict(newImages)
//	fmt.Println(scores, p.ArgMax())
//	err = model.Save("digits.safetensors")
//
// [Load] reads a saved model. Models with branches, shared layers or several inputs are built
// by [NewModel] from the tensors that [Layer.Apply] returns:
//
//	in := k.Input(13)
//	x := k.Dense(64, k.ReLU).Apply(in)
//	model := k.NewModel("prices", []*k.Tensor{in}, []*k.Tensor{k.Dense(1).Apply(x)})
//
// Related packages:
//
//   - keraslike/callbacks: EarlyStopping, ModelCheckpoint, CSVLogger, TensorBoard, a progress
//     display and other callbacks
//   - keraslike/kerasfile: reads models and weights saved by Keras
//   - keraslike/applications: VGG16 and SqueezeNet with pretrained weights
//   - datasets: MNIST and other data sets, CSV files, image folders, texts, time series
//
// The examples directory has a complete program each for regression, text classification and
// transfer learning.
//
// # Data
//
// An [Array] holds float32 values and is made from Go slices by [Rows], [Column], [Stack] or
// [NewArray], which return an error for invalid values or shapes. Fit and Evaluate take any
// [Source] or [Stream]: [Data] makes one from arrays, package datasets has others, and your
// own needs three methods.
//
// # Any length
//
// An axis of an [Input] whose length is [Any] is free: Input(Any, 13) takes sequences of any
// number of steps, Input(Any, Any, 3) images of any size. All samples of a batch have the same
// lengths, and a graph is compiled for each length that occurs. Every layer supports a free axis
// unless its weights depend on the length, which is an error: Dense behind Flatten, PReLU
// without SharedAxes. A summary prints "?" for it.
//
// [Stack] with Any, or [Ragged], makes an array of samples that differ in length, and a
// [RaggedSource] reads such samples. Fit, Evaluate and Predict make batches of samples of one
// length; [Padded] makes batches of different lengths, which Masking or Embedding with MaskZero
// tells from padding. The output for a padded sample has the length that it has without padding.
//
// A model that is applied as a layer takes inputs of other lengths than it was made for, with the
// same weights.
//
// # Options
//
// Required settings are arguments; all other settings are options, in any order. Each family
// of layers has its own option type, such as [ConvOption], so Dropout(0.5, NoBias) does not
// compile. The doc comment of each constructor lists the options that fit and their defaults.
// Defaults and formulas are those of Keras 3.
//
// # Extending
//
//   - A layer without weights is a function of graph nodes: [Lambda]. Any other layer is a
//     [Definition], which [Custom] turns into a [Layer].
//   - A loss is a function of graph nodes: [CustomLoss].
//   - A metric is a function of one row, [CustomRowMetric], or a [Measurement], [CustomMetric].
//   - A callback is a function, [CallbackFunc], or any type that implements [Callback].
//   - An optimizer implements [Optimizer].
//
// Options such as [WithCustomLayer] make them known to [Load].
//
// # Errors
//
// Wrong shapes and invalid arguments are collected until the model is built and are returned
// together. Each is a [ShapeError] with the layer, what it got, what it wanted and the shapes
// along the path from the input. No panic leaves the package; a panic in user code is returned
// as a [PanicError].
//
// # Randomness
//
// All random numbers derive from the [Seed] given to Compile. The generator of initial weights
// also depends on the weight's path, that of the order of samples on the epoch, and that of
// dropout on the layer and the step.
//
// With the same seed, training gives the same model, byte for byte, in every process and for
// any number of workers, as long as the kernels use the same instruction set: AVX-512, AVX2 or
// portable Go built for one architecture. These differ in the order of additions and in fused
// multiply-adds, so the weights differ in their last bits from the first step on, and metrics
// in their last digits after many steps. The environment variable REEF_KERNEL ("avx512",
// "avx2" or "generic") selects one that the processor supports.
//
// # Graphs
//
// A model has separate graphs for training (with dropout and gradients), evaluation and
// prediction, and for each batch size and length. They share the weights, are compiled once, and allocate
// nothing when they run. There is no training mode to switch.
package keraslike
