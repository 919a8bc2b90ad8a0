// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// search is a pass over 0..n-1 in which each piece reports the first index that is bad.
type search struct {
	pieces
	bad []int // by piece, -1 where all is good
}

func (s *search) start(n, grain int) {
	s.pieces, s.bad = pieces{n, grain}, resized(s.bad, ceilDiv(n, grain))
}

// report notes that element i of piece u is bad, counted from the piece's start; -1 says none is.
func (s *search) report(u, i int) {
	if i >= 0 {
		i += u * s.grain
	}
	s.bad[u] = i
}

// first returns the first bad index, or -1.
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
	j := finiteJobs.get()
	j.x = x32
	j.start(len(x32), cheapGrain)
	j.run(j)
	firstBad = j.first()
	j.x = nil
	finiteJobs.put(j)
	return firstBad
}

type finiteJob struct {
	search
	x []float32
}

var finiteJobs freeList[finiteJob]

func (j *finiteJob) unit(u int, _ *worker) {
	lo, hi := j.bounds(u)
	j.report(u, simd.Active.Finite(j.x[lo:hi]))
}
