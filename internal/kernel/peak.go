// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// peakJob performs rounds of independent multiply-adds, one unit per worker.
type peakJob struct{ rounds int }

func (j *peakJob) Unit(int, *parallel.Worker) { simd.Active.Peak(j.rounds) }

var peakJobs parallel.FreeList[peakJob]

// Peak performs multiply-adds that need no memory on all workers for about 20 µs and returns the
// number of floating-point operations: no matrix product can exceed their rate. In portable Go it
// returns 0.
func Peak() (flop float64) {
	if simd.Active.Peak == nil {
		return 0
	}
	j := peakJobs.Get()
	defer peakJobs.Put(j)
	j.rounds = 10_000
	parallel.Run(j, parallel.Workers())
	return 2 * simd.PeakChains * float64(int(1)<<simd.Active.LaneBits) * float64(j.rounds) * float64(parallel.Workers())
}
