// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// kerasLayers makes the layer for each class of Keras from its arguments.
var kerasLayers = map[string]func(a *kerasArgs) Layer{
	"Dense": func(a *kerasArgs) Layer {
		l, d := defined[*dense](Dense(a.count("units")))
		d.Activation, d.NoBias, d.regularized = a.activation("activation"), !a.flag("use_bias", true), a.regularized()
		return l
	},
	"Activation": func(a *kerasArgs) Layer { return Activation(a.activation("activation")) },
	"Dropout":    func(a *kerasArgs) Layer { a.training("noise_shape"); return Dropout(a.number("rate", 0)) },
	"Flatten":    func(a *kerasArgs) Layer { a.channelsLast(); return Flatten() },
	"Reshape":    func(a *kerasArgs) Layer { return Reshape(a.list("target_shape")) },
	"Permute":    func(a *kerasArgs) Layer { return Permute(a.list("dims")) },
	"RepeatVector": func(a *kerasArgs) Layer {
		return RepeatVector(a.count("n"))
	},
	"Embedding": func(a *kerasArgs) Layer {
		a.training("embeddings_regularizer")
		a.training("embeddings_constraint")
		a.training("activity_regularizer")
		l, d := defined[*embedding](Embedding(a.count("input_dim"), a.count("output_dim")))
		d.MaskZero = a.flag("mask_zero", false)
		return l
	},
	"Masking":   func(a *kerasArgs) Layer { return Masking(a.number("mask_value", 0)) },
	"Rescaling": func(a *kerasArgs) Layer { return Rescaling(a.number("scale", 1), a.number("offset", 0)) },

	"Conv1D":          func(a *kerasArgs) Layer { return kerasConv(a, 1) },
	"Conv2D":          func(a *kerasArgs) Layer { return kerasConv(a, 2) },
	"DepthwiseConv2D": kerasDepthwise,
	"SeparableConv2D": kerasSeparable,
	"Conv2DTranspose": kerasTransposed,

	"MaxPooling1D":           func(a *kerasArgs) Layer { return kerasPool(a, MaxPooling1D(2), 1) },
	"MaxPooling2D":           func(a *kerasArgs) Layer { return kerasPool(a, MaxPooling2D(2), 2) },
	"AveragePooling1D":       func(a *kerasArgs) Layer { return kerasPool(a, AveragePooling1D(2), 1) },
	"AveragePooling2D":       func(a *kerasArgs) Layer { return kerasPool(a, AveragePooling2D(2), 2) },
	"GlobalMaxPooling1D":     func(a *kerasArgs) Layer { a.channelsLast(); return GlobalMaxPooling1D() },
	"GlobalMaxPooling2D":     func(a *kerasArgs) Layer { a.channelsLast(); return GlobalMaxPooling2D() },
	"GlobalAveragePooling1D": func(a *kerasArgs) Layer { a.channelsLast(); return GlobalAveragePooling1D() },
	"GlobalAveragePooling2D": func(a *kerasArgs) Layer { a.channelsLast(); return GlobalAveragePooling2D() },

	"ZeroPadding1D": func(a *kerasArgs) Layer { return kerasMargins(a, "padding", 1, ZeroPadding1D(0, 0)) },
	"ZeroPadding2D": func(a *kerasArgs) Layer { return kerasMargins(a, "padding", 2, ZeroPadding2D(0, 0, 0, 0)) },
	"Cropping1D":    func(a *kerasArgs) Layer { return kerasMargins(a, "cropping", 1, Cropping1D(0, 0)) },
	"Cropping2D":    func(a *kerasArgs) Layer { return kerasMargins(a, "cropping", 2, Cropping2D(0, 0, 0, 0)) },
	"UpSampling1D":  func(a *kerasArgs) Layer { return UpSampling1D(a.window("size", 1, [2]int{1, 2})[1]) },
	"UpSampling2D": func(a *kerasArgs) Layer {
		a.channelsLast()
		a.want("interpolation", "nearest")
		size := a.window("size", 2, [2]int{2, 2})
		return UpSampling2D(size[0], size[1])
	},

	"CuDNNGRU":  func(a *kerasArgs) Layer { return kerasRecurrent(a, GRU) }, // with reset_after, sigmoid and tanh
	"CuDNNLSTM": func(a *kerasArgs) Layer { return kerasRecurrent(a, LSTM) },
	"SimpleRNN": func(a *kerasArgs) Layer { return kerasRecurrent(a, SimpleRNN) },
	"GRU": func(a *kerasArgs) Layer {
		l, d := defined[*recurrent](kerasRecurrent(a, GRU))
		d.ResetBefore = !a.flag("reset_after", a.major >= 3)
		return l
	},
	"LSTM": func(a *kerasArgs) Layer { return kerasRecurrent(a, LSTM) },

	"BatchNormalization": func(a *kerasArgs) Layer {
		l, d := defined[*batchNorm](BatchNormalization())
		d.Axis, d.NoScale, d.NoCenter = a.axis(), !a.flag("scale", true), !a.flag("center", true)
		d.Momentum, d.Epsilon = a.number("momentum", 0.99), a.number("epsilon", 1e-3)
		a.restrained("beta", "gamma")
		a.training("synchronized")
		delete(a.raw, "fused")           // how it is computed
		delete(a.raw, "renorm_momentum") // of renorm, which is refused
		return l
	},
	"LayerNormalization": func(a *kerasArgs) Layer {
		l, d := defined[*layerNorm](LayerNormalization())
		if axes := a.list("axis"); axes != nil {
			d.Axis = axes
		}
		d.NoScale, d.NoCenter, d.Epsilon = !a.flag("scale", true), !a.flag("center", true), a.number("epsilon", 1e-3)
		a.restrained("beta", "gamma")
		return l
	},
	"Normalization": func(a *kerasArgs) Layer {
		if text := string(a.raw["axis"]); text == "null" || text == "[]" {
			return Normalization(AllAxes)
		}
		return Normalization(Axis(a.axis()))
	},
	"SpatialDropout1D":       func(a *kerasArgs) Layer { return SpatialDropout1D(a.number("rate", 0)) },
	"SpatialDropout2D":       func(a *kerasArgs) Layer { a.channelsLast(); return SpatialDropout2D(a.number("rate", 0)) },
	"ActivityRegularization": func(a *kerasArgs) Layer { return a.identity("l1", "l2") },
	"AlphaDropout":           func(a *kerasArgs) Layer { return a.identity("rate", "noise_shape") },
	"RandomBrightness":       func(a *kerasArgs) Layer { return a.augmentation("factor", "value_range") },
	"RandomContrast":         func(a *kerasArgs) Layer { return a.augmentation("factor", "value_range") },
	"RandomFlip":             func(a *kerasArgs) Layer { return a.augmentation("mode") },
	"RandomRotation":         func(a *kerasArgs) Layer { return a.augmentation("factor") },
	"RandomTranslation":      func(a *kerasArgs) Layer { return a.augmentation("height_factor", "width_factor") },
	"RandomZoom":             func(a *kerasArgs) Layer { return a.augmentation("height_factor", "width_factor") },
	"GaussianDropout":        func(a *kerasArgs) Layer { return GaussianDropout(a.number("rate", 0)) },
	"GaussianNoise":          func(a *kerasArgs) Layer { return GaussianNoise(a.number("stddev", 0)) },

	"ReLU": kerasReLU,
	"LeakyReLU": func(a *kerasArgs) Layer {
		slope := a.number("alpha", 0.3) // until Keras 2
		return LeakyReLU(NegativeSlope(a.number("negative_slope", slope)))
	},
	"PReLU": func(a *kerasArgs) Layer {
		a.restrained("alpha")
		return PReLU(SharedAxes(a.list("shared_axes")...))
	},
	"ELU": func(a *kerasArgs) Layer {
		if alpha := a.number("alpha", 1); alpha != 1 {
			a.fail("alpha", fmt.Errorf("is %g, want 1", alpha))
		}
		return Activation(ELU)
	},
	"Softmax": func(a *kerasArgs) Layer {
		if axis := a.axis(); axis != -1 {
			a.fail("axis", fmt.Errorf("is %d, want -1", axis))
		}
		return Activation(Softmax)
	},

	"Add":      func(*kerasArgs) Layer { return Add() },
	"Subtract": func(*kerasArgs) Layer { return Subtract() },
	"Multiply": func(*kerasArgs) Layer { return Multiply() },
	"Average":  func(*kerasArgs) Layer { return Average() },
	"Maximum":  func(*kerasArgs) Layer { return Maximum() },
	"Minimum":  func(*kerasArgs) Layer { return Minimum() },
	"Dot": func(a *kerasArgs) Layer {
		axes := a.list("axes")
		if len(axes) == 1 {
			axes = append(axes, axes[0])
		}
		if len(axes) != 2 {
			a.fail("axes", fmt.Errorf("is %v, want one or two axes", axes))
			return Dot(1, 1)
		}
		l, d := defined[*dot](Dot(axes[0], axes[1]))
		d.Normalized = a.flag("normalize", false)
		return l
	},
	"Concatenate": func(a *kerasArgs) Layer { return Concatenate(Axis(a.axis())) },
}

