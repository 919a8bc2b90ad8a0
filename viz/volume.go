// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image"
	"math"
)

// A Volume is height × width × channels numbers, row by row, the channels of a pixel
// together: one sample of what a convolution takes or returns, in the layout of Keras
// (channels last).
type Volume struct {
	Height, Width, Channels int
	Values                  []float32
}

// At returns the value of channel c at row y, column x.
func (v Volume) At(y, x, c int) float32 { return v.Values[(y*v.Width+x)*v.Channels+c] }

// Check reports what is wrong with the sizes or the values, which must be finite.
func (v Volume) Check() error {
	if v.Height < 1 || v.Width < 1 || v.Channels < 1 {
		return fmt.Errorf("volume is %d × %d × %d, want at least one of each", v.Height, v.Width, v.Channels)
	}
	if n, ok := product(v.Height, v.Width, v.Channels); !ok || len(v.Values) != n {
		return fmt.Errorf("volume of %d × %d × %d has %d values, want %.15g", v.Height, v.Width, v.Channels, len(v.Values),
			float64(v.Height)*float64(v.Width)*float64(v.Channels))
	}
	for i, x := range v.Values {
		if !finite(float64(x)) {
			c, p := i%v.Channels, i/v.Channels
			return fmt.Errorf("volume at row %d, column %d, channel %d is %v", p/v.Width, p%v.Width, c, x)
		}
	}
	return nil
}

// product multiplies sizes; ok is false if the result overflows an int.
func product(sizes ...int) (n int, ok bool) {
	n = 1
	for _, s := range sizes {
		if s != 0 && n > math.MaxInt/s {
			return 0, false
		}
		n *= s
	}
	return n, true
}

// Image converts a volume of one channel (gray) or three (red, green, blue) to an image:
// 0 is black, 1 full intensity; values outside are clipped.
func (v Volume) Image() (*image.NRGBA, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	if v.Channels != 1 && v.Channels != 3 {
		return nil, fmt.Errorf("volume has %d channels, an image has 1 or 3", v.Channels)
	}
	img := image.NewNRGBA(image.Rect(0, 0, v.Width, v.Height))
	for p := range v.Height * v.Width {
		for c := range 3 {
			x := v.Values[p*v.Channels+min(c, v.Channels-1)]
			img.Pix[4*p+c] = level(float64(x))
		}
		img.Pix[4*p+3] = 255
	}
	return img, nil
}

// FromImage is the inverse of Image: three channels from 0 to 1. For nil, and for an
// image that cannot be drawn, it returns a volume without values, which Check rejects.
func FromImage(img image.Image) Volume {
	if checkPicture(img) != nil {
		return Volume{Channels: 3}
	}
	b := img.Bounds()
	v := Volume{Height: b.Dy(), Width: b.Dx(), Channels: 3}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			v.Values = append(v.Values, float32(r)/65535, float32(g)/65535, float32(bl)/65535)
		}
	}
	return v
}

// channel returns one channel as float64, row by row.
func (v Volume) channel(c int) []float64 {
	out := make([]float64, v.Height*v.Width)
	for p := range out {
		out[p] = float64(v.Values[p*v.Channels+c])
	}
	return out
}

// level maps 0 to 1 to 0 to 255, clipped.
func level(t float64) uint8 { return uint8(math.Round(255 * math.Min(math.Max(t, 0), 1))) }
