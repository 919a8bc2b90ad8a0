// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// TestAutomaticNames: the names that Keras gives its classes' layers, from its
// to_snake_case (keras 3.15.1), which the last ones are not names of.
func TestAutomaticNames(t *testing.T) {
	names := map[string]string{
		"Input": "input", "Dense": "dense", "Activation": "activation", "Dropout": "dropout", "AlphaDropout": "alpha_dropout", "Flatten": "flatten", "Embedding": "embedding", "AdaptiveMaxPooling1D": "adaptive_max_pooling1d", "AdaptiveMaxPooling2D": "adaptive_max_pooling2d", "AdaptiveMaxPooling3D": "adaptive_max_pooling3d", "AdaptiveAveragePooling1D": "adaptive_average_pooling1d", "AdaptiveAveragePooling2D": "adaptive_average_pooling2d", "AdaptiveAveragePooling3D": "adaptive_average_pooling3d", "ReverseEmbedding": "reverse_embedding", "SinePositionEncoding": "sine_position_encoding", "RotaryEmbedding": "rotary_embedding", "TokenAndPositionEmbedding": "token_and_position_embedding", "SpectralNormalization": "spectral_normalization", "PositionEmbedding": "position_embedding",
		"Masking": "masking", "Bidirectional": "bidirectional", "SimpleRNN": "simple_rnn", "GRU": "gru", "LSTM": "lstm", "Reshape": "reshape",
		"Permute": "permute", "RepeatVector": "repeat_vector", "ZeroPadding1D": "zero_padding1d", "ZeroPadding2D": "zero_padding2d", "ZeroPadding3D": "zero_padding3d", "Cropping3D": "cropping3d",
		"UpSampling3D": "up_sampling3d", "SpatialDropout3D": "spatial_dropout3d",
		"Cropping1D": "cropping1d", "Cropping2D": "cropping2d", "UpSampling1D": "up_sampling1d", "UpSampling2D": "up_sampling2d", "Add": "add",
		"Subtract": "subtract", "Multiply": "multiply", "Average": "average", "Maximum": "maximum", "Minimum": "minimum",
		"Concatenate": "concatenate", "Dot": "dot", "LeakyReLU": "leaky_re_lu", "PReLU": "p_re_lu", "SpatialDropout1D": "spatial_dropout1d",
		"SpatialDropout2D": "spatial_dropout2d", "GaussianNoise": "gaussian_noise", "GaussianDropout": "gaussian_dropout",
		"TimeDistributed": "time_distributed", "MultiHeadAttention": "multi_head_attention", "Normalization": "normalization",
		"Rescaling": "rescaling", "BatchNormalization": "batch_normalization", "LayerNormalization": "layer_normalization",
		"StringLookup": "string_lookup", "IntegerLookup": "integer_lookup", "CategoryEncoding": "category_encoding", "Hashing": "hashing",
		"HashedCrossing": "hashed_crossing", "TextVectorization": "text_vectorization", "Discretization": "discretization", "Resizing": "resizing",
		"CenterCrop": "center_crop", "RandomCrop": "random_crop", "RandomFlip": "random_flip", "RandomRotation": "random_rotation",
		"RandomZoom": "random_zoom", "RandomTranslation": "random_translation", "RandomContrast": "random_contrast", "RandomBrightness": "random_brightness", "RandomGrayscale": "random_grayscale", "MelSpectrogram": "mel_spectrogram", "STFTSpectrogram": "stft_spectrogram", "RandomInvert": "random_invert",
		"RandomPosterization": "random_posterization", "RandomColorDegeneration": "random_color_degeneration", "RandomSharpness": "random_sharpness",
		"RandomHue": "random_hue", "RandomSaturation": "random_saturation", "RandomColorJitter": "random_color_jitter",
		"RandomErasing": "random_erasing", "RandomGaussianBlur": "random_gaussian_blur", "RandomShear": "random_shear",
		"RandomPerspective": "random_perspective", "RandomElasticTransform": "random_elastic_transform", "RandAugment": "rand_augment", "AugMix": "aug_mix",
		"Solarization": "solarization", "AutoContrast": "auto_contrast", "Equalization": "equalization",
		"ContrastLimitedAdaptiveHistogramEqualization": "contrast_limited_adaptive_histogram_equalization",
		"EinsumDense": "einsum_dense", "ChannelsFirst": "channels_first", "RMSNormalization": "rms_normalization", "ActivityRegularization": "activity_regularization", "Attention": "attention", "AdditiveAttention": "additive_attention", "GroupQueryAttention": "group_query_attention", "GroupNormalization": "group_normalization", "UnitNormalization": "unit_normalization",
		"Conv1D": "conv1d", "Conv2D": "conv2d", "Conv3D": "conv3d", "DepthwiseConv1D": "depthwise_conv1d", "SeparableConv1D": "separable_conv1d",
		"RNN": "rnn", "ConvLSTM1D": "conv_lstm1d", "ConvLSTM2D": "conv_lstm2d", "ConvLSTM3D": "conv_lstm3d", "Conv1DTranspose": "conv1d_transpose", "Conv3DTranspose": "conv3d_transpose", "MaxPooling3D": "max_pooling3d", "AveragePooling3D": "average_pooling3d",
		"GlobalMaxPooling3D": "global_max_pooling3d", "GlobalAveragePooling3D": "global_average_pooling3d", "DepthwiseConv2D": "depthwise_conv2d", "SeparableConv2D": "separable_conv2d",
		"Conv2DTranspose": "conv2d_transpose", "MaxPooling1D": "max_pooling1d", "MaxPooling2D": "max_pooling2d",
		"AveragePooling1D": "average_pooling1d", "AveragePooling2D": "average_pooling2d", "GlobalMaxPooling1D": "global_max_pooling1d",
		"GlobalMaxPooling2D": "global_max_pooling2d", "GlobalAveragePooling1D": "global_average_pooling1d",
		"GlobalAveragePooling2D": "global_average_pooling2d", "Lambda": "lambda", "Model": "model",
		"MyLayer": "my_layer", "HTTPServer": "http_server", "ABTest": "ab_test", "My_Layer": "my__layer", "Dense3D": "dense3d", "B2": "b2",
		"lower": "lower", "IOError2Way": "io_error2_way", "My-Layer": "my_layer",
	}
	for kind, want := range names {
		if got := snakeCase(strings.ReplaceAll(kind, "-", "")); got != want {
			t.Errorf("%s is named %q, Keras names it %q", kind, got, want)
		}
	}
	for kind := range definitions {
		if names[kind] == "" {
			t.Errorf("%s is missing here", kind)
		}
	}
}

