// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"image/color"
	"math"
)

// A ColorMap turns a number from 0 to 1 into a color. Numbers outside are clipped, and
// NaN counts as 0. The zero value is Viridis.
type ColorMap struct {
	name  string
	stops []oklab // evenly spaced over [0, 1]
}

// The maps are perceptually uniform: equal steps of the number look nearly equal, and in
// the first three lightness only increases, so that they survive printing in gray.
//
// Viridis and Magma are every eighth color of the tables by Nathaniel Smith,
// Stéfan van der Walt and (Viridis) Eric Firing, which are in the public
// domain (CC0 1.0, https://bids.github.io/colormap/); interpolation
// stays within two levels of the full tables. Cividis is our own formula for the
// idea of Nuñez, Anderton and Renslow (PLoS ONE 13(7), 2018): blue to yellow
// through gray, the same for readers with and without red-green blindness.
// Diverging goes from blue through near white to red with the same lightness
// on both sides; its middle means zero.
var (
	Viridis   = fromTable("viridis", viridis)
	Magma     = fromTable("magma", magma)
	Cividis   = ColorMap{"cividis", evenly(64, cividis)}
	Diverging = ColorMap{"diverging", evenly(64, diverging)}
)

// Name returns the map's name in lower case.
func (m ColorMap) Name() string { return m.name }

// At returns the color of t.
func (m ColorMap) At(t float64) color.NRGBA {
	if m.stops == nil {
		m = Viridis
	}
	n := len(m.stops) - 1
	x := math.Min(math.Max(t, 0), 1) * float64(n)
	if math.IsNaN(x) {
		x = 0
	}
	i := min(int(x), n-1)
	return m.stops[i].mix(m.stops[i+1], x-float64(i)).srgb()
}

// cividis: lightness and the blue-yellow axis increase along straight lines.
func cividis(t float64) oklab {
	return oklab{0.28 + 0.62*t, -0.022 * math.Abs(2*t-1), -0.105 + 0.265*t}
}

// diverging: lightness 0.45 at both ends, 0.965 in the middle; the chroma of
// each arm falls to zero in a straight line.
func diverging(t float64) oklab {
	u := 2*t - 1
	hue := 255 * math.Pi / 180
	if u > 0 {
		hue = 27 * math.Pi / 180
	}
	sin, cos := math.Sincos(hue)
	chroma := 0.155 * math.Abs(u)
	return oklab{0.965 - 0.515*math.Abs(u), chroma * cos, chroma * sin}
}

func evenly(n int, f func(float64) oklab) []oklab {
	stops := make([]oklab, n+1)
	for i := range stops {
		stops[i] = f(float64(i) / float64(n))
	}
	return stops
}

func fromTable(name string, table []uint32) ColorMap {
	stops := make([]oklab, len(table))
	for i, rgb := range table {
		stops[i] = toOKLab(hex(rgb))
	}
	return ColorMap{name, stops}
}

var viridis = []uint32{
	0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453781, 0x424086, 0x3e4989,
	0x3b528b, 0x375b8d, 0x33638d, 0x2f6b8e, 0x2c728e, 0x297a8e, 0x26828e, 0x23898e,
	0x21918c, 0x1f978b, 0x1f9f88, 0x21a685, 0x27ad81, 0x31b57b, 0x3dbc74, 0x4cc26c,
	0x5cc863, 0x6ece58, 0x81d34d, 0x95d840, 0xaadc32, 0xc0df25, 0xd5e21a, 0xeae51a,
	0xfde725,
}

var magma = []uint32{
	0x000004, 0x030312, 0x0a0822, 0x130d34, 0x1d1147, 0x29115a, 0x36106b, 0x440f76,
	0x51127c, 0x5d177f, 0x6a1c81, 0x762181, 0x832681, 0x902a81, 0x9c2e7f, 0xaa337d,
	0xb73779, 0xc23b75, 0xcf4070, 0xdb476a, 0xe55064, 0xee5b5e, 0xf4695c, 0xf9785d,
	0xfb8761, 0xfd9668, 0xfea571, 0xfeb47b, 0xfec287, 0xfed194, 0xfde0a1, 0xfceeb0,
	0xfcfdbf,
}
