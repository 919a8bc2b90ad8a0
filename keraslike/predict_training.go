// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
)

// TrainingMode makes PredictSource compute the model as training does, such as model(x, training=True)
// of Keras: dropout, noise and random preprocessing layers act, with random numbers that follow from seed
// alone, and BatchNormalization normalizes by the statistics of each batch. Nothing of the model changes,
// also not the moving statistics, which Keras updates. Each batch of BatchSize samples has random numbers
// of its own; the same seed gives the same bytes on any number of workers.
//
// The mean of predictions with several seeds is Monte Carlo dropout, and their spread measures how
// uncertain the model is (Gal, Ghahramani 2016, https://arxiv.org/abs/1506.02142).
func TrainingMode(seed uint64) PredictOption {
	return predictOption(func(p *prediction) { p.training, p.seed = true, seed })
}

type predictOption func(*prediction)

func (o predictOption) applyPredict(p *prediction) { o(p) }

// mode returns the mode of the graphs.
func (p *prediction) mode() mode {
	if p.training {
		return modeSample
	}
	return modePredict
}

// check returns an error for options that do not fit together.
func (p *prediction) check() error {
	switch {
	case p.mistake != nil:
		return p.mistake
	case p.batch < 1:
		return fmt.Errorf("batches of %d samples, want at least 1", p.batch)
	case p.training && p.dist != nil:
		return errors.New("TrainingMode does not fit Distributed")
	}
	return nil
}

// sample computes the outputs of the batch in the buffers of a graph in training mode: the samples from
// number from on, of all.
func (m *Model) sample(p *prediction, g *modelGraph, out []*Array, from, all, step int) error {
	random := g.scope.random
	random.Key, random.Step = newRand(p.seed, "prediction in training mode").Uint64(), uint64(step)
	return m.graphs.turn(g, func() error {
		if err := g.run(); err != nil {
			return err
		}
		for k, shape := range g.outputShapes {
			each := shape.Size()
			if out[k] == nil {
				out[k] = &Array{shape: shape.withBatch(all), values: make([]float32, all*each)}
			}
			copy(out[k].values[from*each:(from+g.batch)*each], g.outputs.values[k])
		}
		return nil
	})
}
