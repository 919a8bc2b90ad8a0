// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// These optimizers need a power of each element, or something of the whole parameter: a norm, sums
// over rows and columns, or matrix products.

// optimizerScratch is memory for one parameter, which is kept for the next.
type optimizerScratch struct{ u, squares, a, b []float32 }

var optimizerScratches parallel.FreeList[optimizerScratch]

// Ftrl (McMahan et al. 2013) with shrinkage: acc' = acc + g^2,
// lin += g + 2 shrink w - (acc'^-p - acc^-p) / lr w and
// w = (clip(lin, -l1, l1) - lin) / (acc'^-p / lr + 2 l2 + beta / lr). Where the divisor is 0, as is lin,
// w does not change.
func Ftrl[T Float](w, g, acc, lin []T, lr, power, l1, l2, shrink, beta T) {
	checkUpdate("ftrl", w, g, acc, lin, nil)
	w32, ok := single(w)
	if !ok {
		ref.Ftrl(w, g, acc, lin, lr, power, l1, l2, shrink, beta)
		return
	}
	ftrlJobs.Run(newFtrlJob(w32, f32(g), f32(acc), f32(lin), float32(lr), float32(power), float32(l1), float32(l2), float32(shrink), float32(beta)), len(w), costlyGrain)
}

// FtrlRows is Ftrl for some rows.
func FtrlRows[T Float](w, g, acc, lin []T, lr, power, l1, l2, shrink, beta T, rows []int32, dim int) {
	checkRowUpdate("ftrl rows", w, g, acc, lin, nil, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Ftrl(w[lo:hi], g[i*dim:(i+1)*dim], acc[lo:hi], lin[lo:hi], lr, power, l1, l2, shrink, beta)
		}
		return
	}
	j := newFtrlJob(w32, f32(g), f32(acc), f32(lin), float32(lr), float32(power), float32(l1), float32(l2), float32(shrink), float32(beta))
	ftrlRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.acc, j.lin}})
}

type ftrlJob struct {
	w, g, acc, lin                  []float32
	lr, power, l1, l2, shrink, beta float32
}

func newFtrlJob(w, g, acc, lin []float32, lr, power, l1, l2, shrink, beta float32) ftrlJob {
	return ftrlJob{w, g, acc, lin, lr, power, l1, l2, shrink, beta}
}

var (
	ftrlJobs     parallel.Jobs[ftrlJob, *ftrlJob]
	ftrlRowsJobs rowJobs[ftrlJob, *ftrlJob]
)

