// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/kernel"
)

// finiteSettings checks the settings of Compile.
func (c *compiled) finiteSettings() error {
	var mistakes []error
	add := func(what, name string, v any) {
		if err := finiteSettings(v); err != nil {
			mistakes = append(mistakes, fmt.Errorf("compile: %s %s: %w", what, name, err))
		}
	}
	add("optimizer", nameIn("optimizer", c.optimizer), c.optimizer)
	for _, l := range c.losses {
		add("loss", nameIn("loss", l), l)
	}
	for _, m := range c.metrics {
		add("metric", nameIn("metric", m.Metric), m.Metric)
	}
	for k, w := range c.lossWeights {
		if !(math.Abs(w) <= math.MaxFloat32) {
			mistakes = append(mistakes, fmt.Errorf("compile: weight %d of the losses is %g, want a finite number of float32", k, w))
		}
	}
	return errors.Join(mistakes...)
}

// mostCounted is the most steps and epochs that a file may have done: so many that no
// training gets there, and far enough from where counting ends.
const mostCounted = 1 << 30

// checkProgress checks how far training is said to be.
func (c *compileConfig) checkProgress() error {
	for _, n := range []struct {
		name  string
		value int
	}{{"steps", c.Steps}, {"epochs", c.Epochs}, {"position", c.Position}} {
		if n.value < 0 || n.value > mostCounted {
			return fmt.Errorf("settings of compile: %s is %d, want 0 to %d", n.name, n.value, mostCounted)
		}
	}
	if err := checkRate(c.Rate); err != nil {
		return fmt.Errorf("settings of compile: rate: %w", err)
	}
	return nil
}

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
	return checkStored(name, values, !w.nonNegative)
}

// checkKept is checkStored for an array of the optimizer. SGD's velocity has a
// direction, that of the others is a mean of squares.
func (c *compiled) checkKept(name string, values []float32) error {
	slot, of := path.Base(name), c.optimizer.Name()
	_, own := optimizerKinds[of]
	positive := own && (slices.Contains(squares, slot) || slot == "velocity" && of != "sgd") && !strings.HasPrefix(name, keptPrefix)
	return checkStored(name, values, !positive)
}
