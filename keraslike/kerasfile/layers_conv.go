// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"Conv1D":          {read: func(a *args) k.Layer { return conv(a, k.Conv1D, 1) }},
	"Conv2D":          {read: func(a *args) k.Layer { return conv(a, k.Conv2D, 2) }},
	"Conv3D":          {read: func(a *args) k.Layer { return conv(a, k.Conv3D, 3) }},
	"DepthwiseConv1D": {read: func(a *args) k.Layer { return depthwise(a, k.DepthwiseConv1D, 1) }},
	"DepthwiseConv2D": {read: func(a *args) k.Layer { return depthwise(a, k.DepthwiseConv2D, 2) }},
	"SeparableConv1D": {read: func(a *args) k.Layer { return separable(a, k.SeparableConv1D, 1) }},
	"SeparableConv2D": {read: func(a *args) k.Layer { return separable(a, k.SeparableConv2D, 2) }},
	"Conv1DTranspose": {read: func(a *args) k.Layer { return transposed(a, k.Conv1DTranspose, 1) }},
	"Conv2DTranspose": {read: func(a *args) k.Layer { return transposed(a, k.Conv2DTranspose, 2) }},
	"Conv3DTranspose": {read: func(a *args) k.Layer { return transposed(a, k.Conv3DTranspose, 3) }},

	"MaxPooling1D":     {read: func(a *args) k.Layer { return pool(a, k.MaxPooling1D, 1) }},
	"MaxPooling2D":     {read: func(a *args) k.Layer { return pool(a, k.MaxPooling2D, 2) }},
	"MaxPooling3D":     {read: func(a *args) k.Layer { return pool(a, k.MaxPooling3D, 3) }},
	"AveragePooling1D": {read: func(a *args) k.Layer { return pool(a, k.AveragePooling1D, 1) }},
	"AveragePooling2D": {read: func(a *args) k.Layer { return pool(a, k.AveragePooling2D, 2) }},
	"AveragePooling3D": {read: func(a *args) k.Layer { return pool(a, k.AveragePooling3D, 3) }},

	"GlobalMaxPooling1D":     {read: func(a *args) k.Layer { return globalPool(a, k.GlobalMaxPooling1D) }},
	"GlobalMaxPooling2D":     {read: func(a *args) k.Layer { return globalPool(a, k.GlobalMaxPooling2D) }},
	"GlobalMaxPooling3D":     {read: func(a *args) k.Layer { return globalPool(a, k.GlobalMaxPooling3D) }},
	"GlobalAveragePooling1D": {read: func(a *args) k.Layer { return globalPool(a, k.GlobalAveragePooling1D) }},
	"GlobalAveragePooling2D": {read: func(a *args) k.Layer { return globalPool(a, k.GlobalAveragePooling2D) }},
	"GlobalAveragePooling3D": {read: func(a *args) k.Layer { return globalPool(a, k.GlobalAveragePooling3D) }},

	"ZeroPadding1D": {read: func(a *args) k.Layer { m := a.margins("padding", 1); return k.ZeroPadding1D(m[0], m[1]) }},
	"ZeroPadding2D": {read: func(a *args) k.Layer {
		m := a.margins("padding", 2)
		return k.ZeroPadding2D(m[0], m[1], m[2], m[3])
	}},
	"ZeroPadding3D": {read: func(a *args) k.Layer {
		m := a.margins("padding", 3)
		return k.ZeroPadding3D(m[0], m[1], m[2], m[3], m[4], m[5])
	}},
	"Cropping1D": {read: func(a *args) k.Layer { m := a.margins("cropping", 1); return k.Cropping1D(m[0], m[1]) }},
	"Cropping2D": {read: func(a *args) k.Layer {
		m := a.margins("cropping", 2)
		return k.Cropping2D(m[0], m[1], m[2], m[3])
	}},
	"Cropping3D": {read: func(a *args) k.Layer {
		m := a.margins("cropping", 3)
		return k.Cropping3D(m[0], m[1], m[2], m[3], m[4], m[5])
	}},
	"AdaptiveAveragePooling1D": {read: func(a *args) k.Layer { n := a.adaptive(1); return k.AdaptiveAveragePooling1D(n[0]) }},
	"AdaptiveAveragePooling2D": {read: func(a *args) k.Layer { n := a.adaptive(2); return k.AdaptiveAveragePooling2D(n[0], n[1]) }},
	"AdaptiveAveragePooling3D": {read: func(a *args) k.Layer {
		n := a.adaptive(3)
		return k.AdaptiveAveragePooling3D(n[0], n[1], n[2])
	}},
	"AdaptiveMaxPooling1D": {read: func(a *args) k.Layer { n := a.adaptive(1); return k.AdaptiveMaxPooling1D(n[0]) }},
	"AdaptiveMaxPooling2D": {read: func(a *args) k.Layer { n := a.adaptive(2); return k.AdaptiveMaxPooling2D(n[0], n[1]) }},
	"AdaptiveMaxPooling3D": {read: func(a *args) k.Layer { n := a.adaptive(3); return k.AdaptiveMaxPooling3D(n[0], n[1], n[2]) }},

	"UpSampling1D": {read: func(a *args) k.Layer { return k.UpSampling1D(a.window("size", 1, 2)[0]) }},
	"UpSampling2D": {read: upSampling2D},
	"UpSampling3D": {read: func(a *args) k.Layer {
		a.channels()
		size := a.window("size", 3, 2)
		return k.UpSampling3D(size[0], size[1], size[2])
	}},
})

