// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/internal/kernel"

// rowDecay applies the updates that the rows of slots have missed, if these only multiply a
// running average by a factor. It does so when a row has a gradient again or when all rows
// are read, one multiplication for each missed update, so that the result is the same in
// every bit as with a decay at every update.
type rowDecay struct {
	slots   []int
	by      float32
	reached [][]int32 // by weight and row: the last update applied to the slots, -1 while they are 0
	all     [][]int32 // by weight: all row indices
}

func (d *rowDecay) init(optimizer RowOptimizer, weights int) {
	slots, by, ok := optimizer.Decays()
	if !ok {
		return
	}
	*d = rowDecay{slots, float32(by), make([][]int32, weights), make([][]int32, weights)}
}

// prepare prepares the bookkeeping of the rows of weight i, unless that was done before.
func (d *rowDecay) prepare(i int, slots [][]float32, width, now int) {
	if len(d.slots) == 0 || width == 0 || d.reached[i] != nil {
		return
	}
	since := int32(-1)
	for _, k := range d.slots {
		if kernel.SumAbs(slots[k]) != 0 {
			since = int32(now - 1)
		}
	}
	for r := range len(slots[0]) / width {
		d.reached[i], d.all[i] = append(d.reached[i], since), append(d.all[i], int32(r))
	}
}

// catchUpRows advances the given rows of weight i to the update before now, and marks them as
// updated at now.
func (d *rowDecay) catchUpRows(i int, slots [][]float32, rows []int32, width, now int) {
	if len(d.slots) == 0 || width == 0 {
		return
	}
	d.advance(i, slots, rows, width, now-1)
	for _, r := range rows {
		d.reached[i][r] = int32(now)
	}
}

// catchUp advances all rows of weight i to update now.
func (d *rowDecay) catchUp(i int, slots [][]float32, now int) {
	if len(d.slots) == 0 || d.reached[i] == nil {
		return
	}
	d.advance(i, slots, d.all[i], len(slots[0])/len(d.all[i]), now)
	for r, met := range d.reached[i] {
		if met >= 0 {
			d.reached[i][r] = int32(now)
		}
	}
}

func (d *rowDecay) advance(i int, slots [][]float32, rows []int32, width, to int) {
	for _, k := range d.slots {
		kernel.DecayRows(slots[k], d.by, d.reached[i], to, rows, width)
	}
}
