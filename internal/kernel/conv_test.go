// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/conv"
	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// randomConv returns a convolution with random stride, dilation and padding and up to maxC
// channels.
func randomConv(rng *rand.Rand, maxC int) Conv {
	axis := func() (in, kernel, stride, dil, pad, out int) {
		kernel, stride, dil = 1+rng.IntN(4), 1+rng.IntN(3), 1+rng.IntN(3)
		in = 1 + rng.IntN(20)
		pad = rng.IntN(kernel*dil + 1)
		out = 1 + rng.IntN(in/stride+2)
		return
	}
	s := Conv{N: 1 + rng.IntN(3), C: 1 + rng.IntN(maxC), K: 1 + rng.IntN(maxC)}
	s.H, s.KH, s.StrideH, s.DilH, s.PadTop, s.OH = axis()
	s.W, s.KW, s.StrideW, s.DilW, s.PadLeft, s.OW = axis()
	return s
}

// samePadding sets s up for Keras's "same" padding.
func samePadding(s Conv) Conv {
	along := func(in, kernel, stride, dil int) (pad, out int) {
		out = ceilDiv(in, stride)
		return max(0, (out-1)*stride+(kernel-1)*dil+1-in) / 2, out
	}
	s.PadTop, s.OH = along(s.H, s.KH, s.StrideH, s.DilH)
	s.PadLeft, s.OW = along(s.W, s.KW, s.StrideW, s.DilW)
	return s
}

// dilatedBy returns s with a dilation and padding that keeps the size.
func dilatedBy(h, w int, s Conv) Conv {
	s.DilH, s.DilW = h, w
	return samePadding(s)
}

// square returns a kernel x kernel convolution of n images of size x size without padding.
func square(n, size, c, k, kernel int) Conv {
	return Conv{
		N: n, H: size, W: size, C: c, KH: kernel, KW: kernel, K: k, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1,
		OH: size - kernel + 1, OW: size - kernel + 1,
	}
}

// convData holds random operands of a convolution and the results of the reference.
type convData struct {
	x, w, bias, dy  []float32
	y, relu, dx, dw []float64
}

func convReference(rng *rand.Rand, s *Conv) *convData {
	d := &convData{
		x: randomFloats(rng, s.N*s.H*s.W*s.C), w: randomFloats(rng, s.KH*s.KW*s.C*s.K),
		bias: randomFloats(rng, s.K), dy: randomFloats(rng, s.N*s.OH*s.OW*s.K),
	}
	d.y, d.dx, d.dw = make([]float64, len(d.dy)), make([]float64, len(d.x)), make([]float64, len(d.w))
	ref.Conv2D(d.y, kerneltest.Widen(d.x), kerneltest.Widen(d.w), kerneltest.Widen(d.bias), s)
	ref.Conv2DBackData(d.dx, kerneltest.Widen(d.dy), kerneltest.Widen(d.w), s)
	ref.Conv2DBackWeights(d.dw, kerneltest.Widen(d.x), kerneltest.Widen(d.dy), s)
	d.relu = make([]float64, len(d.y))
	for i, v := range d.y {
		d.relu[i] = max(v, 0)
	}
	return d
}

