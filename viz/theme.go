// SPDX-License-Identifier: Apache-2.0

package viz

import "image/color"

// A Theme is the set of colors of a figure.
type Theme struct {
	Paper  color.NRGBA   // the background
	Ink    color.NRGBA   // titles and the values that matter
	Muted  color.NRGBA   // axis labels, ticks, captions
	Grid   color.NRGBA   // lines behind the data
	Good   color.NRGBA   // a right prediction
	Bad    color.NRGBA   // a wrong prediction
	Series []color.NRGBA // lines and points, distinguishable with red-green blindness too
}

// Light and Dark are the two themes; their contrasts of text to paper are at
// least 4.5 to 1 (WCAG 2.2, level AA).
var (
	Light = Theme{
		Paper: hex(0xffffff), Ink: hex(0x1b2127), Muted: hex(0x57616b), Grid: hex(0xe3e7eb),
		Good: hex(0x1a7f4b), Bad: hex(0xb3261e),
		Series: []color.NRGBA{
			hex(0x1f63a8), hex(0xd5601c), hex(0x16a5aa), hex(0x5f054b),
			hex(0x5985ff), hex(0x480c9b), hex(0xaa1e62), hex(0x7c1600),
		},
	}
	Dark = Theme{
		Paper: hex(0x14181d), Ink: hex(0xe8ecf0), Muted: hex(0xa0abb6), Grid: hex(0x2c343d),
		Good: hex(0x57c98a), Bad: hex(0xff8a80),
		Series: []color.NRGBA{
			hex(0x6fb1f2), hex(0xf59a5c), hex(0xf8f545), hex(0x89fcff),
			hex(0xf8d89e), hex(0xc07029), hex(0x8f63e6), hex(0xb8658a),
		},
	}
)

// series returns the color of line i; after the last color it starts over.
func (t Theme) series(i int) color.NRGBA {
	if len(t.Series) == 0 {
		return t.Ink
	}
	return t.Series[i%len(t.Series)]
}

func hex(rgb uint32) color.NRGBA {
	return color.NRGBA{R: uint8(rgb >> 16), G: uint8(rgb >> 8), B: uint8(rgb), A: 255}
}

// mix returns the color a fraction t of the way from a to b. Figures use it instead of
// transparency, which PNG and SVG would render differently.
func mix(a, b color.NRGBA, t float64) color.NRGBA {
	m := func(x, y uint8) uint8 { return uint8(float64(x) + t*(float64(y)-float64(x)) + 0.5) }
	return color.NRGBA{R: m(a.R, b.R), G: m(a.G, b.G), B: m(a.B, b.B), A: 255}
}
