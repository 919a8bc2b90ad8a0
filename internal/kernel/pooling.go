// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Pool is the shape of a pooling over images (N, H, W, C), channels last; in 1-D, H is 1.
type Pool = ref.Pool

// MaxPool2D writes the maximum of each window and its offset kh*KW + kw in the window, the first
// one if several cells are equal. Windows have at most 256 cells; arg may be nil.
func MaxPool2D[T Float](y []T, arg []uint8, x []T, s *Pool) {
	j := newPoolJob("max pooling", y, x, arg, s)
	if j == nil {
		ref.MaxPool2D(y, arg, x, s)
		return
	}
	j.forward((*poolJob).maxRun)
}

func (j *poolJob) maxRun(x, y int, r simd.PoolRow) {
	out := j.y[y : y+r.Pixels*r.C]
	var arg []uint8
	if j.arg != nil {
		arg = j.arg[y : y+r.Pixels*r.C]
	}
	if r.KH*r.KW == 0 { // the window is all padding
		ref.Fill(out, float32(math.Inf(-1)))
		clear(arg)
		return
	}
	simd.Active.MaxPool(out, arg, j.x[x:], r)
}

// MaxPool2DBack writes to each cell the sum of dy over the windows whose arg points at it.
func MaxPool2DBack[T Float](dx []T, arg []uint8, dy []T, s *Pool) {
	j := newPoolJob("max pooling gradient", dy, dx, arg, s)
	if j == nil {
		ref.MaxPool2DBack(dx, arg, dy, s)
		return
	}
	j.backward((*poolJob).maxBackRun)
}

func (j *poolJob) maxBackRun(x, y int, r simd.PoolRow) {
	if end := y + r.Pixels*r.C; r.KH*r.KW > 0 {
		simd.Active.MaxPoolBack(j.x[x:], j.arg[y:end], j.y[y:end], r)
	}
}

// AvgPool2D writes the mean of each window over the cells that are not padding.
func AvgPool2D[T Float](y, x []T, s *Pool) {
	j := newPoolJob("average pooling", y, x, nil, s)
	if j == nil {
		ref.AvgPool2D(y, x, s)
		return
	}
	j.forward((*poolJob).avgRun)
}

func (j *poolJob) avgRun(x, y int, r simd.PoolRow) {
	if out := j.y[y : y+r.Pixels*r.C]; r.KH*r.KW > 0 {
		simd.Active.AvgPool(out, j.x[x:], r)
	} else {
		clear(out)
	}
}

// AvgPool2DBack writes dx: each window adds dy / its number of cells to each of them.
func AvgPool2DBack[T Float](dx, dy []T, s *Pool) {
	j := newPoolJob("average pooling gradient", dy, dx, nil, s)
	if j == nil {
		ref.AvgPool2DBack(dx, dy, s)
		return
	}
	j.backward((*poolJob).avgBackRun)
}

func (j *poolJob) avgBackRun(x, y int, r simd.PoolRow) {
	if r.KH*r.KW > 0 {
		simd.Active.AvgPoolBack(j.x[x:], j.y[y:y+r.Pixels*r.C], r)
	}
}
