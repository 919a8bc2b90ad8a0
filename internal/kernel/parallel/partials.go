// SPDX-License-Identifier: Apache-2.0

package parallel

import "github.com/reef-dl/reef/internal/kernel/simd"

// AddPartials sets dst to the sum of the consecutive vectors in partials, added in order. dst
// may be the first of them.
func AddPartials(dst, partials []float32) {
	const grain = 4096 // elements of each vector, so that dst stays in the first-level cache
	partialsJobs.Run(partialsJob{dst, partials}, len(dst), grain)
}

type partialsJob struct{ dst, partials []float32 }

var partialsJobs Jobs[partialsJob, *partialsJob]

func (j *partialsJob) Piece(lo, hi int) {
	dst := j.dst[lo:hi]
	copy(dst, j.partials[lo:])
	for at := len(j.dst) + lo; at < len(j.partials); at += len(j.dst) {
		simd.Active.Add(dst, dst, j.partials[at:][:len(dst)])
	}
}