type convLayer = func(filters, kernel int, options ...k.ConvOption) k.Layer

func conv(a *args, make convLayer, axes int) k.Layer {
	options := append(a.kernel(axes), k.Groups(a.whole("groups", 1)))
	return make(a.count("filters"), 1, append(options, a.convPadding(axes)...)...)
}

func depthwise(a *args, make func(kernel int, options ...k.ConvOption) k.Layer, axes int) k.Layer {
	options := append(a.kernel(axes), k.DepthMultiplier(a.whole("depth_multiplier", 1)))
	a.ungrouped()
	options = append(options, a.kernels("depthwise")...)
	return make(1, append(options, a.convPadding(axes)...)...)
}

func separable(a *args, make convLayer, axes int) k.Layer {
	options := append(a.kernel(axes), k.DepthMultiplier(a.whole("depth_multiplier", 1)))
	a.ungrouped()
	options = append(options, a.kernels("depthwise", "pointwise")...)
	return make(a.count("filters"), 1, append(options, a.convPadding(axes)...)...)
}

func transposed(a *args, make convLayer, axes int) k.Layer {
	options := a.kernel(axes)
	a.ungrouped()
	if p := a.window("output_padding", axes, -1); p[0] >= 0 {
		options = append(options, k.OutputPadding(p...))
	}
	options = append(options, when[k.ConvOption](a.padding("same") == "same", k.SamePadding)...)
	return make(a.count("filters"), 1, options...)
}

func pool(a *args, make func(size int, options ...k.PoolOption) k.Layer, axes int) k.Layer {
	a.channels()
	size := a.window("pool_size", axes, 2)
	strides := size
	if list := a.window("strides", axes, 0); list[0] != 0 {
		strides = list
	}
	options := []k.PoolOption{k.PoolSize(size...), k.Strides(strides...)}
	return make(2, append(options, when[k.PoolOption](a.padding("same") == "same", k.SamePadding)...)...)
}

// adaptive reads the lengths of the outputs of an adaptive pooling.
func (a *args) adaptive(axes int) []int {
	a.channels()
	if a.raw["output_size"] == nil {
		a.fail("output_size", errors.New("is missing"))
	}
	return a.window("output_size", axes, 1)
}