// identity is a layer that acts in training only.
func (a *kerasArgs) identity(args ...string) Layer {
	for _, name := range args {
		delete(a.raw, name)
	}
	a.notes = append(a.notes, "is left away, it acts in training only")
	return Activation(Linear)
}

// augmentation is identity for the layers that change pictures, with what they have in
// common.
func (a *kerasArgs) augmentation(args ...string) Layer {
	return a.identity(append(args, "fill_mode", "fill_value", "interpolation", "data_format", "bounding_box_format")...)
}

// defined is a layer with its definition, whose arguments can then be set.
func defined[D Definition](l Layer) (Layer, D) { return l, l.core().def.(D) }

func (a *kerasArgs) channelsLast() { a.want("data_format", "channels_last") }

// axis is one axis, in a list or not; the last where there is none.
func (a *kerasArgs) axis() int {
	const last = -1
	if string(a.raw["axis"]) == "null" {
		a.fail("axis", errors.New("is None, want one axis"))
	}
	list := a.list("axis")
	switch len(list) {
	case 0:
		return last
	case 1:
		return list[0]
	}
	a.fail("axis", fmt.Errorf("is %v, want one axis", list))
	return last
}

// restrained takes the regularisers and constraints of weights that have none here.
func (a *kerasArgs) restrained(weights ...string) {
	for _, w := range weights {
		a.training(w + "_regularizer")
		a.training(w + "_constraint")
	}
}

