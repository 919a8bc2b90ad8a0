// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

const circleName = "circle"

var _ = registerLoss(circleName, func() Loss { return &circle{} })

// Circle is the circle loss of embeddings with labels (Sun et al. 2020,
// https://arxiv.org/abs/2002.10857): it makes embeddings of one label alike and those of different
// labels unlike. With d_ij = max(1 - p_i·p_j, 0), the loss of sample i is
//
//	log(1 + Σ_j exp(-γ·(m + d_ij)·(m - d_ij)) · Σ_k exp(γ·max(1 + m - d_ik, 0)·(1 - m - d_ik)))
//
// over the other samples j of its label and the samples k of other labels, all in the same batch. It
// is 0 without any of either, and such samples do not count in the mean. Predictions are one vector
// for each sample, of length 1 (UnitNormalization), targets one number for each sample.
// See https://keras.io/api/losses/metric_learning_losses/.
//
// Options: CircleGamma (80), CircleMargin (0.4), KeepDiagonal (off), SumReduction (off),
// WeightedMeanReduction (off).
func Circle(opts ...LossOption) Loss {
	l := &circle{Gamma: 80, Margin: 0.4}
	l.mistake = configure(opts, LossOption.applyLoss, l.with(fields{"CircleGamma": &l.Gamma, "CircleMargin": &l.Margin, "KeepDiagonal": &l.KeepDiagonal}))
	return l
}

// CircleGamma is the scale γ of Circle; the default is 80.
func CircleGamma(gamma float64) LossOption { return optionValue[float64]{"CircleGamma", gamma} }

// CircleMargin is the relaxation m of Circle; the default is 0.4.
func CircleMargin(margin float64) LossOption { return optionValue[float64]{"CircleMargin", margin} }

type circle struct {
	Gamma        float64 `json:"gamma"`
	Margin       float64 `json:"margin"`
	KeepDiagonal bool    `json:"keep_diagonal,omitempty"`
	reduction

	mistake error // in the options
}

func (l *circle) Name() string    { return circleName }
func (l *circle) alongLast() bool { return true }

func (l *circle) Target(p Shape) (Shape, error) {
	fail := func(err error) (Shape, error) { return nil, fmt.Errorf("%s: %w", circleName, err) }
	if err := errors.Join(l.mistake, l.check(), checkPositive("gamma", l.Gamma), checkNonNegative("margin", l.Margin)); err != nil {
		return fail(err)
	}
	if len(p) != 1 {
		return fail(fmt.Errorf("the model's output has shape %v, want one vector for each sample", p))
	}
	return Shape{}, nil
}

func (l *circle) Rows(p, _, t *graph.Node) (*graph.Node, error) {
	var try graph.Try
	do, n := try.Do, p.Shape()[0]
	d := do(graph.Affine(do(graph.MatMul(p, p, graph.Transposed(false, true))), -1, 1))
	zero := do(graph.Scalar(p, 0))
	d = do(graph.Maximum(d, zero))
	same := do(graph.Equal(do(graph.Reshape(t, n, 1)), do(graph.Reshape(t, 1, n))))
	other := do(graph.Not(same))
	if !l.KeepDiagonal {
		apart := make([]bool, n*n)
		for i := range apart {
			apart[i] = i/n != i%n
		}
		same = do(graph.And(same, do(graph.Constant(p.Graph(), tensor.New(tensor.WithShape(n, n), tensor.WithBacking(apart))))))
	}
	// The factors are weights in the paper, but Keras differentiates them, too.
	like := do(graph.Mul(do(graph.Affine(d, 1, l.Margin)), do(graph.Affine(d, l.Gamma, -l.Gamma*l.Margin))))
	unlike := do(graph.Mul(do(graph.Maximum(do(graph.Affine(d, -1, 1+l.Margin)), zero)), do(graph.Affine(d, -l.Gamma, l.Gamma*(1-l.Margin)))))
	sum := do(graph.Add(logSumExpWhere(&try, like, same), logSumExpWhere(&try, unlike, other)))
	return do(graph.Activate(sum, graph.Act(graph.Softplus))), try.Err()
}

// nothing is the logarithm of a sum without terms, which lets float32 add two of them.
const nothing = -1e30

// logSumExpWhere returns log Σ_j exp(x_ij) over the j where c_ij.
func logSumExpWhere(try *graph.Try, x, c *graph.Node) *graph.Node {
	do := try.Do
	if x == nil || c == nil {
		return nil
	}
	x = do(graph.Where(c, x, do(graph.Scalar(x, nothing))))
	n := x.Shape()[0]
	largest := do(graph.GlobalMaxPool(do(graph.Reshape(x, n, n, 1))))
	sum := do(graph.Sum(do(graph.Exp(do(graph.Sub(x, largest)))), graph.Axes(1)))
	return do(graph.Add(do(graph.Log(sum)), do(graph.Reshape(largest, n))))
}

// counted is 0 where the loss is, as in Keras.
func (l *circle) counted(rows, _ *graph.Node) (*graph.Node, error) { return graph.MaskOf(rows, 0) }
