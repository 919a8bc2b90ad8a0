// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"path"
	"slices"

	"github.com/reef-dl/reef/internal/kernel"
)

// NotFiniteError ends a training whose loss or gradients are NaN or Inf. It names
// the first layer with such a weight, else the first in order of computation with
// such an activation, else the first, from the loss backwards, with such a gradient.
type NotFiniteError struct {
	Layer string // its path; empty when only the loss is NaN or Inf
	What  string // "weight", "activation", "gradient" or "loss"
	Step  int    // batches trained on before, over all epochs
	Err   error
}

// Error names the layer.
func (e *NotFiniteError) Error() string {
	if e.Layer == "" {
		return fmt.Sprintf("%v (all weights, activations and gradients are finite)", e.Err)
	}
	return fmt.Sprintf("%v; the first %s that is not finite is in layer %q", e.Err, e.What, e.Layer)
}

// Unwrap returns the cause.
func (e *NotFiniteError) Unwrap() error { return e.Err }

// locateNotFinite finds the layer where the first NaN or Inf appeared in the last batch of g.
// It computes the batch again with the outputs of all layers.
func (m *Model) locateNotFinite(g *modelGraph, cause error) error {
	e := &NotFiniteError{What: "loss", Step: m.trainer.steps, Err: cause}
	if w := m.badWeight(); w != nil {
		e.What, e.Layer = "weight", path.Dir(m.paths[w])
		return e
	}
	t, err := m.newGraph(m.memoryLimit(modeTrace, g.batch), modeTrace, graphKey{batch: g.batch, lengths: g.lengths}, m.compiled, nil)
	if err != nil {
		return err
	}
	for i, buffer := range t.inputs {
		if err := buffer.bind(g.inputs[i].bound); err != nil {
			return err
		}
	}
	if err := m.carried.bind(t); err != nil { // update holds the lock
		return err
	}
	if err := t.run(); err != nil {
		return err
	}
	for i, layer := range t.scope.traced.paths {
		if kernel.Finite(t.activations.values[i]) >= 0 {
			e.What, e.Layer = "activation", layer
			return e
		}
	}
	for i, w := range slices.Backward(m.trainer.weights) {
		if kernel.Finite(g.gradient(i, true).values) >= 0 {
			e.What, e.Layer = "gradient", path.Dir(m.paths[w])
			return e
		}
	}
	return e
}

// badWeight returns the first weight that is not finite, or nil.
func (m *Model) badWeight() *Weight {
	for _, w := range m.weights {
		if kernel.Finite(w.floats()) >= 0 {
			return w
		}
	}
	return nil
}

// checkWeights reports weights that became NaN or Inf in the last update of an epoch, after
// which no loss is computed. Centered RMSprop can cause this when rounding makes a variance
// negative.
func (m *Model) checkWeights() error {
	w := m.badWeight()
	if w == nil {
		return nil
	}
	t := m.trainer
	cause := fmt.Errorf("weight %q has a value of %v after %d updates by %s", m.paths[w], w.floats()[kernel.Finite(w.floats())], t.updates(), t.optimizer.Name())
	return &NotFiniteError{What: "weight", Layer: path.Dir(m.paths[w]), Step: t.steps, Err: cause}
}
