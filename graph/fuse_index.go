// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/reef-dl/reef/internal/kernel"

// shareIndexes lets an embedding find out where each id occurs, where the gradient of its
// table needs to know. It then copies the rows in the order in which they will be updated, by
// the same workers.
func (c *compiler) shareIndexes() {
	for i, o := range c.ops {
		x := c.lookupBefore(i)
		if x < 0 {
			continue
		}
		rows := &Rows{shape: c.nodes[i].Shape()}
		c.ops[x] = fusedOp(c.ops[x], runEmbeddingOf(rows))
		c.ops[i] = fusedOp(o, runEmbeddingGradOf(rows))
		c.ops[i].kind, c.ops[i].sparse = o.kind, func() Value { return rows }
	}
}

// lookupBefore returns the embedding of the ids of node i, if that is a gradient whose rows
// are summed later, else -1.
func (c *compiler) lookupBefore(i int) int {
	table := c.nodes[i].Shape()
	if !c.summedLater(i) || !kernel.GatherPays(table[1]) {
		return -1
	}
	for x, o := range c.ops[:i] {
		if o == nil {
			continue
		}
		if _, ok := o.kind.(lookup); ok && c.children[x][0] == c.children[i][0] && equal(c.second(x), table) {
			return x
		}
	}
	return -1
}

// runEmbeddingOf leaves in rows where the rows of the table went.
func runEmbeddingOf(rows *Rows) func(*call[float32]) error {
	return func(c *call[float32]) error {
		table := c.inShape[1]
		if bad := rows.grad.Gather(c.out, c.in[1], c.in[0], len(c.in[0]), table[0], table[1]); bad >= 0 {
			return badID(c.in[0], bad, table[0])
		}
		return nil
	}
}

// runEmbeddingGradOf makes the gradient of that.
func runEmbeddingGradOf(rows *Rows) func(*call[float32]) error {
	return func(c *call[float32]) error {
		rows.Index = rows.grad.OfGathered(c.in[1])
		return nil
	}
}
