// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/internal/kernel"
)

// If returns the results of one of two expressions, of which only the chosen one is computed: of then
// if the condition, a scalar of type Bool, is true, otherwise of otherwise. Both return the same number
// of floats, of the same shapes. Nodes that exist before are computed in any case. The gradient is again
// an If.
func If(condition *Node, then, otherwise func() (Nodes, error)) (Nodes, error) {
	fail := func(err error) (Nodes, error) { return nil, &OpError{Op: "if", Err: err} }
	switch {
	case condition == nil:
		return fail(fmt.Errorf("the condition is nil: an earlier expression failed"))
	case condition.Dtype() != Bool || len(condition.Shape()) > 0:
		return fail(fmt.Errorf("the condition is %v of shape %v, want a scalar of type bool", condition.Dtype(), condition.Shape()))
	}
	c := &branches{condition: condition}
	var first int64
	for _, n := range condition.Graph().AllNodes() {
		first = max(first, n.ID()+1)
	}
	for k, build := range []func() (Nodes, error){then, otherwise} {
		side := [...]string{"then", "otherwise"}[k]
		if build == nil {
			return fail(fmt.Errorf("there is no function %s", side))
		}
		err, panicked := called(side, func() (err error) {
			c.roots[k], err = build()
			return err
		})
		if panicked != nil {
			return fail(panicked)
		}
		if err != nil {
			return nil, err
		}
		if err := checkFloats("value of "+side, c.roots[k]); err != nil {
			return fail(err)
		}
	}
	if err := c.check(); err != nil {
		return fail(err)
	}
	for k, roots := range c.roots {
		var err error
		if c.bodies[k], err = newBody(nil, roots, func(n *Node) bool { return n.ID() >= first }); err != nil {
			return fail(err)
		}
		for _, n := range c.bodies[k].captured {
			if !slices.Contains(c.captured, n) {
				c.captured = append(c.captured, n)
			}
		}
	}
	return c.apply()
}

// branches are the two expressions of an If. Each reads some of what both capture.
type branches struct {
	condition *Node
	roots     [2]Nodes
	bodies    [2]*body
	captured  Nodes
	out       packed
}

func (c *branches) check() error {
	a, b := c.roots[0], c.roots[1]
	if len(a) != len(b) || len(a) == 0 {
		return fmt.Errorf("then returned %d values, otherwise %d: want the same number, at least 1", len(a), len(b))
	}
	for k := range a {
		if !equal(a[k].Shape(), b[k].Shape()) || a[k].Dtype() != b[k].Dtype() {
			return fmt.Errorf("value %d is %v of shape %v from then and %v of shape %v from otherwise", k, a[k].Dtype(), a[k].Shape(), b[k].Dtype(), b[k].Shape())
		}
	}
	if zeroSizes(a) {
		return fmt.Errorf("a value has no elements")
	}
	return nil
}

func (c *branches) apply() (Nodes, error) {
	for _, n := range c.roots[0] {
		c.out.add(n.Shape())
	}
	inputs := append(Nodes{c.condition}, c.captured...)
	o := packedOp("if"+attrs("then", ids(c.roots[0]), "otherwise", ids(c.roots[1])), &c.out, inputs)
	o.run, o.each, o.grad = forDtypes(runIf[float32](c, false), runIf[float64](c, false)), runIf[float32](c, true), c.grad
	o.outType = c.roots[0][0].Dtype() // there may be no captured float of which to take it
	y, err := apply(o, inputs...)
	if err != nil {
		return nil, err
	}
	return c.parts(y)
}

func (c *branches) parts(y *Node) (Nodes, error) {
	var try Try
	list := make(Nodes, len(c.out.shapes))
	for k := range list {
		list[k] = try.Do(c.out.part(y, k))
	}
	return list, try.Err()
}

func (c *branches) grad(in Nodes, _, dy *Node) (Nodes, error) {
	directions, err := c.parts(dy)
	if err != nil {
		return nil, err
	}
	diff := make([]bool, len(c.captured))
	for k, n := range c.captured {
		diff[k] = isFloat(n.Dtype())
	}
	partials := func(k int) func() (Nodes, error) {
		return func() (Nodes, error) {
			grads, err := partialsOf(c.roots[k], directions, c.captured, diff)
			return slices.DeleteFunc(grads, func(n *Node) bool { return n == nil }), err
		}
	}
	grads, err := If(c.condition, partials(0), partials(1))
	if err != nil {
		return nil, err
	}
	all := make(Nodes, len(in))
	for k := range c.captured {
		if diff[k] {
			all[k+1], grads = grads[0], grads[1:]
		}
	}
	return all, nil
}

func runIf[T kernel.Float](b *branches, inference bool) func(*call[T]) error {
	return func(c *call[T]) error {
		chosen := b.bodies[1]
		if c.bools[0][0] {
			chosen = b.bodies[0]
		}
		p, err := chosen.take(inference)
		if err != nil {
			return err
		}
		defer chosen.give(p, inference)
		for k, i := range p.captured {
			p.lend(i, c.memoryOf(1+slices.Index(b.captured, chosen.captured[k])))
		}
		if err := p.RunOn(p.own); err != nil {
			return err
		}
		for k, at := range b.out.offsets {
			copy(c.out[at:], rootOf[T](p.Program, k))
		}
		return nil
	}
}
