// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// BatchNormalization normalises every feature (Ioffe & Szegedy 2015,
// https://arxiv.org/abs/1502.03167):
//
//	y = γ·(x - μ)/√(σ² + ε) + β
//
// While the model trains, μ and σ² are the mean and the biased variance of the
// batch, over all axes but the feature's and without masked steps, and after the step
//
//	moving = momentum·moving + (1 - momentum)·batch
//
// for both. Otherwise, and in a frozen layer, μ and σ² are the moving ones.
//
//	input, output  (batch, ..., features), the same shape
//	weights        gamma (features) by Ones, beta (features) by Zeros;
//	               not trained: moving_mean by Zeros, moving_variance by Ones
//
// Options: Axis of the features (default -1), Momentum (default 0.99), Epsilon
// (default 1e-3), NoScale (no γ), NoCenter (no β), Name.
// See https://keras.io/api/layers/normalization_layers/batch_normalization/.
func BatchNormalization(opts ...BatchNormOption) Layer {
	d := &batchNorm{Axis: -1, Momentum: 0.99, Epsilon: 1e-3}
	for _, o := range given(opts, &d.mistake) {
		o.applyBatchNorm(d)
	}
	return &layer{name: d.name, def: d}
}

// BatchNormOption is an option of BatchNormalization.
type BatchNormOption interface{ applyBatchNorm(*batchNorm) }

// NoScale leaves the factor γ of a normalisation away.
type NoScale struct{}

// NoCenter leaves the offset β of a normalisation away.
type NoCenter struct{}

func (n Name) applyBatchNorm(d *batchNorm)     { d.name = string(n) }
func (a Axis) applyBatchNorm(d *batchNorm)     { d.Axis = int(a) }
func (v Momentum) applyBatchNorm(d *batchNorm) { d.Momentum = float64(v) }
func (v Epsilon) applyBatchNorm(d *batchNorm)  { d.Epsilon = float64(v) }
func (NoScale) applyBatchNorm(d *batchNorm)    { d.NoScale = true }
func (NoCenter) applyBatchNorm(d *batchNorm)   { d.NoCenter = true }

type batchNorm struct {
	common
	passesMask
	Axis     int     `json:"axis"`
	Momentum float64 `json:"momentum"`
	Epsilon  float64 `json:"epsilon"`
	NoScale  bool    `json:"no_scale,omitempty"`
	NoCenter bool    `json:"no_center,omitempty"`
}

func (d *batchNorm) Kind() string { return "BatchNormalization" }

func (d *batchNorm) check() error {
	var mistake error
	if !(d.Momentum >= 0 && d.Momentum <= 1) {
		mistake = fmt.Errorf("momentum is %g, want 0 <= momentum <= 1", d.Momentum)
	}
	return errors.Join(mistake, aboveZero("epsilon", d.Epsilon))
}

func (d *batchNorm) Build(b *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	axis, err := axisOf(d.Axis, in[0])
	if err != nil {
		return nil, err
	}
	features := in[0][axis]
	if !d.NoScale {
		b.Weight("gamma", Ones(), Regularizer{}, features)
	}
	if !d.NoCenter {
		b.Weight("beta", Zeros(), Regularizer{}, features)
	}
	b.State("moving_mean", Zeros(), features)
	b.variance("moving_variance", Ones(), features)
	return in[0], nil
}

func (d *batchNorm) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x, back := axesLast(s, in[0], d.Axis)
	gamma, beta := s.scaleAndCenter(d.NoScale, d.NoCenter)
	if !s.Training() || s.Frozen() {
		return back(s.Do(graph.Normalize(x, s.Weight("moving_mean"), s.Weight("moving_variance"), gamma, beta, d.Epsilon)))
	}
	y, mean, variance, err := d.batch(s, in[0], x, gamma, beta)
	d.move(s, "moving_mean", mean)
	d.move(s, "moving_variance", variance)
	return back(s.Do(y, err))
}

// batch normalizes by the batch's statistics, which are of the steps that count where
// the input has a mask; x is the input with its features last.
func (d *batchNorm) batch(s *Scope, in, x, gamma, beta *graph.Node) (y, mean, variance *graph.Node, err error) {
	mask := s.Mask(0)
	if mask == nil || in == nil || x == nil {
		return graph.BatchNorm(x, gamma, beta, d.Epsilon)
	}
	if x != in { // its axes have moved, and the mask's with them
		for axis := len(mask.Shape()); axis < len(in.Shape()); axis++ {
			mask = s.Do(graph.RepeatElements(s.Do(graph.Reshape(mask, append(mask.Shape().Clone(), 1)...)), axis, in.Shape()[axis]))
		}
		mask, _ = axesLast(s, mask, d.Axis)
	}
	return graph.MaskedBatchNorm(x, mask, gamma, beta, d.Epsilon)
}

// move takes the batch's value into a moving average.
func (d *batchNorm) move(s *Scope, name string, batch *graph.Node) {
	if batch == nil {
		return
	}
	old := s.Do(graph.Scale(s.Weight(name), d.Momentum))
	s.Update(name, s.Do(graph.Add(old, s.Do(graph.Scale(batch, 1-d.Momentum)))))
}

// scaleAndCenter are the weights gamma and beta, nil where the layer has none.
func (s *Scope) scaleAndCenter(noScale, noCenter bool) (gamma, beta *graph.Node) {
	if !noScale {
		gamma = s.Weight("gamma")
	}
	if !noCenter {
		beta = s.Weight("beta")
	}
	return gamma, beta
}

// axesLast moves axes to the end, in their order; back undoes it.
func axesLast(s *Scope, x *graph.Node, axes ...int) (moved *graph.Node, back func(*graph.Node) *graph.Node) {
	rank := len(x.Shape())
	isLast := make([]bool, rank)
	for _, a := range axes {
		i, err := axisOf(a, Shape(x.Shape()[1:]))
		if err != nil {
			return s.Do(nil, err), func(y *graph.Node) *graph.Node { return y }
		}
		isLast[i+1] = true
	}
	var order []int
	for _, last := range []bool{false, true} {
		for i := range rank {
			if isLast[i] == last {
				order = append(order, i)
			}
		}
	}
	inverse, same := make([]int, rank), true
	for i, a := range order {
		inverse[a] = i
		same = same && i == a
	}
	if same {
		return x, func(y *graph.Node) *graph.Node { return y }
	}
	return s.Do(graph.Permute(x, order...)), func(y *graph.Node) *graph.Node { return s.Do(graph.Permute(y, inverse...)) }
}
