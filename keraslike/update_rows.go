// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// gradient is that of one weight: of the whole array; or of some rows of it; or of some
// rows that are summed when they are asked for, a part after another.
type gradient struct {
	values []float32
	rows   []int32
	sparse bool
	parts  *graph.Rows
}

// gradient is that of the i-th trainable weight, which is read or only updated with.
func (p *plan) gradient(i int, read bool) gradient {
	rows, ok := p.gradients.nodes[i].Value().(*graph.Rows)
	switch {
	case !ok:
		return gradient{values: p.gradients.values[i]}
	case read:
		return gradient{values: rows.Values(), rows: rows.Index, sparse: true}
	}
	return gradient{parts: rows}
}

// readsGradients reports whether anything but the update needs the rows of a sparse
// gradient.
func (c *compiled) readsGradients() bool {
	_, solver := c.optimizer.(*solver)
	return solver || c.guarded || c.tuning.every() > 1 || c.tuning.clips() > 0
}

// alone is the optimizer where it may update the rows of a gradient without the others:
// an update by a gradient of 0 is known there, or not wanted. It is nil elsewhere.
func (c *compiled) alone() RowOptimizer {
	if o, ok := c.optimizer.(RowOptimizer); ok {
		if _, _, known := o.Decays(); known || c.tuning.LazyRows {
			return o
		}
	}
	return nil
}

// rowUpdate updates weight i by a gradient of some rows. It is made once, so that no step
// allocates it.
type rowUpdate struct {
	c         *compiled
	i         int
	w         *Weight
	optimizer RowOptimizer // nil for an update of all rows
	rate      float64
	some      func(rows []int32, g []float32)
	all       []float32 // the gradient of all rows, 0 between two updates

	// panicked is the first panic of a part, on whatever goroutine: one that nobody
	// recovers there ends the process.
	panicked atomic.Pointer[PanicError]
}

func newRowUpdate(c *compiled, i int, w *Weight) *rowUpdate {
	u := &rowUpdate{c: c, i: i, w: w, optimizer: c.alone()}
	u.some = u.spread
	if u.optimizer != nil {
		u.some = u.part
	}
	return u
}

// by updates by a sparse gradient.
func (u *rowUpdate) by(g gradient, rate float64) error {
	c, i := u.c, u.i
	u.rate = rate
	if u.optimizer != nil {
		c.decay.begin(i, c.slots[i], c.rowWidth[i], c.updates())
	} else if u.all == nil {
		u.all = kernel.Floats(len(u.w.Value()))
	}
	rows := g.rows
	if g.parts != nil {
		rows = g.parts.Index
		g.parts.Each(u.some)
	} else {
		u.some(rows, g.values)
	}
	if e := u.panicked.Swap(nil); e != nil {
		return e
	}
	if u.optimizer == nil {
		defer u.clear(rows) // also after a panic
		c.optimizer.Update(u.w.Value(), u.all, c.slots[i], c.updates(), rate)
	}
	return nil
}

func (u *rowUpdate) clear(rows []int32) {
	n := u.c.rowWidth[u.i]
	for _, r := range rows {
		clear(u.all[int(r)*n : (int(r)+1)*n])
	}
}

// caught keeps the first panic of a part.
func (u *rowUpdate) caught() {
	if r := recover(); r != nil {
		in := fmt.Sprintf("optimizer %q: UpdateRows", ownName(u.c.optimizer))
		u.panicked.CompareAndSwap(nil, &PanicError{In: in, Value: r, Stack: debug.Stack()})
	}
}

// part updates some rows, of which each is one part's: parts may be updated at the same
// time.
func (u *rowUpdate) part(rows []int32, g []float32) {
	defer u.caught()
	c, i := u.c, u.i
	c.decay.rows(i, c.slots[i], rows, c.rowWidth[i], c.updates())
	u.optimizer.UpdateRows(u.w.Value(), g, rows, c.slots[i], c.updates(), u.rate)
}

// spread puts some rows into the gradient of all, where the others are 0.
func (u *rowUpdate) spread(rows []int32, g []float32) {
	n := u.c.rowWidth[u.i]
	for k, r := range rows {
		copy(u.all[int(r)*n:(int(r)+1)*n], g[k*n:(k+1)*n])
	}
}
