// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/reef-dl/reef/datasets/internal/picture"
)

// Fill selects the pixels outside of an image that is rotated or shifted.
type Fill int

// The fill modes, with what continues the image abcd. They are those of scipy.ndimage,
// which Keras calls.
const (
	FillNearest  Fill = iota // aaaa|abcd|dddd
	FillReflect              // dcba|abcd|dcba
	FillWrap                 // dbc|abcd|bca: with a period of one pixel less than the image
	FillConstant             // the value of FillValue
)

// Augment changes images at random, with the arguments of Keras's ImageDataGenerator.
// With rotation by θ, shift by (ty, tx), shear by φ and zoom by (zy, zx), in (row,
// column) coordinates about the center of the image, the new pixel at position o is the
// old one at
//
//	R(θ) · T(ty, tx) · S(φ) · Z(zy, zx) · o,   R = [cos -sin; sin cos],  S = [1 -sin φ; 0 cos φ]
//
// interpolated linearly; flips are part of the same transform. What is drawn depends on
// the seed, the image and how often it has been read, and neither on the order nor on the
// number of goroutines.
type Augment struct {
	Rotation       float64 // degrees: uniform between -Rotation and Rotation
	WidthShift     float64 // fraction of the width, or pixels from 1 on: uniform between -WidthShift and WidthShift
	HeightShift    float64 // fraction of the height, or pixels from 1 on
	Shear          float64 // degrees: uniform between -Shear and Shear
	Zoom           float64 // 0..1: each axis by a factor between 1-Zoom and 1+Zoom
	HorizontalFlip bool    // with probability 1/2
	VerticalFlip   bool
	Brightness     [2]float64 // factor between the two; both 0 means no change
	Fill           Fill
	FillValue      float64 // 0..255, for FillConstant
	Seed           uint64
}

func (a *Augment) check() error {
	for _, r := range []struct {
		name  string
		value float64
	}{{"rotation", a.Rotation}, {"width shift", a.WidthShift}, {"height shift", a.HeightShift}, {"shear", a.Shear}} {
		if !(r.value >= 0 && r.value <= 1e6) {
			return fmt.Errorf("augment: %s %v, want 0 to 1e6", r.name, r.value)
		}
	}
	if !(a.Zoom >= 0 && a.Zoom < 1) {
		return fmt.Errorf("augment: zoom %v, want 0 to less than 1", a.Zoom)
	}
	if b := a.Brightness; !(b[0] >= 0 && b[0] <= b[1]) || math.IsInf(b[1], 0) {
		return fmt.Errorf("augment: brightness %v to %v, want 0 or more and the smaller first", b[0], b[1])
	}
	if !(a.FillValue >= 0 && a.FillValue <= 255) {
		return fmt.Errorf("augment: fill value %v, want 0 to 255", a.FillValue)
	}
	if a.Fill < FillNearest || a.Fill > FillConstant {
		return fmt.Errorf("augment: fill mode %d is unknown", a.Fill)
	}
	return nil
}

// affine maps (row, column) of the new image to the old one:
// row' = m[0]·row + m[1]·column + m[2], column' = m[3]·row + m[4]·column + m[5].
type affine [6]float64

// then returns the map that applies b first and a to its result.
func (a affine) then(b affine) affine {
	return affine{
		a[0]*b[0] + a[1]*b[3], a[0]*b[1] + a[1]*b[4], a[0]*b[2] + a[1]*b[5] + a[2],
		a[3]*b[0] + a[4]*b[3], a[3]*b[1] + a[4]*b[4], a[3]*b[2] + a[4]*b[5] + a[5],
	}
}

// change is what was drawn for one image.
type change struct {
	rotation, ty, tx, shear, zy, zx float64 // radians and pixels
	flipX, flipY                    bool
	brightness                      float64
}

// pixels converts a shift to pixels: below 1 it is a fraction of n pixels.
func pixels(shift float64, n int) float64 {
	if shift < 1 {
		return shift * float64(n)
	}
	return shift
}

