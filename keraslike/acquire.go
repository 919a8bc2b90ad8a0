// SPDX-License-Identifier: Apache-2.0

package keraslike

// acquireGraph returns a graph of the model, to be released, with at most memory bytes for values.
func (m *Model) acquireGraph(mode mode, key graphKey, memory int64) (*modelGraph, error) {
	return m.graphs.acquire(cacheKey{mode, key, memory}, func() (*modelGraph, error) {
		if c := m.compiled; c != nil && c.phases != nil && (mode == modeTrain || mode == modeEvaluate) {
			return m.newPhaseGraph(memory, mode, key, c)
		}
		return m.newGraph(memory, mode, key, m.compiled, m.trained())
	})
}

// graphInArena returns a graph with memory for its values, which stay until it is released.
func (m *Model) graphInArena(mode mode, key graphKey) (*modelGraph, error) {
	g, err := m.acquireGraph(mode, key, m.memoryLimit(mode, key.batch))
	if err == nil {
		g.arena = m.graphs.borrowArena(g.planned())
	}
	return g, err
}

// trained returns the weights that were trainable when the model was compiled.
func (m *Model) trained() []*Weight {
	if m.trainer == nil {
		return nil
	}
	return m.trainer.weights
}

// trainingGraph returns the training graph for a batch. The model keeps it until it trains on a batch
// of another kind or releaseTraining is called.
func (m *Model) trainingGraph(key graphKey) (*modelGraph, error) {
	if m.training != nil && m.training.graphKey == key {
		return m.training, nil
	}
	m.releaseTraining()
	g, err := m.graphInArena(modeTrain, key)
	if err != nil {
		return nil, err
	}
	m.training = g
	return g, nil
}

// releaseTraining returns the training graph to the cache.
func (m *Model) releaseTraining() {
	m.graphs.release(m.training)
	m.training = nil
	m.releasePhases(m.phases.training)
	m.phases.training = nil
}

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

// phaseGraphs returns the graphs of all phases, to be released.
func (m *Model) phaseGraphs(mode mode, key graphKey) (all *phaseGraphs, err error) {
	all = &phaseGraphs{key: key}
	largest := 0
	for i := range m.compiled.phases {
		own := key
		own.phase = i
		g, err := m.acquireGraph(mode, own, m.memoryLimit(mode, key.batch))
		if err != nil {
			m.releasePhases(all)
			return nil, err
		}
		all.list, largest = append(all.list, g), max(largest, g.planned())
	}
	arena := m.graphs.borrowArena(largest)
	for _, g := range all.list {
		g.arena = arena
	}
	return all, nil
}

// releasePhases returns the graphs to the cache; nil is ignored.
func (m *Model) releasePhases(all *phaseGraphs) {
	if all == nil {
		return
	}
	for i, g := range all.list {
		if i > 0 {
			g.arena = nil // that of the first
		}
		m.graphs.release(g)
	}
	all.list = nil
}

// allTrainers returns the trainers of a compiled model: one, or that of each phase.
func (m *Model) allTrainers() []*trainer {
	if m.phases.trainers != nil {
		return m.phases.trainers
	}
	if m.trainer == nil {
		return nil
	}
	return []*trainer{m.trainer}
}
