// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

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
	k := p.firstGradient + i
	rows, ok := p.values[k].(*graph.Rows)
	switch {
	case !ok:
		return gradient{values: p.floats[k]}
	case read:
		return gradient{values: rows.Values(), rows: rows.Index, sparse: true}
	}
	return gradient{parts: rows}
}

// readsGradients reports whether anything but the optimiser's UpdateRows needs the rows of
// a sparse gradient.
func (c *compiled) readsGradients() bool {
	_, solver := c.optimizer.(*solver)
	return solver || c.guarded || c.tuning.every() > 1 || c.tuning.clips() > 0
}

// rowUpdate updates rows of weight i. It is made once, so that no step allocates it.
type rowUpdate struct {
	c    *compiled
	i    int
	rate float64
	some func(rows []int32, g []float32)
}

func newRowUpdate(c *compiled, i int, w *Weight) *rowUpdate {
	u := &rowUpdate{c: c, i: i}
	u.some = func(rows []int32, g []float32) {
		c.decay.rows(i, c.slots[i], rows, c.rowWidth[i], c.updates())
		c.optimizer.UpdateRows(w.Value(), g, rows, c.slots[i], c.updates(), u.rate)
	}
	return u
}

// begin returns what updates some rows, of which each is one part's: parts may be updated at
// the same time.
func (u *rowUpdate) begin(rate float64) (some func(rows []int32, g []float32)) {
	u.c.decay.begin(u.i, u.c.slots[u.i], u.c.rowWidth[u.i], u.c.updates())
	u.rate = rate
	return u.some
}
