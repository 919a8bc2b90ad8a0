// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// newPhaseScores begins the measurements of phases: the loss of each, what it logs and its metrics.
func newPhaseScores(n *network, c *compiled) (*scores, error) {
	s := &scores{}
	for i, p := range c.phases {
		s.offsets = append(s.offsets, len(s.losses))
		s.addLoss(p.series(), minimize)
		for _, name := range p.logs {
			s.addLoss(name, goalOfName(name))
		}
		for k, m := range p.measures {
			one, err := newScore(m.outputMetric, m.prediction, m.target)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.label(), err)
			}
			one.phase, one.output = i, k
			s.list = append(s.list, one)
		}
	}
	if len(s.list)+len(s.losses) > n.layersLimit() {
		return nil, fmt.Errorf("%d series and metrics, the most is %d (Limits.Layers)", len(s.list)+len(s.losses), n.layersLimit())
	}
	return s, nil
}

// addPhase adds what phase i has computed for a batch of n samples, one of several times.
func (s *scores) addPhase(i int, p *compiledPhase, g *modelGraph, n, times int) (err error) {
	defer s.caught(&err)
	share := float64(n) / float64(times)
	at := s.offsets[i]
	s.losses[at] += g.loss() * share
	for k := range p.logs {
		s.losses[at+1+k] += float64(g.logged.values[k][0]) * share
	}
	for s.current = range s.list {
		one := &s.list[s.current]
		if one.phase != i {
			continue
		}
		at := 2 * one.output
		one.Add(g.rows[one.output], g.measured.values[at], g.measured.values[at+1])
		if d, ok := one.Measurement.(CheckedMeasurement); ok && d.Err() != nil {
			return d.Err()
		}
	}
	return nil
}
