// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// BatchNormalization normalizes every feature (Ioffe & Szegedy 2015,
// https://arxiv.org/abs/1502.03167):
//
//	y = γ·(x - μ)/√(σ² + ε) + β
//
// In training, μ and σ² are the mean and the biased variance of the batch over all axes
// except the features', without masked steps, and each training step updates
//
//	moving = momentum·moving + (1 - momentum)·batch
//
// for both. Otherwise, and if the layer is not trainable, μ and σ² are the moving averages.
//
// In a distributed training (Distributed) the batch is a leaf, a part of the whole batch, unless the layer is
// Synchronized: then μ and σ², and the gradient, are those of the whole batch, and an update is the same as on
// one process, up to rounding. For each such layer and step the ranks exchange three times about as many
// numbers as there are features, and all leaves of a rank are in memory at once; a model that is too large for
// that (Limits.Memory) is an error.
//
// With Renorm a step of training has nearly the output of a prediction, see there.
//
//	input, output  (batch, ..., features), the same shape
//	weights        gamma (features) of ones, beta (features) of zeros; not trained:
//	               moving_mean (features) of zeros, moving_variance (features) of ones; with
//	               Renorm moving_stddev, renorm_mean and renorm_stddev (features)
//
// Options:
//
//	Axis                       -1
//	Momentum                   0.99
//	Epsilon                    0.001
//	NoScale                    off
//	NoCenter                   off
//	GammaInitializer           Ones()
//	BetaInitializer            Zeros()
//	GammaRegularizer           none
//	BetaRegularizer            none
//	GammaConstraint            none
//	BetaConstraint             none
//	Synchronized               off
//	MovingMeanInitializer      Zeros()
//	MovingVarianceInitializer  Ones()
//	Renorm                     off
//	RenormMomentum             0.99
//	RenormClipping             none
//	Name                       "batch_normalization", "batch_normalization_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/normalization_layers/batch_normalization/.
func BatchNormalization(opts ...NormalizationOption) Layer {
	return newLayer(&batchNorm{Axis: -1, Momentum: 0.99, Epsilon: 1e-3}, opts)
}

type batchNorm struct {
	noMultiplications
	passesMask
	Axis     int     `json:"axis" option:"Axis"`
	Momentum float64 `json:"momentum" option:"Momentum"`
	Epsilon  float64 `json:"epsilon" option:"Epsilon"`
	scaledAndCentered

	Synchronized              bool         `json:"synchronized,omitempty" option:"Synchronized"`
	MovingMeanInitializer     *Initializer `json:"moving_mean_initializer,omitempty" option:"MovingMeanInitializer"`         // nil for Zeros
	MovingVarianceInitializer *Initializer `json:"moving_variance_initializer,omitempty" option:"MovingVarianceInitializer"` // nil for Ones
	renormalization
}

var _ = register[batchNorm]("BatchNormalization")

func (d *batchNorm) Kind() string { return "BatchNormalization" }

func (d *batchNorm) check() error {
	var mistake error
	if !(d.Momentum >= 0 && d.Momentum <= 1) {
		mistake = fmt.Errorf("momentum is %g, want 0 <= momentum <= 1", d.Momentum)
	}
	return errors.Join(mistake, checkPositive("epsilon", d.Epsilon), d.scaledAndCentered.check(), d.renormalization.check())
}

func (d *batchNorm) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	axis, err := axisOf(d.Axis, in[0])
	if err != nil {
		return nil, err
	}
	features := in[0][axis]
	d.declare(b, features)
	mean, variance := initializerOr(d.MovingMeanInitializer, Zeros()), initializerOr(d.MovingVarianceInitializer, Ones())
	b.State("moving_mean", mean, features)
	b.nonNegativeState("moving_variance", variance, features)
	if !d.Renorm {
		return in[0], nil
	}
	return in[0], d.declareRenorm(b, mean, variance, features)
}

func (d *batchNorm) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x, back := axesLast(s, in[0], d.Axis)
	gamma, beta := d.weights(s)
	if !s.Training() || s.Frozen() {
		return back(s.Do(graph.Normalize(x, s.Weight("moving_mean"), s.Weight("moving_variance"), gamma, beta, d.Epsilon)))
	}
	if d.Renorm {
		return back(d.renormalized(s, in[0], x, gamma, beta))
	}
	y, mean, variance, err := d.batch(s, in[0], x, gamma, beta)
	d.move(s, "moving_mean", mean, d.Momentum)
	d.move(s, "moving_variance", variance, d.Momentum)
	return back(s.Do(y, err))
}

// batch normalizes by the statistics of the batch, without masked steps if the input has a
// mask; x is the input with its features moved to the last axis.
func (d *batchNorm) batch(s *Scope, in, x, gamma, beta *graph.Node) (y, mean, variance *graph.Node, err error) {
	mask, together := s.Mask(0), d.Synchronized && s.leaf
	s.synchronized = s.synchronized || together
	if mask == nil || in == nil || x == nil {
		if together {
			return graph.SynchronizedBatchNorm(s.path+s.inner(), x, nil, gamma, beta, d.Epsilon)
		}
		return graph.BatchNorm(x, gamma, beta, d.Epsilon)
	}
	if x != in { // its axes have been moved: move the mask's, too
		for axis := len(mask.Shape()); axis < len(in.Shape()); axis++ {
			mask = s.Do(graph.Repeat(s.Do(graph.Reshape(mask, append(mask.Shape().Clone(), 1)...)), in.Shape()[axis], axis))
		}
		mask, _ = axesLast(s, mask, d.Axis)
	}
	if together {
		return graph.SynchronizedBatchNorm(s.path+s.inner(), x, mask, gamma, beta, d.Epsilon)
	}
	return graph.MaskedBatchNorm(x, mask, gamma, beta, d.Epsilon)
}

// move updates a moving average by the value of the batch, and returns it.
func (d *batchNorm) move(s *Scope, name string, batch *graph.Node, momentum float64) *graph.Node {
	if batch == nil {
		return nil
	}
	old := s.Do(graph.Scale(s.Weight(name), momentum))
	moved := s.Do(graph.Add(old, s.Do(graph.Scale(batch, 1-momentum))))
	s.Update(name, moved)
	return moved
}
