// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// Sums over many pixels are split into partial sums, as many as the shape
// asks for and never as many as there are workers, and added up in order.
const (
	pixelsPerPartial = 5000    // adding up a partial sum then costs 1 % of making it
	maxPartials      = 16      // and so workers beyond some number find nothing to do
	maxPartialFloats = 1 << 20 // of all partial sums
	reduceFloats     = 4096    // floats a unit of the reduction
)

// addPartials sets dst to the sum of as many vectors, one after the other in sums.
func addPartials(dst []float32, sums unsafe.Pointer, partials int) {
	j := partialsJobs.Get()
	*j = partialsJob{dst, unsafe.Slice((*float32)(sums), partials*len(dst))}
	parallel.Run(j, ceilDiv(len(dst), reduceFloats))
	*j = partialsJob{}
	partialsJobs.Put(j)
}

type partialsJob struct{ dst, sums []float32 }

var partialsJobs parallel.FreeList[partialsJob]

func (j *partialsJob) Unit(u int, _ *parallel.Worker) {
	lo, hi := u*reduceFloats, min(len(j.dst), (u+1)*reduceFloats)
	dst := j.dst[lo:hi]
	copy(dst, j.sums[lo:])
	for at := len(j.dst) + lo; at < len(j.sums); at += len(j.dst) {
		for i, v := range j.sums[at:][:len(dst)] {
			dst[i] += v
		}
	}
}
