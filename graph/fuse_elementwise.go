// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// The limits of a fused op: its blocks have to fit in the second-level cache.
const (
	maxFusedSteps  = 48
	maxFusedInputs = 12
)

// fuseElementwise joins element-wise ops of one shape to one op, from the last to the first: an op
// joins the group that reads its result if nothing else does.
func (c *compiler) fuseElementwise() {
	readers := make([][]int, len(c.nodes))
	for i, children := range c.children {
		for _, j := range children {
			if !slices.Contains(readers[j], i) {
				readers[j] = append(readers[j], i)
			}
		}
	}
	taken := make([]bool, len(c.nodes))
	for i := len(c.nodes) - 1; i >= 0; i-- {
		if taken[i] || !c.fusable(i) {
			continue
		}
		group := c.group(i, readers, taken)
		if len(group) > 1 {
			c.fuseGroup(group)
			for _, j := range group {
				taken[j] = true
			}
		}
	}
}

// fusable reports whether node i is an element-wise op that may be part of a group.
func (c *compiler) fusable(i int) bool {
	o := c.ops[i]
	if o == nil || o.expr == nil || size(c.nodes[i].Shape()) == 0 {
		return false
	}
	_, constant := c.constant(i)
	return !constant
}

// group returns the nodes that are computed together with the last one, i, in their order.
func (c *compiler) group(i int, readers [][]int, taken []bool) []int {
	group := []int{i}
	inputs := map[int]bool{}
	for _, j := range c.children[i] {
		inputs[j] = true
	}
	steps := len(c.ops[i].expr.Steps)
	for changed := true; changed; {
		changed = false
		for _, j := range sortedDown(inputs) {
			if taken[j] || c.isRoot[j] || !c.fusable(j) || !equal(c.nodes[j].Shape(), c.nodes[i].Shape()) || !c.sameFloat(i, j) {
				continue
			}
			if slices.ContainsFunc(readers[j], func(r int) bool { return !slices.Contains(group, r) }) {
				continue
			}
			next := map[int]bool{}
			for k := range inputs {
				next[k] = k != j
			}
			delete(next, j)
			for _, k := range c.children[j] {
				next[k] = true
			}
			if len(next) > maxFusedInputs || steps+len(c.ops[j].expr.Steps) > maxFusedSteps {
				continue
			}
			inputs, steps, changed = next, steps+len(c.ops[j].expr.Steps), true
			group = append(group, j)
			break
		}
	}
	slices.Sort(group)
	return group
}

func sortedDown(set map[int]bool) (list []int) {
	for k := range set {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b int) int { return b - a })
	return list
}

// sameFloat reports whether nodes i and j are computed in the same float type, or one of them in none.
func (c *compiler) sameFloat(i, j int) bool {
	a, b := c.floatOf(i), c.floatOf(j)
	return a == b || a == Dtype{} || b == Dtype{}
}

// floatOf returns the float type of a node or its inputs, the zero value if there is none.
func (c *compiler) floatOf(i int) Dtype {
	for _, j := range append([]int{i}, c.children[i]...) {
		if dt := c.nodes[j].Dtype(); isFloat(dt) {
			return dt
		}
	}
	return Dtype{}
}

// fuseGroup makes the last node of a group compute all of it.
func (c *compiler) fuseGroup(group []int) {
	last := group[len(group)-1]
	var inputs []int
	var types []elementwise.Type
	number := map[int]int{} // the value that each node outside of the group is
	for _, i := range group {
		for k, j := range c.children[i] {
			if _, ok := number[j]; !ok && !slices.Contains(group, j) {
				number[j] = len(inputs)
				inputs, types = append(inputs, j), append(types, c.ops[i].expr.In[k])
			}
		}
	}
	var steps []elementwise.Step
	var names []string
	for _, i := range group {
		e := c.ops[i].expr
		first := len(inputs) + len(steps)
		value := func(v int) int {
			if v < len(e.In) {
				return number[c.children[i][v]]
			}
			return first + v - len(e.In)
		}
		for _, s := range e.Steps {
			in := [3]*int{&s.A, &s.B, &s.C}
			for k := range s.Op.Arity() {
				*in[k] = value(*in[k])
			}
			steps = append(steps, s)
		}
		number[i] = first + len(e.Steps) - 1
		names = append(names, c.title(i))
	}
	e := elementwise.New(types, steps...)
	o := elementwiseOp("fused", e, nil)
	o.fusedFrom = strings.Join(names, " + ")
	o.out = len(c.nodes[last].Shape())
	for k, j := range inputs {
		o.in, o.inType = append(o.in, len(c.nodes[j].Shape())), append(o.inType, elementType(types[k]))
	}
	c.ops[last], c.children[last] = o, inputs
}
