// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/kernel"
)

// update is one training step: forward, backward, optimiser, then what layers keep
// for themselves. An update with a loss that is no number is not made.
func (m *Model) update(p *plan, rate float64) error {
	c := m.compiled
	m.random.Step = uint64(c.steps)
	if err := p.run(); err != nil {
		return err
	}
	if l := p.loss(); math.IsNaN(l) || math.IsInf(l, 0) {
		return m.blameLayer(p, fmt.Errorf("the loss is %v after %d updates; a smaller learning rate than %g may help", l, c.updates(), rate))
	}
	for i := range m.free {
		c.grads[i] = p.gradient(i, c.readsGradients())
		if !c.guarded {
			continue
		}
		if at := kernel.Finite(c.grads[i].values); at >= 0 {
			return m.blameLayer(p, fmt.Errorf("a gradient is %v after %d updates", c.grads[i].values[at], c.updates()))
		}
	}
	c.steps++
	if err := m.apply(rate); err != nil {
		return err
	}
	p.update()
	return nil
}

// updates is the number of updates made.
func (c *compiled) updates() int { return c.steps / c.tuning.every() }

// apply changes the weights by the gradients, unless they are still accumulating.
func (m *Model) apply(rate float64) (err error) {
	defer caught(&err, "optimizer", m.compiled.optimizer, "Update")
	c, t := m.compiled, m.compiled.tuning
	if t.every() > 1 {
		for i := range m.free {
			accumulate(c.sums[i], c.grads[i])
		}
		if c.steps%t.every() != 0 {
			m.settle()
			return nil
		}
		for i := range m.free {
			c.mean(i)
		}
	} else if t.clips() > 0 {
		for i := range m.free {
			c.keep(i)
		}
	}
	c.clip()
	if t.WeightDecay > 0 {
		for _, w := range m.free {
			kernel.Scale(w.Value(), w.Value(), float32(1-t.WeightDecay*rate))
		}
	}
	if solver, ok := c.optimizer.(*solver); ok {
		if err := solver.step(m.free, c.grads); err != nil {
			return err
		}
	} else {
		for i, w := range m.free {
			g := c.grads[i]
			if g.sparse || g.parts != nil {
				if err := c.byRows[i].by(g, rate); err != nil {
					return err
				}
				continue
			}
			c.decay.finish(i, c.slots[i], c.updates()-1)
			c.optimizer.Update(w.Value(), g.values, c.slots[i], c.updates(), rate)
		}
	}
	m.settle()
	return nil
}

// settle is what follows on every batch, whether it made an update or accumulated. In
// Keras's order averages take weights that no constraint has changed yet, and they start
// anew with each batch until the one after the first update.
func (m *Model) settle() {
	c, t := m.compiled, m.compiled.tuning
	for i, w := range m.free {
		switch {
		case t.Average > 0 && c.steps <= t.every():
			copy(c.averages[i], w.Value())
		case t.Average > 0:
			kernel.Scale(c.averages[i], c.averages[i], float32(t.Average))
			kernel.AddScaled(c.averages[i], w.Value(), float32(1-t.Average))
		}
		w.constraint.apply(w.Value())
	}
}

// scheduled is the rate of the next batch where the optimizer has a schedule, else the one
// given. As in Keras schedules count batches, not updates.
func (c *compiled) scheduled(rate float64) (float64, error) {
	if s := c.tuning.Schedule; s.Schedule != nil {
		return s.rateAt(c.optimizer.Rate(), c.steps)
	}
	return rate, nil
}

// accumulate adds a gradient to a sum of the weight's size.
func accumulate(sum []float32, g gradient) {
	if !g.sparse {
		kernel.AddScaled(sum, g.values, 1)
		return
	}
	n := width(g.values, g.rows)
	for i, r := range g.rows {
		kernel.AddScaled(sum[int(r)*n:(int(r)+1)*n], g.values[i*n:(i+1)*n], 1)
	}
}

