// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// checkFraction returns an error for a setting outside [0, 1).
func checkFraction(name string, v float64) error {
	if !(v >= 0 && v < 1) {
		return fmt.Errorf("%s is %g, want 0 <= %s < 1", name, v, name)
	}
	return nil
}

// checkNonNegative returns an error for a setting that is negative, infinite or NaN.
func checkNonNegative(name string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 1) {
		return fmt.Errorf("%s is %g, want a finite number of at least 0", name, v)
	}
	return nil
}

// checkPositive returns an error for a setting that is not positive, infinite or NaN.
func checkPositive(name string, v float64) error {
	if !(v > 0) || math.IsInf(v, 1) {
		return fmt.Errorf("%s is %g, want a finite number above 0", name, v)
	}
	return nil
}
