// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// trainPhasesOn is trainOn for a model with phases.
func (m *Model) trainPhasesOn(inputs, targets []graph.Value, weights []float32) (logs Logs, outputs [][]float32, err error) {
	c, n := m.compiled, inputs[0].Shape()[0]
	if weights != nil && !c.data.weighted {
		return nil, nil, errUnusedWeights
	}
	key := graphKey{batch: n, weighted: weights != nil}
	if c.data.own {
		key.lengths = m.lengthsOfValues(inputs)
	}
	all, err := m.trainingPhases(key)
	if err != nil {
		return nil, nil, err
	}
	first := all.list[0]
	for kind, list := range [2][]graph.Value{inputs, targets} {
		what, buffers := "input", first.inputs
		if kind == 1 {
			what, buffers = "target", first.targets
		}
		for k, v := range list {
			if got, want := v.Shape(), buffers[k].node.Shape(); !slices.Equal(got, want) {
				return nil, nil, fmt.Errorf("%s %d has shape %v, want %v", what, k, got, want)
			}
			if values := graph.Floats(v); values != nil {
				if i := kernel.Finite(values); i >= 0 {
					return nil, nil, fmt.Errorf("%s %d of sample %d: value %d is %v", what, k, i/(len(values)/n), i%(len(values)/n), values[i])
				}
			}
			if err := buffers[k].bind(v); err != nil {
				return nil, nil, fmt.Errorf("%s %d: %w", what, k, err)
			}
		}
	}
	if weights != nil {
		if err := first.setWeights(weights); err != nil {
			return nil, nil, err
		}
	}
	b, err := m.measureOnBatch(weights, n)
	if err != nil {
		return nil, nil, err
	}
	if err := m.updatePhases(all, b.scores, &b.batch); err != nil {
		return nil, nil, err
	}
	if b.logs, err = b.scores.logs(b.logs[:0]); err != nil {
		return nil, nil, err
	}
	if len(all.list) == 1 {
		outputs = first.outputs.values
	}
	return b.logs, outputs, nil
}