func (j *ftrlJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

func (j *ftrlJob) update(lo, hi int, g []float32) {
	ref.Ftrl(j.w[lo:hi], g, j.acc[lo:hi], j.lin[lo:hi], j.lr, j.power, j.l1, j.l2, j.shrink, j.beta)
}

// Lamb (You et al. 2020): m and v as in Adam, u = m / (1-b1^t) / (sqrt(v / (1-b2^t)) + eps) and
// w -= lr |w|/|u| u, where the ratio is 1 if a norm is 0.
func Lamb[T Float](w, g, m, v []T, lr, beta1, beta2, eps T, step int) {
	checkUpdate("lamb", w, g, m, v, nil)
	w32, ok := single(w)
	if !ok {
		ref.Lamb(w, g, m, v, lr, beta1, beta2, eps, step)
		return
	}
	s := optimizerScratches.Get()
	s.u = buffer.Grow(s.u, len(w))
	u := s.u[:len(w)]
	cm, cv := ref.LambRates(beta1, beta2, step)
	lambJobs.Run(lambJob{u, f32(g), f32(m), f32(v), float32(cm), float32(cv), float32(beta1), float32(beta2), float32(eps)}, len(w), cheapGrain)
	AddScaled(w32, u, -float32(lr)*float32(ref.NormRatio(float64(SumSquares(w32)), float64(SumSquares(u)))))
	optimizerScratches.Put(s)
}

type lambJob struct {
	u, g, m, v                []float32
	cm, cv, beta1, beta2, eps float32
}

var lambJobs parallel.Jobs[lambJob, *lambJob]

func (j *lambJob) Piece(lo, hi int) {
	ref.LambDirection(j.u[lo:hi], j.g[lo:hi], j.m[lo:hi], j.v[lo:hi], j.cm, j.cv, j.beta1, j.beta2, j.eps)
}

// ScheduleFree (Defazio et al. 2024) is schedule-free AdamW: w = (1-b1) z + b1 x interpolates between
// z, which takes the steps, and x, the mean of all z. With v as in Adam, z -= lr g / (sqrt(v / (1-b2^t)) + eps)
// and x = (1-1/t) x + z/t. x is not stored, it follows from w and z.
func ScheduleFree[T Float](w, g, z, v []T, lr, beta1, beta2, eps T, step int) {
	checkUpdate("schedule-free", w, g, z, v, nil)
	w32, ok := single(w)
	if !ok {
		ref.ScheduleFree(w, g, z, v, lr, beta1, beta2, eps, step)
		return
	}
	_, cv := ref.LambRates(beta1, beta2, step)
	scheduleFreeJobs.Run(scheduleFreeJob{w32, f32(g), f32(z), f32(v), float32(lr), float32(cv), float32(1 / float64(step)), float32(beta1), float32(beta2), float32(eps)}, len(w), cheapGrain)
}

type scheduleFreeJob struct {
	w, g, z, v                      []float32
	lr, cv, part, beta1, beta2, eps float32
}

var scheduleFreeJobs parallel.Jobs[scheduleFreeJob, *scheduleFreeJob]

func (j *scheduleFreeJob) Piece(lo, hi int) {
	ref.ScheduleFreeUpdate(j.w[lo:hi], j.g[lo:hi], j.z[lo:hi], j.v[lo:hi], j.lr, j.cv, j.part, j.beta1, j.beta2, j.eps)
}

// Adafactor (Shazeer & Stern 2018) of matrices rows x cols, one after another: r and c are running
// averages of the means of g^2 + eps1 over rows and columns, with decay b2, and v_ij = r_i c_j / mean r;
// u = g / sqrt(v) and w -= lr max(eps2, rms(w)) u / max(1, rms(u) / clip), with rms over all matrices.
func Adafactor[T Float](w, g, r, c []T, rows, cols int, lr, beta2, eps1, eps2, clip T) {
	size := rows * cols
	sameLen("adafactor", len(w), len(g), len(r)*cols, len(c)*rows)
	w32, ok := single(w)
	if !ok {
		ref.Adafactor(w, g, r, c, rows, cols, lr, beta2, eps1, eps2, clip)
		return
	}
	if size == 0 {
		return
	}
	s := optimizerScratches.Get()
	s.u, s.squares, s.a = buffer.Grow(s.u, len(w)), buffer.Grow(s.squares, size), buffer.Grow(s.a, cols)
	u, sums := s.u[:len(w)], s.a[:cols]
	b2, keep := float32(beta2), float32(1-beta2)
	for k := range len(w) / size {
		g, r, c := f32(g)[k*size:(k+1)*size], f32(r)[k*rows:(k+1)*rows], f32(c)[k*cols:(k+1)*cols]
		adafactorRowJobs.Run(adafactorRowJob{s.squares[:size], g, r, cols, b2, float32(eps1)}, rows, rowGrain(cheapGrain, cols))
		ColSum(sums, s.squares[:size], rows, cols)
		for j, sum := range sums {
			c[j] = b2*c[j] + keep*sum/float32(rows)
		}
		mean := Sum(r) / float32(rows)
		adafactorJobs.Run(adafactorJob{u[k*size : (k+1)*size], g, r, c, mean}, rows, rowGrain(cheapGrain, cols))
	}
	AddScaled(w32, u, -ref.AdafactorStep(len(w), float32(lr), float32(eps2), float32(clip), float64(SumSquares(w32)), float64(SumSquares(u))))
	optimizerScratches.Put(s)
}

// adafactorRowJob writes the squares of rows and updates their averages.
type adafactorRowJob struct {
	squares, g, r []float32
	cols          int
	beta2, eps1   float32
}

var adafactorRowJobs parallel.Jobs[adafactorRowJob, *adafactorRowJob]

func (j *adafactorRowJob) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		row := j.squares[i*j.cols : (i+1)*j.cols]
		for k, v := range j.g[i*j.cols : (i+1)*j.cols] {
			row[k] = v*v + j.eps1
		}
		j.r[i] = j.beta2*j.r[i] + (1-j.beta2)*float32(simd.Active.Sum(row)/float64(j.cols))
	}
}

