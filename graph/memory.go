// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// maxRank is the largest number of axes that ops on axes support.
const maxRank = 8

// memory is what an op that only moves elements sees of its operands, whatever their type.
type memory interface {
	// bytes returns the memory of an operand and the size of an element.
	bytes(operand int) ([]byte, int)
	// indices returns the elements of an input of Int64.
	indices(input int) []int64
	shapeOf(operand int) tensor.Shape
}

// moves returns the runner of an op that only moves elements.
func moves(f func(m memory) error) runner {
	return forDtypes(runMoves[float32](f), runMoves[float64](f))
}

func runMoves[T kernel.Float](f func(m memory) error) func(*call[T]) error {
	return func(c *call[T]) error { return f(c) }
}

// moveOp returns an op that moves the elements of x, which is its first input. Unless the elements are
// floats, it has no gradient.
func moveOp(name string, x *Node, out int, run func(m memory) error) *op {
	t := elementType(elementOf(x))
	float := t == Dtype{}
	return &op{
		name: name,
		in:   []int{rankOf(x)}, out: out,
		inType: []Dtype{t}, outType: t,
		run:  moves(run),
		diff: []bool{float}, zeroDiff: []bool{!float},
	}
}

// byIndices adds an input of indices to the op.
func (o *op) byIndices(ids *Node) {
	o.in, o.inType = append(o.in, rankOf(ids)), append(o.inType, Int64)
	o.diff, o.zeroDiff = append(o.diff, false), append(o.zeroDiff, true)
}

// alike adds an input of the same type as the first.
func (o *op) alike(x *Node) {
	o.in, o.inType = append(o.in, rankOf(x)), append(o.inType, o.inType[0])
	o.diff, o.zeroDiff = append(o.diff, o.diff[0]), append(o.zeroDiff, o.zeroDiff[0])
}

// oneGrad returns the gradient of an op of one input.
func oneGrad(f func(x, dy *Node) (*Node, error)) func(in Nodes, y, dy *Node) (Nodes, error) {
	return func(in Nodes, _, dy *Node) (Nodes, error) {
		dx, err := f(in[0], dy)
		return Nodes{dx}, err
	}
}

func (c *call[T]) bytes(i int) ([]byte, int) {
	floats, ints, bools := c.out, c.outInts, c.outBools
	if i != output {
		floats, ints, bools = c.in[i], nil, nil
		if len(c.ints) > 0 {
			ints, bools = c.ints[i], c.bools[i]
		}
	}
	switch {
	case ints != nil:
		return bytesOf(ints)
	case bools != nil:
		return bytesOf(bools)
	}
	return bytesOf(floats)
}

func bytesOf[E element](x []E) ([]byte, int) {
	width := int(unsafe.Sizeof(*new(E)))
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), width*len(x)), width
}

func (c *call[T]) indices(input int) []int64 { return c.ints[input] }

func (c *call[T]) shapeOf(i int) tensor.Shape {
	if i == output {
		return c.outShape
	}
	return c.inShape[i]
}

// axisOf returns an axis counted from the first.
func axisOf(s tensor.Shape, axis int) (int, error) {
	axes, err := normalizeAxes(s, []int{axis})
	if err != nil {
		return 0, err
	}
	return axes[0], nil
}

// nilError is the error for an operand that is nil.
func nilError(op string, inputs ...*Node) error {
	for i, n := range inputs {
		if n == nil {
			return &OpError{Op: op, Err: fmt.Errorf("input %d is nil: an earlier expression failed", i)}
		}
	}
	return nil
}

// shapeError adds an op and its inputs to an error of arguments.
func shapeError(op string, err error, inputs ...*Node) error {
	e := &OpError{Op: op, Err: err}
	for _, n := range inputs {
		e.Shapes = append(e.Shapes, n.Shape())
	}
	return e
}

// checkRank returns an error if there are too many axes.
func checkRank(s tensor.Shape) error {
	if len(s) > maxRank {
		return fmt.Errorf("shape %v has %d axes, want at most %d", s, len(s), maxRank)
	}
	return nil
}
