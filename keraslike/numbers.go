// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// valueRange is the set of values that are valid as targets or predictions: an interval or the
// integers in an interval. A nil set contains all finite values.
type valueRange struct {
	lo, hi float64
	whole  bool
	also   *int   // a number outside that is in the set, too
	want   string // the set in words, for errors
}

var (
	probabilities = &valueRange{lo: 0, hi: 1, want: "want 0 to 1"}
	positives     = &valueRange{lo: 0, hi: math.Inf(1), want: "want at least 0"}
	signs         = &valueRange{lo: -1, hi: 1, want: "want -1 and 1 or 0 and 1"}
	// nearProbabilities differ from the interval [0, 1] by at most 1.
	nearProbabilities = &valueRange{lo: -1, hi: 2, want: "want about 0 to 1, as sigmoid and softmax predict"}
)

// classRange returns the set of class numbers 0 to n-1.
func classRange(n int) *valueRange {
	return &valueRange{lo: 0, hi: float64(n - 1), whole: true, want: fmt.Sprintf("want a class number, an integer from 0 to %d", n-1)}
}

// check returns an error for the first value outside the set. Predictions may exceed the
// bounds by rounding.
func (s *valueRange) check(what string, values []float32, rounding float64) error {
	if s == nil {
		return nil
	}
	if i := s.indexOutside(values, 0, rounding); i >= 0 {
		return s.violation(what, values[i])
	}
	return nil
}

// indexOutside returns the index of the first of values[from:] outside the set, -1 if there is
// none.
func (s *valueRange) indexOutside(values []float32, from int, rounding float64) int {
	for i := from; i < len(values); i++ {
		if x := float64(values[i]); !(x >= s.lo-rounding && x <= s.hi+rounding) || s.whole && x != math.Trunc(x) {
			if s.also != nil && x == float64(*s.also) {
				continue
			}
			return i
		}
	}
	return -1
}

func (s *valueRange) violation(what string, v float32) error {
	return fmt.Errorf("%s is %v, %s", what, v, s.want)
}

// predictionRounding is the tolerance for probabilities computed in float32.
const predictionRounding = 1e-5

// upTo returns 0, 1, ... n-1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// indicator returns 1 for true and 0 for false.
func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// maxCount is the largest number of steps or epochs in a file, more than any training needs
// and far from integer overflow.
const maxCount = 1 << 30
