// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
)

// maxNumbers bounds what is allocated at a caller's word: 1 GB in single precision. A
// batch of 1,700 pictures of 224x224 has as many numbers.
const maxNumbers = 1 << 28

// maxExact is the largest whole number up to which single precision holds every one.
const maxExact = 1 << 24

// exact says whether single precision holds n, which otherwise would become another id.
func exact(n int32) bool { return n >= -maxExact && n <= maxExact }

// sizeOf is the product of a shape: 0 when an axis is not positive, and math.MaxInt when
// the product does not fit, which no buffer has room for.
func sizeOf(shape []int) int {
	n := 1
	for _, axis := range shape {
		if axis < 1 {
			return 0
		}
		if n > math.MaxInt/axis {
			n = math.MaxInt
		} else {
			n *= axis
		}
	}
	return n
}

// checkRoom refuses n samples that would take more than maxNumbers numbers.
func (l *layout) checkRoom(n int) error {
	left := maxNumbers
	for _, sizes := range [][]int{l.inputSizes, l.targetSizes} {
		for _, size := range sizes {
			if size < 1 {
				continue
			}
			if n > left/size {
				return fmt.Errorf("%d samples of inputs %v and targets %v, want at most %d numbers in all", n, l.inputs, l.targets, maxNumbers)
			}
			left -= n * size
		}
	}
	return nil
}