func (a *kerasArgs) groups() {
	if n := a.whole("groups", 1); n != 1 {
		a.fail("groups", fmt.Errorf("is %d, want 1", n))
	}
}

func kerasConv(a *kerasArgs, axes int) Layer {
	a.channelsLast()
	a.groups()
	make := Conv2D
	if axes == 1 {
		make = Conv1D
	}
	l, d := defined[*conv](make(a.count("filters"), 1))
	d.KernelSize = a.window("kernel_size", axes, [2]int{})
	d.Strides, d.Dilation = a.window("strides", axes, [2]int{1, 1}), a.window("dilation_rate", axes, [2]int{1, 1})
	d.Padding, d.Activation, d.NoBias, d.regularized = a.padding(), a.activation("activation"), !a.flag("use_bias", true), a.regularized()
	return l
}

// kerasWindow is what the other convolutions over images have in common.
func kerasWindow(a *kerasArgs) window {
	a.channelsLast()
	a.groups()
	return window{
		KernelSize: a.window("kernel_size", 2, [2]int{}),
		Strides:    a.window("strides", 2, [2]int{1, 1}), Dilation: a.window("dilation_rate", 2, [2]int{1, 1}),
		Padding: a.padding(),
	}
}

func kerasDepthwise(a *kerasArgs) Layer {
	l, d := defined[*depthwise](DepthwiseConv2D(1))
	d.window, d.DepthMultiplier = kerasWindow(a), a.whole("depth_multiplier", 1)
	d.Activation, d.NoBias, d.regularized = a.activation("activation"), !a.flag("use_bias", true), a.regularized()
	a.restrained("depthwise")
	return l
}

