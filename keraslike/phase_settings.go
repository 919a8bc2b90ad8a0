// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
)

// phaseSettings are the settings of a phase that everybody needs.
type phaseSettings struct {
	name  string // "" for an Objective
	times int
}

// label names the phase in errors.
func (p phaseSettings) label() string {
	if p.name == "" {
		return "objective"
	}
	return fmt.Sprintf("phase %q", p.name)
}

// series is the name of its loss in the logs.
func (p phaseSettings) series() string {
	if p.name == "" {
		return "loss"
	}
	return p.name + "_loss"
}

// compiledPhase is a phase of a compiled model.
type compiledPhase struct {
	phaseSettings
	given     any // the phase as it was given, whose function is of the files behind
	optimizer Optimizer
	weights   []*Weight        // that it trains
	trained   map[*Weight]bool // the same
	logs      []string         // what it logs
	measures  []measured
}

// measured is a metric of a phase, and the shapes of one row of what it compares.
type measured struct {
	Metric
	prediction, target Shape
}

// phaseData is what the phases read of the data.
type phaseData struct {
	own      bool // the inputs are those of the model
	inputs   []Shape
	targets  []Shape
	weighted bool // the weights of the samples are used
}

// targetAt returns the shape of target k for the lengths of the free axes of the model's inputs.
func (d *phaseData) targetAt(k int, l lengths, free int) (Shape, error) {
	shape := d.targets[k]
	if !shape.isFree() {
		return shape, nil
	}
	own := l.all(free)
	any := 0
	for _, n := range shape {
		if n == Any {
			any++
		}
	}
	if any > len(own) {
		return nil, fmt.Errorf("target %d has shape %v, and the inputs have %d free axes, which Any stands for", k, shape, len(own))
	}
	own, shape = own[len(own)-any:], slices.Clone(shape)
	for axis, n := range shape {
		if n == Any {
			shape[axis], own = own[0], own[1:]
		}
	}
	return shape, nil
}

var (
	errDistributedPhases = errors.New("distributed: the model is compiled with Phases or an Objective, whose loss need not be a mean over the samples of a batch, so that the gradients of its parts would not add up to its own")
	errUnusedWeights     = errors.New("the samples have weights, which no phase asks for: Step.Weights")
)
