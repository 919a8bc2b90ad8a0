// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/elements"
)

// Range selects elements along an axis; see At.
type Range struct{ axis, from, to, step int }

// Open leaves an end of a range open: it reaches to the first or last element.
const Open = math.MinInt

// At is the range of elements from, from+step, ... that are before to, along an axis. It is x[from:to:step]
// of Python: negative numbers count from the end, Open is what is left out there, and a negative step
// goes backward. Without a step, it is 1. In contrast to Python, ends beyond the axis are an error.
//
//	graph.At(1, 0, 3)                        // x[:, 0:3]
//	graph.At(1, -2, graph.Open)              // x[:, -2:]
//	graph.At(0, graph.Open, graph.Open, 2)   // x[::2]
//	graph.At(-1, graph.Open, graph.Open, -1) // x[..., ::-1]
func At(axis, from, to int, step ...int) Range {
	r := Range{axis, from, to, 1}
	if len(step) > 0 {
		r.step = step[0]
	}
	return r
}

// span is a range of a certain axis: n elements from first, step apart.
type span struct{ first, step, n int }

// of returns the range for an axis of the given length.
func (r Range) of(length int) (span, error) {
	s := span{r.from, r.step, 0}
	if r.step == 0 {
		return s, fmt.Errorf("axis %d: the step is 0", r.axis)
	}
	to := r.to
	for _, end := range []*int{&s.first, &to} {
		if *end < 0 && *end != Open {
			*end += length
		}
	}
	least := 0
	if r.step < 0 {
		least = -1
		if s.first == Open {
			s.first = length - 1
		}
		if r.to == Open {
			to = -1
		}
		s.n = (s.first - to - r.step - 1) / -r.step
	} else {
		if s.first == Open {
			s.first = 0
		}
		if r.to == Open {
			to = length
		}
		s.n = (to - s.first + r.step - 1) / r.step
	}
	if min(s.first, to) < least || max(s.first, to) > length || s.n < 0 || r.step < 0 && s.first == length && s.n > 0 {
		return s, fmt.Errorf("range %v is out of range for axis %d of length %d", r, r.axis, length)
	}
	return s, nil
}

// String returns the range as Python writes it.
func (r Range) String() string {
	text := func(i int) string {
		if i == Open {
			return ""
		}
		return fmt.Sprint(i)
	}
	s := text(r.from) + ":" + text(r.to)
	if r.step != 1 {
		s += ":" + text(r.step)
	}
	return s
}

// Slice returns a part of x: the elements in the given ranges, each along another axis, and everything
// along the other axes.
func Slice(x *Node, ranges ...Range) (*Node, error) {
	if err := nilError("slice", x); err != nil {
		return nil, err
	}
	from := x.Shape()
	spans := make([]span, len(from))
	for i, d := range from {
		spans[i] = span{0, 1, d}
	}
	axes := make([]int, len(ranges))
	for k, r := range ranges {
		axes[k] = r.axis
	}
	axes, err := normalizeAxes(from, axes)
	for k, a := range axes {
		if err == nil {
			spans[a], err = ranges[k].of(from[a])
		}
	}
	if err == nil {
		err = checkRank(from)
	}
	if err != nil {
		return nil, shapeError("slice", err, x)
	}
	return slice(x, spans)
}

// slice returns the elements of x in a span along each axis.
func slice(x *Node, spans []span) (*Node, error) {
	from := x.Shape().Clone()
	to := make(tensor.Shape, len(spans))
	for i, s := range spans {
		to[i] = s.n
	}
	o := moveOp("slice"+spansText(spans, from), x, len(to), func(m memory) error {
		move(m, 0, walkSpans(spans, from, false))
		return nil
	})
	o.shape = fixed(to)
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) { return unslice(dy, spans, from) })
	return apply(o, x)
}

