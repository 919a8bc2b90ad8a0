// SPDX-License-Identifier: Apache-2.0

package kernel

// peakChains is what the assembly has in a round; see asm/peak.go.
const peakChains = 12

// peakJob makes rounds of independent multiply-adds, one unit a worker.
type peakJob struct{ rounds int }

func (j *peakJob) unit(int, *worker) { current.peak(j.rounds) }

var peakJobs freeList[peakJob]

// Peak makes multiply-adds that need no memory on all workers, some 20 µs, and returns how
// many floating-point operations these were: their speed is what no matrix product can
// exceed. It is 0 where the path in use has no such instructions.
func Peak() (flop float64) {
	if current.peak == nil {
		return 0
	}
	j := peakJobs.get()
	defer peakJobs.put(j)
	j.rounds = 10_000
	run(j, Workers())
	return 2 * peakChains * float64(int(1)<<current.laneBits) * float64(j.rounds) * float64(Workers())
}
