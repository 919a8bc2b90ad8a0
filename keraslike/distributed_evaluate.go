// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
)

// evaluateTogether is evaluate for several ranks, of which this one may have failed before.
func (m *Model) evaluateTogether(ctx context.Context, data Samples, e *evaluation, failed error) (logs Logs, err error) {
	d := e.dist
	if err := d.open(); err != nil {
		return nil, errors.Join(failed, err)
	}
	err = d.agreeOn("evaluation", ctx, failed, func() string {
		return fmt.Sprintf("samples: %d\nbatch size: %d\nsteps: %d\n", e.hi, e.batch, e.steps) + m.facts() + m.checksum()
	})
	if err == nil {
		err = startEpoch(data, 1) // the ranks have not read the same samples before
	}
	if err == nil {
		logs, err = m.evaluate(ctx, data, e)
	}
	return logs, d.finish(ctx, err, noFacts)
}

// scoreTogether is score for several ranks, which compute the batches in turn. Every rank adds the results of
// all, in the order of the batches, so that its scores are those of one process.
func (m *Model) scoreTogether(ctx context.Context, e *evaluation, s *scores, order *batchIterator, r *batchReader, graph func() *modelGraph) error {
	d := e.dist
	ranks, rank := d.group.Size(), d.group.Rank()
	order.turn = &turn{rank: rank, ranks: ranks}
	steps := order.count()
	if e.steps > 0 {
		steps = min(steps, e.steps)
	}
	own := (steps - rank + ranks - 1) / ranks
	if own > 0 {
		if err := r.begin(own, 0); err != nil {
			return d.finish(ctx, err, noFacts)
		}
		defer r.end()
	}
	batches := make([][]int, ranks)
	for step, position := 0, 0; step < steps; step += ranks {
		for i := range batches {
			if batches[i] = nil; step+i < steps {
				batches[i] = order.at(position)
				position += len(batches[i])
			}
		}
		d.evaluated.begin(ranks, m)
		var failed error
		if len(batches[rank]) > 0 {
			b, err := r.next()
			switch {
			case err != nil:
				failed = err
			case b == nil:
				failed = fmt.Errorf("batch %d of %d is missing", step+rank, steps)
			default:
				if failed = graph().run(); failed == nil {
					d.evaluated.add(rank, graph().result(), b)
				} else {
					failed = nameSample(failed, b.indices)
				}
			}
		}
		if err := d.agree("evaluation", 0, 0, ctx, failed); err != nil {
			return err
		}
		if d.stop {
			return d.interrupted(ctx)
		}
		if err := d.evaluated.gather(d.group); err != nil {
			return d.lost(err)
		}
		for i := range batches {
			if len(batches[i]) == 0 {
				continue
			}
			result, b := d.evaluated.part(i, 0)
			b.indices = batches[i]
			if err := s.add(result, b); err != nil {
				return nameSample(err, b.indices)
			}
		}
	}
	return nil
}

// step begins a batch of an evaluation that all ranks compute alike, or that is not distributed.
func (d *distribution) step(ctx context.Context) error {
	if d != nil {
		if err := d.agree("evaluation", 0, 0, ctx, nil); err != nil {
			return err
		}
	}
	if d.canceled(ctx) {
		return d.interrupted(ctx)
	}
	return nil
}
