// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

const (
	diceName    = "dice"
	tverskyName = "tversky"
)

var (
	_ = registerLoss(diceName, func() Loss { return newDice() })
	_ = registerLoss(tverskyName, func() Loss { return &overlapLoss{name: tverskyName} })
)

// Dice is 1 - 2·Σ p·t/(Σ p + Σ t + ε) with ε = 1e-7, for segmentation into classes of which some
// are rare. By default the sums are over all elements of the batch, so that samples cannot have
// weights; Dice(AlongAxis(1, 2, 3)) has one value for each sample. Targets are between 0 and 1.
// See https://keras.io/api/losses/regression_losses/ and https://arxiv.org/abs/1606.04797.
//
// Options: AlongAxis (all), SumReduction (off), WeightedMeanReduction (off).
func Dice(opts ...LossOption) Loss {
	l := newDice()
	l.mistake = configure(opts, LossOption.applyLoss, l.with(fields{"AlongAxis": &l.Axes}))
	return l
}

func newDice() *overlapLoss { return &overlapLoss{name: diceName, Alpha: 0.5, Beta: 0.5} }

// Tversky is 1 - Σ p·t/(Σ p·t + α·Σ (1-p)·t + β·Σ p·(1-t) + ε) with ε = 1e-7: α is the weight of
// what is missed, β that of false alarms, and with 0.5 for both it is Dice (Salehi et al. 2017,
// https://arxiv.org/abs/1706.05721, which has α and β the other way around). The sums are over the
// elements that Dice sums. Keras's default of both is 0.5.
//
// Options: AlongAxis (all), SumReduction (off), WeightedMeanReduction (off).
func Tversky(alpha, beta float64, opts ...LossOption) Loss {
	l := &overlapLoss{name: tverskyName, Alpha: alpha, Beta: beta}
	l.mistake = configure(opts, LossOption.applyLoss, l.with(fields{"AlongAxis": &l.Axes}))
	return l
}

// overlapLoss is a loss of the overlap of predictions and targets.
type overlapLoss struct {
	name  string
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
	Axes  []int   `json:"axes,omitempty"` // nil for all, the batch too
	reduction

	mistake error // in the options
}

func (l *overlapLoss) Name() string              { return l.name }
func (l *overlapLoss) alongLast() bool           { return false }
func (l *overlapLoss) targets(Shape) *valueRange { return probabilities }

func (l *overlapLoss) Target(p Shape) (Shape, error) {
	if err := errors.Join(l.mistake, l.check()); err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	if checkNonNegative("", l.Alpha) != nil || checkNonNegative("", l.Beta) != nil {
		return nil, fmt.Errorf("%s: alpha is %g and beta %g, want finite numbers of at least 0", l.name, l.Alpha, l.Beta)
	}
	if l.Axes != nil {
		if _, err := axesOf(l.Axes, p); err != nil {
			return nil, fmt.Errorf("%s: AlongAxis: %w", l.name, err)
		}
	}
	return MeanSquaredError.Target(p)
}

func (l *overlapLoss) Rows(p, _, t *graph.Node) (*graph.Node, error) {
	var try graph.Try
	var over []graph.ReduceOption
	if l.Axes != nil {
		over = append(over, graph.Axes(slices.Clone(l.Axes)...))
	}
	sum := func(x *graph.Node) *graph.Node { return try.Do(graph.Sum(x, over...)) }
	both := sum(try.Do(graph.Mul(p, t)))
	missed := try.Do(graph.Sub(sum(t), both))
	wrong := try.Do(graph.Sub(sum(p), both))
	epsilon := 1e-7
	if l.name == diceName {
		epsilon /= 2 // which Keras adds to twice the sum
	}
	all := try.Do(graph.Add(both, try.Do(graph.Affine(missed, l.Alpha, epsilon))))
	all = try.Do(graph.Add(all, try.Do(graph.Scale(wrong, l.Beta))))
	return try.Do(graph.Affine(try.Do(graph.Div(both, all)), -1, 1)), try.Err()
}