// adafactorJob writes the directions of rows.
type adafactorJob struct {
	u, g, r, c []float32
	mean       float32
}

var adafactorJobs parallel.Jobs[adafactorJob, *adafactorJob]

func (j *adafactorJob) Piece(lo, hi int) {
	cols := len(j.c)
	ref.AdafactorDirection(j.u[lo*cols:hi*cols], j.g[lo*cols:hi*cols], j.r[lo:hi], j.c, j.mean)
}

// AdafactorVector is Adafactor of a vector, whose v is a running average of g^2 + eps1.
func AdafactorVector[T Float](w, g, v []T, lr, beta2, eps1, eps2, clip T) {
	checkUpdate("adafactor", w, g, v, nil, nil)
	w32, ok := single(w)
	if !ok {
		ref.AdafactorVector(w, g, v, lr, beta2, eps1, eps2, clip)
		return
	}
	s := optimizerScratches.Get()
	s.u = buffer.Grow(s.u, len(w))
	u := s.u[:len(w)]
	adafactorVectorJobs.Run(adafactorVectorJob{u, f32(g), f32(v), float32(beta2), float32(eps1)}, len(w), cheapGrain)
	AddScaled(w32, u, -ref.AdafactorStep(len(w), float32(lr), float32(eps2), float32(clip), float64(SumSquares(w32)), float64(SumSquares(u))))
	optimizerScratches.Put(s)
}

type adafactorVectorJob struct {
	u, g, v     []float32
	beta2, eps1 float32
}

var adafactorVectorJobs parallel.Jobs[adafactorVectorJob, *adafactorVectorJob]

func (j *adafactorVectorJob) Piece(lo, hi int) {
	ref.AdafactorVectorDirection(j.u[lo:hi], j.g[lo:hi], j.v[lo:hi], j.beta2, j.eps1)
}

// Muon writes the momentum m = momentum m + g and moves w against its orthogonalization: x is m, or
// g + momentum m in Nesterov's form, divided by its norm plus 1e-7; steps times a = x x' and
// x = ca x + (cb a + cc a a) x, the Newton-Schulz iteration of Jordan et al. (2024), which brings all
// singular values near 1; w -= lr x. If there are more rows than columns, x' takes the place of x.
func Muon[T Float](w, g, m []T, rows, cols int, lr, momentum T, nesterov bool, steps int, coefficients [3]T) {
	checkUpdate("muon", w, g, m, nil, nil)
	sameLen("muon", rows*cols, len(w))
	w32, ok := single(w)
	if !ok {
		ref.Muon(w, g, m, rows, cols, lr, momentum, nesterov, steps, coefficients)
		return
	}
	n := min(rows, cols)
	s := optimizerScratches.Get()
	s.u, s.squares = buffer.Grow(s.u, len(w)), buffer.Grow(s.squares, len(w))
	s.a, s.b = buffer.Grow(s.a, n*n), buffer.Grow(s.b, n*n)
	x, y, a, b := s.u[:len(w)], s.squares[:len(w)], s.a[:n*n], s.b[:n*n]
	m32, g32 := f32(m), f32(g)
	Scale(m32, m32, float32(momentum))
	AddScaled(m32, g32, 1)
	if nesterov {
		Scale(x, m32, float32(momentum))
		AddScaled(x, g32, 1)
	} else {
		copy(x, m32)
	}
	Scale(x, x, 1/(float32(math.Sqrt(float64(SumSquares(x))))+1e-7))
	for range steps {
		if rows > cols {
			Gemm(true, false, n, n, rows, x, cols, x, cols, 0, a, n)
		} else {
			Gemm(false, true, n, n, cols, x, cols, x, cols, 0, a, n)
		}
		Gemm(false, false, n, n, n, a, n, a, n, 0, b, n)
		Scale(b, b, float32(coefficients[2]))
		AddScaled(b, a, float32(coefficients[1]))
		if rows > cols {
			Gemm(false, false, rows, cols, n, x, cols, b, n, 0, y, cols)
		} else {
			Gemm(false, false, rows, cols, n, b, n, x, cols, 0, y, cols)
		}
		Scale(x, x, float32(coefficients[0]))
		AddScaled(x, y, 1)
	}
	AddScaled(w32, x, -float32(lr))
	optimizerScratches.Put(s)
}
