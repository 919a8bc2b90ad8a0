// SPDX-License-Identifier: Apache-2.0

package keraslike

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
