// SPDX-License-Identifier: Apache-2.0

package picture

import "math"

// Filter is the resampling filter. The results are, byte for byte, those of PIL's
// Image.resize, which Keras uses.
type Filter int

// The filters.
const (
	Nearest    Filter = iota // Keras's default
	Bilinear                 // PIL's BILINEAR
	CatmullRom               // PIL's BICUBIC: the cubic with a = -1/2
)

// support is the radius of the filter's kernel.
func (f Filter) support() float64 {
	if f == Bilinear {
		return 1
	}
	return 2
}

// kernel is the weight at distance x.
func (f Filter) kernel(x float64) float64 {
	x = math.Abs(x)
	if f == Bilinear {
		return max(0, 1-x)
	}
	const a = -0.5
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

// Resize returns the image in another size.
func (p *RGB) Resize(height, width int, f Filter) *RGB {
	if p.Height == height && p.Width == width {
		return p
	}
	if f == Nearest {
		return p.nearest(height, width)
	}
	// Columns first, then rows, with bytes in between.
	if p.Width != width {
		t := taps(p.Width, width, f)
		out := &RGB{p.Height, width, make([]uint8, 3*p.Height*width)}
		for y := range p.Height {
			row := p.Pix[3*y*p.Width : 3*(y+1)*p.Width]
			dst := out.Pix[3*y*width : 3*(y+1)*width]
			for x := range t {
				sum(dst[3*x:3*x+3], row[3*t[x].first:], 3, t[x].weights)
			}
		}
		p = out
	}
	if p.Height != height {
		t := taps(p.Height, height, f)
		out := &RGB{height, width, make([]uint8, 3*height*width)}
		for y := range t {
			for x := range width {
				at := 3 * (t[y].first*width + x)
				dst := 3 * (y*width + x)
				sum(out.Pix[dst:dst+3], p.Pix[at:], 3*width, t[y].weights)
			}
		}
		p = out
	}
	return p
}

// weightBits is the precision of the weights: 32 bits less 8 for the pixel and 2 for
// headroom, as in PIL.
const weightBits = 22

// tap lists the old pixels that make up a new one, with their weights.
type tap struct {
	first   int
	weights []int32
}

// taps returns the weights along one axis. The center of new pixel i lies at
// (i+1/2)·old/new; the kernel is stretched when the image shrinks.
func taps(old, size int, f Filter) []tap {
	scale := float64(old) / float64(size)
	stretch := max(scale, 1)
	radius := f.support() * stretch
	out := make([]tap, size)
	for i := range out {
		center := (float64(i) + 0.5) * scale
		first := max(int(center-radius+0.5), 0)
		end := min(int(center+radius+0.5), old)
		w := make([]float64, end-first)
		var total float64
		for j := range w {
			w[j] = f.kernel((float64(j+first) - center + 0.5) / stretch)
			total += w[j]
		}
		out[i] = tap{first, make([]int32, len(w))}
		for j, v := range w {
			out[i].weights[j] = int32(math.Round(v / total * (1 << weightBits)))
		}
	}
	return out
}

// sum adds up weighted pixels that lie stride bytes apart.
func sum(dst, src []uint8, stride int, weights []int32) {
	var r, g, b int32 = 1 << (weightBits - 1), 1 << (weightBits - 1), 1 << (weightBits - 1)
	at := 0
	for _, w := range weights {
		r += w * int32(src[at])
		g += w * int32(src[at+1])
		b += w * int32(src[at+2])
		at += stride
	}
	dst[0], dst[1], dst[2] = toByte(r), toByte(g), toByte(b)
}

func toByte(v int32) uint8 { return uint8(min(max(v>>weightBits, 0), 255)) }

// nearest takes the old pixel under the center of each new one.
func (p *RGB) nearest(height, width int) *RGB {
	out := &RGB{height, width, make([]uint8, 0, 3*height*width)}
	columns := centers(p.Width, width)
	for _, y := range centers(p.Height, height) {
		row := p.Pix[3*y*p.Width:]
		for _, x := range columns {
			out.Pix = append(out.Pix, row[3*x], row[3*x+1], row[3*x+2])
		}
	}
	return out
}

// centers returns floor((i+1/2)·old/new), accumulated step by step as PIL does, so that
// ties fall to the same side.
func centers(old, size int) []int {
	scale := float64(old) / float64(size)
	at := scale / 2
	out := make([]int, size)
	for i := range out {
		out[i] = min(int(at), old-1)
		at += scale
	}
	return out
}
