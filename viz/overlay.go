// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
)

// Overlay draws a heat map over a photo of any size. heat is a volume of one channel,
// smoothly enlarged to the size of the photo. Nonnegative heat is drawn in Magma,
// brightest where it is largest; if some is negative, in Diverging, red for and blue
// against. Where there is no heat the photo is unchanged; where there is most, the map's
// color has the given opacity (0 to 1).
func Overlay(photo image.Image, heat Volume, opacity float64) (*image.NRGBA, error) {
	if err := heat.Check(); err != nil {
		return nil, fmt.Errorf("heat: %w", err)
	}
	if err := checkPicture(photo); err != nil {
		return nil, fmt.Errorf("photo %w", err)
	}
	if !(opacity >= 0 && opacity <= 1) {
		return nil, fmt.Errorf("opacity is %v, want 0 to 1", opacity)
	}
	if heat.Channels != 1 {
		return nil, fmt.Errorf("heat has %d channels, want 1", heat.Channels)
	}
	m, peak := heatColors(heat)
	size := photo.Bounds()
	gray := image.NewGray16(image.Rect(0, 0, heat.Width, heat.Height)) // 0 is −peak, 65535 is peak
	for i, v := range heat.channel(0) {
		gray.SetGray16(i%heat.Width, i/heat.Width, color.Gray16{Y: uint16(math.Round(65535 * (0.5 + v/peak/2)))})
	}
	smooth := image.NewGray16(image.Rect(0, 0, size.Dx(), size.Dy()))
	draw.BiLinear.Scale(smooth, smooth.Bounds(), gray, gray.Bounds(), draw.Src, nil)
	out := image.NewNRGBA(smooth.Bounds())
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), photo, size.Min, draw.Over)
	for y := range size.Dy() {
		for x := range size.Dx() {
			v := 2*float64(smooth.Gray16At(x, y).Y)/65535 - 1
			t := v
			if m.name == Diverging.name {
				t = (v + 1) / 2
			}
			out.SetNRGBA(x, y, mix(out.NRGBAAt(x, y), m.At(t), opacity*math.Min(math.Abs(v), 1)))
		}
	}
	return out, nil
}

// heatColors chooses the map and the value at its ends.
func heatColors(heat Volume) (m ColorMap, peak float64) {
	m = Magma
	for _, v := range heat.Values {
		if v < 0 {
			m = Diverging
		}
		peak = math.Max(peak, math.Abs(float64(v)))
	}
	if peak == 0 {
		peak = 1
	}
	return m, peak
}
