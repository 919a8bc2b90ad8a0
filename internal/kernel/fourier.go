// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// DFT writes the discrete Fourier transform of each of rows complex vectors of n elements, pairs of a real
// and an imaginary part:
//
//	y_k = Σ_j x_j exp(∓2πi jk/n)
//
// The sign is - , or + if inverse is set; neither is scaled. It is computed in double precision.
func DFT[T Float](dst, x []T, rows, n int, inverse bool) {
	sameLen("dft", 2*rows*n, len(dst), len(x))
	if n == 0 {
		return
	}
	jobs := dftJobsOf[T]()
	jobs.Run(dftJob[T]{dst, x, n, inverse}, rows, rowGrain(costlyGrain, 8*n))
}

type dftJob[T Float] struct {
	dst, x  []T
	n       int
	inverse bool
}

var (
	dftJobs32 parallel.Jobs[dftJob[float32], *dftJob[float32]]
	dftJobs64 parallel.Jobs[dftJob[float64], *dftJob[float64]]
)

func dftJobsOf[T Float]() *parallel.Jobs[dftJob[T], *dftJob[T]] {
	if j, ok := any(&dftJobs32).(*parallel.Jobs[dftJob[T], *dftJob[T]]); ok {
		return j
	}
	return any(&dftJobs64).(*parallel.Jobs[dftJob[T], *dftJob[T]])
}

// dftPlan is what one transform of a length needs.
type dftPlan struct {
	fft  *fourier.CmplxFFT
	a, b []complex128
}

var dftPlans parallel.FreeList[dftPlan]

func (j *dftJob[T]) Piece(lo, hi int) {
	p := dftPlans.Get()
	if p.fft == nil || p.fft.Len() != j.n {
		p.fft = fourier.NewCmplxFFT(j.n)
		p.a, p.b = make([]complex128, j.n), make([]complex128, j.n)
	}
	for r := lo; r < hi; r++ {
		x, dst := j.x[2*r*j.n:2*(r+1)*j.n], j.dst[2*r*j.n:2*(r+1)*j.n]
		for i := range p.a {
			p.a[i] = complex(float64(x[2*i]), float64(x[2*i+1]))
		}
		if j.inverse {
			p.fft.Sequence(p.b, p.a)
		} else {
			p.fft.Coefficients(p.b, p.a)
		}
		for i, v := range p.b {
			dst[2*i], dst[2*i+1] = T(real(v)), T(imag(v))
		}
	}
	dftPlans.Put(p)
}
