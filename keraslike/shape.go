// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Shape is the shape of one sample: the axes of a value without the batch.
// Images are (height, width, channels), series (steps, features); the shape of
// a single number is empty.
type Shape []int

// Size is the number of elements of one sample.
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// maxSize is the most values that a weight or a sample may have, 8 GiB or what an
// int can count the bytes of: what is larger is a mistake, and may not even be countable.
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

// Equal reports whether all axes agree.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// String formats the shape with the batch in front, as summaries show it:
// "(batch, 28, 28, 1)".
func (s Shape) String() string {
	var b strings.Builder
	b.WriteString("(batch")
	for _, d := range s {
		fmt.Fprintf(&b, ", %d", d)
	}
	return b.String() + ")"
}

// list writes shapes one after the other.
func list(shapes []Shape) string {
	words := make([]string, len(shapes))
	for i, s := range shapes {
		words[i] = s.String()
	}
	return strings.Join(words, ", ")
}

// withBatch puts the batch in front.
func (s Shape) withBatch(n int) []int { return append([]int{n}, s...) }

// positions are the parts of a sample that share a layer's weights: all axes but the last.
func positions(s Shape) float64 {
	if len(s) == 0 {
		return 1
	}
	return floatSize(s[:len(s)-1])
}

// floatSize is the number of elements, which may be too large for an integer.
func floatSize(s Shape) float64 {
	n := 1.0
	for _, d := range s {
		n *= float64(d)
	}
	return n
}
