// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// numbers is a set of numbers that targets or predictions must lie in: an interval, or the
// integers of one. Nil is the set of all finite numbers.
type numbers struct {
	lo, hi float64
	whole  bool
	want   string // in words
}

var (
	probabilities = &numbers{lo: 0, hi: 1, want: "want 0 to 1"}
	positives     = &numbers{lo: 0, hi: math.Inf(1), want: "want at least 0"}
	signs         = &numbers{lo: -1, hi: 1, want: "want -1 and 1 or 0 and 1"}
	// nearProbabilities are at most as far from 0 to 1 as 0 is from 1.
	nearProbabilities = &numbers{lo: -1, hi: 2, want: "want about 0 to 1, as sigmoid and softmax predict"}
)

// classNumbers are the numbers of n classes.
func classNumbers(n int) *numbers {
	return &numbers{lo: 0, hi: float64(n - 1), whole: true, want: fmt.Sprintf("want a class number, an integer from 0 to %d", n-1)}
}

// check reports the first of the values that is not in the set. Predictions may exceed the
// bounds by rounding.
func (s *numbers) check(what string, values []float32, rounding float64) error {
	if s == nil {
		return nil
	}
	if i := s.outside(values, 0, rounding); i >= 0 {
		return s.mistake(what, values[i])
	}
	return nil
}

// outside is the index of the first of values[from:] that is not in the set; -1 for none.
func (s *numbers) outside(values []float32, from int, rounding float64) int {
	for i := from; i < len(values); i++ {
		if x := float64(values[i]); !(x >= s.lo-rounding && x <= s.hi+rounding) || s.whole && x != math.Trunc(x) {
			return i
		}
	}
	return -1
}

func (s *numbers) mistake(what string, v float32) error {
	return fmt.Errorf("%s is %v, %s", what, v, s.want)
}

// predictionRounding is how far a sum of probabilities in float32 may be from 1.
const predictionRounding = 1e-5
