// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
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

// sides are an argument of one number or two as height and width.
func sides(v any) (height, width int) {
	list := pairs(v)
	switch len(list) {
	case 0:
		return 1, 1
	case 1:
		return 1, list[0]
	}
	return list[0], list[1]
}

// windowOptions are what all convolutions have, as their arguments say.
func windowOptions(a golden.Args) []any {
	list := []any{keraslike.ActivationFunc(a.String("activation")), keraslike.KernelSize(sides(a["kernel_size"])), keraslike.Strides(sides(a["strides"]))}
	if d := pairs(a["dilation_rate"]); len(d) == 1 || len(d) == 2 && d[0] == d[1] {
		list = append(list, keraslike.Dilation(d[0]))
	} else if d != nil {
		list = append(list, keraslike.Dilation(sides(a["dilation_rate"])))
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

// TestConvolutionValues covers all cases but those of groups, which no option sets.
func TestConvolutionValues(t *testing.T) {
	checkLayers(t, "layers_convolution", []string{"x"}, func(c golden.Case) keraslike.Layer {
		a := c.Args
		if a.Int("groups") > 1 {
			return nil
		}
		opts, filters := windowOptions(a), a.Int("filters")
		switch a.String("layer") {
		case "Conv1D":
			return keraslike.Conv1D(filters, 1, options[keraslike.ConvOption](opts)...)
		case "Conv2D":
			return keraslike.Conv2D(filters, 1, options[keraslike.ConvOption](opts)...)
		case "DepthwiseConv2D":
			opts = append(opts, keraslike.DepthMultiplier(a.Int("depth_multiplier")))
			return keraslike.DepthwiseConv2D(1, options[keraslike.ConvOption](opts)...)
		case "SeparableConv2D":
			opts = append(opts, keraslike.DepthMultiplier(a.Int("depth_multiplier")))
			return keraslike.SeparableConv2D(filters, 1, options[keraslike.ConvOption](opts)...)
		case "Conv2DTranspose":
			if p := pairs(a["output_padding"]); p != nil {
				opts = append(opts, keraslike.OutputPadding(p[0], p[1]))
			}
			return keraslike.Conv2DTranspose(filters, 1, options[keraslike.ConvOption](opts)...)
		}
		return nil
	}, "Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
}

// TestPoolingValues covers all cases but those that keep axes of length 1 and the
// one with a mask.
func TestPoolingValues(t *testing.T) {
	global := map[string]func(...keraslike.PoolOption) keraslike.Layer{
		"GlobalMaxPooling1D": keraslike.GlobalMaxPooling1D, "GlobalMaxPooling2D": keraslike.GlobalMaxPooling2D,
		"GlobalAveragePooling1D": keraslike.GlobalAveragePooling1D, "GlobalAveragePooling2D": keraslike.GlobalAveragePooling2D,
	}
	windows := map[string]func(int, ...keraslike.PoolOption) keraslike.Layer{
		"MaxPooling1D": keraslike.MaxPooling1D, "MaxPooling2D": keraslike.MaxPooling2D,
		"AveragePooling1D": keraslike.AveragePooling1D, "AveragePooling2D": keraslike.AveragePooling2D,
	}
	kinds := []string{
		"MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D",
		"GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
	}
	checkLayers(t, "layers_pooling", []string{"x"}, func(c golden.Case) keraslike.Layer {
		a := c.Args
		if f := global[a.String("layer")]; f != nil {
			if _, masked := c.Inputs["mask"]; masked || a.Bool("keepdims") {
				return nil
			}
			return f()
		}
		opts := []keraslike.PoolOption{keraslike.PoolSize(sides(a["pool_size"]))}
		if a["strides"] != nil {
			opts = append(opts, keraslike.Strides(sides(a["strides"])))
		}
		if a.String("padding") == "same" {
			opts = append(opts, keraslike.SamePadding)
		}
		return windows[a.String("layer")](1, opts...)
	}, kinds...)
}
