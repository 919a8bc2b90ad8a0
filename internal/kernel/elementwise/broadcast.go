// SPDX-License-Identifier: Apache-2.0

package elementwise

import "fmt"

// MaxRank is the largest number of axes of an operand that is broadcast.
const MaxRank = 8

// view is how an operand of another shape than the result's is read: axis i of the result has size[i]
// elements that are stride[i] apart in the operand, 0 for an axis along which it is repeated. Axes
// are merged where possible.
type view struct {
	rank         int
	size, stride [MaxRank]int
}

// viewOf returns how an operand of shape from is read for a result of shape to.
func viewOf(from, to []int) (v view) {
	if len(to) > MaxRank {
		panic(fmt.Sprintf("elementwise: an operand of shape %v has more than %d axes", to, MaxRank))
	}
	step := 1
	var size, stride [MaxRank]int // from the last axis to the first
	n := 0
	for i := range to {
		want, have := to[len(to)-1-i], 1
		if i < len(from) {
			have = from[len(from)-1-i]
		}
		if want == 1 {
			continue
		}
		s := 0
		if have != 1 {
			s = step
			step *= have
		}
		if n > 0 && s == stride[n-1]*size[n-1] && (s > 0 || stride[n-1] == 0) {
			size[n-1] *= want
			continue
		}
		size[n], stride[n] = want, s
		n++
	}
	v.rank = n
	for i := range n {
		v.size[i], v.stride[i] = size[n-1-i], stride[n-1-i]
	}
	return v
}

// full reports whether the operand has the result's shape, apart from axes of length 1.
func (v *view) full() bool { return v.rank == 0 || v.rank == 1 && v.stride[0] == 1 }

// single reports whether the operand has one element.
func (v *view) single() bool {
	for _, s := range v.stride[:v.rank] {
		if s != 0 {
			return false
		}
	}
	return true
}

// read copies elements at to at+len(dst)-1 of the broadcast operand x.
func read[E any](v *view, dst, x []E, at int) {
	last := v.rank - 1
	inner, step := v.size[last], v.stride[last]
	for len(dst) > 0 {
		rest, j := at/inner, at%inner
		from := j * step
		for a := last - 1; a >= 0; a-- {
			from += rest % v.size[a] * v.stride[a]
			rest /= v.size[a]
		}
		n := min(inner-j, len(dst))
		run := dst[:n]
		if step == 1 {
			copy(run, x[from:])
		} else { // repeated: another step would have been merged
			repeat(run, x[from])
		}
		dst, at = dst[n:], at+n
	}
}

// repeat fills dst with x.
func repeat[E any](dst []E, x E) {
	const few = 16
	for i := range dst[:min(few, len(dst))] {
		dst[i] = x
	}
	for n := few; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}
