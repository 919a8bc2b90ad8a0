// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Dropout writes dst_i = x_i m_i / (1-rate), where m_i is 1 with probability 1-rate, else 0. The
// mask depends only on (key, stream, step, i) (Philox4x32-10), so the gradient is the same call
// on dy and no mask is stored. A dropped element is 0 even if x is NaN. dst may be x.
func Dropout[T Float](dst, x []T, rate float64, key, stream, step uint64) {
	sameLen("dropout", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.Dropout(dst, x, rate, key, stream, step, 0)
		return
	}
	dropoutJobs.Run(dropoutJob{d, f32(x), rate, key, stream, step}, len(d), costlyGrain)
}

type dropoutJob struct {
	dst, x            []float32
	rate              float64
	key, stream, step uint64
}

var dropoutJobs parallel.Jobs[dropoutJob, *dropoutJob]

func (j *dropoutJob) Piece(lo, hi int) {
	simd.Active.Dropout(j.dst[lo:hi], j.x[lo:hi], j.rate, j.key, j.stream, j.step, lo)
}

// DropoutMask writes the scaled mask m_i / (1-rate) of Dropout, for masks shared by several
// elements (spatial and recurrent dropout).
func DropoutMask[T Float](dst []T, rate float64, key, stream, step uint64) {
	Fill(dst, 1)
	Dropout(dst, dst, rate, key, stream, step)
}

// Normal writes standard normal numbers that depend only on (key, stream, step, i).
func Normal[T Float](dst []T, key, stream, step uint64) {
	d, ok := single(dst)
	if !ok {
		ref.Normal(dst, key, stream, step, 0)
		return
	}
	normalJobs.Run(normalJob{d, key, stream, step}, len(d), costlyGrain)
}

type normalJob struct {
	dst               []float32
	key, stream, step uint64
}

var normalJobs parallel.Jobs[normalJob, *normalJob]

func (j *normalJob) Piece(lo, hi int) { ref.Normal(j.dst[lo:hi], j.key, j.stream, j.step, lo) }

// Uniform writes numbers in [0, 1) that depend only on (key, stream, step, i).
func Uniform[T Float](dst []T, key, stream, step uint64) {
	d, ok := single(dst)
	if !ok {
		ref.Uniform(dst, key, stream, step, 0)
		return
	}
	uniformJobs.Run(uniformJob{d, key, stream, step}, len(d), costlyGrain)
}

type uniformJob normalJob

var uniformJobs parallel.Jobs[uniformJob, *uniformJob]

func (j *uniformJob) Piece(lo, hi int) { ref.Uniform(j.dst[lo:hi], j.key, j.stream, j.step, lo) }
