// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// simplify removes ops that change nothing: x·1, x+0, x/1, x¹, --x, not not x, reshapes of reshapes,
// transposes of transposes, broadcasts to the same shape. log(softmax(x)) becomes log_softmax(x), which
// is finite where the softmax is rounded to 0.
func (c *compiler) simplify() {
	for i := range c.nodes {
		if o := c.ops[i]; o != nil {
			c.simplifyNode(i, o)
		}
	}
}

func (c *compiler) simplifyNode(i int, o *op) {
	if x := c.unchanged(i, o); x >= 0 {
		c.become(i, x)
		return
	}
	if len(c.children[i]) != 1 {
		return
	}
	x := c.children[i][0]
	inner := c.ops[x]
	if inner == nil {
		return
	}
	switch kind := o.kind.(type) {
	case transposed:
		before, ok := inner.kind.(transposed)
		if !ok {
			return
		}
		axes := make([]int, len(kind.axes))
		for k, a := range kind.axes {
			axes[k] = before.axes[a]
		}
		from := c.children[x][0]
		if identity(axes) {
			c.become(i, from)
			return
		}
		c.ops[i], c.children[i] = transposeOp(c.nodes[i], axes), []int{from}
	default:
		if o.expr != nil && len(o.expr.Steps) == 1 && o.expr.Steps[0].Op == elementwise.Log && inner.name == "softmax" {
			c.ops[i], c.children[i] = logSoftmaxOp(len(c.nodes[i].Shape())), c.children[x]
		} else if o.view && inner.view && len(c.children[x]) == 1 {
			c.children[i] = c.children[x]
			if from := c.unchanged(i, o); from >= 0 {
				c.become(i, from)
			}
		}
	}
}

// unchanged returns the input that node i is equal to, or -1.
func (c *compiler) unchanged(i int, o *op) int {
	same := func(k int) int {
		j := c.children[i][k]
		if c.nodes[j].Dtype() == c.nodes[i].Dtype() && equal(c.nodes[j].Shape(), c.nodes[i].Shape()) {
			return j
		}
		return -1
	}
	if o.view {
		return same(0)
	}
	if p, ok := o.kind.(transposed); ok && identity(p.axes) {
		return same(0)
	}
	if o.expr == nil || len(o.expr.Steps) != 1 {
		return -1
	}
	s := &o.expr.Steps[0]
	switch s.Op {
	case elementwise.Copy, elementwise.CopyInt, elementwise.CopyBool:
		return same(0)
	case elementwise.Affine, elementwise.AffineInt:
		if s.X == 1 && s.Y == 0 {
			return same(0)
		}
	case elementwise.Neg, elementwise.NegInt, elementwise.Not:
		if inner := c.ops[c.children[i][0]]; inner != nil && inner.expr != nil && len(inner.expr.Steps) == 1 && inner.expr.Steps[0].Op == s.Op {
			return c.children[c.children[i][0]][0]
		}
	case elementwise.Add, elementwise.AddInt:
		if c.isConstant(i, 1, 0) {
			return same(0)
		}
		if c.isConstant(i, 0, 0) {
			return same(1)
		}
	case elementwise.Sub, elementwise.SubInt:
		if c.isConstant(i, 1, 0) {
			return same(0)
		}
	case elementwise.Mul, elementwise.MulInt:
		if c.isConstant(i, 1, 1) {
			return same(0)
		}
		if c.isConstant(i, 0, 1) {
			return same(1)
		}
	case elementwise.Div, elementwise.FloorDivInt, elementwise.Pow:
		if c.isConstant(i, 1, 1) {
			return same(0)
		}
	}
	return -1
}

// isConstant reports whether all elements of input k of node i are the number.
func (c *compiler) isConstant(i, k int, number float64) bool {
	v, ok := c.constant(c.children[i][k])
	if !ok {
		return false
	}
	return allAre(data[float32](v), float32(number)) || allAre(data[float64](v), number) || allAre(data[int64](v), int64(number))
}

func allAre[T comparable](values []T, v T) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(x T) bool { return x != v })
}

func identity(axes []int) bool {
	for k, a := range axes {
		if a != k {
			return false
		}
	}
	return true
}

// become lets everything that reads node i read node x, which has the same value. A root stays, as a
// view.
func (c *compiler) become(i, x int) {
	for later := i + 1; later < len(c.nodes); later++ {
		for k, j := range c.children[later] {
			if j == i {
				c.children[later] = slices.Clone(c.children[later])
				c.children[later][k] = x
			}
		}
	}
	if s := c.nodes[i].Shape(); c.isRoot[i] && isFloat(c.nodes[i].Dtype()) {
		c.ops[i], c.children[i] = reshapeOp(c.nodes[i], s), []int{x}
	}
}

// maxFolded is the most elements that a folded constant may have: more are rather computed again than
// kept.
const maxFolded = 4096

// fold computes nodes that depend on constants only.
func (c *compiler) fold() {
	for i, n := range c.nodes {
		o := c.ops[i]
		if o == nil || len(c.children[i]) == 0 || o.rng != nil || o.orderOnly || o.keeps != nil || o.sparse != nil || size(n.Shape()) > maxFolded {
			continue
		}
		values := make([]Value, len(c.children[i]))
		for k, j := range c.children[i] {
			v, ok := c.constant(j)
			if !ok {
				values = nil
				break
			}
			values[k] = v
		}
		if values == nil {
			continue
		}
		if v, err := o.Do(values...); err == nil { // an error is reported by the run
			if c.folded == nil {
				c.folded = map[*Node]Value{}
			}
			c.folded[n], c.children[i], c.ops[i] = v, nil, nil
		}
	}
}

// share lets nodes of equal ops and inputs be one. The graph has merged what was equal when it was built;
// this finds what has become equal since.
func (c *compiler) share() {
	first := map[string]int{}
	for i, o := range c.ops {
		if o == nil || len(c.children[i]) == 0 || o.keeps != nil || o.readsKept != nil || o.kind != nil || o.orderOnly || o.origin != nil {
			continue
		}
		var key strings.Builder
		fmt.Fprint(&key, o.name, c.nodes[i].Dtype(), c.nodes[i].Shape(), c.children[i])
		if o.rng != nil {
			fmt.Fprintf(&key, " %p", o.rng)
		}
		if j, ok := first[key.String()]; ok && !c.isRoot[i] {
			c.become(i, j)
			continue
		} else if !ok {
			first[key.String()] = i
		}
	}
}
