// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// modelPhases is the training of a model with phases.
type modelPhases struct {
	trainers []*trainer   // of the phases, of which the first is the model's
	training *phaseGraphs // of the last batch trained on; nil between calls of Fit
}

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

// trainers returns the trainers of a compiled model: one, or that of each phase.
func (m *Model) allTrainers() []*trainer {
	if m.phases.trainers != nil {
		return m.phases.trainers
	}
	if m.trainer == nil {
		return nil
	}
	return []*trainer{m.trainer}
}

// checkGradients sets whether gradients are checked before updates.
func (m *Model) checkGradients(on bool) {
	for _, t := range m.allTrainers() {
		t.checksGradients = on
	}
}

var (
	errDistributedPhases = errors.New("distributed: the model is compiled with Phases or an Objective, whose loss need not be a mean over the samples of a batch, so that the gradients of its parts would not add up to its own")
	errUnusedWeights     = errors.New("the samples have weights, which no phase asks for: Step.Weights")
)

// trainingPhases returns the graphs of the phases for a batch, which the model keeps as trainingGraph
// does.
func (m *Model) trainingPhases(key graphKey) (*phaseGraphs, error) {
	if all := m.phases.training; all != nil && all.key == key {
		return all, nil
	}
	m.releaseTraining()
	all, err := m.phaseGraphs(modeTrain, key)
	m.phases.training = all
	return all, err
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

// trainPhasesOn is trainOn for a model with phases.
func (m *Model) trainPhasesOn(inputs, targets []graph.Value, weights []float32) (result BatchResult, err error) {
	c, n := m.compiled, inputs[0].Shape()[0]
	if weights != nil && !c.data.weighted {
		return result, errUnusedWeights
	}
	key := graphKey{batch: n, weighted: weights != nil}
	if c.data.own {
		key.lengths = m.lengthsOfValues(inputs)
	}
	all, err := m.trainingPhases(key)
	if err != nil {
		return result, err
	}
	first := all.list[0]
	for kind, list := range [2][]graph.Value{inputs, targets} {
		what, buffers := "input", first.inputs
		if kind == 1 {
			what, buffers = "target", first.targets
		}
		for k, v := range list {
			if got, want := v.Shape(), buffers[k].node.Shape(); !slices.Equal(got, want) {
				return result, fmt.Errorf("%s %d has shape %v, want %v", what, k, got, want)
			}
			if values := graph.Floats(v); values != nil {
				if i := kernel.Finite(values); i >= 0 {
					return result, fmt.Errorf("%s %d of sample %d: value %d is %v", what, k, i/(len(values)/n), i%(len(values)/n), values[i])
				}
			}
			if err := buffers[k].bind(v); err != nil {
				return result, fmt.Errorf("%s %d: %w", what, k, err)
			}
		}
	}
	if weights != nil {
		if err := first.setWeights(weights); err != nil {
			return result, err
		}
	}
	b, err := m.measureOnBatch(weights, n)
	if err != nil {
		return result, err
	}
	if err := m.updatePhases(all, b.scores, &b.batch); err != nil {
		return result, err
	}
	if b.logs, err = b.scores.logs(b.logs[:0]); err != nil {
		return result, err
	}
	result.Logs = b.logs
	if len(all.list) == 1 {
		result.Outputs = first.outputs.values
	}
	return result, nil
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
