// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// TestLayerMistakes gives layers shapes that do not fit and arguments that are
// impossible; the error names the layer by kind and name.
func TestLayerMistakes(t *testing.T) {
	name := keraslike.Name("it")
	vector, series, image := []int{4}, []int{5, 3}, []int{6, 4, 2}
	type shapes = [][]int
	for _, c := range []struct {
		layer keraslike.Layer
		in    shapes
		want  string
	}{
		{keraslike.Reshape([]int{4, 4}, name), shapes{series}, `Reshape "it": input has shape (batch, 5, 3) with 15 elements per sample, which do not fit the target shape [4 4]`},
		{keraslike.Reshape([]int{-1, 4}, name), shapes{series}, `Reshape "it": input has shape (batch, 5, 3)`},
		{keraslike.Reshape([]int{-1, -1}, name), shapes{series}, `Reshape "it": target shape is [-1 -1], want at most one -1`},
		{keraslike.Reshape([]int{0}, name), shapes{series}, `Reshape "it": target shape is [0], want positive axes`},
		{keraslike.Reshape([]int{15}, name), shapes{series, series}, `Reshape "it": got 2 inputs, want 1`},
		{keraslike.Permute([]int{2, 2}, name), shapes{series}, `Permute "it": dims are [2 2], want each number from 1 to 2 once`},
		{keraslike.Permute([]int{2, 1}, name), shapes{image}, `Permute "it": input has shape (batch, 6, 4, 2), dims [2 1] have 2 axes`},
		{keraslike.Permute(nil, name), shapes{image}, `Permute "it": dims are [], want one to five axes`},
		{keraslike.RepeatVector(0, name), shapes{vector}, `RepeatVector "it": n is 0, want a positive number`},
		{keraslike.RepeatVector(2, name), shapes{series}, `RepeatVector "it": input has shape (batch, 5, 3), want (batch, features)`},
		{keraslike.ZeroPadding1D(-1, 0, name), shapes{series}, `ZeroPadding1D "it": margins are [[-1 0]], want at least 0`},
		{keraslike.ZeroPadding2D(1, 1, 1, 1, name), shapes{series}, `ZeroPadding2D "it": input has shape (batch, 5, 3), want (batch, height, width, channels)`},
		{keraslike.Cropping1D(3, 2, name), shapes{series}, `Cropping1D "it": input has shape (batch, 5, 3), of which nothing is left`},
		{keraslike.Cropping2D(3, 3, 0, 0, name), shapes{image}, `Cropping2D "it": input has shape (batch, 6, 4, 2), of which nothing is left`},
		{keraslike.UpSampling1D(0, name), shapes{series}, `UpSampling1D "it": size is 0, want positive numbers`},
		{keraslike.UpSampling2D(2, 2, name), shapes{series}, `UpSampling2D "it": input has shape (batch, 5, 3), want (batch, height, width, channels)`},

		{keraslike.SpectralNormalization(keraslike.Dense(2), keraslike.PowerIterations(0), name), shapes{vector}, `SpectralNormalization "it": PowerIterations is 0, want a positive number`},
		{keraslike.SpectralNormalization(nil, name), shapes{vector}, `SpectralNormalization "it": got no layer`},
		{keraslike.SpectralNormalization(keraslike.Flatten(), name), shapes{series}, `SpectralNormalization "it": Flatten has no weight "kernel" or "embeddings" to normalize`},
		{keraslike.SpectralNormalization(keraslike.LSTM(2), name), shapes{series}, `SpectralNormalization "it": LSTM has no weight "kernel" or "embeddings" to normalize`},
		{keraslike.SpectralNormalization(keraslike.Sequential("m", keraslike.Input(4), keraslike.Dense(2)), name), shapes{vector}, `SpectralNormalization "it": got a Model, want a layer with a kernel`},
		{keraslike.BatchNormalization(keraslike.NoScale, keraslike.GammaInitializer(keraslike.Zeros()), name), shapes{vector}, `BatchNormalization "it": got NoScale and a setting of gamma, which is omitted`},
		{keraslike.BatchNormalization(keraslike.RenormClipping(0, 1, 1), name), shapes{vector}, `BatchNormalization "it": got RenormMomentum or RenormClipping without Renorm`},
		{keraslike.BatchNormalization(keraslike.Renorm, keraslike.RenormClipping(2, 1, 1), name), shapes{vector}, `BatchNormalization "it": RenormClipping is 2, 1, 1, want 0 <= rmin <= rmax and 0 <= dmax`},
		{keraslike.BatchNormalization(keraslike.Renorm, keraslike.RenormMomentum(2), name), shapes{vector}, `BatchNormalization "it": RenormMomentum is 2, want a number from 0 to 1`},
		{keraslike.BatchNormalization(keraslike.Renorm, keraslike.MovingVarianceInitializer(keraslike.GlorotNormal()), name), shapes{vector}, `BatchNormalization "it": MovingVarianceInitializer is glorot_normal, want Ones, Zeros or a Constant with Renorm`},
		{keraslike.BatchNormalization(keraslike.Renorm, keraslike.MovingVarianceInitializer(keraslike.Constant(-1)), name), shapes{vector}, `BatchNormalization "it": MovingVarianceInitializer gives -1, want at least 0`},
		{keraslike.GroupNormalization(keraslike.Groups(2), keraslike.NoCenter, keraslike.BetaConstraint(keraslike.NonNeg()), name), shapes{vector}, `GroupNormalization "it": got NoCenter and a setting of beta, which is omitted`},
		{keraslike.LayerNormalization(keraslike.RMSScaling, keraslike.NoScale, name), shapes{vector}, `LayerNormalization "it": got both RMSScaling, which has a factor, and NoScale`},
		{keraslike.LayerNormalization(keraslike.RMSScaling, keraslike.BetaRegularizer(keraslike.L1(1)), name), shapes{vector}, `LayerNormalization "it": got RMSScaling, which has no offset, and a setting of beta`},
		{keraslike.LayerNormalization(keraslike.GammaConstraint(keraslike.MaxNorm(1, 1)), name), shapes{vector}, `LayerNormalization "it": weight "gamma": constraint max_norm has axis 1, the shape is [4]`},
		{keraslike.Embedding(4, 2, keraslike.EmbeddingsRegularizer(keraslike.L1(-1)), name), shapes{vector}, `Embedding "it": `},
		{keraslike.Embedding(4, 2, keraslike.EmbeddingsConstraint(keraslike.MaxNorm(-1)), name), shapes{vector}, `Embedding "it": `},
		{keraslike.SinePositionEncoding(keraslike.MaxWavelength(0), name), shapes{series}, `SinePositionEncoding "it": MaxWavelength is 0`},
		{keraslike.SinePositionEncoding(name), shapes{vector}, `SinePositionEncoding "it": input has shape (batch, 4), want (batch, ..., steps, features)`},
		{keraslike.RotaryEmbedding(name), shapes{series}, `RotaryEmbedding "it": input has shape (batch, 5, 3) with 3 features, want an even number`},
		{keraslike.RotaryEmbedding(keraslike.ScalingFactor(-1), name), shapes{image}, `RotaryEmbedding "it": ScalingFactor is -1`},
		{keraslike.RotaryEmbedding(keraslike.SequenceAxis(4), name), shapes{image}, `RotaryEmbedding "it": SequenceAxis: axis is 4`},
		{keraslike.RotaryEmbedding(keraslike.FeatureAxis(-4), name), shapes{image}, `RotaryEmbedding "it": FeatureAxis: axis is -4`},
		{keraslike.RotaryEmbedding(name), shapes{vector}, `RotaryEmbedding "it": input has shape (batch, 4), in which SequenceAxis 1 and FeatureAxis -1 are the same axis`},
		{keraslike.TokenAndPositionEmbedding(0, 3, 2, name), shapes{vector}, `TokenAndPositionEmbedding "it": table is 0 x 2`},
		{keraslike.TokenAndPositionEmbedding(9, 3, 2, name), shapes{vector}, `TokenAndPositionEmbedding "it": input has shape (batch, 4, 2), whose last step is at position 3, want positions below the length 3`},
		{keraslike.ReverseEmbedding(nil, name), shapes{vector}, `ReverseEmbedding "it": got no embedding`},
		{keraslike.ReverseEmbedding(keraslike.Dense(3), name), shapes{vector}, `ReverseEmbedding "it": got a Dense, want an Embedding or a TokenAndPositionEmbedding`},
		{keraslike.ReverseEmbedding(keraslike.Embedding(5, 3), name), shapes{vector}, `ReverseEmbedding "it": input has shape (batch, 4), want (batch, ..., 3), the vectors of the embedding`},
		{keraslike.ReverseEmbedding(keraslike.Embedding(5, 4), keraslike.LogitSoftCap(0), name), shapes{vector}, `ReverseEmbedding "it": LogitSoftCap is 0`},
		{keraslike.PositionEmbedding(0, name), shapes{series}, `PositionEmbedding "it": length is 0, want a positive number`},
		{keraslike.PositionEmbedding(4, keraslike.StartIndex(-1), name), shapes{series}, `PositionEmbedding "it": StartIndex is -1, want at least 0`},
		{keraslike.PositionEmbedding(4, name), shapes{vector}, `PositionEmbedding "it": input has shape (batch, 4), want (batch, ..., steps, features)`},
		{keraslike.PositionEmbedding(6, keraslike.StartIndex(2), name), shapes{series}, `PositionEmbedding "it": input has shape (batch, 5, 3), whose last step is at position 6, want positions below the length 6`},

		{keraslike.AdaptiveMaxPooling1D(0, name), shapes{series}, `AdaptiveMaxPooling1D "it": size is 0`},
		{keraslike.AdaptiveAveragePooling2D(2, -1, name), shapes{image}, `AdaptiveAveragePooling2D "it": size is `},
		{keraslike.AdaptiveMaxPooling3D(2, 2, 2, name), shapes{image}, `AdaptiveMaxPooling3D "it": input has shape (batch, 6, 4, 2), want (batch, depth, height, width, channels)`},
		{keraslike.UpSampling2D(2, 2, keraslike.Interpolation("lanczos3"), name), shapes{image}, `UpSampling2D "it": Interpolation is "lanczos3", want NearestInterpolation, BilinearInterpolation or BicubicInterpolation`},

		{keraslike.Add(name), shapes{series}, `Add "it": got 1 input, want at least 2`},
		{keraslike.Subtract(name), shapes{series, series, series}, `Subtract "it": got 3 inputs, want 2`},
		{keraslike.Multiply(name), shapes{series, vector}, `Multiply "it": input 1 has shape (batch, 4), input 0 has (batch, 5, 3): want the same number of axes`},
		{keraslike.Maximum(name), shapes{{5, 3}, {5, 2}}, `Maximum "it": input 1 has shape (batch, 5, 2), which does not fit (batch, 5, 3)`},
		{keraslike.Concatenate(name), shapes{series}, `Concatenate "it": got 1 input, want at least 2`},
		{keraslike.Concatenate(name), shapes{{5, 3}, {4, 3}}, `Concatenate "it": input 1 has shape (batch, 4, 3), which differs from (batch, 5, 3) in more than axis 2`},
		{keraslike.Concatenate(name, keraslike.Axis(0)), shapes{series, series}, `Concatenate "it": axis is 0, input has shape (batch, 5, 3) with axes 1 to 2 after the batch`},
		{keraslike.Concatenate(name, keraslike.Axis(-3)), shapes{series, series}, `Concatenate "it": axis is -3`},
		{keraslike.Dot(1, 1, name), shapes{vector}, `Dot "it": got 1 input, want 2`},
		{keraslike.Dot(1, 1, name), shapes{vector, series}, `Dot "it": inputs have shapes (batch, 4) and (batch, 5, 3), whose axes 1 and 1 have different lengths 4 and 5`},
		{keraslike.Dot(3, 1, name), shapes{series, series}, `Dot "it": input 0: axis is 3`},
		{keraslike.Dot(1, 1, name), shapes{{}, vector}, `Dot "it": input 0 has shape (batch), want (batch, ..., n)`},

		{keraslike.DepthwiseConv2D(3, keraslike.DepthMultiplier(0), name), shapes{image}, `DepthwiseConv2D "it": depth multiplier is 0, want a positive number`},
		{keraslike.DepthwiseConv2D(7, name), shapes{image}, `DepthwiseConv2D "it": input has shape (batch, 6, 4, 2): window spans 7 cells, the axis has 6`},
		{keraslike.Conv3D(2, 3, name), shapes{image}, `Conv3D "it": input has shape (batch, 6, 4, 2), want (batch, depth, height, width, channels)`},
		{keraslike.Conv2D(3, 3, keraslike.Groups(2), name), shapes{image}, `Conv2D "it": groups is 2, want a positive number that divides the 3 filters`},
		{keraslike.Conv2D(6, 3, keraslike.Groups(3), name), shapes{image}, `Conv2D "it": input has shape (batch, 6, 4, 2): its 2 channels are not a multiple of 3 groups`},
		{keraslike.Conv2D(6, 3, keraslike.Strides(1, 2, 3), name), shapes{image}, `Conv2D "it": strides has 3 numbers, want one, or one for each of the 2 spatial axes`},
		{keraslike.MaxPooling3D(2, keraslike.PoolSize(1, 2), name), shapes{image}, `MaxPooling3D "it": pool size has 2 numbers, want one, or one for each of the 3 spatial axes`},
		{keraslike.Conv1DTranspose(2, 3, keraslike.OutputPadding(1), name), shapes{series}, `Conv1DTranspose "it": output padding is 1, want at least 0 and less than the strides 1`},
		{keraslike.DepthwiseConv2D(0, name), shapes{image}, `DepthwiseConv2D "it": kernel size is 0, want positive numbers`},
		{keraslike.DepthwiseConv2D(3, keraslike.KernelRegularizer(keraslike.L2(-1)), name), shapes{image}, `DepthwiseConv2D "it": regularizer has factor -1`},
		{keraslike.SeparableConv2D(0, 3, name), shapes{image}, `SeparableConv2D "it": filters is 0, want a positive number`},
		{keraslike.SeparableConv2D(2, 3, keraslike.Strides(0), name), shapes{image}, `SeparableConv2D "it": strides is 0, want positive numbers`},
		{keraslike.SeparableConv2D(2, 3, name), shapes{series}, `SeparableConv2D "it": input has shape (batch, 5, 3), want (batch, height, width, channels)`},
		{keraslike.SeparableConv2D(2, 3, keraslike.ActivationFunc("swoosh"), name), shapes{image}, `SeparableConv2D "it": `},
		{keraslike.Conv2DTranspose(-1, 3, name), shapes{image}, `Conv2DTranspose "it": filters is -1, want a positive number`},
		{keraslike.Conv2DTranspose(2, 3, keraslike.OutputPadding(1, 0), name), shapes{image}, `Conv2DTranspose "it": output padding is [1 0], want at least 0 and less than the strides 1`},

		{keraslike.BatchNormalization(keraslike.Momentum(1.5), name), shapes{vector}, `BatchNormalization "it": momentum is 1.5, want 0 <= momentum <= 1`},
		{keraslike.BatchNormalization(keraslike.Epsilon(0), name), shapes{vector}, `BatchNormalization "it": epsilon is 0, want a finite number above 0`},
		{keraslike.BatchNormalization(keraslike.Axis(2), name), shapes{vector}, `BatchNormalization "it": axis is 2, input has shape (batch, 4) with axes 1 to 1`},
		{keraslike.BatchNormalization(name), shapes{{}}, `BatchNormalization "it": axis is -1`},
		{keraslike.UnitNormalization(keraslike.Axis(), name), shapes{vector}, `UnitNormalization "it": got no axes, want at least one`},
		{keraslike.GroupNormalization(keraslike.Groups(0), name), shapes{vector}, `GroupNormalization "it": groups is 0, want a positive number, or -1`},
		{keraslike.GroupNormalization(name), shapes{series}, `GroupNormalization "it": input has shape (batch, 5, 3) with 3 features, which is not divisible by 32 groups`},
		{keraslike.LayerNormalization(keraslike.Axis(), name), shapes{vector}, `LayerNormalization "it": got no axes, want at least one`},
		{keraslike.LayerNormalization(keraslike.Axis(2, -1), name), shapes{series}, `LayerNormalization "it": axes are [2 -1], which has axis 2 twice`},
		{keraslike.LeakyReLU(keraslike.NegativeSlope(-1), name), shapes{vector}, `LeakyReLU "it": negative slope is -1, want a finite number of at least 0`},
		{keraslike.PReLU(keraslike.SharedAxes(3), name), shapes{vector}, `PReLU "it": axis is 3, input has shape (batch, 4)`},
		{keraslike.SpatialDropout1D(0.5, name), shapes{image}, `SpatialDropout1D "it": input has shape (batch, 6, 4, 2), want (batch, steps, channels)`},
		{keraslike.SpatialDropout2D(1, name), shapes{image}, `SpatialDropout2D "it": rate is 1, want 0 <= rate < 1`},
		{keraslike.GaussianNoise(math.Inf(1), name), shapes{vector}, `GaussianNoise "it": standard deviation is +Inf, want a finite number of at least 0`},
		{keraslike.GaussianDropout(-0.1, name), shapes{vector}, `GaussianDropout "it": rate is -0.1, want 0 <= rate < 1`},

		{keraslike.LSTM(0, name), shapes{series}, `LSTM "it": units is 0, want a positive number`},
		{keraslike.GRU(2, name), shapes{image}, `GRU "it": input has shape (batch, 6, 4, 2), want (batch, steps, channels)`},
		{keraslike.GRU(2, name), shapes{series, {3}}, `GRU "it": initial state 0 has shape (batch, 3), want (batch, 2)`},
		{keraslike.LSTM(2, name), shapes{series, {2}}, `LSTM "it": got 1 initial states, want none or 2`},
		{keraslike.LSTM(2, keraslike.ResetBefore, name), shapes{series}, `LSTM "it": ResetBefore does not fit, want ActivationFunc, `},
		{keraslike.SimpleRNN(2, keraslike.RecurrentActivation(keraslike.Sigmoid), name), shapes{series}, `SimpleRNN "it": RecurrentActivation does not fit, want ActivationFunc, `},
		{keraslike.GRU(2, keraslike.Softmax, name), shapes{series}, `GRU "it": activation "softmax": unknown`},
		{keraslike.GRU(2, keraslike.RecurrentActivation("sig"), name), shapes{series}, `GRU "it": recurrent activation: activation "sig": unknown`},
		{keraslike.GRU(2, keraslike.InputDropout(1), name), shapes{series}, `GRU "it": dropout is 1, want 0 <= dropout < 1`},
		{keraslike.LSTM(2, keraslike.RecurrentDropout(-0.1), name), shapes{series}, `LSTM "it": recurrent dropout is -0.1, want 0 <= dropout < 1`},

		{keraslike.RNN(nil, name), shapes{series}, `RNN "it": got no cell`},
		{keraslike.RNN(keraslike.StackedRNNCells(), name), shapes{series}, `RNN "it": got no cell`},
		{keraslike.RNN(keraslike.StackedRNNCells(keraslike.GRUCell(2), nil), name), shapes{series}, `RNN "it": cell 1 is nil`},
		{keraslike.RNN(keraslike.StackedRNNCells(keraslike.GRUCell(2), keraslike.GRUCell(0)), name), shapes{series}, `RNN "it": GRUCell "gru_cell_1": units is 0, want a positive number`},
		{keraslike.RNN(keraslike.LSTMCell(2, keraslike.ReturnSequences), name), shapes{series}, `RNN "it": LSTMCell "lstm_cell": ReturnSequences is an option of RNN, not of its cells`},
		{keraslike.RNN(keraslike.LSTMCell(2, keraslike.Trainable(false)), name), shapes{series}, `RNN "it": LSTMCell "lstm_cell": Trainable is an option of RNN, not of its cells`},
		{keraslike.RNN(keraslike.LSTMCell(2, keraslike.ActivityRegularizer(keraslike.L2(1))), name), shapes{series}, `RNN "it": LSTMCell "lstm_cell": ActivityRegularizer is no option of a cell`},
		{keraslike.RNN(keraslike.LSTMCell(2, keraslike.ResetBefore), name), shapes{series}, `RNN "it": LSTMCell "lstm_cell": ResetBefore does not fit, want ActivationFunc, `},
		{
			keraslike.RNN(keraslike.StackedRNNCells(keraslike.GRUCell(2, keraslike.Name("a")), keraslike.LSTMCell(2, keraslike.Name("a"))), name),
			shapes{series},
			`RNN "it": LSTMCell "a": another cell has the same name`,
		},
		{keraslike.RNN(keraslike.LSTMCell(2, keraslike.Name("a/b")), name), shapes{series}, `RNN "it": LSTMCell "a/b": the name contains a slash`},
		{keraslike.RNN(keraslike.LSTMCell(2), keraslike.NoBias, name), shapes{series}, `RNN "it": NoBias does not fit, want GoBackwards, `},
		{keraslike.RNN(keraslike.LSTMCell(2), name), shapes{image}, `RNN "it": LSTMCell "lstm_cell": input has shape (batch, 6, 4, 2), want (batch, steps, channels)`},
		{keraslike.RNN(keraslike.StackedRNNCells(keraslike.LSTMCell(2), keraslike.GRUCell(3)), name), shapes{series, {2}}, `RNN "it": got 1 initial states, want none or 3`},
		{
			keraslike.RNN(keraslike.StackedRNNCells(keraslike.LSTMCell(2), keraslike.GRUCell(3)), name),
			shapes{series, {2}, {2}, {2}},
			`RNN "it": GRUCell "gru_cell": initial state 0 has shape (batch, 2), want (batch, 3)`,
		},

		{keraslike.ConvLSTM2D(0, 3, name), shapes{image}, `ConvLSTM2D "it": filters is 0, want a positive number`},
		{keraslike.ConvLSTM2D(2, 3, name), shapes{image}, `ConvLSTM2D "it": input has shape (batch, 6, 4, 2), want (batch, steps, height, width, channels)`},
		{keraslike.ConvLSTM1D(2, 5, name), shapes{image}, `ConvLSTM1D "it": input has shape (batch, 4, 2): window spans 5 cells, the axis has 4`},
		{keraslike.ConvLSTM1D(2, 3, name), shapes{image, {2, 2}}, `ConvLSTM1D "it": got 1 initial states, want none or 2`},
		{keraslike.ConvLSTM1D(2, 3, name), shapes{image, {2, 2}, {4, 2}}, `ConvLSTM1D "it": initial state 1 has shape (batch, 4, 2), want (batch, 2, 2)`},
		{keraslike.ConvLSTM1D(2, 3, keraslike.CausalPadding, name), shapes{image}, `ConvLSTM1D "it": CausalPadding does not fit, want ActivationFunc, `},
		{keraslike.ConvLSTM1D(2, 3, keraslike.ResetBefore, name), shapes{image}, `ConvLSTM1D "it": ResetBefore does not fit, want ActivationFunc, `},
		{keraslike.ConvLSTM1D(2, 3, keraslike.RecurrentActivation("sig"), name), shapes{image}, `ConvLSTM1D "it": recurrent activation: activation "sig": unknown`},
		{keraslike.ConvLSTM1D(2, 3, keraslike.InputDropout(1), name), shapes{image}, `ConvLSTM1D "it": dropout is 1, want 0 <= dropout < 1`},
		{keraslike.ConvLSTM1D(2, 3, keraslike.RecurrentDropout(-0.1), name), shapes{image}, `ConvLSTM1D "it": recurrent dropout is -0.1, want 0 <= dropout < 1`},

		{keraslike.Rescaling(math.NaN(), 0, name), shapes{vector}, `Rescaling "it": scale is NaN and offset 0, want finite numbers`},
		{keraslike.Normalization(keraslike.Axis(1, -1), name), shapes{vector}, `Normalization "it": axes are [1 -1], which has axis 1 twice`},
		{keraslike.Normalization(keraslike.Statistics([]float64{1}, nil), name), shapes{vector}, `Normalization "it": Statistics has 1 means and 0 variances`},
		{keraslike.Normalization(keraslike.Statistics([]float64{1}, []float64{-1}), name), shapes{vector}, `Normalization "it": Statistics has mean 1 and variance -1`},
		{keraslike.Normalization(keraslike.Statistics([]float64{1, 2}, []float64{1, 2}), name), shapes{vector}, `Normalization "it": Statistics has 2 numbers, the features have shape [4]`},
		{keraslike.STFTSpectrogram(1, name), shapes{series}, `STFTSpectrogram "it": frameLength is 1, want 2 to`},
		{keraslike.STFTSpectrogram(4, keraslike.FrameStep(5), name), shapes{series}, `STFTSpectrogram "it": FrameStep is 5, want 1 to frameLength, 4`},
		{keraslike.STFTSpectrogram(4, keraslike.FFTLength(3), name), shapes{series}, `STFTSpectrogram "it": FFTLength is 3, want frameLength, 4, to`},
		{keraslike.STFTSpectrogram(4, keraslike.CausalPadding, name), shapes{series}, `STFTSpectrogram "it": CausalPadding does not fit, want ExpandDims, FFTLength`},
		{keraslike.STFTSpectrogram(4, keraslike.WindowFunction("none"), name), shapes{series}, `STFTSpectrogram "it": WindowFunction "none" is unknown, want hann, hamming or boxcar`},
		{keraslike.STFTSpectrogram(4, keraslike.WindowScaling("some"), name), shapes{series}, `STFTSpectrogram "it": WindowScaling "some" is unknown`},
		{keraslike.STFTSpectrogram(4, keraslike.SpectrogramMode("some"), name), shapes{series}, `STFTSpectrogram "it": SpectrogramMode "some" is unknown`},
		{keraslike.STFTSpectrogram(8, name), shapes{series}, `STFTSpectrogram "it": input has shape (batch, 5, 3), want at least 8 samples`},
		{keraslike.STFTSpectrogram(4, name), shapes{vector}, `STFTSpectrogram "it": input has shape (batch, 4), want (batch, steps, channels)`},
		{keraslike.MelSpectrogram(1, 2, name), shapes{vector}, `MelSpectrogram "it": got fftLength 1, 2 bins and SequenceStride 512, want at least 2, 1 and 1`},
		{keraslike.MelSpectrogram(4, 2, keraslike.SequenceLength(5), name), shapes{vector}, `MelSpectrogram "it": SequenceLength is 5, want 1 to fftLength, 4`},
		{keraslike.MelSpectrogram(4, 2, keraslike.MinFrequency(9000), name), shapes{vector}, `MelSpectrogram "it": MinFrequency is 9000 and MaxFrequency 8000, want`},
		{keraslike.MelSpectrogram(4, 2, keraslike.TopDecibels(-1), name), shapes{vector}, `MelSpectrogram "it": TopDecibels is -1, want at least 0`},
		{keraslike.MelSpectrogram(4, 2, keraslike.MinPower(0), name), shapes{vector}, `MelSpectrogram "it": MinPower is 0, want a finite number above 0`},
		{keraslike.MelSpectrogram(8, 2, name), shapes{vector}, `MelSpectrogram "it": input has shape (batch, 4), want (batch, samples) with more than 4 samples`},
		{keraslike.MelSpectrogram(4, 2, name), shapes{series}, `MelSpectrogram "it": input has shape (batch, 5, 3), want (batch, samples)`},
		{keraslike.Normalization(keraslike.Axis(2), name), shapes{vector}, `Normalization "it": axis is 2`},
		{keraslike.Lambda(nil, name), shapes{vector}, `Lambda "it": got no function`},
		{keraslike.Lambda(func(in ...*graph.Node) (*graph.Node, error) { return nil, nil }, name), shapes{vector}, `Lambda "it": the function returned no node`},
		{
			keraslike.Lambda(func(in ...*graph.Node) (*graph.Node, error) { return graph.Mean(in[0]) }, name),
			shapes{vector},
			`Lambda "it": the function returns shape () for a batch of 2, want the batch as the first axis`,
		},
		{keraslike.Lambda(func(in ...*graph.Node) (*graph.Node, error) { panic("no more") }, name), shapes{vector}, `Lambda "it": Build: panic: no more`},
		{keraslike.EinsumDense("abc", nil, name), shapes{series}, `EinsumDense "it": equation is "abc", want input,kernel->output`},
		{keraslike.EinsumDense("abb,bc->ac", []int{2}, name), shapes{series}, `want different letters`},
		{keraslike.EinsumDense("ab,bc->ca", []int{2}, name), shapes{{3}}, `want the batch as the first axis`},
		{keraslike.EinsumDense("abc,cd->ad", []int{2}, name), shapes{series}, `axis b of the input is nowhere else`},
		{keraslike.EinsumDense("ab,bcd->ac", []int{2}, name), shapes{{3}}, `axis d is in one part only`},
		{keraslike.EinsumDense("ab,bc->ac", []int{2}, keraslike.BiasAxes("d"), name), shapes{{3}}, `BiasAxes is "d", axis d is not in the output`},
		{keraslike.EinsumDense("ab,bc->ac", []int{2, 3}, name), shapes{{3}}, `got 2 lengths of the output`},
		{keraslike.EinsumDense("ab,bc->ac", []int{keraslike.Any}, name), shapes{{3}}, `length of axis c is -1`},
		{keraslike.EinsumDense("abc,cd->abd", []int{7, 3}, name), shapes{{5, 2}}, `length of axis b is 7 in the output, 5 in the input`},
		{keraslike.EinsumDense("ab,bc->ac", []int{2}, name), shapes{{4, 3}}, `the equation "ab,bc->ac" has 2`},
		{keraslike.RMSNormalization(keraslike.Epsilon(0), name), shapes{series}, `RMSNormalization "it": epsilon is 0`},
		{keraslike.RMSNormalization(keraslike.Axis(3), name), shapes{series}, `RMSNormalization "it": axis is 3`},
		{keraslike.ActivityRegularization(keraslike.L1(-1), name), shapes{series}, `ActivityRegularization "it"`},
		{keraslike.MaxPooling1D(2, keraslike.KeepDims, name), shapes{series}, `MaxPooling1D "it": KeepDims does not fit`},
		{keraslike.Attention(name), shapes{series}, `Attention "it": got 1 input, want query, value and optionally key`},
		{keraslike.Attention(keraslike.NoScoreScale, name), shapes{series, series}, `Attention "it": NoScoreScale does not fit`},
		{keraslike.AdditiveAttention(keraslike.AttentionDropout(1), name), shapes{series, series}, `AdditiveAttention "it": dropout is 1`},
		{keraslike.AdditiveAttention(name), shapes{{4, 3}, {4, 2}}, `AdditiveAttention "it": query has 3 features, key 2`},
		{keraslike.GroupQueryAttention(2, 3, 2, name), shapes{series}, `GroupQueryAttention "it": 3 heads of the query and 2 of key and value, want a divisor`},
		{keraslike.GroupQueryAttention(2, 2, 2, keraslike.SlidingWindow(0), name), shapes{series}, `GroupQueryAttention "it": SlidingWindow is 0`},
		{keraslike.MultiHeadAttention(2, 2, keraslike.AttentionAxes(1), keraslike.SlidingWindow(2), name), shapes{series}, `MultiHeadAttention "it": SlidingWindow does not fit with AttentionAxes`},
		{keraslike.MultiHeadAttention(2, 2, keraslike.SlidingWindow(2), name), shapes{{2, 3, 4}}, `MultiHeadAttention "it": SlidingWindow does not fit with a query of shape (batch, 2, 3, 4)`},
		{keraslike.MultiHeadAttention(2, 2, keraslike.AttentionAxes(3), name), shapes{{2, 3, 4}}, `MultiHeadAttention "it": AttentionAxes: axes are [3]`},
		{keraslike.MultiHeadAttention(2, 2, keraslike.AttentionAxes(2), name), shapes{{2, 3, 4}, {5, 3, 4}}, `the same length of axis 1, which is not attended`},
		{keraslike.ChannelsFirst(nil, name), shapes{series}, `ChannelsFirst "it": got no layer`},
		{keraslike.ChannelsFirst(keraslike.Conv2D(2, 9), name), shapes{{1, 5, 5}}, `ChannelsFirst "it": Conv2D with channels last`},
		{keraslike.ChannelsFirst(keraslike.Dense(2), name), shapes{{3}}, `ChannelsFirst "it": input has shape (batch, 3), want (batch, channels, ...)`},
		{keraslike.TimeDistributed(nil, name), shapes{series}, `TimeDistributed "it": got no layer`},
		{keraslike.TimeDistributed(keraslike.Dense(0), name), shapes{series}, `TimeDistributed "it": Dense: units is 0`},
		{keraslike.TimeDistributed(keraslike.Conv1D(2, 2), name), shapes{series}, `TimeDistributed "it": Conv1D on one step: input has shape (batch, 3), want (batch, steps, channels)`},
		{keraslike.TimeDistributed(keraslike.Dense(2), name), shapes{{}}, `TimeDistributed "it": input has shape (batch), want (batch, steps, ...)`},
		{keraslike.MultiHeadAttention(0, 2, name), shapes{series}, `MultiHeadAttention "it": 0 heads with keys of 2 and values of 2, want positive numbers`},
		{keraslike.MultiHeadAttention(2, 2, keraslike.AttentionDropout(1), name), shapes{series}, `MultiHeadAttention "it": dropout is 1`},
		{keraslike.MultiHeadAttention(2, 2, keraslike.OutputDim(-1), name), shapes{series}, `MultiHeadAttention "it": output of -1`},
		{keraslike.MultiHeadAttention(2, 2, name), shapes{{3}}, `MultiHeadAttention "it": query has shape (batch, 3), want (batch, steps, features)`},
		{keraslike.MultiHeadAttention(2, 2, name), shapes{series, {6, 2}, {7, 2}}, `MultiHeadAttention "it": key has 7 steps, value 6`},
		{keraslike.MultiHeadAttention(2, 2, name), shapes{series, series, series, series}, `MultiHeadAttention "it": got 4 inputs`},
		{keraslike.MultiHeadAttention(2, 2, keraslike.AttentionMask, name), shapes{series}, `MultiHeadAttention "it": got 1 input`},
		{keraslike.MultiHeadAttention(2, 2, keraslike.AttentionMask, name), shapes{series, {5, 4}}, `MultiHeadAttention "it": mask has shape (batch, 5, 4), want (batch, 5, 5) or, for each head, (batch, 2, 5, 5)`},
	} {
		var in []*keraslike.Tensor
		for _, s := range c.in {
			in = append(in, keraslike.Input(s...))
		}
		m := keraslike.NewModel("m", in, []*keraslike.Tensor{c.layer.Apply(in...)})
		wantError(t, m.Build(0), c.want)
	}
}

