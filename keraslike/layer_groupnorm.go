// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// GroupNormalization normalizes groups of features of each sample (Wu & He 2018,
// https://arxiv.org/abs/1803.08494):
//
//	y = γ·(x - m)/√(v + ε) + β
//
// where m and v are the mean and the biased variance of a group's features over all
// positions of the sample.
//
//	input, output  (batch, ..., features), the same shape
//	weights        gamma (features) of ones, beta (features) of zeros
//
// All groups have the same number of adjacent features. Groups(1) normalizes all features
// together, Groups(-1) each feature separately, which is instance normalization. As in
// Keras, masked steps are included in m and v.
//
// Options:
//
//	Groups            32
//	Axis              -1
//	Epsilon           0.001
//	NoScale           off
//	NoCenter          off
//	GammaInitializer  Ones()
//	BetaInitializer   Zeros()
//	GammaRegularizer  none
//	BetaRegularizer   none
//	GammaConstraint   none
//	BetaConstraint    none
//	Name              "group_normalization", "group_normalization_1" and so on
//	Trainable         true
//
// See https://keras.io/api/layers/normalization_layers/group_normalization/.
func GroupNormalization(opts ...NormalizationOption) Layer {
	return newLayer(&groupNorm{Groups: 32, Axis: -1, Epsilon: 1e-3}, opts)
}

type groupNorm struct {
	noMultiplications
	passesMask
	Groups  int     `json:"groups" option:"Groups"`
	Axis    int     `json:"axis" option:"Axis"`
	Epsilon float64 `json:"epsilon" option:"Epsilon"`
	scaledAndCentered
}

var _ = register[groupNorm]("GroupNormalization")

func (d *groupNorm) Kind() string { return "GroupNormalization" }

func (d *groupNorm) check() error {
	var mistake error
	if d.Groups < 1 && d.Groups != -1 {
		mistake = fmt.Errorf("groups is %d, want a positive number, or -1 for one group for each feature", d.Groups)
	}
	return errors.Join(mistake, checkPositive("epsilon", d.Epsilon), d.scaledAndCentered.check())
}

// groups returns the number of groups.
func (d *groupNorm) groups(features int) int {
	if d.Groups == -1 {
		return features
	}
	return d.Groups
}

func (d *groupNorm) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	axis, err := axisOf(d.Axis, in[0])
	if err != nil {
		return nil, err
	}
	features := in[0][axis]
	if features%d.groups(features) != 0 {
		return nil, fmt.Errorf("input has shape %v with %d features, which is not divisible by %d groups", in[0], features, d.Groups)
	}
	d.declare(b, features)
	return in[0], nil
}

func (d *groupNorm) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x, back := axesLast(s, in[0], d.Axis)
	gamma, beta := d.weights(s)
	if x == nil {
		return nil
	}
	features := x.Shape()[len(x.Shape())-1]
	return back(s.Do(graph.GroupNorm(x, gamma, beta, d.groups(features), d.Epsilon)))
}
