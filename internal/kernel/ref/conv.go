// SPDX-License-Identifier: Apache-2.0

package ref

// Conv describes a two-dimensional convolution, in the layouts of Keras:
//
//	x (N, H, W, C)   w (KH, KW, C, K)   y (N, OH, OW, K)
//
// For tap (kh, kw) of the kernel, output pixel (oh, ow) reads the input pixel (oh·StrideH -
// PadTop + kh·DilH, ow·StrideW - PadLeft + kw·DilW); pixels outside the image are zero. The
// padding at the bottom and right follows from OH and OW. In one dimension, H = KH = OH = 1.
// Strides and dilations are at least 1.
//
// A depthwise convolution has K = C·M: w is (KH, KW, C, M), and output channel c·M + m reads
// only input channel c.
type Conv struct {
	N, H, W, C       int // batch, height, width, input channels
	KH, KW           int // height and width of the kernel
	K                int // output channels
	StrideH, StrideW int
	DilH, DilW       int
	PadTop, PadLeft  int
	OH, OW           int // height and width of the output
}

// eachTap calls f for every output pixel and kernel tap with the corresponding input pixel, if
// that is inside the image.
func (s *Conv) eachTap(f func(in, tap, out int)) {
	for n := range s.N {
		for oh := range s.OH {
			for ow := range s.OW {
				for kh := range s.KH {
					for kw := range s.KW {
						h, w := oh*s.StrideH-s.PadTop+kh*s.DilH, ow*s.StrideW-s.PadLeft+kw*s.DilW
						if h < 0 || h >= s.H || w < 0 || w >= s.W {
							continue
						}
						f((n*s.H+h)*s.W+w, kh*s.KW+kw, (n*s.OH+oh)*s.OW+ow)
					}
				}
			}
		}
	}
}

// Conv2D computes y[out, k] = bias[k] + Σ_tap Σ_c x[in, c]·w[tap, c, k]; bias may be nil.
func Conv2D[T Float](y, x, w, bias []T, s *Conv) {
	fillRows(y[:s.N*s.OH*s.OW*s.K], bias)
	s.eachTap(func(in, tap, out int) {
		for c := range s.C {
			for k := range s.K {
				y[out*s.K+k] += x[in*s.C+c] * w[(tap*s.C+c)*s.K+k]
			}
		}
	})
}

// Conv2DBackData computes the gradient of x, dx[in, c] = Σ dy[out, k]·w[tap, c, k]. It is also
// the transposed convolution.
func Conv2DBackData[T Float](dx, dy, w []T, s *Conv) {
	clear(dx[:s.N*s.H*s.W*s.C])
	s.eachTap(func(in, tap, out int) {
		for c := range s.C {
			for k := range s.K {
				dx[in*s.C+c] += dy[out*s.K+k] * w[(tap*s.C+c)*s.K+k]
			}
		}
	})
}

// Conv2DBackWeights computes dw[tap, c, k] = Σ x[in, c]·dy[out, k].
func Conv2DBackWeights[T Float](dw, x, dy []T, s *Conv) {
	clear(dw[:s.KH*s.KW*s.C*s.K])
	s.eachTap(func(in, tap, out int) {
		for c := range s.C {
			for k := range s.K {
				dw[(tap*s.C+c)*s.K+k] += x[in*s.C+c] * dy[out*s.K+k]
			}
		}
	})
}

// Depthwise2D computes y[out, c·M+m] = bias[c·M+m] + Σ_tap x[in, c]·w[tap, c, m]; bias may be nil.
func Depthwise2D[T Float](y, x, w, bias []T, s *Conv) {
	fillRows(y[:s.N*s.OH*s.OW*s.K], bias)
	m := s.K / max(s.C, 1)
	s.eachTap(func(in, tap, out int) {
		for k := range s.K {
			y[out*s.K+k] += x[in*s.C+k/m] * w[tap*s.K+k]
		}
	})
}

// Depthwise2DBackData computes dx[in, c] = Σ_tap Σ_m dy[out, c·M+m]·w[tap, c, m].
func Depthwise2DBackData[T Float](dx, dy, w []T, s *Conv) {
	clear(dx[:s.N*s.H*s.W*s.C])
	m := s.K / max(s.C, 1)
	s.eachTap(func(in, tap, out int) {
		for k := range s.K {
			dx[in*s.C+k/m] += dy[out*s.K+k] * w[tap*s.K+k]
		}
	})
}

// Depthwise2DBackWeights computes dw[tap, c, m] = Σ x[in, c]·dy[out, c·M+m].
func Depthwise2DBackWeights[T Float](dw, x, dy []T, s *Conv) {
	clear(dw[:s.KH*s.KW*s.K])
	m := s.K / max(s.C, 1)
	s.eachTap(func(in, tap, out int) {
		for k := range s.K {
			dw[tap*s.K+k] += x[in*s.C+k/m] * dy[out*s.K+k]
		}
	})
}

// fillRows sets every row of y to bias, or to zero.
func fillRows[T Float](y, bias []T) {
	clear(y)
	if len(bias) > 0 {
		for ; len(y) > 0; y = y[len(bias):] {
			copy(y, bias)
		}
	}
}
