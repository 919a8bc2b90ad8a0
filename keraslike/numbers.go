// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// numbers is the set of values that are valid as targets or predictions: an interval or the
// integers in an interval. A nil set contains all finite values.
type numbers struct {
	lo, hi float64
	whole  bool
	want   string // the set in words, for errors
}

var (
	probabilities = &numbers{lo: 0, hi: 1, want: "want 0 to 1"}
	positives     = &numbers{lo: 0, hi: math.Inf(1), want: "want at least 0"}
	signs         = &numbers{lo: -1, hi: 1, want: "want -1 and 1 or 0 and 1"}
	// nearProbabilities differ from the interval [0, 1] by at most 1.
	nearProbabilities = &numbers{lo: -1, hi: 2, want: "want about 0 to 1, as sigmoid and softmax predict"}
)

// classNumbers returns the set of class numbers 0 to n-1.
func classNumbers(n int) *numbers {
	return &numbers{lo: 0, hi: float64(n - 1), whole: true, want: fmt.Sprintf("want a class number, an integer from 0 to %d", n-1)}
}

// check returns an error for the first value outside the set. Predictions may exceed the
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

// outside returns the index of the first of values[from:] outside the set, -1 if there is
// none.
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

// predictionRounding is the tolerance for probabilities computed in float32.
const predictionRounding = 1e-5
