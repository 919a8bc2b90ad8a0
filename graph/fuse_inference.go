// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// product is a dense layer, or a convolution if conv is set, with what follows it.
type product struct {
	conv bool
	spec ConvSpec
	norm *normalization
	act  Activation
}

// fuseInference lets a product normalize and activate its result while that is in the caches, and a
// sum activate it.
func (c *compiler) fuseInference() {
	if c.inference == nil {
		return
	}
	uses := c.uses()
	for i, o := range c.ops {
		if o == nil || c.nodes[i].Dtype() != Float32 || len(c.children[i]) == 0 {
			continue
		}
		x := c.children[i][0]
		before := c.ops[x]
		if before == nil || uses[x] > 1 {
			continue
		}
		p, isProduct := asProduct(before)
		switch kind := o.kind.(type) {
		case normalization:
			if !isProduct || p.norm != nil || p.act != Act(Linear) {
				continue
			}
			p.norm = &kind
			c.fuseProduct(i, x, p, append(slices.Clone(c.children[x]), c.children[i][1:]...))
		case Activation:
			if _, ok := before.kind.(sum); ok && len(c.nodes[i].Shape()) > 0 {
				c.ops[i], c.children[i] = fusedOp(o, runAddActivate(kind)), c.children[x]
				c.ops[i].inPlaceOf = before.inPlaceOf
			} else if isProduct && p.act == Act(Linear) {
				p.act = kind
				c.fuseProduct(i, x, p, c.children[x])
			}
		}
	}
}

// uses counts how often each node is an input or a root.
func (c *compiler) uses() []int {
	uses := make([]int, len(c.nodes))
	for _, r := range c.roots {
		uses[r]++
	}
	for _, children := range c.children {
		for _, j := range children {
			uses[j]++
		}
	}
	return uses
}

// asProduct returns o as a product.
func asProduct(o *op) (product, bool) {
	switch kind := o.kind.(type) {
	case product:
		return kind, true
	case dense:
		return product{act: kind.act}, true
	case convolution:
		return product{conv: true, spec: kind.spec, act: kind.act}, true
	}
	return product{}, false
}

// fuseProduct makes node i the product p, which has so far been computed in node x.
func (c *compiler) fuseProduct(i, x int, p product, in []int) {
	bias := len(in) > 2
	if p.norm != nil {
		bias = len(in) > 2+p.norm.inputs()
	}
	fused := fusedOp(c.ops[i], p.run(bias))
	fused.kind, fused.takesSparse, fused.errorNode = p, !p.conv, c.nodes[x]
	if c.ops[x].errorNode != nil {
		fused.errorNode = c.ops[x].errorNode
	}
	c.ops[i], c.children[i] = fused, in
}

// inputs returns the number of inputs besides the one that is normalized.
func (n *normalization) inputs() int {
	count := 2
	for _, has := range []bool{n.gamma, n.beta} {
		if has {
			count++
		}
	}
	return count
}

// run has the inputs x, w and optionally a bias, then mean, variance and optionally gamma and beta.
func (p product) run(bias bool) func(*call[float32]) error {
	return func(c *call[float32]) error {
		in := c.in[2:]
		var b []float32
		if bias {
			b, in = in[0], in[1:]
		}
		var n kernel.Norm
		var norm *kernel.Norm
		if p.norm != nil {
			n, norm = p.norm.of(in), &n
		}
		if p.conv {
			g, err := convGeometry(c.inShape[0], c.inShape[1], p.spec)
			if err == nil {
				kernel.Conv2DEach(c.out, c.in[0], c.in[1], b, &g, norm, p.act.kind, float32(p.act.alpha), c.kept[1])
			}
			return err
		}
		x, w := c.inShape[0], c.inShape[1]
		if c.in[0] == nil {
			return p.sparse(c, b, norm, x, w)
		}
		kernel.DenseEach(c.out, c.in[0], c.in[1], b, x[0], x[1], w[1], norm, p.act.kind, float32(p.act.alpha), c.kept[1])
		return nil
	}
}

// sparse is run for a sparse x.
func (p product) sparse(c *call[float32], b []float32, norm *kernel.Norm, x, w tensor.Shape) error {
	m := c.values[0].(*CSR)
	kernel.SparseDense(c.out, c.in[1], b, m.Indptr, m.Cols, m.Vals, x[0], x[1], w[1], kernel.Linear, 0)
	if norm != nil {
		kernel.NormCols(c.out, c.out, norm.Mean, norm.Variance, norm.Gamma, norm.Beta, norm.Epsilon, x[0], w[1])
	}
	kernel.Activate(c.out, c.out, p.act.kind, float32(p.act.alpha))
	return nil
}

// of returns the normalization with its inputs.
func (n *normalization) of(in [][]float32) kernel.Norm {
	k := kernel.Norm{Mean: in[0], Variance: in[1], Epsilon: float32(n.epsilon)}
	in = in[2:]
	if n.gamma {
		k.Gamma, in = in[0], in[1:]
	}
	if n.beta {
		k.Beta = in[0]
	}
	return k
}

func runAddActivate(act Activation) func(*call[float32]) error {
	return func(c *call[float32]) error {
		kernel.AddActivate(c.out, c.in[0], c.in[1], act.kind, float32(act.alpha))
		return nil
	}
}
