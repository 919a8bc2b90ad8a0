// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// Pool is the shape of a pooling over images (N, H, W, C), channels last; in 1-D, H is 1.
// Output pixel (oh, ow) reads KH x KW cells starting at row oh*StrideH - PadTop and column
// ow*StrideW - PadLeft; the padding at the bottom and right follows from OH and OW.
type Pool struct {
	N, H, W, C, KH, KW, StrideH, StrideW, PadTop, PadLeft, OH, OW int
}

// window calls cell(offset, x, y) for each channel row of the window of output pixel (n, oh,
// ow) that is not padding: its offset kh*KW + kw, its index in the input and the index of the
// pixel in the output. It returns the number of cells.
func (s *Pool) window(n, oh, ow int, cell func(offset, x, y int)) int {
	y := ((n*s.OH+oh)*s.OW + ow) * s.C
	count := 0
	for kh := range s.KH {
		for kw := range s.KW {
			h, w := oh*s.StrideH-s.PadTop+kh, ow*s.StrideW-s.PadLeft+kw
			if h < 0 || h >= s.H || w < 0 || w >= s.W {
				continue
			}
			cell(kh*s.KW+kw, ((n*s.H+h)*s.W+w)*s.C, y)
			count++
		}
	}
	return count
}

func (s *Pool) pixels(f func(n, oh, ow int)) {
	for n := range s.N {
		for oh := range s.OH {
			for ow := range s.OW {
				f(n, oh, ow)
			}
		}
	}
}

// MaxPool2D writes the maximum of each window and its offset kh*KW + kw, the first one if
// several cells are equal; NaN counts as greater than every number. Padding counts as -Inf. arg
// may be nil.
func MaxPool2D[T Float](y []T, arg []uint8, x []T, s *Pool) {
	Fill(y, T(math.Inf(-1)))
	clear(arg)
	s.pixels(func(n, oh, ow int) {
		first := true
		s.window(n, oh, ow, func(offset, xi, yi int) {
			for c := range s.C {
				v, best := x[xi+c], y[yi+c]
				if first || v > best || v != v && best == best {
					y[yi+c] = v
					if arg != nil {
						arg[yi+c] = uint8(offset)
					}
				}
			}
			first = false
		})
	})
}

// MaxPool2DBack writes to each cell the sum of dy over the windows whose arg points at it.
func MaxPool2DBack[T Float](dx []T, arg []uint8, dy []T, s *Pool) {
	clear(dx)
	s.pixels(func(n, oh, ow int) {
		s.window(n, oh, ow, func(offset, xi, yi int) {
			for c := range s.C {
				if int(arg[yi+c]) == offset {
					dx[xi+c] += dy[yi+c]
				}
			}
		})
	})
}

// AvgPool2D writes the mean of each window over the cells that are not padding.
func AvgPool2D[T Float](y, x []T, s *Pool) {
	clear(y)
	s.pixels(func(n, oh, ow int) {
		count := s.window(n, oh, ow, func(_, xi, yi int) {
			for c := range s.C {
				y[yi+c] += x[xi+c]
			}
		})
		i := ((n*s.OH+oh)*s.OW + ow) * s.C
		Scale(y[i:i+s.C], y[i:i+s.C], 1/T(max(count, 1)))
	})
}

// AvgPool2DBack writes dx: each window adds dy / its number of cells to each of them.
func AvgPool2DBack[T Float](dx, dy []T, s *Pool) {
	clear(dx)
	s.pixels(func(n, oh, ow int) {
		scale := 1 / T(max(s.window(n, oh, ow, func(_, _, _ int) {}), 1))
		s.window(n, oh, ow, func(_, xi, yi int) {
			for c := range s.C {
				dx[xi+c] += scale * dy[yi+c]
			}
		})
	})
}

// GlobalMaxPool writes y_nc = max over cells of x (n, cells, c), and the first cell that
// attains it; NaN counts as greater than every number. arg may be nil.
func GlobalMaxPool[T Float](y []T, arg []int32, x []T, n, cells, c int) {
	for i := range n {
		y, x := y[i*c:(i+1)*c], x[i*cells*c:(i+1)*cells*c]
		Fill(y, T(math.Inf(-1)))
		for j := range c {
			best := 0
			for cell := range cells {
				if v := x[cell*c+j]; cell == 0 || v > y[j] || v != v && y[j] == y[j] {
					y[j], best = v, cell
				}
			}
			if arg != nil {
				arg[i*c+j] = int32(best)
			}
		}
	}
}

// GlobalMaxPoolBack writes dy to the cell given by arg and 0 elsewhere.
func GlobalMaxPoolBack[T Float](dx []T, arg []int32, dy []T, n, cells, c int) {
	clear(dx)
	for i := range n {
		for j := range c {
			dx[(i*cells+int(arg[i*c+j]))*c+j] = dy[i*c+j]
		}
	}
}

// GlobalAvgPool writes y_nc = mean over cells of x (n, cells, c).
func GlobalAvgPool[T Float](y, x []T, n, cells, c int) {
	for i := range n {
		ColSum(y[i*c:(i+1)*c], x[i*cells*c:(i+1)*cells*c], cells, c)
	}
	Scale(y, y, 1/T(cells))
}

// GlobalAvgPoolBack writes dy / cells to every cell.
func GlobalAvgPoolBack[T Float](dx, dy []T, n, cells, c int) {
	for i := range n * cells {
		Scale(dx[i*c:(i+1)*c], dy[i/cells*c:(i/cells+1)*c], 1/T(cells))
	}
}
