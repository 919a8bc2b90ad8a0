// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"image/color"
	"testing"
)

// TestThemeContrast holds the themes to WCAG 2.2: 4.5 to 1 for text, 3 to 1 for lines.
func TestThemeContrast(t *testing.T) {
	for name, theme := range map[string]Theme{"light": Light, "dark": Dark} {
		for _, c := range []struct {
			name  string
			color color.NRGBA
		}{{"ink", theme.Ink}, {"muted", theme.Muted}, {"good", theme.Good}, {"bad", theme.Bad}} {
			if got := contrast(c.color, theme.Paper); got < 4.5 {
				t.Errorf("%s: contrast of %s is %.2f", name, c.name, got)
			}
		}
		for i, c := range theme.Series {
			if got := contrast(c, theme.Paper); got < 3 {
				t.Errorf("%s: contrast of series %d is %.2f", name, i, got)
			}
		}
	}
}

// TestSeriesApart: any two colors of a theme can be distinguished in normal vision
// and by dichromats without the red or the green cone, simulated as Viénot,
// Brettel and Mollon (1999) do. A distance of 0.1 in OKLab is easily seen; the
// matrices are for linear sRGB.
func TestSeriesApart(t *testing.T) {
	visions := map[string][3][3]float64{
		"normal":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
		"protanopia":   {{0.10889, 0.89111, 0}, {0.10889, 0.89111, 0}, {0.00447, -0.00447, 1}},
		"deuteranopia": {{0.29031, 0.70969, 0}, {0.29031, 0.70969, 0}, {-0.02197, 0.02197, 1}},
	}
	for vision, m := range visions {
		seen := func(c color.NRGBA) oklab {
			light := [3]float64{decode(c.R), decode(c.G), decode(c.B)}
			var out [3]float64
			for i := range out {
				for j, v := range light {
					out[i] += m[i][j] * v
				}
			}
			return toOKLab(color.NRGBA{R: encode(out[0]), G: encode(out[1]), B: encode(out[2]), A: 255})
		}
		for name, theme := range map[string]Theme{"light": Light, "dark": Dark} {
			for i, a := range theme.Series {
				for j, b := range theme.Series[:i] {
					if d := seen(a).distance(seen(b)); d < 0.1 {
						t.Errorf("%s theme, %s: series %d and %d are only %.3f apart", name, vision, j, i, d)
					}
				}
			}
		}
	}
}
