// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/reef-dl/reef/internal/kernel/parallel"

// Taps is a matrix with few numbers in each row: row r has Weight[k] in column Index[k] for k from First[r]
// to First[r+1]-1.
type Taps[T Float] struct {
	First, Index []int
	Weight       []T
}

// Rows returns the number of rows.
func (t *Taps[T]) Rows() int { return len(t.First) - 1 }

// Resample multiplies an axis by a matrix of rows x n: dst (outer, rows, inner), x (outer, n, inner),
//
//	dst_ori = Σ_k weight_rk x_oki
func Resample[T Float](dst, x []T, taps *Taps[T], outer, n, inner int) {
	rows := taps.Rows()
	sameLen("resample", outer*rows*inner, len(dst))
	sameLen("resample", outer*n*inner, len(x))
	jobs := resampleJobsOf[T]()
	jobs.Run(resampleJob[T]{dst, x, taps, n, inner}, outer*rows, rowGrain(cheapGrain, inner*(1+len(taps.Index)/max(rows, 1))))
}

type resampleJob[T Float] struct {
	dst, x   []T
	taps     *Taps[T]
	n, inner int
}

var (
	resampleJobs32 parallel.Jobs[resampleJob[float32], *resampleJob[float32]]
	resampleJobs64 parallel.Jobs[resampleJob[float64], *resampleJob[float64]]
)

func resampleJobsOf[T Float]() *parallel.Jobs[resampleJob[T], *resampleJob[T]] {
	if j, ok := any(&resampleJobs32).(*parallel.Jobs[resampleJob[T], *resampleJob[T]]); ok {
		return j
	}
	return any(&resampleJobs64).(*parallel.Jobs[resampleJob[T], *resampleJob[T]])
}

func (j *resampleJob[T]) Piece(lo, hi int) {
	rows := j.taps.Rows()
	for u := lo; u < hi; u++ {
		o, r := u/rows, u%rows
		dst := j.dst[u*j.inner : (u+1)*j.inner]
		first, end := j.taps.First[r], j.taps.First[r+1]
		row := func(k int) []T { return j.x[(o*j.n+j.taps.Index[k])*j.inner:][:len(dst)] }
		switch {
		case end-first >= 2:
			scaleTwo(dst, row(first), row(first+1), j.taps.Weight[first], j.taps.Weight[first+1])
			first += 2
		default:
			clear(dst)
		}
		for k := first; k < end; k++ {
			w := j.taps.Weight[k]
			for i, v := range row(k) {
				dst[i] += w * v
			}
		}
	}
}

// scaleTwo writes dst = v·x + w·y.
func scaleTwo[T Float](dst, x, y []T, v, w T) {
	x, y = x[:len(dst)], y[:len(dst)]
	for len(dst) >= 4 {
		d, a, b := dst[:4:4], x[:4:4], y[:4:4]
		d[0], d[1], d[2], d[3] = v*a[0]+w*b[0], v*a[1]+w*b[1], v*a[2]+w*b[2], v*a[3]+w*b[3]
		dst, x, y = dst[4:], x[4:], y[4:]
	}
	for i := range dst {
		dst[i] = v*x[i] + w*y[i]
	}
}
