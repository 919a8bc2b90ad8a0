// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/elements"
)

// Indices are of type Int64. A negative one counts from the end of the axis; one that is out of range is a
// RowError when the graph runs, with the number of the index among all.

// Gather returns the parts of x at the given positions along an axis, as NumPy's take does: for axis 1 of
// x (a, n, b) and ids of shape (p, q), y (a, p, q, b) with y[i, j, k, :] = x[i, ids[j, k], :]. The
// gradient is ScatterAdd.
func Gather(x, ids *Node, axis int) (*Node, error) {
	return gather("gather", byAxis, x, ids, axis)
}

// GatherElements returns an element of x for each index, as NumPy's take_along_axis and PyTorch's gather
// do: for axis 1, y[i, j, k] = x[i, ids[i, j, k], k]. The other axes of ids must have the lengths of
// those of x.
func GatherElements(x, ids *Node, axis int) (*Node, error) {
	return gather("gather_elements", byElement, x, ids, axis)
}

// GatherND returns the parts of x at positions along its first axes: y[i, j] = x[ids[i, j, 0], ids[i, j, 1]]
// for ids of shape (p, q, 2).
func GatherND(x, ids *Node) (*Node, error) {
	return gather("gather_nd", byTuple, x, ids, 0)
}

// addressing is which elements of a tensor x indices select.
type addressing int

const (
	byAxis    addressing = iota // all with a position along an axis
	byElement                   // one for each index
	byTuple                     // all with positions along the first axes
)

// places describes a selection: of x (outer, length, inner), n in each of outer.
type places struct {
	outer, length, n, inner int
	lead                    []int // the lengths of the axes that tuples index
	shape                   tensor.Shape
}

// placesOf returns which elements of x indices select and the shape that they have.
func (a addressing) placesOf(x, ids tensor.Shape, axis int) (p places, err error) {
	if err := checkRank(x); err != nil {
		return p, err
	}
	switch a {
	case byTuple:
		if len(ids) == 0 || ids[len(ids)-1] > len(x) || ids[len(ids)-1] < 1 {
			return p, fmt.Errorf("indices have shape %v, want (..., n) with n from 1 to %d", ids, len(x))
		}
		last := len(ids) - 1
		p.lead = x[:ids[last]]
		p.outer, p.length, p.n, p.inner = 1, size(p.lead), size(ids[:last]), size(x[ids[last]:])
		p.shape = append(ids[:last].Clone(), x[ids[last]:]...)
	case byElement:
		if len(x) != len(ids) {
			return p, fmt.Errorf("indices have shape %v, want %d axes", ids, len(x))
		}
		want := x.Clone()
		if want[axis] = ids[axis]; !equal(ids, want) {
			return p, fmt.Errorf("indices have shape %v, which differs from %v in more than axis %d", ids, x, axis)
		}
		p.outer, p.length, p.inner = splitAtAxis(x, axis)
		p.n, p.shape = ids[axis], want
	default:
		p.outer, p.length, p.inner = splitAtAxis(x, axis)
		p.n = size(ids)
		p.shape = append(append(x[:axis].Clone(), ids...), x[axis+1:]...)
	}
	if err := checkRank(p.shape); err != nil {
		return p, fmt.Errorf("the result: %w", err)
	}
	if len(p.shape) == 0 {
		p.shape = tensor.ScalarShape()
	}
	return p, nil
}

// find returns the places that indices select, with the axis counted from the first.
func (a addressing) find(name string, x, ids *Node, axis int) (places, int, error) {
	if err := nilError(name, x, ids); err != nil {
		return places{}, 0, err
	}
	err := error(nil)
	if a != byTuple {
		axis, err = axisOf(x.Shape(), axis)
	}
	var p places
	if err == nil {
		p, err = a.placesOf(x.Shape(), ids.Shape(), axis)
	}
	if err != nil {
		return places{}, 0, shapeError(name, err, x, ids)
	}
	return p, axis, nil
}

func gather(name string, a addressing, x, ids *Node, axis int) (*Node, error) {
	p, axis, err := a.find(name, x, ids, axis)
	if err != nil {
		return nil, err
	}
	o := moveOp(name+attrs("axis", axis), x, len(p.shape), func(m memory) error {
		dst, width := m.bytes(output)
		from, _ := m.bytes(0)
		given := m.indices(1)
		if a == byElement {
			return p.check(given, elements.GatherElements(dst, from, given, p.outer, p.length, p.n, p.inner, width), p.length)
		}
		return p.among(given, func(at []int64) int {
			return elements.Gather(dst, from, at, p.outer, p.length, p.inner, width)
		})
	})
	o.byIndices(ids)
	o.shape = fixed(p.shape)
	o.grad = func(in Nodes, _, dy *Node) (Nodes, error) {
		var try Try
		dx := try.Do(scatter(elements.Add, a, try.Do(zerosLike(in[0])), in[1], dy, axis))
		return Nodes{dx, nil}, try.Err()
	}
	return apply(o, x, ids)
}

// among calls f with indices along one axis: those that are given, or what tuples stand for. f returns
// the number of one that is out of range, or -1.
func (p *places) among(given []int64, f func(at []int64) int) error {
	if p.lead == nil {
		return p.check(given, f(given), p.length)
	}
	m := elements.Scratch.Get()
	defer elements.Scratch.Put(m)
	at := m.Of(p.n)
	if bad := elements.Linear(at, given, p.lead); bad >= 0 {
		return p.check(given, bad, p.lead[bad%len(p.lead)])
	}
	f(at)
	return nil
}

// check returns an error for the index that is out of range, if one is.
func (p *places) check(ids []int64, bad, length int) error {
	if bad < 0 {
		return nil
	}
	return &RowError{bad, len(ids), fmt.Errorf("index is %d, want %d to %d", ids[bad], -length, length-1)}
}
