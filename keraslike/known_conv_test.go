// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// options turns values that fit several layers into the options of one.
func options[O any](values []any) (list []O) {
	for _, v := range values {
		list = append(list, v.(O))
	}
	return list
}

// windowOptions are what all convolutions have, as their arguments say.
func windowOptions(a golden.Args) []any {
	list := []any{keraslike.ActivationFunc(a.String("activation")), keraslike.KernelSize(pairs(a["kernel_size"])...), keraslike.Strides(pairs(a["strides"])...)}
	if d := pairs(a["dilation_rate"]); d != nil {
		list = append(list, keraslike.Dilation(d...))
	}
	switch a.String("padding") {
	case "same":
		list = append(list, keraslike.SamePadding)
	case "causal":
		list = append(list, keraslike.CausalPadding)
	}
	if !a.Bool("use_bias") {
		list = append(list, keraslike.NoBias)
	}
	return list
}

func TestConvolutionValues(t *testing.T) {
	checkWindows(t, "layers_convolution", "Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
}

func TestPoolingValues(t *testing.T) {
	checkWindows(t, "layers_pooling", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D",
		"GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D")
}

func TestWindowValuesOfKeras(t *testing.T) {
	checkWindows(t, "layers_windows_keras", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "SeparableConv1D", "Conv1DTranspose", "Conv2DTranspose",
		"Conv3DTranspose", "MaxPooling3D", "AveragePooling3D", "GlobalMaxPooling3D", "GlobalAveragePooling3D", "ZeroPadding3D", "Cropping3D", "UpSampling3D", "UpSampling2D",
		"AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D")
}

// checkWindows covers the cases of a topic but the one of pooling with a mask.
func checkWindows(t *testing.T, topic string, kinds ...string) {
	global := map[string]func(...keraslike.PoolOption) keraslike.Layer{
		"GlobalMaxPooling1D": keraslike.GlobalMaxPooling1D, "GlobalAveragePooling1D": keraslike.GlobalAveragePooling1D,
		"GlobalMaxPooling2D": keraslike.GlobalMaxPooling2D, "GlobalAveragePooling2D": keraslike.GlobalAveragePooling2D,
		"GlobalMaxPooling3D": keraslike.GlobalMaxPooling3D, "GlobalAveragePooling3D": keraslike.GlobalAveragePooling3D,
	}
	pools := map[string]func(int, ...keraslike.PoolOption) keraslike.Layer{
		"MaxPooling1D": keraslike.MaxPooling1D, "MaxPooling2D": keraslike.MaxPooling2D, "MaxPooling3D": keraslike.MaxPooling3D,
		"AveragePooling1D": keraslike.AveragePooling1D, "AveragePooling2D": keraslike.AveragePooling2D, "AveragePooling3D": keraslike.AveragePooling3D,
	}
	convolutions := map[string]func(filters, kernel int, opts ...keraslike.ConvOption) keraslike.Layer{
		"Conv1D": keraslike.Conv1D, "Conv2D": keraslike.Conv2D, "Conv3D": keraslike.Conv3D,
		"SeparableConv1D": keraslike.SeparableConv1D, "SeparableConv2D": keraslike.SeparableConv2D,
		"Conv1DTranspose": keraslike.Conv1DTranspose, "Conv2DTranspose": keraslike.Conv2DTranspose, "Conv3DTranspose": keraslike.Conv3DTranspose,
		"DepthwiseConv1D": func(_, kernel int, opts ...keraslike.ConvOption) keraslike.Layer {
			return keraslike.DepthwiseConv1D(kernel, opts...)
		},
		"DepthwiseConv2D": func(_, kernel int, opts ...keraslike.ConvOption) keraslike.Layer {
			return keraslike.DepthwiseConv2D(kernel, opts...)
		},
	}
	checkLayers(t, topic, []string{"x"}, func(c golden.Case) keraslike.Layer {
		a, kind := c.Args, c.Args.String("layer")
		if f := global[kind]; f != nil {
			if _, masked := c.Inputs["mask"]; masked {
				return nil
			}
			if a.Bool("keepdims") {
				return f(keraslike.KeepDims)
			}
			return f()
		}
		if f := pools[kind]; f != nil {
			opts := []keraslike.PoolOption{keraslike.PoolSize(pairs(a["pool_size"])...)}
			if a["strides"] != nil {
				opts = append(opts, keraslike.Strides(pairs(a["strides"])...))
			}
			if a.String("padding") == "same" {
				opts = append(opts, keraslike.SamePadding)
			}
			return f(1, opts...)
		}
		size := pairs(a["output_size"])
		switch kind {
		case "AdaptiveMaxPooling1D":
			return keraslike.AdaptiveMaxPooling1D(size[0])
		case "AdaptiveMaxPooling2D":
			return keraslike.AdaptiveMaxPooling2D(size[0], size[1])
		case "AdaptiveMaxPooling3D":
			return keraslike.AdaptiveMaxPooling3D(size[0], size[1], size[2])
		case "AdaptiveAveragePooling1D":
			return keraslike.AdaptiveAveragePooling1D(size[0])
		case "AdaptiveAveragePooling2D":
			return keraslike.AdaptiveAveragePooling2D(size[0], size[1])
		case "AdaptiveAveragePooling3D":
			return keraslike.AdaptiveAveragePooling3D(size[0], size[1], size[2])
		case "UpSampling2D":
			p := pairs(a["size"])
			return keraslike.UpSampling2D(p[0], p[1], keraslike.Interpolation(a.String("interpolation")))
		case "ZeroPadding3D":
			p := pairs(a["padding"])
			return keraslike.ZeroPadding3D(p[0], p[1], p[2], p[3], p[4], p[5])
		case "Cropping3D":
			p := pairs(a["cropping"])
			return keraslike.Cropping3D(p[0], p[1], p[2], p[3], p[4], p[5])
		case "UpSampling3D":
			p := pairs(a["size"])
			return keraslike.UpSampling3D(p[0], p[1], p[2])
		}
		f := convolutions[kind]
		if f == nil {
			return nil
		}
		opts, filters := windowOptions(a), 0
		if a["filters"] != nil {
			filters = a.Int("filters")
		}
		if len(kind) == len("Conv1D") && a["groups"] != nil {
			opts = append(opts, keraslike.Groups(a.Int("groups")))
		}
		if a["depth_multiplier"] != nil && !strings.HasPrefix(kind, "Conv") {
			opts = append(opts, keraslike.DepthMultiplier(a.Int("depth_multiplier")))
		}
		if p := pairs(a["output_padding"]); p != nil {
			opts = append(opts, keraslike.OutputPadding(p...))
		}
		return f(filters, 1, options[keraslike.ConvOption](opts)...)
	}, kinds...)
}
