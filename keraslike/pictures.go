// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// picture is a picture of height x width x channels.
type picture struct {
	height, width, channels int
	pixels                  []float32
}

func pictureOf(v *value) picture {
	return picture{v.shape[0], v.shape[1], v.shape[2], v.numbers}
}

// pictureInput checks that there is one input of pictures.
func pictureInput(in []Shape) (Shape, error) { return spatialInput(in, 2) }

// copyFrom copies the part of another picture that begins at a pixel.
func (p picture) copyFrom(from picture, top, left int) {
	for y := range p.height {
		row := from.pixels[((top+y)*from.width+left)*from.channels:]
		copy(p.pixels[y*p.width*p.channels:(y+1)*p.width*p.channels], row)
	}
}

// taps are the two pixels between which a pixel of a resized axis lies, and the weight of the second.
type taps struct {
	at, next int
	weight   float32
}

// resizedAxis returns the taps of an axis of n pixels that is resized to m, or those of one whose pixels
// from first on, size in all, are. Pixels have their centers at 0.5, 1.5 and so on, and what lies outside
// is the nearest pixel.
func resizedAxis(size, m int, how Interpolation) []taps {
	list := make([]taps, m)
	scale := float64(size) / float64(m)
	for i := range list {
		if how == NearestInterpolation {
			at := min(int((float64(i)+0.5)*scale), size-1)
			list[i] = taps{at, at, 0}
			continue
		}
		x := max((float64(i)+0.5)*scale-0.5, 0)
		at := min(int(x), size-1)
		list[i] = taps{at, min(at+1, size-1), float32(x - float64(at))}
	}
	return list
}

// resized fills p with another picture of as many channels, resized.
func (p picture) resized(from picture, how Interpolation) {
	rows, cols := resizedAxis(from.height, p.height, how), resizedAxis(from.width, p.width, how)
	c := p.channels
	for y, r := range rows {
		above, below := from.pixels[r.at*from.width*c:], from.pixels[r.next*from.width*c:]
		for x, k := range cols {
			to := p.pixels[(y*p.width+x)*c : (y*p.width+x+1)*c]
			for i := range to {
				a, b := above[k.at*c+i], below[k.at*c+i]
				if k.weight != 0 {
					a += (above[k.next*c+i] - a) * k.weight
					b += (below[k.next*c+i] - b) * k.weight
				}
				to[i] = a + (b-a)*r.weight
			}
		}
	}
}

// aspectCrop returns the largest part of a picture, in its middle, that has the ratio of height and
// width.
func (p picture) aspectCrop(height, width int) (top, left, h, w int) {
	h = max(min(p.height, int(float64(p.width*height)/float64(width))), 1)
	w = max(min(p.width, int(float64(p.height*width)/float64(height))), 1)
	return (p.height - h) / 2, (p.width - w) / 2, h, w
}

// aspectMargins returns how many pixels above and below, and on both sides, give a picture about the
// ratio of height and width.
func (p picture) aspectMargins(height, width int) (rows, cols int) {
	h := max(p.height, int(float64(p.width*height)/float64(width)))
	w := max(p.width, int(float64(p.height*width)/float64(height)))
	return (h - p.height) / 2, (w - p.width) / 2
}

// affine is where the pixel (x, y) of a moved picture comes from: (a0·x + a1·y + a2, b0·x + b1·y + b2).
type affine struct{ a0, a1, a2, b0, b1, b2 float64 }

// filling is how a moved picture is computed.
type filling struct {
	mode          FillMode
	value         float32
	interpolation Interpolation
}

// index returns the pixel of an axis of n pixels that stands for number i, false if there is none.
func (f *filling) index(i, n int) (at int, ok bool) {
	if 0 <= i && i < n {
		return i, true
	}
	switch f.mode {
	case FillReflect:
		if i %= 2 * n; i < 0 {
			i += 2 * n
		}
		return min(i, 2*n-1-i), true
	case FillWrap:
		if i %= n; i < 0 {
			i += n
		}
		return i, true
	case FillNearest:
		return min(max(i, 0), n-1), true
	}
	return 0, false
}

// pixel adds a pixel of p, times a weight, to sums.
func (f *filling) pixel(p picture, y, x int, weight float32, sums []float32) {
	row, inside := f.index(y, p.height)
	col, also := f.index(x, p.width)
	if !inside || !also {
		for i := range sums {
			sums[i] += weight * f.value
		}
		return
	}
	from := p.pixels[(row*p.width+col)*p.channels:]
	for i := range sums {
		sums[i] += weight * from[i]
	}
}

// farthest is the distance from a picture beyond which a coordinate is taken for this one, so that it
// fits an integer.
const farthest = 1 << 30

// moved fills p with another picture of the same shape, moved.
func (p picture) moved(from picture, m affine, f filling) {
	clear(p.pixels)
	for y := range p.height {
		for x := range p.width {
			to := p.pixels[(y*p.width+x)*p.channels : (y*p.width+x+1)*p.channels]
			fx, fy := float64(x), float64(y)
			f.sample(from, m.b0*fx+m.b1*fy+m.b2, m.a0*fx+m.a1*fy+m.a2, to)
		}
	}
}

// sample adds the value of a picture at a place between its pixels to sums.
func (f *filling) sample(from picture, row, col float64, sums []float32) {
	row, col = min(max(row, -farthest), farthest), min(max(col, -farthest), farthest)
	if f.interpolation == NearestInterpolation {
		f.pixel(from, int(math.RoundToEven(row)), int(math.RoundToEven(col)), 1, sums)
		return
	}
	top, left := math.Floor(row), math.Floor(col)
	wy, wx := float32(row-top), float32(col-left)
	for dy, v := range [2]float32{1 - wy, wy} {
		for dx, h := range [2]float32{1 - wx, wx} {
			if w := v * h; w != 0 {
				f.pixel(from, int(top)+dy, int(left)+dx, w, sums)
			}
		}
	}
}

// flipped fills p with another picture of the same shape, mirrored.
func (p picture) flipped(from picture, sideways, upsideDown bool) {
	c := p.channels
	for y := range p.height {
		row := y
		if upsideDown {
			row = p.height - 1 - y
		}
		for x := range p.width {
			col := x
			if sideways {
				col = p.width - 1 - x
			}
			copy(p.pixels[(y*p.width+x)*c:(y*p.width+x+1)*c], from.pixels[(row*p.width+col)*c:])
		}
	}
}

// checkSize checks the height and the width that a layer makes.
func checkSize(height, width int) error {
	const most = 1 << 15
	if height < 1 || width < 1 || height > most || width > most {
		return fmt.Errorf("size is %d x %d, want 1 to %d", height, width, most)
	}
	return nil
}
