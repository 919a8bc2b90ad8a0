// SPDX-License-Identifier: Apache-2.0

package keraslike

// modelPhases is the training of a model with phases.
type modelPhases struct {
	trainers []*trainer   // of the phases, of which the first is the model's
	training *phaseGraphs // of the last batch trained on; nil between calls of Fit
}

// phaseGraphs are the graphs of all phases for one kind of batch. They run one after another, in the same
// memory; the batch is in the buffers of the first.
type phaseGraphs struct {
	key  graphKey
	list []*modelGraph
}

// bind binds the batch, which is in the buffers of the first graph, to the others.
func (all *phaseGraphs) bind() error {
	first := all.list[0].all()
	for _, g := range all.list[1:] {
		for kind, buffers := range g.all() {
			for k, b := range buffers {
				if err := b.bind(first[kind][k].bound); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
