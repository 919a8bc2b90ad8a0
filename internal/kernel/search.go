// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// search is a pass over 0..n-1 in which each piece reports the first invalid index.
type search struct {
	parallel.Pieces
	bad []int // one per piece, -1 if all elements are valid
}

func (s *search) start(n, grain int) {
	s.Pieces = parallel.Cut(n, grain)
	s.bad = buffer.Resize(s.bad, s.Count())
}

// report records that element i of piece u, counted from the start of the piece, is invalid; -1
// means none is.
func (s *search) report(u, i int) {
	if i >= 0 {
		lo, _ := s.Bounds(u)
		i += lo
	}
	s.bad[u] = i
}

// first returns the first invalid index, or -1.
func (s *search) first() int {
	for _, i := range s.bad {
		if i >= 0 {
			return i
		}
	}
	return -1
}

// Finite returns the first index at which x is NaN or infinite, or -1.
func Finite[T Float](x []T) (firstBad int) {
	x32, ok := single(x)
	if !ok {
		return ref.Finite(x)
	}
	j := finiteJobs.Get()
	j.x = x32
	j.start(len(x32), cheapGrain)
	j.Run(j)
	firstBad = j.first()
	j.x = nil
	finiteJobs.Put(j)
	return firstBad
}

type finiteJob struct {
	search
	x []float32
}

var finiteJobs parallel.FreeList[finiteJob]

func (j *finiteJob) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	j.report(u, simd.Active.Finite(j.x[lo:hi]))
}
