// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"math"
	"testing"
)

// Logarithms of subnormal numbers, by Python's math.log.
func TestLogOfSubnormals(t *testing.T) {
	for x, want := range map[float64]float64{
		1e-320: -736.8272408909739, math.SmallestNonzeroFloat64: -744.4400719213812, 1e-310: -713.8013788281542,
		0x1p-1022: -708.3964185322641, 0.5: -0.6931471805599453,
	} {
		if got := logOf(x); math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("the logarithm of %g is %v, want %v", x, got, want)
		}
	}
	if got := logOf(0); !math.IsInf(got, -1) {
		t.Errorf("the logarithm of 0 is %v, want -Inf", got)
	}
	if got := logOf(-1e-320); !math.IsNaN(got) {
		t.Errorf("the logarithm of a negative number is %v, want NaN", got)
	}
}
