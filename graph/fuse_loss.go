// SPDX-License-Identifier: Apache-2.0

package graph

import "slices"

// pairLosses computes each loss together with the gradient of its predictions, so that predictions and
// targets are read from memory once. The gradient's op keeps the losses, and the op of the loss, which
// now comes after it, copies them.
func (c *compiler) pairLosses() {
	paired := false
	for i, o := range c.ops {
		if o == nil || c.nodes[i].Dtype() != Float32 {
			continue
		}
		kind, ok := o.kind.(gradOf)
		if !ok {
			continue
		}
		x := c.lossOf(i, kind.loss)
		if x < 0 {
			continue
		}
		d := c.children[i][2] // the gradient of the losses
		if mean := c.ops[d]; mean != nil && mean.kind == (meanGrad{}) && c.children[d][0] == x {
			c.ops[d], c.children[d] = fusedOp(mean, mean.run.f32), c.children[d][1:]
		}
		if c.dependsOn(i, x) {
			continue
		}
		losses := new(keptLosses)
		c.ops[i], c.ops[x] = fusedOp(o, losses.runBoth(kind.loss.both)), fusedOp(c.ops[x], losses.run)
		c.children[x] = []int{i}
		paired = true
	}
	if paired {
		c.arrange(c.order())
	}
}

// lossOf returns the loss whose gradient is node i, -1 if no root needs it.
func (c *compiler) lossOf(i int, loss *pairedLoss) int {
	return slices.IndexFunc(c.ops[:i], func(o *op) bool { return o != nil && o.kind == any(loss) })
}

// dependsOn reports whether node i depends on node x.
func (c *compiler) dependsOn(i, x int) bool {
	seen, next := make([]bool, len(c.nodes)), []int{i}
	for len(next) > 0 {
		i, next = next[len(next)-1], next[:len(next)-1]
		if seen[i] {
			continue
		}
		seen[i] = true
		next = append(next, c.children[i]...)
	}
	return seen[x]
}

// order returns the nodes in their order, except that those whose children come later follow them.
func (c *compiler) order() []int {
	order, done, waiting := make([]int, 0, len(c.nodes)), make([]bool, len(c.nodes)), map[int][]int{}
	var add func(i int)
	add = func(i int) {
		for _, j := range c.children[i] {
			if !done[j] {
				waiting[j] = append(waiting[j], i)
				return
			}
		}
		order, done[i] = append(order, i), true
		for _, j := range waiting[i] {
			add(j)
		}
	}
	for i := range c.nodes {
		add(i)
	}
	return order
}

// keptLosses holds the losses of a batch between the ops of the gradient and of the loss.
type keptLosses struct{ values []float32 }

func (l *keptLosses) runBoth(both lossAndGrad) func(*call[float32]) error {
	return func(c *call[float32]) error {
		rows, cols := asMatrix(c.inShape[0])
		if l.values == nil {
			l.values = make([]float32, rows)
		}
		both(l.values, c.out, c.in[0], c.in[1], c.in[2], rows, cols)
		return nil
	}
}

func (l *keptLosses) run(c *call[float32]) error {
	copy(c.out, l.values)
	return nil
}