func upSampling2D(a *args) k.Layer {
	a.channels()
	size := a.window("size", 2, 2)
	switch how := a.text("interpolation", "nearest"); how {
	case "nearest":
		return k.UpSampling2D(size[0], size[1])
	case "bilinear", "bicubic":
		return k.UpSampling2D(size[0], size[1], k.Interpolation(how))
	default:
		a.fail("interpolation", fmt.Errorf("is %q, want nearest, bilinear or bicubic", how))
		return nil
	}
}

func globalPool(a *args, make func(options ...k.PoolOption) k.Layer) k.Layer {
	a.channels()
	return make(when[k.PoolOption](a.flag("keepdims", false), k.KeepDims)...)
}

// kernel reads the window of a convolution, and what its weights and its activation are.
func (a *args) kernel(axes int) []k.ConvOption {
	a.channels()
	return append(weighted[k.ConvOption](a), k.KernelSize(a.window("kernel_size", axes, 0)...), k.Strides(a.window("strides", axes, 1)...),
		k.Dilation(a.window("dilation_rate", axes, 1)...), a.activation("activation"))
}

// kernels reads the regularizers and constraints of the kernels with these names. In Reef a layer has
// the same for all of them, so that those that differ are noted and omitted.
func (a *args) kernels(names ...string) (options []k.ConvOption) {
	same := func(what string) bool {
		for _, name := range names[1:] {
			if !bytes.Equal(a.raw[name+what], a.raw[names[0]+what]) {
				return false
			}
		}
		return true
	}
	if same("_regularizer") {
		r := a.regularizer(names[0] + "_regularizer")
		options = append(options, when[k.ConvOption](r != k.Regularizer{}, k.KernelRegularizer(r))...)
		for _, name := range names[1:] {
			delete(a.raw, name+"_regularizer")
		}
	}
	if same("_constraint") {
		limit := a.constraint(names[0] + "_constraint")
		options = append(options, when[k.ConvOption](!limit.IsZero(), k.KernelConstraint(limit))...)
		for _, name := range names[1:] {
			delete(a.raw, name+"_constraint")
		}
	}
	a.restrained(names...)
	return options
}

// ungrouped refuses groups, which Keras writes for all convolutions but ignores for these.
func (a *args) ungrouped() {
	if n := a.whole("groups", 1); n != 1 {
		a.fail("groups", fmt.Errorf("is %d, want 1", n))
	}
}

// convPadding is causal with one axis only.
func (a *args) convPadding(axes int) []k.ConvOption {
	others := []string{"same"}
	if axes == 1 {
		others = append(others, "causal")
	}
	switch a.padding(others...) {
	case "same":
		return []k.ConvOption{k.SamePadding}
	case "causal":
		return []k.ConvOption{k.CausalPadding}
	}
	return nil
}

// padding is "valid", the default, or one of those that the layer supports.
func (a *args) padding(others ...string) string {
	p := a.text("padding", "valid")
	if known := append([]string{"valid"}, others...); !slices.Contains(known, p) {
		a.fail("padding", fmt.Errorf("is %q, want one of %q", p, known))
	}
	return p
}

// margins reads 1, [1, 2] or [[1, 2], [3, 4]] into the margins before and after each spatial axis.
func (a *args) margins(name string, axes int) []int {
	a.channels()
	m := slices.Repeat([]int{1}, 2*axes) // Keras's default
	var pairs [][2]int
	if axes > 1 && json.Unmarshal(a.raw[name], &pairs) == nil && len(pairs) == axes {
		delete(a.raw, name)
		for i, p := range pairs {
			m[2*i], m[2*i+1] = p[0], p[1]
		}
		return m
	}
	n := a.list(name)
	switch {
	case n == nil:
	case axes == 1 && len(n) == 2:
		return n
	case len(n) == 1 || len(n) == axes:
		for i := range m {
			m[i] = n[min(i/2, len(n)-1)]
		}
	default:
		a.fail(name, fmt.Errorf("is %v, want one number, or one or two for each of the %d axes", n, axes))
	}
	return m
}