func kerasSeparable(a *kerasArgs) Layer {
	l, d := defined[*separable](SeparableConv2D(a.count("filters"), 1))
	d.window, d.DepthMultiplier = kerasWindow(a), a.whole("depth_multiplier", 1)
	d.Activation, d.NoBias, d.regularized = a.activation("activation"), !a.flag("use_bias", true), a.regularized()
	a.restrained("depthwise", "pointwise")
	return l
}

func kerasTransposed(a *kerasArgs) Layer {
	l, d := defined[*convTranspose](Conv2DTranspose(a.count("filters"), 1))
	d.window = kerasWindow(a)
	if d.Dilation != [2]int{1, 1} {
		a.fail("dilation_rate", fmt.Errorf("is %v, want 1", d.Dilation))
	}
	if p := a.window("output_padding", 2, [2]int{-1, -1}); p[0] >= 0 {
		d.OutputPadding = &p
	}
	d.Activation, d.NoBias, d.regularized = a.activation("activation"), !a.flag("use_bias", true), a.regularized()
	return l
}

func kerasPool(a *kerasArgs, l Layer, axes int) Layer {
	a.channelsLast()
	_, d := defined[*pool](l)
	d.PoolSize = a.window("pool_size", axes, d.PoolSize)
	d.Strides, d.Padding = a.window("strides", axes, d.PoolSize), a.padding()
	return l
}

// kerasMargins reads 1, [1, 2] or [[1, 2], [3, 4]].
func kerasMargins(a *kerasArgs, name string, axes int, l Layer) Layer {
	a.channelsLast()
	_, d := defined[*margins](l)
	raw := a.raw[name]
	var pairs [][2]int
	if json.Unmarshal(raw, &pairs) == nil && len(pairs) == 2 && axes == 2 {
		delete(a.raw, name)
		d.Top, d.Bottom, d.Left, d.Right = pairs[0][0], pairs[0][1], pairs[1][0], pairs[1][1]
		return l
	}
	n := a.list(name)
	switch {
	case n == nil:
		n = []int{1, 1}
	case len(n) == 1:
		n = []int{n[0], n[0]}
	case len(n) != 2:
		a.fail(name, fmt.Errorf("is %v, want one or two numbers", n))
		return l
	}
	if axes == 1 {
		d.Left, d.Right = n[0], n[1]
	} else {
		d.Top, d.Bottom, d.Left, d.Right = n[0], n[0], n[1], n[1]
	}
	return l
}

func kerasRecurrent(a *kerasArgs, make func(int, ...RecurrentOption) Layer) Layer {
	l, d := defined[*recurrent](make(a.count("units")))
	if _, given := a.raw["activation"]; given {
		d.Activation = a.activation("activation")
	}
	r := a.regularized()
	d.KernelRegularizer, d.BiasRegularizer, d.ActivityRegularizer = r.KernelRegularizer, r.BiasRegularizer, r.ActivityRegularizer
	d.RecurrentRegularizer = a.regularizer("recurrent_regularizer")
	d.NoBias = !a.flag("use_bias", true)
	d.ReturnSequences, d.ReturnState = a.flag("return_sequences", false), a.flag("return_state", false)
	d.GoBackwards, d.ZeroOutputForMask = a.flag("go_backwards", false), a.flag("zero_output_for_mask", false)
	d.InputDropout, d.RecurrentDropout = a.number("dropout", 0), a.number("recurrent_dropout", 0)
	if _, given := a.raw["recurrent_activation"]; given && d.Cell != "SimpleRNN" {
		d.RecurrentActivation = a.activation("recurrent_activation")
	}
	return l
}

func kerasReLU(a *kerasArgs) Layer {
	limit, slope, threshold := a.number("max_value", math.Inf(1)), a.number("negative_slope", 0), a.number("threshold", 0)
	switch {
	case threshold != 0:
		a.fail("threshold", fmt.Errorf("is %g, want 0", threshold))
	case limit == 6 && slope == 0:
		return Activation(ReLU6)
	case !math.IsInf(limit, 1):
		a.fail("max_value", fmt.Errorf("is %g, want none or 6", limit))
	case slope != 0:
		return LeakyReLU(NegativeSlope(slope))
	}
	return Activation(ReLU)
}