// garbage returns n NaNs: every element must be written, none may be read.
func garbage(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

func checkConvolution(t *testing.T, d *convData, s *Conv, tol float64) {
	t.Helper()
	y, dx, dw := garbage(len(d.y)), garbage(len(d.dx)), garbage(len(d.dw))
	scale := func(terms int) float64 { return 3 + 3*math.Sqrt(float64(terms)) }
	Conv2D(y, d.x, d.w, d.bias, s, Linear, 0)
	kerneltest.Close(t, fmt.Sprintf("forward %+v", *s), y, d.y, tol, scale(s.KH*s.KW*s.C))
	Conv2D(y, d.x, d.w, d.bias, s, ReLU, 0)
	kerneltest.Close(t, fmt.Sprintf("forward with relu %+v", *s), y, d.relu, tol, scale(s.KH*s.KW*s.C))
	Conv2DBackData(dx, d.dy, d.w, s)
	kerneltest.Close(t, fmt.Sprintf("back data %+v", *s), dx, d.dx, tol, scale(s.KH*s.KW*s.K))
	Conv2DBackWeights(dw, d.x, d.dy, s)
	kerneltest.Close(t, fmt.Sprintf("back weights %+v", *s), dw, d.dw, tol, scale(s.N*s.OH*s.OW))
}

func TestConv2DMatchesReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	shapes := []Conv{
		square(2, 30, 3, 32, 3), square(1, 17, 33, 70, 3), square(3, 9, 16, 5, 1),
		samePadding(square(2, 15, 3, 16, 3)), samePadding(square(1, 15, 40, 33, 5)), samePadding(square(40, 14, 8, 12, 3)),
		// rows of which copies are read at one edge or both, and last tiles of 1 to 4 pixels
		samePadding(Conv{N: 2, H: 9, W: 76, C: 17, KH: 3, KW: 3, K: 70, StrideH: 2, StrideW: 2, DilH: 1, DilW: 1}),
		samePadding(Conv{N: 1, H: 5, W: 63, C: 19, KH: 3, KW: 3, K: 70, StrideH: 1, StrideW: 1, DilH: 1, DilW: 2}),
		{N: 1, H: 3, W: 58, C: 16, KH: 2, KW: 4, K: 33, StrideH: 1, StrideW: 2, DilH: 1, DilW: 1, PadTop: 1, PadLeft: 3, OH: 4, OW: 28},
		{N: 1, H: 6, W: 43, C: 21, KH: 3, KW: 2, K: 48, StrideH: 2, StrideW: 1, DilH: 1, DilW: 3, PadTop: 2, PadLeft: 1, OH: 4, OW: 43},
		{N: 3, H: 1, W: 50, C: 7, KH: 1, KW: 5, K: 9, StrideH: 1, StrideW: 2, DilH: 1, DilW: 2, OH: 1, OW: 21},
		{N: 1, H: 1, W: 2000, C: 3, KH: 1, KW: 4, K: 5, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, PadLeft: 2, OH: 1, OW: 1999},
		{N: 2, H: 2, W: 1700, C: 9, KH: 1, KW: 3, K: 40, StrideH: 1, StrideW: 1, DilH: 1, DilW: 2, PadLeft: 2, OH: 2, OW: 1700},
		{N: 1, H: 3, W: 3, C: 2, KH: 2, KW: 2, K: 2, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, PadTop: 9, PadLeft: 9, OH: 4, OW: 4},
		{N: 0, H: 3, W: 3, C: 2, KH: 2, KW: 2, K: 2, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, OH: 2, OW: 2},
	}
	for range kerneltest.Rounds(40) { // one side has few channels
		s := randomConv(rng, 40)
		s.C = 1 + rng.IntN(4)
		shapes = append(shapes, s)
		s.C, s.K = s.K, s.C
		shapes = append(shapes, s)
	}
	for range kerneltest.Rounds(120) {
		shapes = append(shapes, randomConv(rng, 9))
	}
	for range kerneltest.Rounds(10) {
		shapes = append(shapes, randomConv(rng, 50))
	}
	data := make([]*convData, len(shapes))
	for i := range shapes {
		data[i] = convReference(rng, &shapes[i])
	}
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for i := range shapes {
			checkConvolution(t, data[i], &shapes[i], 2e-6)
		}
	})
}

func TestConv2DSameBitsForAnyWorkers(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, s := range []Conv{samePadding(square(3, 65, 2, 5, 3)), square(2, 15, 16, 70, 3), samePadding(square(3, 17, 32, 32, 3)), square(8, 40, 16, 1, 3)} {
			d := &convData{
				x: randomFloats(rng, s.N*s.H*s.W*s.C), w: randomFloats(rng, s.KH*s.KW*s.C*s.K),
				dy: randomFloats(rng, s.N*s.OH*s.OW*s.K),
			}
			kerneltest.SameBits(t, len(d.dy), func(y []float32) { Conv2D(y, d.x, d.w, nil, &s, ReLU, 0) })
			kerneltest.SameBits(t, len(d.x), func(dx []float32) { Conv2DBackData(dx, d.dy, d.w, &s) })
			kerneltest.SameBits(t, len(d.w), func(dw []float32) { Conv2DBackWeights(dw, d.x, d.dy, &s) })
		}
	})
}

