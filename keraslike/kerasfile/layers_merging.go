// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"fmt"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"Add":         {read: arithmetic(k.Add, func(c float64, _ bool) (scale, offset float64) { return 1, c }), mask: joinsMasks},
	"Subtract":    {read: arithmetic(k.Subtract, minus), mask: joinsMasks},
	"Multiply":    {read: arithmetic(k.Multiply, func(c float64, _ bool) (scale, offset float64) { return c, 0 }), mask: joinsMasks},
	"Average":     {read: func(*args) k.Layer { return k.Average() }, mask: joinsMasks},
	"Maximum":     {read: extremum(k.Maximum, above), mask: joinsMasks},
	"Minimum":     {read: extremum(k.Minimum, below), mask: joinsMasks},
	"Dot":         {read: dot},
	"Concatenate": {read: func(a *args) k.Layer { return k.Concatenate(k.Axis(a.axis())) }},
})

func dot(a *args) k.Layer {
	axes := a.list("axes")
	if len(axes) == 1 {
		axes = append(axes, axes[0])
	}
	if len(axes) != 2 {
		a.fail("axes", fmt.Errorf("is %v, want one or two axes", axes))
		return nil
	}
	return k.Dot(axes[0], axes[1], when[k.MergeOption](a.flag("normalize", false), k.Normalized)...)
}