// draw decides on the change of image i the n-th time that it is read. Every number is
// drawn whether it is used or not, so that turning on one option does not change the
// others.
func (a *Augment) draw(i, n, height, width int) change {
	rng := rand.New(rand.NewPCG(a.Seed, uint64(i)<<32|uint64(n)))
	around := func(r float64) float64 { return r * (2*rng.Float64() - 1) }
	c := change{
		rotation: around(a.Rotation) * math.Pi / 180,
		ty:       around(pixels(a.HeightShift, height)),
		tx:       around(pixels(a.WidthShift, width)),
		shear:    around(a.Shear) * math.Pi / 180,
		zy:       1 + around(a.Zoom),
		zx:       1 + around(a.Zoom),
	}
	c.flipX = rng.Float64() < 0.5 && a.HorizontalFlip
	c.flipY = rng.Float64() < 0.5 && a.VerticalFlip
	c.brightness = 1
	if u := rng.Float64(); a.Brightness != [2]float64{} {
		c.brightness = a.Brightness[0] + u*(a.Brightness[1]-a.Brightness[0])
	}
	return c
}

// transform is the map of the change for an image of the given size.
func (c change) transform(height, width int) affine {
	sin, cos := math.Sincos(c.rotation)
	shearSin, shearCos := math.Sincos(c.shear)
	cy, cx := float64(height)/2-0.5, float64(width)/2-0.5
	m := affine{1, 0, cy, 0, 1, cx}. // back from the center
						then(affine{cos, -sin, 0, sin, cos, 0}).
						then(affine{1, 0, c.ty, 0, 1, c.tx}).
						then(affine{1, -shearSin, 0, 0, shearCos, 0}).
						then(affine{c.zy, 0, 0, 0, c.zx, 0}).
						then(affine{1, 0, -cy, 0, 1, -cx})
	if c.flipX {
		m = m.then(affine{1, 0, 0, 0, -1, float64(width - 1)})
	}
	if c.flipY {
		m = m.then(affine{-1, 0, float64(height - 1), 0, 1, 0})
	}
	return m
}

// apply writes the changed image, values 0..255, to out.
func (a *Augment) apply(p *picture.RGB, c change, out []float32) {
	m := c.transform(p.Height, p.Width)
	bright := float32(c.brightness)
	for y := range p.Height {
		for x := range p.Width {
			row := m[0]*float64(y) + m[1]*float64(x) + m[2]
			column := m[3]*float64(y) + m[4]*float64(x) + m[5]
			at := 3 * (y*p.Width + x)
			a.sample(p, row, column, out[at:at+3:at+3])
		}
	}
	if bright != 1 {
		for i, v := range out {
			out[i] = min(v*bright, 255)
		}
	}
}

// sample interpolates linearly between the four pixels around a position.
func (a *Augment) sample(p *picture.RGB, row, column float64, out []float32) {
	if a.Fill == FillConstant && (row < 0 || column < 0 || row > float64(p.Height-1) || column > float64(p.Width-1)) {
		v := float32(a.FillValue)
		out[0], out[1], out[2] = v, v, v
		return
	}
	if a.Fill == FillWrap {
		row, column = wrapped(row, p.Height), wrapped(column, p.Width)
	}
	y, x := math.Floor(row), math.Floor(column)
	wy, wx := float32(row-y), float32(column-x)
	y0, y1 := a.inside(int(y), p.Height), a.inside(int(y)+1, p.Height)
	x0, x1 := a.inside(int(x), p.Width), a.inside(int(x)+1, p.Width)
	aa, ab := p.Pix[3*(y0*p.Width+x0):], p.Pix[3*(y0*p.Width+x1):]
	ba, bb := p.Pix[3*(y1*p.Width+x0):], p.Pix[3*(y1*p.Width+x1):]
	for k := range 3 {
		top := float32(aa[k]) + wx*(float32(ab[k])-float32(aa[k]))
		bottom := float32(ba[k]) + wx*(float32(bb[k])-float32(ba[k]))
		out[k] = top + wy*(bottom-top)
	}
}

// inside returns the pixel that represents position i of an axis of n.
func (a *Augment) inside(i, n int) int {
	if i >= 0 && i < n {
		return i
	}
	switch a.Fill {
	case FillReflect:
		if i %= 2 * n; i < 0 {
			i += 2 * n
		}
		if i >= n {
			i = 2*n - 1 - i
		}
		return i
	default:
		return min(max(i, 0), n-1)
	}
}

// wrapped returns the position 0..n-1 that represents a position on an axis of n pixels:
// the last pixel is also the one before the first, so the period is n-1.
func wrapped(at float64, n int) float64 {
	period := float64(n - 1)
	switch {
	case n == 1:
		return 0
	case at < 0:
		return at + period*(math.Floor(-at/period)+1)
	case at > period:
		return at - period*math.Floor(at/period)
	}
	return at
}