// unslice writes x to the spans of zeros of shape to: the transpose of slice.
func unslice(x *Node, spans []span, to tensor.Shape) (*Node, error) {
	whole := size(to) == size(x.Shape())
	o := moveOp("slice_grad"+spansText(spans, to), x, len(to), func(m memory) error {
		if dst, _ := m.bytes(output); !whole {
			elements.Clear(dst)
		}
		move(m, 0, walkSpans(spans, to, true))
		return nil
	})
	o.shape = fixed(to)
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) { return slice(dy, spans) })
	return apply(o, x)
}

// walkSpans visits spans of a tensor and all of one that is as large as they are. The spans are those of
// dst if back is set, else of src.
func walkSpans(spans []span, shape tensor.Shape, back bool) (w elements.Walk) {
	part := 1
	for _, s := range spans {
		part *= s.n
	}
	at := 0
	whole := size(shape)
	for i, s := range spans {
		whole /= max(shape[i], 1)
		part /= max(s.n, 1)
		at += s.first * whole
		if back {
			w.Axis(s.n, s.step*whole, part)
		} else {
			w.Axis(s.n, part, s.step*whole)
		}
	}
	if back {
		w.DstAt = at
	} else {
		w.SrcAt = at
	}
	return w
}

func spansText(spans []span, shape tensor.Shape) string {
	var kv []any
	for i, s := range spans {
		if s != (span{0, 1, shape[i]}) {
			kv = append(kv, i, fmt.Sprintf("%d%+d*%d", s.first, s.step, s.n))
		}
	}
	return attrs(append(kv, "of", shape)...)
}

// Flip reverses the order of the elements along axes; along all if none is given.
func Flip(x *Node, axes ...int) (*Node, error) {
	if len(axes) == 0 {
		for i := range rankOf(x) {
			axes = append(axes, i)
		}
	}
	ranges := make([]Range, len(axes))
	for i, a := range axes {
		ranges[i] = At(a, Open, Open, -1)
	}
	return Slice(x, ranges...)
}

// Split cuts x along an axis into parts of the given lengths, which add up to that of the axis.
func Split(x *Node, axis int, lengths ...int) (Nodes, error) {
	if err := nilError("split", x); err != nil {
		return nil, err
	}
	axis, err := axisOf(x.Shape(), axis)
	if err != nil {
		return nil, shapeError("split", err, x)
	}
	sum := 0
	for _, n := range lengths {
		sum += n
		if n < 0 {
			err = fmt.Errorf("length is %d, want no negative number", n)
		}
	}
	if length := x.Shape()[axis]; err == nil && sum != length {
		err = fmt.Errorf("lengths %v add up to %d, axis %d has length %d", lengths, sum, axis, length)
	}
	if err != nil {
		return nil, shapeError("split", err, x)
	}
	parts := make(Nodes, len(lengths))
	at := 0
	for i, n := range lengths {
		if parts[i], err = Slice(x, At(axis, at, at+n)); err != nil {
			return nil, err
		}
		at += n
	}
	return parts, nil
}

// Chunk cuts x along an axis into n parts of the same length.
func Chunk(x *Node, axis, n int) (Nodes, error) {
	if err := nilError("chunk", x); err != nil {
		return nil, err
	}
	axis, err := axisOf(x.Shape(), axis)
	if err == nil && (n < 1 || x.Shape()[axis]%n != 0) {
		err = fmt.Errorf("axis %d of length %d cannot be cut into %d equal parts", axis, x.Shape()[axis], n)
	}
	if err != nil {
		return nil, shapeError("chunk", err, x)
	}
	lengths := make([]int, n)
	for i := range lengths {
		lengths[i] = x.Shape()[axis] / n
	}
	return Split(x, axis, lengths...)
}

// Unstack returns the parts of x at each position of an axis, without that axis. It is the inverse of
// Stack.
func Unstack(x *Node, axis int) (Nodes, error) {
	if err := nilError("unstack", x); err != nil {
		return nil, err
	}
	axis, err := axisOf(x.Shape(), axis)
	if err != nil {
		return nil, shapeError("unstack", err, x)
	}
	var try Try
	parts := make(Nodes, x.Shape()[axis])
	for i := range parts {
		parts[i] = try.Do(Squeeze(try.Do(Slice(x, At(axis, i, i+1))), axis))
	}
	return parts, try.Err()
}
