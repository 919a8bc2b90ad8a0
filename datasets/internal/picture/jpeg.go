// SPDX-License-Identifier: Apache-2.0

package picture

import "image"

// fromYCbCr converts a JPEG that has one chroma sample for one, two or four pixels. Go's
// image package repeats the sample. libjpeg, and with it PIL and Keras, interpolates
// linearly between the centers of neighboring samples ("fancy upsampling", a triangle
// filter): along each axis that is subsampled, a pixel takes three quarters of its own
// sample and one quarter of the nearest other one. Networks trained on such images notice
// the difference.
func fromYCbCr(m *image.YCbCr) *RGB {
	b := m.Bounds()
	p := &RGB{b.Dy(), b.Dx(), make([]uint8, 0, 3*b.Dy()*b.Dx())}
	blue, red := newChroma(m.Cb, m), newChroma(m.Cr, m)
	for y := range p.Height {
		at := m.YOffset(b.Min.X, b.Min.Y+y)
		cb, cr := blue.row(y), red.row(y)
		for x, light := range m.Y[at : at+p.Width] {
			r, g, b := toRGB(int32(light), int32(cb[x])-128, int32(cr[x])-128)
			p.Pix = append(p.Pix, r, g, b)
		}
	}
	return p
}

// hasChroma reports whether fromYCbCr supports the subsampling. One sample for four pixels
// of a row is rare, and libjpeg repeats it as well.
func hasChroma(m *image.YCbCr) bool {
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440:
		return true
	}
	return false
}

// toRGB converts one pixel (JFIF 1.02: the full range of ITU-R BT.601), with 16
// fractional bits as libjpeg does:
//
//	R = Y + 1.402 Cr,  G = Y - 0.344136 Cb - 0.714136 Cr,  B = Y + 1.772 Cb
func toRGB(y, cb, cr int32) (r, g, b uint8) {
	const half = 1 << 15
	return clampByte(y + (91881*cr+half)>>16), clampByte(y + (-22554*cb-46802*cr+half)>>16), clampByte(y + (116130*cb+half)>>16)
}

func clampByte(v int32) uint8 { return uint8(min(max(v, 0), 255)) }

// chroma is one chroma plane, read row by row at full width.
type chroma struct {
	samples    []uint8
	stride     int
	height     int     // in samples
	tall, wide bool    // whether a sample covers two rows, two columns of pixels
	sums       []int32 // of a row's samples and their neighbors above or below
	full       []uint8
}

func newChroma(plane []uint8, m *image.YCbCr) *chroma {
	b, ratio := m.Bounds(), m.SubsampleRatio
	c := &chroma{samples: plane[m.COffset(b.Min.X, b.Min.Y):], stride: m.CStride, height: b.Dy()}
	c.wide = ratio == image.YCbCrSubsampleRatio422 || ratio == image.YCbCrSubsampleRatio420
	c.tall = ratio == image.YCbCrSubsampleRatio440 || ratio == image.YCbCrSubsampleRatio420
	width := b.Dx()
	if c.wide {
		width = (width + 1) / 2
	}
	if c.tall {
		c.height = (c.height + 1) / 2
	}
	c.sums, c.full = make([]int32, width), make([]uint8, 0, 2*width)
	return c
}

// row returns row y at full width or one pixel more, valid until the next call. The
// rounding term alternates from pixel to pixel, as in libjpeg, so that rounding has no bias.
func (c *chroma) row(y int) []uint8 {
	near, far, parts, round := y, y, int32(1), int32(0)
	if c.tall {
		near, parts, round = y/2, 4, int32(1+y%2)
		if far = near - 1 + y%2*2; far < 0 || far >= c.height { // beyond the edge
			far = near
		}
	}
	own, other := c.samples[near*c.stride:], c.samples[far*c.stride:]
	for x := range c.sums {
		if c.sums[x] = int32(own[x]); c.tall {
			c.sums[x] = 3*int32(own[x]) + int32(other[x])
		}
	}
	c.full = c.full[:0]
	if !c.wide {
		for _, s := range c.sums {
			c.full = append(c.full, uint8((s+round)/parts))
		}
		return c.full
	}
	left, right := 2*parts, 2*parts-1
	if !c.tall {
		left, right = 1, 2
	}
	last := len(c.sums) - 1
	for x, s := range c.sums {
		before, after := c.sums[max(x-1, 0)], c.sums[min(x+1, last)]
		c.full = append(c.full, uint8((3*s+before+left)/(4*parts)), uint8((3*s+after+right)/(4*parts)))
	}
	return c.full
}
