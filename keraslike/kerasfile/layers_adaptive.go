// SPDX-License-Identifier: Apache-2.0

package kerasfile

import k "github.com/reef-dl/reef/keraslike"

var _ = register(map[string]class{
	"AdaptiveAveragePooling1D": {read: func(a *args) k.Layer { return k.AdaptiveAveragePooling1D(adaptive(a, 1)[0]) }},
	"AdaptiveMaxPooling1D":     {read: func(a *args) k.Layer { return k.AdaptiveMaxPooling1D(adaptive(a, 1)[0]) }},
	"AdaptiveAveragePooling2D": {read: func(a *args) k.Layer {
		size := adaptive(a, 2)
		return k.AdaptiveAveragePooling2D(size[0], size[1])
	}},
	"AdaptiveMaxPooling2D": {read: func(a *args) k.Layer {
		size := adaptive(a, 2)
		return k.AdaptiveMaxPooling2D(size[0], size[1])
	}},
	"AdaptiveAveragePooling3D": {read: func(a *args) k.Layer {
		size := adaptive(a, 3)
		return k.AdaptiveAveragePooling3D(size[0], size[1], size[2])
	}},
	"AdaptiveMaxPooling3D": {read: func(a *args) k.Layer {
		size := adaptive(a, 3)
		return k.AdaptiveMaxPooling3D(size[0], size[1], size[2])
	}},
})

// adaptive returns the size of the output of a pooling along each axis.
func adaptive(a *args, axes int) []int {
	a.channels()
	return a.window("output_size", axes, 1)
}
