// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
)

// lossMeasures are the losses as functions of a row of predictions, which are
// probabilities where the loss is of probabilities, and of targets.
var lossMeasures = map[LossFunc]func(p, t []float32) float64{
	MeanSquaredError:              squareRow,
	MeanAbsoluteError:             absoluteRow,
	MeanAbsolutePercentageError:   kernel.AbsolutePercentage[float32]().Value,
	MeanSquaredLogarithmicError:   kernel.SquaredLogarithmic[float32]().Value,
	LogCosh:                       kernel.LogCosh[float32]().Value,
	BinaryCrossentropy:            kernel.BinaryCrossentropy[float32]().Value,
	CategoricalCrossentropy:       kernel.CategoricalCrossentropy[float32]().Value,
	SparseCategoricalCrossentropy: sparseCrossentropyRow,
	KLDivergence:                  kernel.KLDivergence[float32]().Value,
	Poisson:                       kernel.Poisson[float32]().Value,
	Hinge:                         kernel.Hinge[float32]().Value,
	SquaredHinge:                  kernel.SquaredHinge[float32]().Value,
	CategoricalHinge:              kernel.CategoricalHinge[float32]().Value,
}

func sparseCrossentropyRow(p, t []float32) float64 {
	var loss [1]float32
	kernel.SparseCrossentropy(loss[:], p, t, 1, len(p)) // a bad label has stopped the loss
	return float64(loss[0])
}

func (l LossFunc) applyCompile(c *compiled) { c.metrics = append(c.metrics, outputMetric{Metric: l}) }

// Begin makes a metric of the loss: its mean over all rows, without penalties and
// weights. The cross-entropies and KLDivergence take the outputs for probabilities and
// refuse others, such as logits, which Keras clips.
func (l LossFunc) Begin(p, t Shape) (Measurement, error) {
	row := lossMeasures[l]
	if row == nil {
		if l == CosineSimilarity {
			return nil, fmt.Errorf("metric %s: the loss has the other sign; the metric is Cosine", l)
		}
		return nil, fmt.Errorf("metric %q: unknown", string(l))
	}
	want, err := l.Target(p)
	if err != nil {
		return nil, fmt.Errorf("metric %w", err)
	}
	if !t.Equal(want) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v for predictions %v", l, t, want, p)
	}
	r := &rowMean{name: string(l), row: row, cols: p[len(p)-1], targetCols: p[len(p)-1], targets: l.targets(p)}
	switch l {
	case BinaryCrossentropy, KLDivergence:
		r.predictions = probabilities
	case CategoricalCrossentropy, SparseCategoricalCrossentropy:
		r.predictions = positives // which are divided by their sum
	case Hinge, SquaredHinge:
		r.signed, r.signs = true, make([]float32, r.cols)
	}
	if l == SparseCategoricalCrossentropy {
		r.targetCols = 1
	}
	return r, nil
}
