// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// The losses for regression. As in Keras, a short name also shortens the metric's name in
// logs.
const (
	MeanSquaredError            LossFunc = "mean_squared_error"             // Σ (p - t)²/n
	MeanAbsoluteError           LossFunc = "mean_absolute_error"            // Σ |p - t|/n
	MSE                         LossFunc = "mse"                            // MeanSquaredError, named "mse"
	MAE                         LossFunc = "mae"                            // MeanAbsoluteError, named "mae"
	MeanAbsolutePercentageError LossFunc = "mean_absolute_percentage_error" // 100·Σ |p - t|/max(|t|, ε)/n
	MeanSquaredLogarithmicError LossFunc = "mean_squared_logarithmic_error" // Σ (log(1 + p) - log(1 + t))²/n
	LogCosh                     LossFunc = "log_cosh"                       // Σ log cosh(p - t)/n
	CosineSimilarity            LossFunc = "cosine_similarity"              // -Σ p·t/(|p|·|t|)
)

var (
	_ = registerLossFunc(MeanSquaredError, lossKind{rows: graph.MeanSquaredError, distance: true, shows: true, row: squareRow})
	_ = registerLossFunc(MSE, lossKind{rows: graph.MeanSquaredError, distance: true, shows: true, row: squareRow, scalars: true})
	_ = registerLossFunc(MeanAbsoluteError, lossKind{rows: graph.MeanAbsoluteError, distance: true, shows: true, row: absoluteRow})
	_ = registerLossFunc(MAE, lossKind{rows: graph.MeanAbsoluteError, distance: true, shows: true, row: absoluteRow, scalars: true})
	_ = registerLossFunc(MeanAbsolutePercentageError, lossKind{
		rows: graph.MeanAbsolutePercentageError, distance: true, row: kernel.AbsolutePercentage[float32]().Value,
	})
	_ = registerLossFunc(MeanSquaredLogarithmicError, lossKind{
		rows: graph.MeanSquaredLogarithmicError, distance: true, row: kernel.SquaredLogarithmic[float32]().Value,
	})
	_ = registerLossFunc(LogCosh, lossKind{rows: graph.LogCosh, distance: true, row: kernel.LogCosh[float32]().Value})
	_ = registerLossFunc(CosineSimilarity, lossKind{
		rows: graph.CosineSimilarity, noMetric: "the loss has the opposite sign; the metric is Cosine",
	})
	_ = registerLoss("huber", func() Loss { return &huber{} })
)

// Huber is the mean over the last axis of e²/2 where |e| <= delta, and of
// delta·|e| - delta²/2 elsewhere, with e = p - t (Huber 1964). Keras's default delta is 1.
//
// Options: SumReduction (off), WeightedMeanReduction (off).
func Huber(delta float64, opts ...LossOption) Loss {
	l := &huber{Delta: delta}
	l.mistake = configure(opts, LossOption.applyLoss, l.with(fields{}))
	return l
}

type huber struct {
	Delta float64 `json:"delta"`
	reduction

	mistake error // in the options
}

func (l *huber) Name() string     { return "huber" }
func (l *huber) isDistance() bool { return true }

func (l *huber) Target(p Shape) (Shape, error) {
	if err := errors.Join(l.mistake, l.check(), checkPositive("delta", l.Delta)); err != nil {
		return nil, fmt.Errorf("huber: %w", err)
	}
	return MeanSquaredError.Target(p)
}

func (l *huber) Rows(p, _, t *graph.Node) (*graph.Node, error) { return graph.Huber(p, t, l.Delta) }