// mean turns the sum of gradients into their mean, in memory of the model's own, and
// starts the sum again. A sparse gradient is again one of the rows that are not 0.
func (c *compiled) mean(i int) {
	sum, g := c.sums[i], &c.grads[i]
	c.kept[i] = c.kept[i][:0]
	if !g.sparse {
		c.kept[i] = append(c.kept[i], sum...)
	} else {
		n := c.rowWidth[i]
		c.rows[i] = c.rows[i][:0]
		for r := range len(sum) / n {
			row := sum[r*n : (r+1)*n]
			if kernel.SumAbs(row) != 0 {
				c.rows[i] = append(c.rows[i], int32(r))
				c.kept[i] = append(c.kept[i], row...)
			}
		}
		g.rows = c.rows[i]
	}
	clear(sum)
	g.values = c.kept[i]
	kernel.Scale(g.values, g.values, 1/float32(c.tuning.every()))
}

// keep copies a gradient, whose memory is the graph's, to where it may be changed.
func (c *compiled) keep(i int) {
	c.kept[i] = append(c.kept[i][:0], c.grads[i].values...)
	c.grads[i].values = c.kept[i]
}

// clip clips the gradients, which are copies.
func (c *compiled) clip() {
	t := c.tuning
	switch {
	case t.ClipValue > 0:
		for _, g := range c.grads {
			kernel.Clip(g.values, g.values, float32(-t.ClipValue), float32(t.ClipValue))
		}
	case t.ClipNorm > 0:
		for _, g := range c.grads {
			shrink(g.values, t.ClipNorm, math.Sqrt(float64(kernel.SumSquares(g.values))))
		}
	case t.GlobalClipNorm > 0:
		var squares float64
		for _, g := range c.grads {
			squares += float64(kernel.SumSquares(g.values))
		}
		for _, g := range c.grads {
			shrink(g.values, t.GlobalClipNorm, math.Sqrt(squares))
		}
	}
}

// shrink scales g by limit/norm where that is below 1.
func shrink(g []float32, limit, norm float64) {
	if norm > limit {
		kernel.Scale(g, g, float32(limit/norm))
	}
}

// start makes the arrays that the optimiser and its settings keep for each weight.
func (c *compiled) start(free []*Weight) {
	first, _ := c.optimizer.(interface{ Start(slot string) float64 })
	n := len(free)
	c.grads, c.kept, c.rows, c.rowWidth = make([]gradient, n), make([][]float32, n), make([][]int32, n), make([]int, n)
	for i, w := range free {
		w.constraint = w.constraint.over(w.shape)
		size := Shape(w.shape).Size()
		c.rowWidth[i] = size
		if len(w.shape) > 0 {
			c.rowWidth[i] = size / w.shape[0]
		}
		var slots [][]float32
		for _, name := range c.optimizer.Slots() {
			s := kernel.Floats(size)
			if first != nil {
				kernel.Fill(s, float32(first.Start(name)))
			}
			slots = append(slots, s)
		}
		c.slots, c.byRows = append(c.slots, slots), append(c.byRows, newRowUpdate(c, i, w))
		if c.tuning.every() > 1 {
			c.sums = append(c.sums, kernel.Floats(size))
		}
		if c.tuning.Average > 0 {
			c.averages = append(c.averages, append([]float32(nil), w.Value()...))
		}
	}
	if o := c.alone(); o != nil {
		c.decay.start(o, n)
	}
}

// kept is an array that training keeps for a weight, as it is saved.
type kept struct {
	name   string
	shape  []int
	values []float32
}

// state are all arrays that training keeps, as they stand after the last update.
func (m *Model) state() []kept {
	c := m.compiled
	var list []kept
	for i, w := range m.free {
		c.decay.finish(i, c.slots[i], c.updates())
		add := func(name string, values []float32) {
			list = append(list, kept{"optimizer/" + m.paths[w] + "/" + name, w.shape, values})
		}
		for k, name := range c.optimizer.Slots() {
			add(name, c.slots[i][k])
		}
		if c.sums != nil {
			add("gradient_sum", c.sums[i])
		}
		if c.averages != nil {
			add("average", c.averages[i])
		}
	}
	return list
}

// average makes the averages of the weights the weights.
func (m *Model) average() {
	for i, a := range m.compiled.averages {
		copy(m.free[i].Value(), a)
	}
}
