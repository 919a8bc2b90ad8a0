// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

const generalizedName = "categorical_generalized_cross_entropy"

var _ = registerLoss(generalizedName, func() Loss { return &generalized{} })

// CategoricalGeneralizedCrossEntropy is (1 - p_t^q)/q, where p_t is the predicted probability of the
// target, a class number. It is the cross-entropy for q near 0 and the absolute error for q near 1:
// the larger q is, the less wrong labels count (Zhang & Sabuncu 2018,
// https://arxiv.org/abs/1805.07836). q is above 0 and below 1; Keras's default is 0.5. See
// https://keras.io/api/losses/probabilistic_losses/.
//
// Options: SumReduction (off), WeightedMeanReduction (off).
func CategoricalGeneralizedCrossEntropy(q float64, opts ...LossOption) Loss {
	l := &generalized{Q: q}
	l.mistake = configure(opts, LossOption.applyLoss, l.with(fields{}))
	return l
}

type generalized struct {
	Q float64 `json:"q"`
	reduction

	mistake error // in the options
}

func (l *generalized) Name() string                { return generalizedName }
func (l *generalized) targets(p Shape) *valueRange { return SparseCategoricalCrossentropy.targets(p) }

func (l *generalized) Target(p Shape) (Shape, error) {
	if !(l.Q > 0 && l.Q < 1) {
		return nil, fmt.Errorf("%s: q is %g, want 0 < q < 1", generalizedName, l.Q)
	}
	if err := errors.Join(l.mistake, l.check()); err != nil {
		return nil, fmt.Errorf("%s: %w", generalizedName, err)
	}
	t, err := SparseCategoricalCrossentropy.Target(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", generalizedName, err)
	}
	return t, nil
}

// least is the least probability with a gradient; below, that of p^q would be infinite.
const least = 1e-37

func (l *generalized) Rows(p, _, t *graph.Node) (*graph.Node, error) {
	var try graph.Try
	shape := p.Shape()
	classes := make([]float32, shape[len(shape)-1])
	for i := range classes {
		classes[i] = float32(i)
	}
	numbers := try.Do(graph.Constant(p.Graph(), tensor.New(tensor.WithBacking(classes))))
	labels := try.Do(graph.Reshape(t, append(append([]int{}, t.Shape()...), 1)...))
	oneHot := try.Do(graph.Cast(try.Do(graph.Equal(labels, numbers)), graph.Float32))
	chosen := try.Do(graph.Sum(try.Do(graph.Mul(p, oneHot)), graph.Axes(-1)))
	power := try.Do(graph.Power(try.Do(graph.Clip(chosen, least, math.Inf(1))), l.Q))
	return try.Do(graph.Affine(power, -1/l.Q, 1/l.Q)), try.Err()
}
