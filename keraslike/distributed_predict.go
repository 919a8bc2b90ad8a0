// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/keraslike/distributed"
)

// predictTogether is predictSource for several ranks, which compute the batches in turn. After each round
// every rank receives the outputs of all, so that all return the same. This rank may have failed before.
func (m *Model) predictTogether(ctx context.Context, source Source, p *prediction, err error) ([]*Array, error) {
	d := p.dist
	var (
		g      *modelGraph // of the batch
		r      *batchReader
		shapes *batchShapes
		n      int
	)
	defer func() { m.graphs.release(g) }()
	spec := m.inputSpec()
	if err == nil {
		err = m.canPredict()
	}
	if err == nil {
		err = startEpoch(source, 1) // the ranks have not read the same samples before
	}
	if err == nil {
		source, err = m.prepared(source, p)
	}
	if err == nil {
		shapes, n, err = spec.acceptsSource(source)
	}
	if err == nil {
		r, err = m.predictionReader(source, spec, shapes, n, p, &g)
	}
	if err := d.agreeOn("prediction", ctx, err, func() string {
		return fmt.Sprintf("samples: %d\nsamples of a batch: %d\n", n, r.size) + m.facts() + m.checksum()
	}); err != nil {
		return nil, err
	}
	ranks, rank := d.group.Size(), d.group.Rank()
	order := r.source
	order.turn = &turn{rank: rank, ranks: ranks}
	steps := order.count()
	if own := (steps - rank + ranks - 1) / ranks; own > 0 {
		if err := r.begin(own, 0); err != nil {
			return nil, err
		}
		defer r.end()
	}
	results := newPredictions(spec, r.ragged, shapes, n)
	round := &predictedRound{batches: make([]batch, ranks), outputs: make([][]*Array, ranks), bounds: make([]int, ranks+1)}
	for step, position := 0, 0; step < steps; step += ranks {
		for i := range round.batches {
			round.batches[i].indices = nil
			if step+i < steps {
				round.batches[i].indices = order.at(position)
				position += len(round.batches[i].indices)
			}
		}
		failed := round.arrange(r)
		if failed == nil && len(round.batches[rank].indices) > 0 {
			failed = m.predictNext(r, &g, round.outputs[rank])
		}
		if err := d.agree("prediction", 0, 0, ctx, failed); err != nil {
			return nil, err
		}
		if d.stop {
			return nil, d.interrupted(ctx)
		}
		if err := round.gather(d.group); err != nil {
			return nil, d.lost(err)
		}
		for i := range round.batches {
			if err := results.add(&round.batches[i], round.outputs[i]); err != nil {
				return nil, err
			}
		}
	}
	return results.arrays()
}

// predictNext computes the outputs of the next batch of a reader. g is the graph of the batch.
func (m *Model) predictNext(r *batchReader, g **modelGraph, outputs []*Array) error {
	b, err := r.next()
	switch {
	case err != nil:
		return err
	case b == nil:
		return fmt.Errorf("a batch of %d samples is missing", outputs[0].Len())
	}
	return nameSample(m.predictInto(*g, outputs, 0, (*g).batch), b.indices)
}

// predictedRound is what the ranks predict between two agreements: a batch each.
type predictedRound struct {
	batches []batch    // only their samples and shapes
	outputs [][]*Array // of the batches, in values
	values  []float32
	bounds  []int // of the batches in the bytes of values
}

// arrange makes room for the outputs of the batches. All ranks know their shapes.
func (p *predictedRound) arrange(r *batchReader) error {
	for i := range p.batches {
		b, size := &p.batches[i], 0
		p.outputs[i] = p.outputs[i][:0]
		if n := len(b.indices); n > 0 {
			var err error
			if b.shapes, err = r.shapesOf(b.indices); err != nil {
				return err
			}
			for _, s := range b.shapes.outputs {
				p.outputs[i] = append(p.outputs[i], &Array{shape: s.withBatch(n)})
				size += n * s.Size()
			}
		}
		p.bounds[i+1] = p.bounds[i] + 4*size
	}
	if n := p.bounds[len(p.batches)] / 4; cap(p.values) < n {
		p.values = make([]float32, n)
	} else {
		p.values = p.values[:n]
	}
	at := 0
	for _, list := range p.outputs {
		for _, a := range list {
			n := Shape(a.shape).Size()
			a.values = p.values[at : at+n]
			at += n
		}
	}
	return nil
}

// gather exchanges the outputs of all ranks.
func (p *predictedRound) gather(g *distributed.Group) error {
	return g.Gather(bytesOfFloats(p.values), p.bounds)
}