// TestAnyName gives inputs and layers the names that a model's own nodes have: training,
// evaluation with weights, gradients, pictures and files work as with any other.
func TestAnyName(t *testing.T) {
	own := []string{
		"target", "target 1", "sample weights 0", "direction", "ones of (batch, 3)", "ones of (2, 3)", "ones of (2, 1)", "input", "input0", "weights of the sum", "loss", "val_loss",
		"1", "1.0", "optimizer", "__metadata__", "reef.model", "epoch", "learning_rate", "target (2)", "a\"b", "a\nb", "a b", "ä",
	}
	x := tensor.New(tensor.WithShape(4, 3), tensor.WithBacking(slices.Repeat([]float32{1, 2, 3}, 4)))
	y := tensor.New(tensor.WithShape(4, 1), tensor.WithBacking([]float32{1, 2, 3, 4}))
	var want []float32
	alike := KernelInitializer(Constant(0.1)) // first weights that do not depend on the layer's name
	for i, name := range append([]string{"plain"}, own...) {
		for _, at := range []string{"input", "layer"} {
			in, layer := "in", "layer"
			if at == "input" {
				in = name
			} else {
				layer = name
			}
			a := NamedInput(in, 3)
			h := Dense(3, alike, Name(layer)).Apply(a)
			m := NewModel("m", []*Tensor{a}, []*Tensor{Dense(1, alike, Name("out")).Apply(h)})
			if err := m.Compile(SGD(0.01), MeanSquaredError, Seed(3)); err != nil {
				t.Errorf("%s %q: %v", at, name, err)
				continue
			}
			source, err := Data(ArrayOf(x), ArrayOf(y))
			if err != nil {
				t.Fatal(err)
			}
			weighted, err := Weighted(source, []float32{1, 2, 1, 2})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Fit(context.Background(), weighted, Epochs(2), BatchSize(2), Validation(source)); err != nil {
				t.Errorf("%s %q: %v", at, name, err)
				continue
			}
			if _, err := m.Gradient("out", layer); err != nil {
				t.Errorf("%s %q: %v", at, name, err)
			}
			var b strings.Builder
			if err := m.WriteOpsDOT(&b, 2); err != nil {
				t.Errorf("%s %q: %v", at, name, err)
			}
			path := filepath.Join(t.TempDir(), "m.st")
			if err := m.Save(path, WithOptimizer); err != nil {
				t.Errorf("%s %q: %v", at, name, err)
				continue
			}
			loaded, err := Load(path)
			if err != nil {
				t.Errorf("%s %q: %v", at, name, err)
				continue
			}
			p, err := loaded.Predict(ArrayOf(x))
			if err != nil {
				t.Errorf("%s %q: %v", at, name, err)
				continue
			}
			if i == 0 {
				want = p.Values()
			} else if !slices.Equal(p.Values(), want) {
				t.Errorf("%s %q: predicts %v, with other names %v", at, name, p.Values(), want)
			}
		}
	}
}
