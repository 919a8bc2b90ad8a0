// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Loss is what training makes smaller: a function of prediction and target that
// gives one value for each row of the last axis. The model's loss is their mean
// plus the penalties of its regularisers.
type Loss interface {
	// Name is the loss's name in saved models.
	Name() string
	// Target is the sample shape of the targets that go with predictions of
	// the given shape, or an error where there is none.
	Target(prediction Shape) (Shape, error)
	// Rows adds the expression. logits is what prediction is the softmax or
	// the sigmoid of, nil where it is neither, and for the cross-entropies of
	// this package where it is not the one that belongs to them.
	Rows(prediction, logits, target *graph.Node) (*graph.Node, error)
}

// LossFunc is a loss of this package, by its Keras name. Formulas:
// https://keras.io/api/losses/.
type LossFunc string

// The losses. p is the prediction, t the target, n the length of the last axis,
// ε is 1e-7. Huber, LossFunc.With, BinaryFocalCrossentropy and
// CategoricalFocalCrossentropy make losses that have settings, LossOf one's own.
const (
	MeanSquaredError              LossFunc = "mean_squared_error"              // Σ (p - t)²/n
	MeanAbsoluteError             LossFunc = "mean_absolute_error"             // Σ |p - t|/n
	MeanAbsolutePercentageError   LossFunc = "mean_absolute_percentage_error"  // 100·Σ |p - t|/max(|t|, ε)/n
	MeanSquaredLogarithmicError   LossFunc = "mean_squared_logarithmic_error"  // Σ (log(1 + p) - log(1 + t))²/n
	LogCosh                       LossFunc = "log_cosh"                        // Σ log cosh(p - t)/n
	BinaryCrossentropy            LossFunc = "binary_crossentropy"             // -Σ (t·log p + (1-t)·log(1-p))/n, of probabilities
	CategoricalCrossentropy       LossFunc = "categorical_crossentropy"        // -Σ t·log p, t one-hot or a distribution
	SparseCategoricalCrossentropy LossFunc = "sparse_categorical_crossentropy" // -log p_t, t the class's number
	KLDivergence                  LossFunc = "kl_divergence"                   // Σ t·log(t/p), of distributions
	Poisson                       LossFunc = "poisson"                         // Σ (p - t·log(p + ε))/n
	CosineSimilarity              LossFunc = "cosine_similarity"               // -Σ p·t/(|p|·|t|)
	Hinge                         LossFunc = "hinge"                           // Σ max(1 - t·p, 0)/n, t of -1 and 1 or 0 and 1
	SquaredHinge                  LossFunc = "squared_hinge"                   // Σ max(1 - t·p, 0)²/n, t of -1 and 1 or 0 and 1
	CategoricalHinge              LossFunc = "categorical_hinge"               // max(1 + max (1-t)·p - Σ t·p, 0), t one-hot
)

// Name is the Keras name.
func (l LossFunc) Name() string { return string(l) }

// Target is the shape of the targets: the prediction's, without the classes
// for sparse labels.
func (l LossFunc) Target(p Shape) (Shape, error) {
	switch l {
	case CategoricalCrossentropy, SparseCategoricalCrossentropy, CategoricalHinge:
		if len(p) == 0 || p[len(p)-1] < 2 {
			return nil, fmt.Errorf("%s: the model's output has shape %v, want at least two classes along the last axis", l, p)
		}
		if l == SparseCategoricalCrossentropy {
			return append(Shape{}, p[:len(p)-1]...), nil
		}
		return p, nil
	}
	if _, ok := rowLosses[l]; !ok && l != BinaryCrossentropy {
		known := append(slices.Collect(maps.Keys(rowLosses)), BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy)
		return nil, fmt.Errorf("loss %q: unknown, want one of %q", string(l), slices.Sorted(slices.Values(known)))
	}
	if len(p) == 0 {
		return nil, fmt.Errorf("%s: the model gives one number without an axis for each sample, want (batch, ..., n)", l)
	}
	return p, nil
}

// rowLosses are the losses of prediction and target alone.
var rowLosses = map[LossFunc]func(p, t *graph.Node) (*graph.Node, error){
	MeanSquaredError:            graph.MeanSquaredError,
	MeanAbsoluteError:           graph.MeanAbsoluteError,
	MeanAbsolutePercentageError: graph.MeanAbsolutePercentageError,
	MeanSquaredLogarithmicError: graph.MeanSquaredLogarithmicError,
	LogCosh:                     graph.LogCosh,
	KLDivergence:                graph.KLDivergence,
	Poisson:                     graph.Poisson,
	CosineSimilarity:            graph.CosineSimilarity,
	Hinge:                       graph.Hinge,
	SquaredHinge:                graph.SquaredHinge,
	CategoricalHinge:            graph.CategoricalHinge,
}

// Rows adds the loss. Where the model ends in softmax or sigmoid, the
// cross-entropies are computed from the logits, in which nothing overflows and no
// logarithm of 0 is taken; elsewhere from probabilities kept between ε and 1-ε,
// those of classes divided by their sum.
func (l LossFunc) Rows(p, logits, t *graph.Node) (*graph.Node, error) {
	switch {
	case l == BinaryCrossentropy && logits != nil:
		return graph.SigmoidCrossEntropy(logits, t)
	case l == BinaryCrossentropy:
		return graph.BinaryCrossEntropy(p, t)
	case l == CategoricalCrossentropy && logits != nil:
		return graph.SoftmaxCrossEntropy(logits, t)
	case l == CategoricalCrossentropy:
		return graph.CategoricalCrossEntropy(p, t)
	case l == SparseCategoricalCrossentropy && logits != nil:
		return graph.SparseSoftmaxCrossEntropy(logits, t)
	case l == SparseCategoricalCrossentropy:
		return graph.SparseCategoricalCrossEntropy(p, t)
	}
	return rowLosses[l](p, t)
}

// activation is the function whose argument the loss can be computed from.
func (l LossFunc) activation() ActivationFunc {
	switch l {
	case BinaryCrossentropy:
		return Sigmoid
	case CategoricalCrossentropy, SparseCategoricalCrossentropy:
		return Softmax
	}
	return ""
}
