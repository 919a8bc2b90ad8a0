// SPDX-License-Identifier: Apache-2.0

package kerasfile

import k "github.com/reef-dl/reef/keraslike"

var _ = register(map[string]class{
	"Dropout":          {read: func(a *args) k.Layer { a.training("noise_shape"); return k.Dropout(a.number("rate", 0)) }, mask: passesMask},
	"SpatialDropout1D": {read: func(a *args) k.Layer { return k.SpatialDropout1D(a.number("rate", 0)) }, mask: passesMask},
	"SpatialDropout2D": {read: func(a *args) k.Layer { a.channels(); return k.SpatialDropout2D(a.number("rate", 0)) }},
	"SpatialDropout3D": {read: func(a *args) k.Layer { a.channels(); return k.SpatialDropout3D(a.number("rate", 0)) }},
	"GaussianDropout":  {read: func(a *args) k.Layer { return k.GaussianDropout(a.number("rate", 0)) }, mask: passesMask},
	"GaussianNoise":    {read: func(a *args) k.Layer { return k.GaussianNoise(a.number("stddev", 0)) }, mask: passesMask},

	"ActivityRegularization": {read: func(a *args) k.Layer { return k.ActivityRegularization(k.L1L2(a.number("l1", 0), a.number("l2", 0))) }, mask: passesMask},
	"AlphaDropout":           {read: func(a *args) k.Layer { return a.identity("rate", "noise_shape") }, mask: passesMask},

	"RandomBrightness":  {read: func(a *args) k.Layer { return a.augmentation("factor", "value_range") }},
	"RandomContrast":    {read: func(a *args) k.Layer { return a.augmentation("factor", "value_range") }},
	"RandomFlip":        {read: func(a *args) k.Layer { return a.augmentation("mode") }},
	"RandomRotation":    {read: func(a *args) k.Layer { return a.augmentation("factor") }},
	"RandomTranslation": {read: func(a *args) k.Layer { return a.augmentation("height_factor", "width_factor") }},
	"RandomZoom":        {read: func(a *args) k.Layer { return a.augmentation("height_factor", "width_factor") }},
})

// identity returns an identity for a layer that acts in training only.
func (a *args) identity(args ...string) k.Layer {
	for _, name := range args {
		delete(a.raw, name)
	}
	a.notes = append(a.notes, "is omitted, it acts in training only")
	return k.Activation(k.Linear)
}

// augmentation is identity for image augmentation layers, with the arguments that they share.
func (a *args) augmentation(args ...string) k.Layer {
	return a.identity(append(args, "fill_mode", "fill_value", "interpolation", "data_format", "bounding_box_format")...)
}
