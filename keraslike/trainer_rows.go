// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// gradient is the gradient of one weight: of the whole array, of some of its rows, or of rows
// that are summed on demand, one part after another.
type gradient struct {
	values []float32
	rows   []int32
	sparse bool
	parts  *graph.RowSparse
}

// addTo adds the gradient to a sum of the weight's size.
func (g gradient) addTo(sum []float32) {
	if !g.sparse {
		kernel.AddScaled(sum, g.values, 1)
		return
	}
	n := rowWidth(g.values, g.rows)
	for i, r := range g.rows {
		kernel.AddScaled(sum[int(r)*n:(int(r)+1)*n], g.values[i*n:(i+1)*n], 1)
	}
}

// readsGradients reports whether anything other than the update reads the rows of sparse
// gradients.
func (t *trainer) readsGradients() bool {
	_, joint := t.optimizer.(jointOptimizer)
	return joint || t.checksGradients || t.settings.batches() > 1 || t.settings.clips() > 0
}

// rowOptimizer returns the optimizer if it may update only the rows of a sparse gradient,
// because the effect on the other rows is known or LazyRows is set; otherwise nil.
func (t *trainer) rowOptimizer() RowOptimizer {
	if o, ok := t.optimizer.(RowOptimizer); ok {
		if _, _, known := o.Decays(); known || t.settings.LazyRows {
			return o
		}
	}
	return nil
}

// rowUpdate updates weight i from a sparse gradient. It is made once, so that steps do not
// allocate.
type rowUpdate struct {
	t          *trainer
	i          int
	w          *Weight
	optimizer  RowOptimizer // nil if every update covers all rows
	rate       float64
	updatePart func(rows []int32, g []float32)
	all        []float32 // the gradient of all rows, 0 between updates

	// panicked is the first panic of a part. Parts run on several goroutines, where a panic
	// that is not recovered ends the process.
	panicked atomic.Pointer[PanicError]
}

func newRowUpdate(t *trainer, i int, w *Weight) *rowUpdate {
	u := &rowUpdate{t: t, i: i, w: w, optimizer: t.rowOptimizer()}
	u.updatePart = u.scatter
	if u.optimizer != nil {
		u.updatePart = u.part
	}
	return u
}

// apply updates the weight from a sparse gradient.
func (u *rowUpdate) apply(g gradient, rate float64) error {
	t, i := u.t, u.i
	u.rate = rate
	if u.optimizer != nil {
		t.decay.prepare(i, t.slots[i], t.rowWidth[i], t.updates())
	} else if u.all == nil {
		u.all = kernel.Floats(len(u.w.floats()))
	}
	rows := g.rows
	if g.parts != nil {
		rows = g.parts.Index
		g.parts.Each(u.updatePart)
	} else {
		u.updatePart(rows, g.values)
	}
	if e := u.panicked.Swap(nil); e != nil {
		return e
	}
	if u.optimizer == nil {
		defer u.clear(rows) // also after a panic
		t.each[i].Update(u.w.floats(), u.all, t.slots[i], t.updates(), rate)
	}
	return nil
}

func (u *rowUpdate) clear(rows []int32) {
	n := u.t.rowWidth[u.i]
	for _, r := range rows {
		clear(u.all[int(r)*n : (int(r)+1)*n])
	}
}

// caught recovers a panic of a part and keeps the first one.
func (u *rowUpdate) caught() {
	if r := recover(); r != nil {
		in := fmt.Sprintf("optimizer %q: UpdateRows", displayName(u.t.optimizer))
		u.panicked.CompareAndSwap(nil, &PanicError{In: in, Value: r, Stack: debug.Stack()})
	}
}

// part updates some rows. Parts have no rows in common, so they may be updated concurrently.
func (u *rowUpdate) part(rows []int32, g []float32) {
	defer u.caught()
	t, i := u.t, u.i
	t.decay.catchUpRows(i, t.slots[i], rows, t.rowWidth[i], t.updates())
	u.optimizer.UpdateRows(u.w.floats(), g, rows, t.slots[i], t.updates(), u.rate)
}

// scatter copies rows into the gradient of all rows.
func (u *rowUpdate) scatter(rows []int32, g []float32) {
	n := u.t.rowWidth[u.i]
	for k, r := range rows {
		copy(u.all[int(r)*n:(int(r)+1)*n], g[k*n:(k+1)*n])
	}
}