func TestConv2DDoesNotAllocate(t *testing.T) {
	for _, s := range []Conv{
		samePadding(square(4, 20, 6, 40, 3)), samePadding(square(4, 20, 32, 32, 3)), square(2, 20, 32, 1, 3), square(2, 20, 16, 32, 1),
	} {
		x, w, y := make([]float32, s.N*s.H*s.W*s.C), make([]float32, s.KH*s.KW*s.C*s.K), make([]float32, s.N*s.OH*s.OW*s.K)
		all := func() {
			Conv2D(y, x, w, nil, &s, ReLU, 0)
			Conv2DBackData(x, y, w, &s)
			Conv2DBackWeights(w, x, y, &s)
		}
		for range 20 { // helpers allocate scratch memory when they first join
			all()
		}
		if n := testing.AllocsPerRun(20, all); n != 0 {
			t.Errorf("the three passes of %+v allocate %v times", s, n)
		}
	}
}

// So many channels that the weights are transformed where they are multiplied, if there are few tiles: against the
// reference, with the last panel of channels full and not, and images in more than one round of tiles.
func TestConv2DOfManyChannels(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 28))
	shapes := []Conv{samePadding(square(2, 6, 256, 464, 3)), square(1, 10, 480, 256, 3), dilatedBy(2, 1, square(1, 10, 368, 336, 3))}
	data := make([]*convData, len(shapes))
	for i := range shapes {
		data[i] = convReference(rng, &shapes[i])
	}
	one, many := samePadding(square(1, 6, 256, 464, 3)), samePadding(square(40, 6, 256, 464, 3))
	kerneltest.OnEachAssembly(t, func(t *testing.T) {
		for i := range shapes {
			checkConvolution(t, data[i], &shapes[i], 2e-5)
		}
		w := data[0].w
		x, dy := randomFloats(rng, many.N*6*6*256), randomFloats(rng, many.N*6*6*464)
		y, dx := make([]float32, len(dy)), make([]float32, len(x))
		Conv2D(y, x, w, nil, &many, Linear, 0)
		Conv2DBackData(dx, dy, w, &many)
		for i := range many.N {
			y1, dx1 := make([]float32, 6*6*464), make([]float32, 6*6*256)
			Conv2D(y1, x[i*len(dx1):][:len(dx1)], w, nil, &one, Linear, 0)
			Conv2DBackData(dx1, dy[i*len(y1):][:len(y1)], w, &one)
			if !slices.Equal(y1, y[i*len(y1):][:len(y1)]) || !slices.Equal(dx1, dx[i*len(dx1):][:len(dx1)]) {
				t.Fatalf("image %d has other values alone than in a batch", i)
			}
		}
		kerneltest.SameBits(t, len(y), func(y []float32) { Conv2D(y, x, w, nil, &many, ReLU, 0) })
		kerneltest.SameBits(t, len(dx), func(dx []float32) { Conv2DBackData(dx, dy, w, &many) })
	})
}

// The Winograd algorithm against the reference: images whose size is and is not a multiple of the
// tile's, every padding, more channels than one panel and one chunk.
func TestWinogradMatchesReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	shapes := []Conv{samePadding(square(2, 21, 16, 16, 3)), samePadding(square(3, 16, 32, 48, 3)), square(2, 23, 64, 32, 3), samePadding(square(13, 7, 32, 32, 3))}
	odd := square(2, 17, 32, 80, 3)
	odd.PadTop, odd.PadLeft, odd.OH, odd.OW = 3, 2, 18, 22
	shapes = append(shapes, odd, dilatedBy(2, 2, square(2, 26, 32, 16, 3)), dilatedBy(3, 1, square(3, 23, 16, 32, 3)), dilatedBy(1, 2, square(2, 24, 16, 48, 3)),
		samePadding(square(2, 21, 32, 48, 5)), square(3, 23, 16, 16, 6), dilatedBy(2, 1, square(2, 26, 16, 32, 5)))
	for _, s := range shapes {
		d := convReference(rng, &s)
		kerneltest.OnEachISA(t, func(t *testing.T) {
			if fits := conv.WinogradFits(&s); fits != (!simd.Active.Portable()) {
				t.Fatalf("WinogradFits(%+v) = %v", s, fits)
			} else if !fits {
				return
			}
			checkConvolution(t, d, &s, 2e-5)
		})
	}
}
