// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/kernel"
)

// squares are slots that a root is taken of or a divisor made of.
var squares = []string{"velocity_max", "accumulator", "accumulated_grad", "accumulated_delta_var", "norm"}

// checkStored looks through the values of a weight, or of what an optimizer keeps, by
// the name that it has in files.
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
	return checkStored(name, values, !w.variance)
}

// checkKept is checkStored for an array of the optimizer. SGD's velocity has a
// direction, that of the others is a mean of squares.
func (c *compiled) checkKept(name string, values []float32) error {
	slot, of := path.Base(name), c.optimizer.Name()
	_, own := optimizerKinds[of]
	positive := own && (slices.Contains(squares, slot) || slot == "velocity" && of != "sgd") && !strings.HasPrefix(name, keptPrefix)
	return checkStored(name, values, !positive)
}
