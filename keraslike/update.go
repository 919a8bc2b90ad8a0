// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/kernel"
)

// update is one training step: forward, backward, what layers update, then the optimizer. A step whose loss
// is NaN or Inf changes nothing.
func (m *Model) update(g *modelGraph, rate float64) error {
	t := m.trainer
	m.random.Step = uint64(t.steps)
	m.carried.mu.Lock()
	defer m.carried.mu.Unlock()
	if err := m.carried.bind(g); err != nil {
		return err
	}
	if err := g.run(); err != nil {
		return err
	}
	if l := g.loss(); math.IsNaN(l) || math.IsInf(l, 0) {
		return m.locateNotFinite(g, fmt.Errorf("the loss is %v after %d updates; a smaller learning rate than %g may help", l, t.updates(), rate))
	}
	for i := range t.weights {
		t.gradients[i] = g.gradient(i, t.readsGradients())
		if !t.checksGradients {
			continue
		}
		if at := kernel.Finite(t.gradients[i].values); at >= 0 {
			return m.locateNotFinite(g, fmt.Errorf("a gradient is %v after %d updates", t.gradients[i].values[at], t.updates()))
		}
	}
	return writeWeights(m.locks, g.written, func() error {
		g.update()
		m.carried.keep(g)
		return t.step(rate)
	})
}
