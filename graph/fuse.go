// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// fuse computes convolutions of an embedding and their gradients directly from the ids and
// the table where that takes fewer multiplications; kernel.EmbeddingConv has the formulas.
// Nodes whose values are no longer read are removed. The graph itself keeps the ops as
// they were written and differentiated: fusion is internal to the Program.
func (c *compiler) fuse() {
	for i, o := range c.ops {
		if o == nil || c.nodes[i].Dtype() != Float32 {
			continue
		}
		var fused *op
		var in []int
		switch kind := o.kind.(type) {
		case convolution: // of (embedding(ids, table), w, ...)
			if x := c.embedding(i, 0); x >= 0 && c.pays(x, c.second(i), kind.spec, c.second(x)[0]) {
				fused = fusedOp(o, runEmbeddingConv(c.nodes[x].Shape(), kind, kernel.EmbeddingConv))
				fused.each = runEmbeddingConv(c.nodes[x].Shape(), kind, kernel.EmbeddingConvEach)
				fused.errorNode = c.nodes[x]
				in = append(slices.Clone(c.children[x]), c.children[i][1:]...)
			}
		case convWeights: // of (embedding(ids, table), dy)
			if x := c.embedding(i, 0); x >= 0 && c.pays(x, c.nodes[i].Shape(), kind.spec, c.second(x)[0]) {
				fused = fusedOp(o, runEmbeddingConvWeights(c.nodes[x].Shape(), c.nodes[i].Shape(), kind.spec))
				in = append(slices.Clone(c.children[x]), c.children[i][1])
			}
		case lookupGrad: // of (ids, convData(dy, w))
			ids, dx := c.children[i][0], c.children[i][1]
			if c.ops[dx] == nil || !c.sparse(i) {
				continue
			}
			vocab := c.nodes[i].Shape()[0]
			if data, ok := c.ops[dx].kind.(convData); ok && c.pays(dx, c.second(dx), data.spec, vocab) {
				fused = fusedOp(o, runEmbeddingConvTable(c.nodes[dx].Shape(), vocab, data.spec))
				in = append([]int{ids}, c.children[dx]...)
			}
		}
		if fused != nil {
			c.ops[i], c.children[i] = fused, in
		}
	}
	c.pairLosses()
	c.fuseInference()
	c.fuseFrames()
	c.prune()
	c.shareIndexes()
}

// embedding returns child k of node i if it is an embedding of sequences, else -1.
func (c *compiler) embedding(i, k int) int {
	x := c.children[i][k]
	if o := c.ops[x]; o == nil || len(c.nodes[x].Shape()) != 3 {
		return -1
	} else if _, ok := o.kind.(lookup); !ok {
		return -1
	}
	return x
}

// second returns the shape of the second operand of node i.
func (c *compiler) second(i int) tensor.Shape { return c.nodes[c.children[i][1]].Shape() }

// pays reports whether a convolution of node x by weights of shape w is faster when
// computed from the table.
func (c *compiler) pays(x int, w tensor.Shape, spec ConvSpec, vocab int) bool {
	g, err := convGeometry(c.nodes[x].Shape(), w, spec)
	if c.inference != nil {
		return err == nil && kernel.EmbeddingConvEachPays(&g)
	}
	return err == nil && kernel.EmbeddingConvPays(&g, vocab)
}

// prune removes the nodes that no root depends on.
func (c *compiler) prune() {
	alive := make([]bool, len(c.nodes))
	for _, r := range c.roots {
		alive[r] = true
	}
	for i := len(c.nodes) - 1; i >= 0; i-- {
		for _, j := range c.children[i] {
			alive[j] = alive[j] || alive[i]
		}
	}
	var kept []int
	for i := range c.nodes {
		if alive[i] {
			kept = append(kept, i)
		}
	}
	c.arrange(kept)
}

// arrange makes the given nodes, which include the roots and all that they depend on, the only ones,
// in this topological order.
func (c *compiler) arrange(order []int) {
	roots := make(Nodes, len(c.roots))
	for k, r := range c.roots {
		roots[k] = c.nodes[r]
	}
	nodes, children, ops := c.nodes, c.children, c.ops
	c.nodes, c.children, c.ops, c.index = make(Nodes, len(order)), make([][]int, len(order)), make([]*op, len(order)), map[*Node]int{}
	newIndex := make([]int, len(nodes))
	for at, i := range order {
		newIndex[i] = at
		in := slices.Clone(children[i]) // nodes may share a list
		for k, j := range in {
			in[k] = newIndex[j]
		}
		c.nodes[at], c.children[at], c.ops[at] = nodes[i], in, ops[i]
		c.index[nodes[i]] = at
	}
	c.setRoots(roots)
}

