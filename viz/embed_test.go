// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"
)

// TestEmbed: a photograph lies in an SVG as JPEG, drawings and what is transparent as
// PNG, and every picture stands in its own place.
func TestEmbed(t *testing.T) {
	photo, drawing := image.NewNRGBA(image.Rect(0, 0, 128, 128)), image.NewNRGBA(image.Rect(0, 0, 128, 128))
	for i := range 128 * 128 {
		x, y := float64(i%128), float64(i/128)
		v := 128 + 60*math.Sin(x/9)*math.Cos(y/7) + 20*math.Sin(x*y/11)
		photo.SetNRGBA(i%128, i/128, color.NRGBA{uint8(v), uint8(255 - v), uint8(v / 2), 255})
		drawing.SetNRGBA(i%128, i/128, color.NRGBA{0, 0, uint8(255 * (i / 8192)), 255})
	}
	clear := image.NewNRGBA(photo.Rect)
	copy(clear.Pix, photo.Pix)
	clear.Pix[3] = 0
	f, err := Gallery("three", []View{{Image: photo}, {Image: drawing}, {Image: clear}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := f.WriteSVG(&b, Light); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, part := range strings.Split(b.String(), "data:image/")[1:] {
		kind, _, _ := strings.Cut(part, ";")
		kinds = append(kinds, kind)
	}
	if got := strings.Join(kinds, " "); got != "jpeg png png" {
		t.Errorf("pictures are %q, want the photograph alone as JPEG", got)
	}
}

// TestContactSheet: channels lie side by side with transparent gaps, large ones
// reduced by means.
func TestContactSheet(t *testing.T) {
	v := Volume{Height: 2, Width: 2, Channels: 3, Values: make([]float32, 12)}
	for p := range 4 {
		v.Values[3*p+1] = float32(p) // of channel 1; the others are flat
	}
	sheet, err := png.Decode(bytes.NewReader(embed(contactSheet(v, 2, MinMax, 0.04), false).data))
	if err != nil {
		t.Fatal(err)
	}
	side := sheet.Bounds().Dx() / 2
	if sheet.Bounds().Dy() != 2*side {
		t.Errorf("three channels, two in a row, in %v", sheet.Bounds())
	}
	at := func(x, y int) color.NRGBA { return color.NRGBAModel.Convert(sheet.At(x, y)).(color.NRGBA) }
	if at(0, 0) != Viridis.At(0) || at(side, 0) != Viridis.At(0) || at(side+side/2, 0) == Viridis.At(0) {
		t.Errorf("colors %v %v %v", at(0, 0), at(side, 0), at(side+side/2, 0))
	}
	if at(side-1, 0).A != 0 || at(side+1, 2*side-1).A != 0 {
		t.Error("the gaps and the missing channel are not transparent")
	}
	small := Volume{Height: 2, Width: 4, Channels: 1, Values: []float32{1, 3, 5, 7, 1, 3, 5, 7}}.reduced(0.5)
	if small.Height != 1 || small.Width != 2 || small.Values[0] != 2 || small.Values[1] != 6 {
		t.Errorf("reduced to %+v", small)
	}
}
