// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Shape is the shape of one sample: the lengths of the axes of a value without the batch.
// Images are (height, width, channels), sequences (steps, features); the shape of a single
// number is empty.
type Shape []int

// Size returns the number of elements of one sample.
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// maxSize is the maximum number of values of a weight or a sample: 8 GiB, or less if an int
// cannot count the bytes. Anything larger is a mistake and might overflow.
const maxSize = uint64(min(1<<31, math.MaxInt/4))

// tooLarge reports more than maxSize elements; no axis may be negative.
func (s Shape) tooLarge() bool {
	n := uint64(1)
	for _, d := range s {
		if d > 0 && n > maxSize/uint64(d) {
			return true
		}
		n *= uint64(d)
	}
	return false
}

// Equal reports whether all axes have the same lengths.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// String formats the shape, preceded by the batch, as in summaries: "(batch, 28, 28, 1)".
func (s Shape) String() string {
	var b strings.Builder
	b.WriteString("(batch")
	for _, d := range s {
		fmt.Fprintf(&b, ", %d", d)
	}
	return b.String() + ")"
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
