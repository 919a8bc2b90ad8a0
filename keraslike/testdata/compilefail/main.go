// SPDX-License-Identifier: Apache-2.0

// This program does not compile: TestOptionsThatDoNotFit holds that each marked
// line is refused, and only those.
package main

import . "github.com/reef-dl/reef/keraslike"

func main() {
	Sequential("fits",
		Input(28, 28),
		Flatten(Name("flat")),
		Dense(16, ReLU, NoBias, KernelInitializer(HeNormal()), BiasInitializer(Zeros()), KernelRegularizer(L2(1e-3)), Name("fc1")),
		Dropout(0.5, Name("drop")),
		Activation(Tanh, Name("act")),
	)
	BatchNormalization(Axis(1), Momentum(0.9), Epsilon(1e-3), NoScale, NoCenter, Name("norm"))
	DepthwiseConv2D(3, DepthMultiplier(2), Strides(1, 2), Dilation(2), SamePadding, NoBias, ReLU)
	MultiHeadAttention(2, 8, CausalMask, AttentionMask, AttentionDropout(0.1), ValueDim(4), OutputDim(3), NoBias)
	_ = []Optimizer{SGD(0.1, Momentum(0.9), Nesterov), RMSprop(0.1, Rho(0.9), Centered, Epsilon(1e-7)), Adam(0.1, Beta1(0.9), AMSGrad)}

	Dropout(0.5, KernelRegularizer(L2(1e-3)))    // refused: KernelOption does not implement DropoutOption
	Dropout(0.5, ReLU)                           // refused: ActivationFunc does not implement DropoutOption
	Flatten(NoBias)                              // refused: KernelFlag does not implement LayerOption
	Activation(ReLU, KernelInitializer(Zeros())) // refused: KernelOption does not implement ActivationOption
	Dense(10, "relu")                            // refused: cannot use "relu"
	Dense(10, Dropout(0.5))                      // refused: does not implement DenseOption
	Dense(10, GlorotUniform())                   // refused: Initializer does not implement DenseOption
	BatchNormalization(Normalized)               // refused: MergeFlag does not implement NormalizationOption
	LayerNormalization(KernelSize(3, 3))         // refused: ConvOption does not implement NormalizationOption
	Conv2D(8, 3, PoolSize(2, 2))                 // refused: PoolOption does not implement ConvOption
	Conv2DTranspose(8, 3, CausalMask)            // refused: AttentionFlag does not implement ConvOption
	Add(Axis(1))                                 // refused: AxisOption does not implement LayerOption
	GaussianNoise(0.1, NoBias)                   // refused: KernelFlag does not implement LayerOption
	SGD(0.1, Threshold(0.9))                     // refused: MetricOption does not implement OptimizerOption
	RMSprop(0.1, MultiLabel)                     // refused: MetricFlag does not implement OptimizerOption
	AUC(Momentum(0.9))                           // refused: Momentum does not implement MetricOption
	BinaryFocalCrossentropy(Beta1(0.9))          // refused: OptimizerOption does not implement LossOption
	Sequential("m", Input(3), ReLU)              // refused: ActivationFunc does not implement Part
	var m Model
	m.Compile(SGD(0.1), MeanSquaredError, Epochs(5)) // refused: FitOption does not implement CompileOption
	m.Fit(nil, nil, Seed(1))                         // refused: CompileOption does not implement FitOption
	m.Evaluate(nil, nil, Epochs(1))                  // refused: FitOption does not implement EvaluateOption
	m.Save("m", BatchSize(1))                        // refused: RankOption does not implement SaveOption
}
