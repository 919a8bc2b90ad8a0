// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/internal/kernel"
)

// nonNegativeSlots are optimizer slots that are used in a square root or as a divisor.
var nonNegativeSlots = []string{"velocity_max", "accumulator", "accumulated_grad", "accumulated_delta_var", "norm", "row_average", "column_average"}

// checkStored validates the values of a weight or an optimizer slot; name is its name in
// files.
func checkStored(name string, values []float32, mayBeNegative bool) error {
	if err := checkNumbers(values, mayBeNegative); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

func checkNumbers(values []float32, mayBeNegative bool) error {
	if i := kernel.Finite(values); i >= 0 {
		return fmt.Errorf("value %d is %v, want finite numbers", i, values[i])
	}
	if mayBeNegative {
		return nil
	}
	if i := slices.IndexFunc(values, func(v float32) bool { return v < 0 }); i >= 0 {
		return fmt.Errorf("value %d is %v, want none below 0", i, values[i])
	}
	return nil
}

// checkValues is checkStored for a weight of a layer.
func (w *Weight) checkValues(name string, values []float32) error {
	return checkStored(name, values, !w.nonNegative)
}
