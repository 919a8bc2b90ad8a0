// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"path"
	"slices"

	"github.com/reef-dl/reef/internal/kernel"
)

// newTrainers returns the trainer of a model, of the weights that are trained, and those of its phases.
func (m *Model) newTrainers(c *compiled, trained []*Weight) (t *trainer, phases []*trainer, err error) {
	if c.phases == nil {
		t, err = newTrainer(c.optimizer, trained, m.pathOf)
		return t, nil, err
	}
	for _, p := range c.phases {
		one, err := newTrainer(p.optimizer, p.weights, m.pathOf)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p.label(), err)
		}
		if p.name != "" {
			one.phase = "phase " + p.name + "/"
		}
		phases = append(phases, one)
	}
	return phases[0], phases, nil
}

// checkGradients sets whether gradients are checked before updates.
func (m *Model) checkGradients(on bool) {
	for _, t := range m.allTrainers() {
		t.checksGradients = on
	}
}

// updatePhases makes the updates of all phases with the batch in the buffers of the graphs, and adds what
// they compute to the scores.
func (m *Model) updatePhases(all *phaseGraphs, s *scores, b *batch) error {
	if err := all.bind(); err != nil {
		return err
	}
	s.samples += len(b.indices)
	for i, p := range m.compiled.phases {
		t, g := m.phases.trainers[i], all.list[i]
		for range p.times {
			rate, err := t.scheduled(t.rate)
			if err == nil {
				t.rate = rate
				g.scope.random.Step = uint64(t.steps)
				err = m.updatePhase(t, g, rate)
			}
			if err == nil {
				err = s.addPhase(i, p, g, len(b.indices), p.times)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", p.label(), nameSample(err, b.indices))
			}
		}
	}
	return nil
}

// updatePhase is update for a phase.
func (m *Model) updatePhase(t *trainer, g *modelGraph, rate float64) error {
	if err := g.run(); err != nil {
		return err
	}
	if l := g.loss(); math.IsNaN(l) || math.IsInf(l, 0) {
		return m.locateInPhase(t, g, fmt.Errorf("the loss is %v after %d updates; a smaller learning rate than %g may help", l, t.updates(), rate))
	}
	for i := range t.weights {
		t.gradients[i] = g.gradient(i, t.readsGradients())
		if !t.checksGradients {
			continue
		}
		if at := kernel.Finite(t.gradients[i].values); at >= 0 {
			return m.locateInPhase(t, g, fmt.Errorf("a gradient is %v after %d updates", t.gradients[i].values[at], t.updates()))
		}
	}
	return writeWeights(m.locks, g.written, func() error {
		if err := t.step(rate); err != nil {
			return err
		}
		g.update()
		return nil
	})
}

// locateInPhase is locateNotFinite for a phase, whose activations have no layers that one could name.
func (m *Model) locateInPhase(t *trainer, g *modelGraph, cause error) error {
	e := &NotFiniteError{What: "loss", Step: t.steps, Err: cause}
	if w := m.badWeight(); w != nil {
		e.What, e.Layer = "weight", path.Dir(m.paths[w])
		return e
	}
	for i, w := range slices.Backward(t.weights) {
		if kernel.Finite(g.gradient(i, true).values) >= 0 {
			e.What, e.Layer = "gradient", path.Dir(m.paths[w])
			return e
		}
	}
	return e
}

// measurePhases computes batch number step in evaluation and adds it to the scores.
func (m *Model) measurePhases(all *phaseGraphs, s *scores, b *batch, step int) error {
	if err := all.bind(); err != nil {
		return err
	}
	s.samples += len(b.indices)
	for i, p := range m.compiled.phases {
		g := all.list[i]
		g.scope.random.Step = uint64(step)
		err := g.run()
		if err == nil {
			err = s.addPhase(i, p, g, len(b.indices), 1)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.label(), nameSample(err, b.indices))
		}
	}
	return nil
}

// scaleRates multiplies the learning rates of the phases behind the first by the factor by which that of
// the first was changed.
func (m *Model) scaleRates(before, after float64) error {
	if len(m.phases.trainers) < 2 || before == 0 || m.trainer.settings.Schedule.Schedule != nil {
		return nil
	}
	rates := make([]float64, len(m.phases.trainers))
	for i, t := range m.phases.trainers[1:] {
		if rates[i+1] = t.rate * (after / before); t.settings.Schedule.Schedule != nil {
			rates[i+1] = t.rate
		}
		if err := checkRate(rates[i+1]); err != nil {
			return fmt.Errorf("%s: %w", m.compiled.phases[i+1].label(), err)
		}
	}
	for i, t := range m.phases.trainers[1:] {
		t.rate = rates[i+1]
	}
	return nil
}

// rawInputs returns how many inputs the data of the phases has.
func (m *Model) rawInputs() int {
	if m.compiled.data.own {
		return len(m.inputs)
	}
	return len(m.compiled.data.inputs)
}

// stateArrays returns the arrays of all optimizers.
func (m *Model) stateArrays() (list []stateArray) {
	for _, t := range m.allTrainers() {
		list = append(list, t.state(m.pathOf)...)
	}
	return list
}
