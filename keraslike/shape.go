// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Shape is the shape of one sample: the lengths of the axes of a value without the batch.
// Images are (height, width, channels), sequences (steps, features); the shape of a single
// number is empty. The length of a free axis is Any.
type Shape []int

// Any is the length of a free axis, an axis of any length (None in Keras): Input(Any, 13) takes
// sequences of any number of steps, Input(Any, Any, 3) images of any size. Each batch has one
// length; see Input.
const Any = -1

// Size returns the number of elements of one sample, Any if an axis is free.
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		if d == Any {
			return Any
		}
		n *= d
	}
	return n
}

// isFree reports whether the length of an axis is Any.
func (s Shape) isFree() bool { return slices.Contains(s, Any) }

// anyFree reports whether one of the shapes has a free axis.
func anyFree(shapes []Shape) bool { return slices.ContainsFunc(shapes, Shape.isFree) }

// at returns the shape with length n for each free axis.
func (s Shape) at(n int) Shape {
	out := slices.Clone(s)
	for i, d := range s {
		if d == Any {
			out[i] = n
		}
	}
	return out
}

// takes reports whether got has the lengths of s where s is not free.
func (s Shape) takes(got Shape) bool {
	return slices.EqualFunc(s, got, func(want, n int) bool { return want == n || want == Any && n > 0 })
}

// freeWhereDifferent returns the shape whose axes are free where those of s and t differ; t has
// as many axes.
func (s Shape) freeWhereDifferent(t Shape) Shape {
	out := slices.Clone(s)
	for i := range out {
		if t[i] != s[i] {
			out[i] = Any
		}
	}
	return out
}

// maxSize is the maximum number of values of a weight or a sample: 8 GiB, or less if an int
// cannot count the bytes. Anything larger is a mistake and might overflow.
const maxSize = uint64(min(1<<31, math.MaxInt/4))

// tooLarge reports more than maxSize elements; a free axis counts as 1, and no other may be
// negative.
func (s Shape) tooLarge() bool {
	n := uint64(1)
	for _, d := range s.at(1) {
		if d > 0 && n > maxSize/uint64(d) {
			return true
		}
		n *= uint64(d)
	}
	return false
}

// Equal reports whether all axes have the same lengths.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// String formats the shape, preceded by the batch, as in summaries: "(batch, 28, 28, 1)". A free
// axis is "?": "(batch, ?, 13)".
func (s Shape) String() string {
	var b strings.Builder
	b.WriteString("(batch")
	for _, d := range s {
		b.WriteString(", " + formatLength(d))
	}
	return b.String() + ")"
}

// formatLength formats the length of an axis.
func formatLength(n int) string {
	if n == Any {
		return "?"
	}
	return strconv.Itoa(n)
}

// formatShapes formats several shapes.
func formatShapes(shapes []Shape) string {
	words := make([]string, len(shapes))
	for i, s := range shapes {
		words[i] = s.String()
	}
	return strings.Join(words, ", ")
}

// withBatch returns the shape of a batch of n samples.
func (s Shape) withBatch(n int) []int { return append([]int{n}, s...) }

// positionCount returns the number of positions to which a layer applies the same weights: the
// product of all axes but the last.
func positionCount(s Shape) float64 {
	if len(s) == 0 {
		return 1
	}
	return floatSize(s[:len(s)-1])
}

// floatSize returns the number of elements, which may overflow an int.
func floatSize(s Shape) float64 {
	n := 1.0
	for _, d := range s {
		n *= float64(d)
	}
	return n
}
