// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
)

// Targets outside the set that a loss is made for are refused before they are
// trained on: cross-entropies and Poisson have no lower bound for them, the others no
// meaning. Squared and absolute errors take every finite number, behind a sigmoid, too.

// targets is the set of numbers that targets are of; nil is that of all.
func (l LossFunc) targets(p Shape) *numbers {
	switch l {
	case BinaryCrossentropy, CategoricalCrossentropy, KLDivergence:
		return probabilities
	case SparseCategoricalCrossentropy:
		return classNumbers(p[len(p)-1])
	case Poisson:
		return positives
	case Hinge, SquaredHinge, CategoricalHinge:
		return signs
	}
	return nil
}

func (l *crossentropy) targets(p Shape) *numbers { return l.Of.targets(p) }
func (l *focal) targets(p Shape) *numbers        { return l.Of.targets(p) }

var signs = &numbers{lo: -1, hi: 1, want: "want -1 and 1 or 0 and 1"}

// targetsOf is the set of a loss; one's own losses take all numbers. Class numbers are
// checked by the loss's op.
func targetsOf(l Loss, p Shape) *numbers {
	own, ok := l.(interface{ targets(Shape) *numbers })
	if !ok {
		return nil
	}
	if set := own.targets(p); set != nil && !set.whole {
		return set
	}
	return nil
}

// checkBatch refuses inputs and targets that are NaN or infinite, and targets that
// their loss is not made for. Errors name the sample.
func (c *compiled) checkBatch(inputs, targets [][]float32, indices []int) error {
	for k, x := range inputs {
		if err := finite("input", k, x, indices); err != nil {
			return err
		}
	}
	for k, t := range targets {
		if err := c.checkTarget(k, t, indices, len(indices)); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget refuses targets of output k, of n samples with the given numbers; without
// numbers they count from 0.
func (c *compiled) checkTarget(k int, t []float32, indices []int, n int) error {
	sample := func(row int) int {
		if indices != nil {
			row = indices[row]
		}
		return row
	}
	each := len(t) / n
	if i := kernel.Finite(t); i >= 0 {
		return fmt.Errorf("target %d of sample %d: value %d is %v", k, sample(i/each), i%each, t[i])
	}
	if c.domains[k] == nil {
		return nil
	}
	for i := range n {
		if err := c.domains[k].check("target", t[i*each:(i+1)*each], 0); err != nil {
			return fmt.Errorf("sample %d: %s: %w", sample(i), c.losses[k].Name(), err)
		}
	}
	return nil
}