// fusedOp returns a copy of o that is computed by f, from other inputs.
func fusedOp(o *op, f func(*call[float32]) error) *op {
	fused := *o
	fused.run, fused.each, fused.inPlaceOf, fused.kind, fused.expr = runner{f32: f}, nil, 0, nil, nil
	return &fused
}

// In the functions below, x is the shape of the embedded sequences.

// embeddingConv is kernel.EmbeddingConv, or that for inference.
type embeddingConv func(y, ids, table, w, bias []float32, s *kernel.Conv, vocab int, act kernel.Activation, alpha float32) (bad int)

// runEmbeddingConv has the inputs ids, table, w and optionally a bias.
func runEmbeddingConv(x tensor.Shape, conv convolution, f embeddingConv) func(*call[float32]) error {
	return func(c *call[float32]) error {
		vocab := c.inShape[1][0]
		g, err := convGeometry(x, c.inShape[2], conv.spec)
		if err != nil {
			return err
		}
		var b []float32
		if len(c.in) > 3 {
			b = c.in[3]
		}
		if bad := f(c.out, c.in[0], c.in[1], c.in[2], b, &g, vocab, conv.act.kind, float32(conv.act.alpha)); bad >= 0 {
			return idError(c.in[0], bad, vocab)
		}
		return nil
	}
}

// runEmbeddingConvWeights has the inputs ids, table and dy.
func runEmbeddingConvWeights(x, w tensor.Shape, spec ConvSpec) func(*call[float32]) error {
	return func(c *call[float32]) error {
		g, err := convGeometry(x, w, spec)
		if err != nil {
			return err
		}
		kernel.EmbeddingConvBackWeights(c.out, c.in[0], c.in[1], c.in[2], &g, c.inShape[1][0])
		return nil
	}
}

// runEmbeddingConvTable has the inputs ids, dy and w.
func runEmbeddingConvTable(x tensor.Shape, vocab int, spec ConvSpec) func(*call[float32]) error {
	return func(c *call[float32]) error {
		g, err := convGeometry(x, c.inShape[2], spec)
		if err != nil {
			return err
		}
		rows := c.result.(*RowSparse)
		rows.Index = rows.grad.SetConv(c.in[0], c.in[1], c.in[2], &g, vocab)
		return nil
	}
}

// shareIndexes makes a lookup record where each id occurs if the gradient of its table
// needs that index. The lookup then copies rows in the order in which they will be updated,
// with the same assignment to workers.
func (c *compiler) shareIndexes() {
	for i, o := range c.ops {
		x := c.lookupBefore(i)
		if x < 0 {
			continue
		}
		rows := &RowSparse{shape: c.nodes[i].Shape()}
		c.ops[x] = fusedOp(c.ops[x], runEmbeddingOf(rows))
		c.ops[i] = fusedOp(o, runEmbeddingGradOf(rows))
		c.ops[i].kind, c.ops[i].sparse = o.kind, func() Value { return rows }
	}
}

// lookupBefore returns the lookup with the same ids as node i if node i is a gradient whose
// rows are summed when read, else -1.
func (c *compiler) lookupBefore(i int) int {
	table := c.nodes[i].Shape()
	if !c.summedOnRead(i) || !kernel.GatherPays(table[1]) {
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

// runEmbeddingOf looks up rows and records in rows where each of them went.
func runEmbeddingOf(rows *RowSparse) func(*call[float32]) error {
	return func(c *call[float32]) error {
		table := c.inShape[1]
		if bad := rows.grad.Gather(c.out, c.in[1], c.in[0], len(c.in[0]), table[0], table[1]); bad >= 0 {
			return idError(c.in[0], bad, table[0])
		}
		return nil
	}
}

// runEmbeddingGradOf computes the gradient from what runEmbeddingOf recorded.
func runEmbeddingGradOf(rows *RowSparse) func(*call[float32]) error {
	return func(c *call[float32]) error {
		rows.Index = rows.grad.SetGathered(c.in[1])
		return nil
	}
}
