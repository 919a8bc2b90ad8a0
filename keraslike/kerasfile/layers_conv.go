// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"Conv1D":          {read: func(a *args) k.Layer { return conv(a, k.Conv1D, 1) }},
	"Conv2D":          {read: func(a *args) k.Layer { return conv(a, k.Conv2D, 2) }},
	"DepthwiseConv2D": {read: depthwise},
	"SeparableConv2D": {read: separable},
	"Conv2DTranspose": {read: transposed},

	"MaxPooling1D":     {read: func(a *args) k.Layer { return pool(a, k.MaxPooling1D, 1) }},
	"MaxPooling2D":     {read: func(a *args) k.Layer { return pool(a, k.MaxPooling2D, 2) }},
	"AveragePooling1D": {read: func(a *args) k.Layer { return pool(a, k.AveragePooling1D, 1) }},
	"AveragePooling2D": {read: func(a *args) k.Layer { return pool(a, k.AveragePooling2D, 2) }},

	"GlobalMaxPooling1D":     {read: func(a *args) k.Layer { a.channelsLast(); return k.GlobalMaxPooling1D() }},
	"GlobalMaxPooling2D":     {read: func(a *args) k.Layer { a.channelsLast(); return k.GlobalMaxPooling2D() }},
	"GlobalAveragePooling1D": {read: func(a *args) k.Layer { a.channelsLast(); return k.GlobalAveragePooling1D() }},
	"GlobalAveragePooling2D": {read: func(a *args) k.Layer { a.channelsLast(); return k.GlobalAveragePooling2D() }},

	"ZeroPadding1D": {read: func(a *args) k.Layer { m := a.margins("padding", 1); return k.ZeroPadding1D(m[2], m[3]) }},
	"ZeroPadding2D": {read: func(a *args) k.Layer {
		m := a.margins("padding", 2)
		return k.ZeroPadding2D(m[0], m[1], m[2], m[3])
	}},
	"Cropping1D": {read: func(a *args) k.Layer { m := a.margins("cropping", 1); return k.Cropping1D(m[2], m[3]) }},
	"Cropping2D": {read: func(a *args) k.Layer {
		m := a.margins("cropping", 2)
		return k.Cropping2D(m[0], m[1], m[2], m[3])
	}},
	"UpSampling1D": {read: func(a *args) k.Layer { return k.UpSampling1D(a.window("size", 1, [2]int{1, 2})[1]) }},
	"UpSampling2D": {read: func(a *args) k.Layer {
		a.channelsLast()
		a.want("interpolation", "nearest")
		size := a.window("size", 2, [2]int{2, 2})
		return k.UpSampling2D(size[0], size[1])
	}},
})

func conv(a *args, make func(filters, kernel int, options ...k.ConvOption) k.Layer, axes int) k.Layer {
	w := a.kernel(axes)
	options := append(weighted[k.ConvOption](a),
		k.KernelSize(w.size[0], w.size[1]), k.Strides(w.strides[0], w.strides[1]), k.Dilation(w.dilation[0], w.dilation[1]),
		a.activation("activation"))
	switch a.padding("same", "causal") {
	case "same":
		options = append(options, k.SamePadding)
	case "causal":
		options = append(options, k.CausalPadding)
	}
	return make(a.count("filters"), 1, options...)
}

func depthwise(a *args) k.Layer {
	w := a.kernel(2)
	options := append(weighted[k.ConvOption](a),
		k.KernelSize(w.size[0], w.size[1]), k.Strides(w.strides[0], w.strides[1]), k.Dilation(w.dilation[0], w.dilation[1]),
		k.DepthMultiplier(a.whole("depth_multiplier", 1)), a.activation("activation"))
	a.restrained("depthwise")
	return k.DepthwiseConv2D(1, append(options, when[k.ConvOption](a.padding("same") == "same", k.SamePadding)...)...)
}

func separable(a *args) k.Layer {
	w := a.kernel(2)
	options := append(weighted[k.ConvOption](a),
		k.KernelSize(w.size[0], w.size[1]), k.Strides(w.strides[0], w.strides[1]), k.Dilation(w.dilation[0], w.dilation[1]),
		k.DepthMultiplier(a.whole("depth_multiplier", 1)), a.activation("activation"))
	a.restrained("depthwise", "pointwise")
	options = append(options, when[k.ConvOption](a.padding("same") == "same", k.SamePadding)...)
	return k.SeparableConv2D(a.count("filters"), 1, options...)
}

func transposed(a *args) k.Layer {
	w := a.kernel(2)
	if w.dilation != [2]int{1, 1} {
		a.fail("dilation_rate", fmt.Errorf("is %v, want 1", w.dilation))
	}
	options := append(weighted[k.ConvOption](a),
		k.KernelSize(w.size[0], w.size[1]), k.Strides(w.strides[0], w.strides[1]), a.activation("activation"))
	if p := a.window("output_padding", 2, [2]int{-1, -1}); p[0] >= 0 {
		options = append(options, k.OutputPadding(p[0], p[1]))
	}
	options = append(options, when[k.ConvOption](a.padding("same") == "same", k.SamePadding)...)
	return k.Conv2DTranspose(a.count("filters"), 1, options...)
}

func pool(a *args, make func(size int, options ...k.PoolOption) k.Layer, axes int) k.Layer {
	a.channelsLast()
	size := a.window("pool_size", axes, [2]int{axes, 2}) // 2 along each axis
	strides := a.window("strides", axes, size)
	options := []k.PoolOption{k.PoolSize(size[0], size[1]), k.Strides(strides[0], strides[1])}
	return make(2, append(options, when[k.PoolOption](a.padding("same") == "same", k.SamePadding)...)...)
}

// kernel reads the window of a convolution.
type kernel struct{ size, strides, dilation [2]int }

func (a *args) kernel(axes int) kernel {
	a.channelsLast()
	if n := a.whole("groups", 1); n != 1 {
		a.fail("groups", fmt.Errorf("is %d, want 1", n))
	}
	one := [2]int{1, 1}
	return kernel{a.window("kernel_size", axes, [2]int{}), a.window("strides", axes, one), a.window("dilation_rate", axes, one)}
}

// padding is "valid", the default, or one of those that the layer supports.
func (a *args) padding(others ...string) string {
	p := a.text("padding", "valid")
	if known := append([]string{"valid"}, others...); !slices.Contains(known, p) {
		a.fail("padding", fmt.Errorf("is %q, want one of %q", p, known))
	}
	return p
}

// margins reads 1, [1, 2] or [[1, 2], [3, 4]] into top, bottom, left and right; a 1-D layer
// has only the last two.
func (a *args) margins(name string, axes int) (m [4]int) {
	a.channelsLast()
	var pairs [][2]int
	if json.Unmarshal(a.raw[name], &pairs) == nil && len(pairs) == 2 && axes == 2 {
		delete(a.raw, name)
		return [4]int{pairs[0][0], pairs[0][1], pairs[1][0], pairs[1][1]}
	}
	n := a.list(name)
	switch {
	case n == nil:
		n = []int{1, 1}
	case len(n) == 1:
		n = []int{n[0], n[0]}
	case len(n) != 2:
		a.fail(name, fmt.Errorf("is %v, want one or two numbers", n))
		return m
	}
	if axes == 1 {
		return [4]int{0, 0, n[0], n[1]}
	}
	return [4]int{n[0], n[0], n[1], n[1]}
}
