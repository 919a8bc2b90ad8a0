// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"fmt"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"Dropout":          {read: func(a *args) k.Layer { return k.Dropout(a.number("rate", 0), a.noiseShape()...) }, mask: passesMask},
	"SpatialDropout1D": {read: func(a *args) k.Layer { return k.SpatialDropout1D(a.number("rate", 0)) }, mask: passesMask},
	"SpatialDropout2D": {read: func(a *args) k.Layer { a.channels(); return k.SpatialDropout2D(a.number("rate", 0)) }},
	"SpatialDropout3D": {read: func(a *args) k.Layer { a.channels(); return k.SpatialDropout3D(a.number("rate", 0)) }},
	"GaussianDropout":  {read: func(a *args) k.Layer { return k.GaussianDropout(a.number("rate", 0)) }, mask: passesMask},
	"GaussianNoise":    {read: func(a *args) k.Layer { return k.GaussianNoise(a.number("stddev", 0)) }, mask: passesMask},

	"ActivityRegularization": {read: func(a *args) k.Layer { return k.ActivityRegularization(k.L1L2(a.number("l1", 0), a.number("l2", 0))) }, mask: passesMask},
	"AlphaDropout":           {read: func(a *args) k.Layer { return k.AlphaDropout(a.number("rate", 0), a.noiseShape()...) }, mask: passesMask},
})

// noiseShape reads a noise shape, whose first element is the batch.
func (a *args) noiseShape() (opts []k.DropoutOption) {
	var shape []*int
	if !a.take("noise_shape", &shape) || len(shape) == 0 {
		return nil
	}
	if shape[0] != nil {
		a.fail("noise_shape", fmt.Errorf("begins with %d, want None for the samples of the batch", *shape[0]))
		return nil
	}
	var lengths []int
	for _, n := range shape[1:] {
		if n == nil {
			lengths = append(lengths, k.Any)
		} else {
			lengths = append(lengths, *n)
		}
	}
	return append(opts, k.NoiseShape(lengths...))
}
