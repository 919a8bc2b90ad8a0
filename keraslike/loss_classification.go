// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// The losses for classification.
const (
	BinaryCrossentropy            LossFunc = "binary_crossentropy"             // -Σ (t·log p + (1-t)·log(1-p))/n, of probabilities
	CategoricalCrossentropy       LossFunc = "categorical_crossentropy"        // -Σ t·log p, t one-hot or a distribution
	SparseCategoricalCrossentropy LossFunc = "sparse_categorical_crossentropy" // -log p_t, t the class's number
	KLDivergence                  LossFunc = "kl_divergence"                   // Σ t·log(t/p), of distributions
	Poisson                       LossFunc = "poisson"                         // Σ (p - t·log(p + ε))/n
	Hinge                         LossFunc = "hinge"                           // Σ max(1 - t·p, 0)/n, t of -1 and 1 or 0 and 1
	SquaredHinge                  LossFunc = "squared_hinge"                   // Σ max(1 - t·p, 0)²/n, t of -1 and 1 or 0 and 1
	CategoricalHinge              LossFunc = "categorical_hinge"               // max(1 + max (1-t)·p - Σ t·p, 0), t one-hot
)

var (
	_ = registerLossFunc(BinaryCrossentropy, lossKind{
		rows: graph.BinaryCrossEntropy, activation: Sigmoid, fromLogits: graph.SigmoidCrossEntropy, domain: probabilities,
		row: kernel.BinaryCrossentropy[float32]().Value, predictions: probabilities,
	})
	_ = registerLossFunc(CategoricalCrossentropy, lossKind{
		rows: graph.CategoricalCrossEntropy, activation: Softmax, fromLogits: graph.SoftmaxCrossEntropy, classes: true, domain: probabilities,
		row: kernel.CategoricalCrossentropy[float32]().Value, predictions: positives, // divided by their sum
	})
	_ = registerLossFunc(SparseCategoricalCrossentropy, lossKind{
		rows: graph.SparseCategoricalCrossEntropy, activation: Softmax, fromLogits: graph.SparseSoftmaxCrossEntropy, classes: true, sparse: true,
		row: sparseCrossentropyRow, predictions: positives,
	})
	_ = registerLossFunc(KLDivergence, lossKind{
		rows: graph.KLDivergence, domain: probabilities, row: kernel.KLDivergence[float32]().Value, predictions: probabilities,
	})
	_ = registerLossFunc(Poisson, lossKind{rows: graph.Poisson, domain: positives, row: kernel.Poisson[float32]().Value})
	_ = registerLossFunc(Hinge, lossKind{rows: graph.Hinge, domain: signs, row: kernel.Hinge[float32]().Value, signed: true})
	_ = registerLossFunc(SquaredHinge, lossKind{rows: graph.SquaredHinge, domain: signs, row: kernel.SquaredHinge[float32]().Value, signed: true})
	_ = registerLossFunc(CategoricalHinge, lossKind{
		rows: graph.CategoricalHinge, classes: true, domain: signs, row: kernel.CategoricalHinge[float32]().Value,
	})

	_ = registerLoss(string(BinaryCrossentropy), func() Loss { return &optionedLoss{} })
	_ = registerLoss(string(CategoricalCrossentropy), func() Loss { return &optionedLoss{} })
	_ = registerLoss(string(SparseCategoricalCrossentropy), func() Loss { return &optionedLoss{} })
	_ = registerLoss(binaryFocal, func() Loss { return &focal{} })
	_ = registerLoss(categoricalFocal, func() Loss { return &focal{} })
)

func sparseCrossentropyRow(p, t []float32) float64 {
	var loss [1]float32
	kernel.SparseCrossentropy(loss[:], p, t, 1, len(p)) // labels have been checked
	return float64(loss[0])
}