func TestNormalizationMistakes(t *testing.T) {
	nan := tensorOf([]int{2, 2}, []float32{1, 2, 3, float32(math.NaN())})
	ok := tensorOf([]int{2, 2}, []float32{1, 2, 3, 4})
	wide := tensorOf([]int{2, 3}, make([]float32, 6))
	n := keraslike.Normalization(keraslike.Name("it"))
	wantError(t, keraslike.Adapt(t.Context(), n, nil), "adapt: no data")
	wantError(t, keraslike.Adapt(t.Context(), n, dataOf(t, nan, nil)), "adapt: input 0 of sample 1: value 1 is NaN")
	wantError(t, keraslike.Adapt(t.Context(), keraslike.Normalization(keraslike.Axis(3)), dataOf(t, ok, nil)), "adapt: axis is 3")
	if err := keraslike.Adapt(t.Context(), n, dataOf(t, ok, nil)); err != nil {
		t.Fatal(err)
	}
	wantError(t, keraslike.Sequential("m", keraslike.Input(3), n).Build(0), `Normalization "it": input has shape (batch, 3) with 3 features, the data of Adapt had 2`)
	if err := keraslike.Sequential("m", keraslike.Input(2), n).Build(0); err != nil {
		t.Fatal(err)
	}
	wantError(t, keraslike.Adapt(t.Context(), n, dataOf(t, wide, nil)), "adapt: the data has samples of shape [3], the layer was built for [2]")
}
