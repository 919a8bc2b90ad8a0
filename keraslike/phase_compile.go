// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
)

// addPhases checks the phases of Compile.
func (c *compiled) addPhases(all *phases, optimizer Optimizer) error {
	mistakes := slices.Clone(all.mistakes)
	fail := func(p *phase, format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("%s: %w", p.label(), fmt.Errorf(format, args...)))
	}
	if len(all.list) == 0 && len(mistakes) == 0 {
		mistakes = append(mistakes, errors.New("got no phases"))
	}
	if len(c.metrics) > 0 {
		mistakes = append(mistakes, fmt.Errorf("metric %s: a phase measures its metrics by Step.Measure, Compile takes none", nameIn("metric", c.metrics[0].Metric)))
	}
	if c.lossWeights != nil {
		mistakes = append(mistakes, errors.New("LossWeights: a phase weights its losses itself"))
	}
	names := map[string]bool{}
	for _, p := range all.list {
		own := p.optimizer
		if !p.ownSet {
			own = optimizer
		}
		if names[p.name] {
			fail(p, "there are two phases of this name")
		}
		names[p.name] = true
		if p.mistake != nil {
			fail(p, "%w", p.mistake)
		}
		if p.step == nil {
			fail(p, "its function is nil")
		}
		if p.times < 1 {
			fail(p, "Times is %d, want at least 1", p.times)
		}
		if p.name == "" && len(all.list) > 1 {
			fail(p, "has no name, which one of several phases needs")
		}
		if p.trains != nil && len(p.trains) == 0 {
			fail(p, "Trains of nothing, want models or layers")
		}
		if p.ownSet && isNil(own) {
			fail(p, "PhaseOptimizer of nil")
		} else if p.ownSet {
			mistakes := flattenErrors(guard("optimizer", own, "Check", own.Check))
			for _, err := range append(mistakes, flattenErrors(finiteSettings(own))...) {
				fail(p, "optimizer %s: %w", nameIn("optimizer", own), err)
			}
		}
		for i, l := range p.trains {
			if isNil(l) {
				fail(p, "Trains: part %d is nil", i)
			}
		}
		c.phases = append(c.phases, &compiledPhase{phaseSettings: p.phaseSettings, given: p, optimizer: own})
	}
	if isNil(c.optimizer) && len(c.phases) > 0 {
		c.optimizer = c.phases[0].optimizer
	}
	return errors.Join(mistakes...)
}

// haveOptimizers reports whether every phase has an optimizer of its own.
func (p *phases) haveOptimizers() bool {
	return len(p.list) > 0 && !slices.ContainsFunc(p.list, func(one *phase) bool { return !one.ownSet })
}

// findTrained finds the weights that each phase trains, according to what is frozen now.
func (c *compiled) findTrained(m *Model) error {
	if m.isStateful() {
		p := m.carries[0]
		return fmt.Errorf("%s %q is Stateful, so each batch continues the one before: it cannot be trained by phases, which compute a batch several times", p.layer.def.Kind(), p.path)
	}
	for _, p := range c.phases {
		p.weights = m.trainable()
		given := p.given.(*phase)
		if given.trains != nil {
			p.weights = nil
		}
		for _, part := range given.trains {
			l, err := m.partOf(part)
			if err != nil {
				return fmt.Errorf("%s: trains %w", p.label(), err)
			}
			for _, w := range l.trainableWeights() {
				if !slices.Contains(p.weights, w) {
					p.weights = append(p.weights, w)
				}
			}
		}
		p.trained = map[*Weight]bool{}
		for _, w := range p.weights {
			p.trained[w] = true
		}
		if len(p.weights) == 0 {
			return fmt.Errorf("%s: has no weights to train: those of %s are frozen, or there are none", p.label(), given.partNames(m))
		}
	}
	return nil
}

func (p *phase) partNames(m *Model) string {
	if p.trains == nil {
		return fmt.Sprintf("model %q", m.name)
	}
	names := ""
	for i, l := range p.trains {
		if i > 0 {
			names += ", "
		}
		names += fmt.Sprintf("%q", l.core().name)
	}
	return names
}

// partOf returns the layer of a model or layer that the model consists of, or is.
func (m *Model) partOf(part Layer) (*layer, error) {
	l := part.core()
	if l == m.core() || l.isIn(&m.network, map[*network]bool{}) {
		return l, nil
	}
	return nil, fmt.Errorf("%s %q, which is no part of model %q", l.def.Kind(), l.name, m.name)
}

// isIn reports whether a layer is one of a network or of those nested in it. A model is in a network that
// has its layers.
func (l *layer) isIn(n *network, seen map[*network]bool) bool {
	if seen[n] {
		return false
	}
	seen[n] = true
	for _, one := range n.layers() {
		if one == l {
			return true
		}
		if inner := one.network(); inner != nil && (inner == l.network() || l.isIn(inner, seen)) {
			return true
		}
	}
	return false
}

// trainableWeights returns the weights of a layer, or of the model that it is, that are not frozen.
func (l *layer) trainableWeights() (list []*Weight) {
	if l.frozen {
		return nil
	}
	if inner := l.network(); inner != nil {
		return inner.trainable()
	}
	for _, w := range l.weights {
		if !w.state {
			list = append(list, w)
		}
	}
	return list
}

// checkPhases builds each phase in training and in evaluation, so that mistakes are found before any data
// is read, and finds out what the phases read of the data and what they log.
func (m *Model) checkPhases(c *compiled) error {
	if err := c.findTrained(m); err != nil {
		return fmt.Errorf("compile: model %q: %w", m.name, err)
	}
	l, z, zErr := m.sizesForCheck()
	data := &phaseData{}
	for round := range 2 { // the first finds out about the data
		for i, p := range c.phases {
			for _, mode := range []mode{modeTrain, modeEvaluate} {
				s := m.newStep(mode, graphKey{batch: checkedBatch, lengths: l, phase: i}, c, z, zErr, data)
				s.declares = round == 0
				if err := s.check(p); err != nil {
					return fmt.Errorf("compile: model %q: %s: %w", m.name, p.label(), err)
				}
			}
		}
	}
	if !data.own && data.inputs == nil {
		return fmt.Errorf("compile: model %q: no phase uses an input: Step.Input", m.name)
	}
	if data.own {
		for _, t := range m.edges {
			data.inputs = append(data.inputs, t.shape)
		}
	}
	c.data = *data
	scores, err := newScores(&m.network, c)
	if err == nil {
		err = scores.checkNames()
	}
	if err != nil {
		return fmt.Errorf("compile: model %q: %w", m.name, err)
	}
	return nil
}

// check builds the graph to find mistakes.
func (s *Step) check(p *compiledPhase) error {
	if s.declares {
		building.Lock()
		defer building.Unlock()
		err := guard("step", nil, "", func() error { p.given.(*phase).step(s); return nil })
		if s.v.err != nil {
			err = s.v.err
		}
		return err
	}
	if _, err := s.graph(p); err != nil {
		return err
	}
	if s.mode == modeTrain {
		p.logs, p.measures = s.logs, s.measures
		return nil
	}
	same := slices.EqualFunc(p.measures, s.measures, func(a, b measured) bool { return nameIn("metric", a.Metric) == nameIn("metric", b.Metric) })
	if !slices.Equal(p.logs, s.logs) || !same {
		return fmt.Errorf("logs %q and %d metrics in evaluation, %q and %d in training: want the same, since validation has them too", s.logs, len(s.measures), p.logs, len(p.measures))
	}
	return nil
}
