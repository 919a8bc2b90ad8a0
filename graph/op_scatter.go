// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/elements"
)

// Scatter returns base with updates in the places that Gather would read: for axis 1, y[i, ids[j], k] =
// updates[i, j, k]. If several updates are for one place, the last one counts, as in NumPy, and has the
// gradient.
func Scatter(base, ids, updates *Node, axis int) (*Node, error) {
	return scatter(elements.Set, byAxis, base, ids, updates, axis)
}

// ScatterAdd returns base with updates added in the places that Gather would read. Several updates for one
// place are added in their order.
func ScatterAdd(base, ids, updates *Node, axis int) (*Node, error) {
	return scatter(elements.Add, byAxis, base, ids, updates, axis)
}

// ScatterElements is Scatter for the places that GatherElements would read: for axis 1, y[i, ids[i, j, k], k] =
// updates[i, j, k].
func ScatterElements(base, ids, updates *Node, axis int) (*Node, error) {
	return scatter(elements.Set, byElement, base, ids, updates, axis)
}

// ScatterAddElements is ScatterAdd for the places that GatherElements would read.
func ScatterAddElements(base, ids, updates *Node, axis int) (*Node, error) {
	return scatter(elements.Add, byElement, base, ids, updates, axis)
}

// ScatterND is Scatter for the places that GatherND would read.
func ScatterND(base, ids, updates *Node) (*Node, error) {
	return scatter(elements.Set, byTuple, base, ids, updates, 0)
}

// ScatterAddND is ScatterAdd for the places that GatherND would read.
func ScatterAddND(base, ids, updates *Node) (*Node, error) {
	return scatter(elements.Add, byTuple, base, ids, updates, 0)
}

func scatter(mode elements.Mode, a addressing, base, ids, updates *Node, axis int) (*Node, error) {
	name := [...]string{"scatter", "scatter_add", "scatter_max"}[mode] + [...]string{"", "_elements", "_nd"}[a]
	p, axis, err := a.find(name, base, ids, axis)
	if err == nil {
		err = nilError(name, base, ids, updates)
	}
	if err != nil {
		return nil, err
	}
	if !equal(updates.Shape(), p.shape) {
		return nil, shapeError(name, fmt.Errorf("updates have shape %v, want %v", updates.Shape(), p.shape), base, ids, updates)
	}
	if base.Dtype() == Bool && mode != elements.Set {
		return nil, shapeError(name, fmt.Errorf("input 0 is bool, want numbers: see Cast"), base, ids, updates)
	}
	o := moveOp(name+attrs("axis", axis), base, rankOf(base), func(m memory) error {
		if !sameMemory(m) {
			move(m, 0, whole(m.shapeOf(0)))
		}
		return p.among(m.indices(1), func(at []int64) int { return p.update(m, at, mode, a == byElement) })
	})
	o.byIndices(ids)
	o.alike(updates)
	o.shape = fixed(base.Shape())
	o.inPlaceOf = 1
	switch mode {
	case elements.Add:
		o.grad = func(in Nodes, _, dy *Node) (Nodes, error) {
			du, err := gather(gatherName(a), a, dy, in[1], axis)
			return Nodes{dy, nil, du}, err
		}
	case elements.Set:
		o.grad = func(in Nodes, _, dy *Node) (Nodes, error) {
			var try Try
			none := try.Do(zerosLike(in[2]))
			db := try.Do(scatter(elements.Set, a, dy, in[1], none, axis))
			du := try.Do(gather(gatherName(a), a, dy, in[1], axis))
			return Nodes{db, nil, try.Do(Where(try.Do(lastUpdates(a, in[0], in[1], in[2], axis)), du, none))}, try.Err()
		}
	default: // of what is not a number, and of base, which is the least one
		o.diff[0] = false
		o.grad = func(in Nodes, y, dy *Node) (Nodes, error) {
			var try Try
			greatest := try.Do(Equal(in[2], try.Do(gather(gatherName(a), a, y, in[1], axis))))
			zeros, one := try.Do(zerosLike(in[0])), try.Do(Scalar(dy, 1))
			if try.Err() != nil {
				return nil, try.Err()
			}
			count := try.Do(scatter(elements.Add, a, zeros, in[1], try.Do(Cast(greatest, dy.Dtype())), axis))
			share := try.Do(Div(dy, try.Do(Maximum(count, one))))
			du := try.Do(gather(gatherName(a), a, share, in[1], axis))
			return Nodes{nil, nil, try.Do(Where(greatest, du, try.Do(Scalar(dy, 0))))}, try.Err()
		}
	}
	return apply(o, base, ids, updates)
}

func gatherName(a addressing) string { return [...]string{"gather", "gather_elements", "gather_nd"}[a] }

// lastUpdates is where an update is the last one for its place: each update leaves its number.
func lastUpdates(a addressing, base, ids, updates *Node, axis int) (*Node, error) {
	var try Try
	g := base.Graph()
	numbers := try.Do(Arange(g, Int64, 0, float64(size(updates.Shape())), 1))
	if try.Err() != nil {
		return nil, try.Err()
	}
	numbers = try.Do(Reshape(numbers, updates.Shape()...))
	left := try.Do(scatter(elements.Set, a, try.Do(Full(g, Int64, -1, base.Shape()...)), ids, numbers, axis))
	return try.Do(Equal(numbers, try.Do(gather(gatherName(a), a, left, ids, axis)))), try.Err()
}

// sameMemory reports whether the output is in the memory of the first input.
func sameMemory(m memory) bool {
	dst, _ := m.bytes(output)
	x, _ := m.bytes(0)
	return len(dst) > 0 && &dst[0] == &x[0]
}

// whole visits all elements of two tensors of one shape.
func whole(s tensor.Shape) (w elements.Walk) {
	w.Axis(size(s), 1, 1)
	return w
}

// update applies the updates to the output.
func (p *places) update(m memory, at []int64, mode elements.Mode, each bool) (bad int) {
	switch c := m.(type) {
	case *call[float32]:
		if c.outInts == nil && c.outBools == nil {
			return scatterTo(p, c.out, c.in[2], at, mode, each)
		}
		return p.updateOthers(c.outInts, c.outBools, c.ints[2], c.bools[2], at, mode, each)
	case *call[float64]:
		if c.outInts == nil && c.outBools == nil {
			return scatterTo(p, c.out, c.in[2], at, mode, each)
		}
		return p.updateOthers(c.outInts, c.outBools, c.ints[2], c.bools[2], at, mode, each)
	}
	return -1
}

func (p *places) updateOthers(ints []int64, bools []bool, fromInts []int64, fromBools []bool, at []int64, mode elements.Mode, each bool) (bad int) {
	if ints != nil {
		return scatterTo(p, ints, fromInts, at, mode, each)
	}
	return scatterTo(p, elements.Truths(bools), elements.Truths(fromBools), at, mode, each)
}

func scatterTo[E elements.Element](p *places, x, updates []E, at []int64, mode elements.Mode, each bool) (bad int) {
	if each {
		return elements.ScatterElements(x, updates, at, p.outer, p.length, p.n, p.inner, mode)
	}
	return elements.Scatter(x, updates, at, p.outer, p.length, p.inner, mode)
}
