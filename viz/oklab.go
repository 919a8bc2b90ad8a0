// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"image/color"
	"math"
)

// An oklab is a color in OKLab (Björn Ottosson, "A perceptual color space for image
// processing", 2020): lightness from 0 to 1, green-red, blue-yellow. Euclidean distance
// in it approximates the perceived difference.
type oklab struct{ l, a, b float64 }

func (c oklab) mix(d oklab, t float64) oklab {
	return oklab{c.l + t*(d.l-c.l), c.a + t*(d.a-c.a), c.b + t*(d.b-c.b)}
}

func (c oklab) distance(d oklab) float64 {
	return math.Sqrt((c.l-d.l)*(c.l-d.l) + (c.a-d.a)*(c.a-d.a) + (c.b-d.b)*(c.b-d.b))
}

// linear returns the linear sRGB light of c; it lies outside [0, 1] if a screen cannot
// show the color.
func (c oklab) linear() (r, g, b float64) {
	l := cube(c.l + 0.3963377774*c.a + 0.2158037573*c.b)
	m := cube(c.l - 0.1055613458*c.a - 0.0638541728*c.b)
	s := cube(c.l - 0.0894841775*c.a - 1.2914855480*c.b)
	return 4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s
}

// srgb returns the nearest color that a screen can show.
func (c oklab) srgb() color.NRGBA {
	r, g, b := c.linear()
	return color.NRGBA{R: encode(r), G: encode(g), B: encode(b), A: 255}
}

func toOKLab(c color.NRGBA) oklab {
	r, g, b := decode(c.R), decode(c.G), decode(c.B)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	return oklab{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

func cube(x float64) float64 { return x * x * x }

// decode and encode are the sRGB transfer function (IEC 61966-2-1).
func decode(v uint8) float64 {
	c := float64(v) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

func encode(c float64) uint8 {
	c = math.Min(math.Max(c, 0), 1)
	if c <= 0.0031308 {
		c *= 12.92
	} else {
		c = 1.055*math.Pow(c, 1/2.4) - 0.055
	}
	return uint8(math.Round(c * 255))
}

// luminance is the relative luminance of WCAG 2.2, from 0 black to 1 white.
func luminance(c color.NRGBA) float64 {
	return 0.2126*decode(c.R) + 0.7152*decode(c.G) + 0.0722*decode(c.B)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// legible returns the better of black and white for text on c.
func legible(c color.NRGBA) color.NRGBA {
	black, white := hex(0x101418), hex(0xffffff)
	if contrast(black, c) >= contrast(white, c) {
		return black
	}
	return white
}
