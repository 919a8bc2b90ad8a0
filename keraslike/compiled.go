// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// compiled holds the settings of Compile. State that training changes is in trainer.
type compiled struct {
	compileSettings
	optimizer Optimizer
	losses    []Loss // one for each output; none with phases
	targeted  []int  // the outputs that have targets, in ascending order
	labels    []bool // outputs without a loss whose targets lack the last axis
	phases    []*compiledPhase
	data      phaseData       // of the phases
	targets   []Shape         // of one sample, for each output
	domains   []*valueRange   // of targets, for each output
	logged    []loggedValue   // by layers, without nodes
	frozen    map[*layer]bool // whether each layer, of nested models too, was frozen
}

// targetOf returns the shape of the targets of an output, according to its loss. Without one it is
// that which all its metrics take.
func (c *compiled) targetOf(k int, out Shape) (target Shape, err error) {
	if c.phases != nil {
		return c.data.targets[k], nil
	}
	if isNoLoss(c.losses[k]) {
		return c.measuredTarget(k, out), nil
	}
	defer caught(&err, "loss", c.losses[k], "Target")
	return c.losses[k].Target(out)
}

// targetsOf returns the shape of the targets of an output, whose axes are free where they depend on
// the free axes of the output.
func (c *compiled) targetsOf(k int, out *Tensor) (Shape, error) {
	if !out.shape.isFree() {
		return c.targetOf(k, out.shape)
	}
	pair := [2]int{trialLength, 2 * trialLength}
	short, a := c.targetOf(k, out.shape.at(pair[0]))
	long, b := c.targetOf(k, out.shape.at(pair[1]))
	switch {
	case a != nil || b != nil:
		return nil, withoutLengths(a, b, pair)
	case len(short) != len(long):
		return nil, fmt.Errorf("%s: the number of axes of the targets depends on the length of a free axis of the output %v", c.losses[k].Name(), out.shape)
	}
	return short.freeWhereDifferent(long), nil
}

// restoreFrozen sets the layers' frozen flags to those of Compile; back reverses it.
func (c *compiled) restoreFrozen() (back func()) {
	now := map[*layer]bool{}
	for l, frozen := range c.frozen {
		now[l], l.frozen = l.frozen, frozen
	}
	return func() {
		for l, frozen := range now {
			l.frozen = frozen
		}
	}
}
