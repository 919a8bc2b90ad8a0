// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
)

// Overlay lays a heat map over a photo of any size. The heat is a volume of
// one channel, enlarged smoothly to the photo. Values from 0 up are drawn in
// Magma, hottest where they are largest; if some are below 0, in Diverging,
// red for and blue against. Where there is no heat the photo stays as it is,
// where there is most, the share of opacity (0 to 1) is the map's colour.
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
	m, peak := heatColours(heat)
	size := photo.Bounds()
	grey := image.NewGray16(image.Rect(0, 0, heat.Width, heat.Height)) // 0 is −peak, 65535 is peak
	for i, v := range heat.channel(0) {
		grey.SetGray16(i%heat.Width, i/heat.Width, color.Gray16{Y: uint16(math.Round(65535 * (0.5 + v/peak/2)))})
	}
	smooth := image.NewGray16(image.Rect(0, 0, size.Dx(), size.Dy()))
	draw.BiLinear.Scale(smooth, smooth.Bounds(), grey, grey.Bounds(), draw.Src, nil)
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

// heatColours chooses the map and the value at its ends.
func heatColours(heat Volume) (m ColorMap, peak float64) {
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
