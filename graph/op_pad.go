// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/elements"
)

// PadWidth is how many elements are added before and after those along an axis.
type PadWidth struct{ Axis, Before, After int }

// PadMode is what the added elements are.
type PadMode int

// The modes, with abcd as an example.
const (
	PadZeros     PadMode = iota // 00|abcd|00
	PadReflect                  // cb|abcd|cb: the last element is not repeated
	PadSymmetric                // ba|abcd|dc
	PadEdge                     // aa|abcd|dd
	PadWrap                     // cd|abcd|ab
)

// String returns the name of the mode.
func (p PadMode) String() string {
	if p < PadZeros || p > PadWrap {
		return fmt.Sprintf("PadMode(%d)", int(p))
	}
	return [...]string{"zeros", "reflect", "symmetric", "edge", "wrap"}[p]
}

// source returns which element of n is at place i, which is before the first, 0, or after the last one.
func (p PadMode) source(i, n int) int {
	period := n
	switch p {
	case PadEdge:
		return min(max(i, 0), n-1)
	case PadReflect:
		period = max(1, 2*(n-1))
	case PadSymmetric:
		period = 2 * n
	}
	i = (i%period + period) % period
	switch {
	case i < n:
		return i
	case p == PadReflect:
		return period - i
	}
	return period - 1 - i
}

// Pad adds elements around x along the given axes. An axis is padded by more elements than it has as NumPy
// does: reflected and wrapped again.
func Pad(x *Node, mode PadMode, widths ...PadWidth) (*Node, error) {
	if mode == PadZeros {
		return PadValue(x, 0, widths...)
	}
	name := "pad" + attrs("mode", mode)
	spans, _, err := padding(name, x, widths)
	if err != nil {
		return nil, err
	}
	if mode < PadZeros || mode > PadWrap {
		return nil, shapeError(name, fmt.Errorf("there is no such mode"), x)
	}
	y := x
	for axis, s := range spans {
		n := x.Shape()[axis]
		if s.n == n {
			continue
		}
		if n == 0 {
			return nil, shapeError(name, fmt.Errorf("axis %d has no elements to repeat", axis), x)
		}
		ids := make([]int64, s.n)
		for i := range ids {
			ids[i] = int64(mode.source(i-s.first, n))
		}
		var try Try
		y = try.Do(Gather(y, try.Do(Constant(x.Graph(), tensor.New(tensor.WithBacking(ids)))), axis))
		if try.Err() != nil {
			return nil, try.Err()
		}
	}
	return y, nil
}

// PadValue pads x with a constant along the given axes. For Bool, a value other than 0 is true.
func PadValue(x *Node, value float64, widths ...PadWidth) (*Node, error) {
	name := "pad" + attrs("value", value)
	spans, to, err := padding(name, x, widths)
	if err != nil {
		return nil, err
	}
	if value == 0 {
		for i := range spans { // of x in the result
			spans[i].n = x.Shape()[i]
		}
		return unslice(x, spans, to)
	}
	for i := range spans {
		spans[i].n = x.Shape()[i]
	}
	o := moveOp(name+spansText(spans, to), x, len(to), func(m memory) error {
		fill(m, value)
		move(m, 0, walkSpans(spans, to, true))
		return nil
	})
	o.shape = fixed(to)
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) { return slice(dy, spans) })
	return apply(o, x)
}

// padding returns for each axis where x begins in the result and how many elements that has, and the shape.
func padding(name string, x *Node, widths []PadWidth) ([]span, tensor.Shape, error) {
	if err := nilError(name, x); err != nil {
		return nil, nil, err
	}
	to := x.Shape().Clone()
	spans, axes := make([]span, len(to)), make([]int, len(widths))
	for i, d := range to {
		spans[i] = span{0, 1, d}
	}
	for k, w := range widths {
		axes[k] = w.Axis
	}
	axes, err := normalizeAxes(to, axes)
	if err == nil {
		err = checkRank(to)
	}
	for k, w := range widths {
		if err == nil && min(w.Before, w.After) < 0 {
			err = fmt.Errorf("widths are %d and %d, want no negative numbers", w.Before, w.After)
		}
		if err == nil {
			to[axes[k]] += w.Before + w.After
			spans[axes[k]] = span{w.Before, 1, to[axes[k]]}
		}
	}
	if err != nil {
		return nil, nil, shapeError(name, err, x)
	}
	return spans, to, nil
}

// fill writes a value to all of the output.
func fill(m memory, value float64) {
	switch c := m.(type) {
	case *call[float32]:
		elements.Fill(c.out, float32(value))
		elements.Fill(c.outInts, int64(value))
		elements.Fill(c.outBools, value != 0)
	case *call[float64]:
		elements.Fill(c.out, value)
		elements.Fill(c.outInts, int64(value))
		elements.Fill(c.outBools, value != 0)
	}
}
