// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/internal/kernel"

// rowDecay applies the updates that the rows of slots have missed, if these only multiply a
// running average by a factor. It does so when a row has a gradient again or when all rows
// are read, one multiplication for each missed update, so that the result is the same in
// every bit as with a decay at every update.
type rowDecay struct {
	slots []int
	by    float32
	met   [][]int32 // by weight and row: the last update applied to the slots, -1 while they are 0
	all   [][]int32 // by weight: all row indices
}

func (d *rowDecay) start(optimizer RowOptimizer, weights int) {
	slots, by, ok := optimizer.Decays()
	if !ok {
		return
	}
	*d = rowDecay{slots, float32(by), make([][]int32, weights), make([][]int32, weights)}
}

// begin prepares the bookkeeping of the rows of weight i, unless that was done before.
func (d *rowDecay) begin(i int, slots [][]float32, width, now int) {
	if len(d.slots) == 0 || width == 0 || d.met[i] != nil {
		return
	}
	since := int32(-1)
	for _, k := range d.slots {
		if kernel.SumAbs(slots[k]) != 0 {
			since = int32(now - 1)
		}
	}
	for r := range len(slots[0]) / width {
		d.met[i], d.all[i] = append(d.met[i], since), append(d.all[i], int32(r))
	}
}

// rows advances the given rows of weight i to the update before now, and marks them as
// updated at now.
func (d *rowDecay) rows(i int, slots [][]float32, rows []int32, width, now int) {
	if len(d.slots) == 0 || width == 0 {
		return
	}
	d.reach(i, slots, rows, width, now-1)
	for _, r := range rows {
		d.met[i][r] = int32(now)
	}
}

// finish advances all rows of weight i to update now.
func (d *rowDecay) finish(i int, slots [][]float32, now int) {
	if len(d.slots) == 0 || d.met[i] == nil {
		return
	}
	d.reach(i, slots, d.all[i], len(slots[0])/len(d.all[i]), now)
	for r, met := range d.met[i] {
		if met >= 0 {
			d.met[i][r] = int32(now)
		}
	}
}

func (d *rowDecay) reach(i int, slots [][]float32, rows []int32, width, to int) {
	for _, k := range d.slots {
		kernel.DecayRows(slots[k], d.by, d.met[i], to, rows, width)
	}
}
