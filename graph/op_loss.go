// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// The losses map a prediction of shape (..., n) to a vector with one value for each row of
// n elements; Mean or WeightedMean reduces it to a scalar cost. Gradients flow to the
// prediction and to the target, except for class labels.

// MeanSquaredError returns (1/n)·Σ_j (p_j - t_j)² for each row.
func MeanSquaredError(prediction, target *Node) (*Node, error) {
	return rowLoss("mse", prediction, target, forDtypes(runLoss(kernel.MSE[float32]), runLoss(kernel.MSE[float64])),
		forDtypes(runLossGrad(kernel.MSEGrad[float32]), runLossGrad(kernel.MSEGrad[float64])), kernel.MSEBoth, negatedPredictionGrad, mseFormula)
}

// MeanAbsoluteError returns (1/n)·Σ_j |p_j - t_j| for each row; the derivative of |x| at 0 is 0.
func MeanAbsoluteError(prediction, target *Node) (*Node, error) {
	return rowLoss("mae", prediction, target, forDtypes(runLoss(kernel.MAE[float32]), runLoss(kernel.MAE[float64])),
		forDtypes(runLossGrad(kernel.MAEGrad[float32]), runLossGrad(kernel.MAEGrad[float64])), kernel.MAEBoth, negatedPredictionGrad, maeFormula)
}

// SigmoidCrossEntropy returns the binary cross-entropy of logits z,
// (1/n)·Σ_j max(z_j, 0) - z_j·t_j + log(1 + exp(-|z_j|)). This form neither overflows nor
// takes the logarithm of 0.
func SigmoidCrossEntropy(logits, target *Node) (*Node, error) {
	return rowLoss("sigmoid_xent", logits, target, forDtypes(runLoss(kernel.SigmoidXent[float32]), runLoss(kernel.SigmoidXent[float64])),
		forDtypes(runLossGrad(kernel.SigmoidXentGrad[float32]), runLossGrad(kernel.SigmoidXentGrad[float64])), kernel.SigmoidXentBoth,
		kernelTargetGrad("sigmoid_xent", kernel.SigmoidXentTarget[float32](), kernel.SigmoidXentTarget[float64]()), sigmoidXentFormula)
}

// SoftmaxCrossEntropy returns the categorical cross-entropy of logits z and a distribution
// t (one-hot or soft): Σ_j t_j·(log Σ_k exp(z_k) - z_j).
func SoftmaxCrossEntropy(logits, target *Node) (*Node, error) {
	return rowLoss("softmax_xent", logits, target, forDtypes(runLoss(kernel.SoftmaxXent[float32]), runLoss(kernel.SoftmaxXent[float64])),
		forDtypes(runLossGrad(kernel.SoftmaxXentGrad[float32]), runLossGrad(kernel.SoftmaxXentGrad[float64])), kernel.SoftmaxXentBoth,
		targetGradBy("softmax_xent", forDtypes(runLossGrad(kernel.SoftmaxXentTarget[float32]), runLossGrad(kernel.SoftmaxXentTarget[float64]))), softmaxXentFormula)
}

// targetGrad returns the gradient of a loss with respect to its target. It may use dp, the
// gradient with respect to the prediction, and has the formula of the loss.
type targetGrad func(p, t, dloss, dp *Node, f formula) (*Node, error)

// negatedPredictionGrad is the target gradient of a loss of p - t.
func negatedPredictionGrad(_, _, _, dp *Node, _ formula) (*Node, error) { return Scale(dp, -1) }

// kernelTargetGrad returns the target gradient that a kernel computes.
func kernelTargetGrad(name string, f32 kernel.RowTarget[float32], f64 kernel.RowTarget[float64]) targetGrad {
	return targetGradBy(name, forDtypes(runLossGrad(f32.Rows), runLossGrad(f64.Rows)))
}

func targetGradBy(name string, run runner) targetGrad {
	return func(p, t, dloss, _ *Node, f formula) (*Node, error) {
		return lossGrad(name+"_target_grad", run, p, t, dloss, f.backward(2, 1))
	}
}

// lossAndGrad writes a loss and the gradient of its predictions.
type lossAndGrad func(loss, dp, p, t, dloss []float32, rows, cols int)

// pairedLoss identifies a loss that is computed together with its gradient where both are needed;
// gradOf identifies that gradient.
type (
	pairedLoss struct{ both lossAndGrad }
	gradOf     struct{ loss *pairedLoss }
)

// rowLoss applies a loss; both may be nil.
func rowLoss(name string, p, t *Node, run, back runner, both lossAndGrad, target targetGrad, f formula) (*Node, error) {
	var pair *pairedLoss
	if both != nil {
		pair = &pairedLoss{both}
	}
	return apply(lossOp(name, rankOf(p), rankOf(p), func(p, t tensor.Shape) error {
		if !equal(p, t) {
			return fmt.Errorf("prediction has shape %v, target %v", p, t)
		}
		return nil
	}, run, back, pair, target, f), p, t)
}

// SparseSoftmaxCrossEntropy is SoftmaxCrossEntropy for integer class labels:
// log Σ_k exp(z_k) - z_label.
//
//	logits (..., classes)   labels (...), integers from 0 to classes-1
//
// A label out of range is an error when the graph runs; it names the row.
func SparseSoftmaxCrossEntropy(logits, labels *Node) (*Node, error) {
	return apply(lossOp("sparse_softmax_xent", rankOf(logits), rankOf(labels), checkLabelShape("logits"), forDtypes(runSparseXent[float32], runSparseXent[float64]), forDtypes(runLossGrad(kernel.SoftmaxXentSparseGrad[float32]), runLossGrad(kernel.SoftmaxXentSparseGrad[float64])), nil, nil, labelFormula(softmaxXentFormula)), logits, labels)
}

// lossOp maps (prediction, target) to a vector with one loss for each row of the
// prediction. A nil target means class labels, which have no gradient. f is the loss as an expression.
func lossOp(name string, rank, targetRank int, check func(p, t tensor.Shape) error, run, back runner, pair *pairedLoss, target targetGrad, f formula) *op {
	o := &op{
		name: name,
		in:   []int{rank, targetRank}, out: 1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) < 2 {
				return nil, fmt.Errorf("prediction has shape %v, want (batch, ..., n)", in[0])
			}
			if err := check(in[0], in[1]); err != nil {
				return nil, err
			}
			rows, _ := asMatrix(in[0])
			return tensor.Shape{rows}, nil
		},
		run:     run,
		diff:    []bool{true, target != nil},
		formula: f,
		grad: func(in Nodes, _, dloss *Node) (Nodes, error) {
			grad := lossGradOp(name+"_grad", back, in[0], in[1], f.backward(2, 0))
			grad.diff = []bool{true, target != nil, true}
			if pair != nil {
				grad.kind = gradOf{pair}
			}
			dp, err := apply(grad, in[0], in[1], dloss)
			if err != nil || target == nil {
				return Nodes{dp, nil}, err
			}
			dt, err := target(in[0], in[1], dloss, dp, f)
			return Nodes{dp, dt}, err
		},
	}
	if pair != nil {
		o.kind = pair
	}
	return o
}

// lossGrad applies an op that computes a gradient of p's shape.
func lossGrad(name string, run runner, p, t, dloss *Node, f formula) (*Node, error) {
	return apply(lossGradOp(name, run, p, t, f), p, t, dloss)
}

func lossGradOp(name string, run runner, p, t *Node, f formula) *op {
	return &op{
		name: name,
		in:   []int{rankOf(p), rankOf(t), 1}, out: rankOf(p),
		shape:   sameShape,
		run:     run,
		formula: f,
	}
}

func runLoss[T kernel.Float](f func(loss, p, t []T, rows, cols int)) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		f(c.out, c.in[0], c.in[1], rows, cols)
		return nil
	}
}

func runLossGrad[T kernel.Float, F ~func(dp, p, t, dloss []T, rows, cols int)](f F) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		f(c.out, c.in[0], c.in[1], c.in[2], rows, cols)
		return nil
	}
}

func runSparseXent[T kernel.Float](c *call[T]) error {
	rows, cols := asMatrix(c.inShape[0])
	if bad := kernel.SoftmaxXentSparse(c.out, c.in[0], c.in[1], rows, cols); bad >= 0 {
		return &RowError{bad, rows, fmt.Errorf("label is %v, want an integer from 0 to %d", c.in[1][bad], cols-1)}
	}
	return nil
}

// In the losses below, ε is 1e-7, and the derivative is 0 where a value is clipped.
// Formulas: https://keras.io/api/losses/.

// MeanAbsolutePercentageError returns (100/n)·Σ_j |p_j - t_j|/max(|t_j|, ε) for each row.
func MeanAbsolutePercentageError(prediction, target *Node) (*Node, error) {
	return plainLoss("mape", prediction, target, kernel.AbsolutePercentage[float32](), kernel.AbsolutePercentage[float64](),
		kernelTargetGrad("mape", kernel.AbsolutePercentageTarget[float32](), kernel.AbsolutePercentageTarget[float64]()), mapeFormula)
}

// MeanSquaredLogarithmicError returns (1/n)·Σ_j (log(1 + p_j) - log(1 + t_j))² for each row,
// with p and t clipped to at least ε.
func MeanSquaredLogarithmicError(prediction, target *Node) (*Node, error) {
	return plainLoss("msle", prediction, target, kernel.SquaredLogarithmic[float32](), kernel.SquaredLogarithmic[float64](),
		kernelTargetGrad("msle", kernel.SquaredLogarithmicTarget[float32](), kernel.SquaredLogarithmicTarget[float64]()), msleFormula)
}

// Huber returns the mean of e²/2 where |e| <= delta and of delta·|e| - delta²/2 elsewhere,
// with e = p_j - t_j (Huber 1964).
func Huber(prediction, target *Node, delta float64) (*Node, error) {
	return plainLoss("huber"+attrs("delta", delta), prediction, target, kernel.Huber[float32](delta), kernel.Huber[float64](delta), negatedPredictionGrad, huberFormula(delta))
}

// LogCosh returns (1/n)·Σ_j log cosh(p_j - t_j) for each row.
func LogCosh(prediction, target *Node) (*Node, error) {
	return plainLoss("log_cosh", prediction, target, kernel.LogCosh[float32](), kernel.LogCosh[float64](), negatedPredictionGrad, logCoshFormula)
}

// BinaryCrossEntropy returns -(1/n)·Σ_j t_j·log p_j + (1-t_j)·log(1-p_j) for probabilities,
// clipped to [ε, 1-ε]. Given logits, SigmoidCrossEntropy is more accurate.
func BinaryCrossEntropy(prediction, target *Node) (*Node, error) {
	return plainLoss("binary_xent", prediction, target, kernel.BinaryCrossentropy[float32](), kernel.BinaryCrossentropy[float64](),
		kernelTargetGrad("binary_xent", kernel.BinaryCrossentropyTarget[float32](), kernel.BinaryCrossentropyTarget[float64]()), binaryXentFormula)
}

// CategoricalCrossEntropy returns -Σ_j t_j·log q_j for probabilities, with q = p/Σp clipped
// to [ε, 1-ε]. Given logits, SoftmaxCrossEntropy is more accurate.
func CategoricalCrossEntropy(prediction, target *Node) (*Node, error) {
	f32, f64 := kernel.CategoricalCrossentropy[float32](), kernel.CategoricalCrossentropy[float64]()
	return plainLoss("categorical_xent", prediction, target, f32, f64, kernelTargetGrad("categorical_xent", kernel.ProbabilityTarget(f32), kernel.ProbabilityTarget(f64)), categoricalXentFormula)
}

// BinaryFocal is the binary cross-entropy with each element multiplied by (1 - q)^gamma,
// where q is the probability assigned to the true class. If balanced, ones are also
// weighted by alpha and zeros by 1-alpha (Lin et al. 2018).
func BinaryFocal(prediction, target *Node, alpha, gamma float64, balanced bool) (*Node, error) {
	name := "binary_focal" + attrs("alpha", alpha, "gamma", gamma, "balanced", balanced)
	return plainLoss(name, prediction, target, kernel.BinaryFocal[float32](alpha, gamma, balanced), kernel.BinaryFocal[float64](alpha, gamma, balanced),
		kernelTargetGrad(name, kernel.BinaryFocalTarget[float32](alpha, gamma, balanced), kernel.BinaryFocalTarget[float64](alpha, gamma, balanced)), binaryFocalFormula(alpha, gamma, balanced))
}

// CategoricalFocal returns -alpha·Σ_j t_j·(1 - q_j)^gamma·log q_j, with q as in
// CategoricalCrossEntropy (Lin et al. 2018).
func CategoricalFocal(prediction, target *Node, alpha, gamma float64) (*Node, error) {
	name := "categorical_focal" + attrs("alpha", alpha, "gamma", gamma)
	f32, f64 := kernel.CategoricalFocal[float32](alpha, gamma), kernel.CategoricalFocal[float64](alpha, gamma)
	return plainLoss(name, prediction, target, f32, f64, kernelTargetGrad(name, kernel.ProbabilityTarget(f32), kernel.ProbabilityTarget(f64)), categoricalFocalFormula(alpha, gamma))
}

// KLDivergence returns Σ_j t_j·log(t_j/p_j), with t and p clipped to [ε, 1].
func KLDivergence(prediction, target *Node) (*Node, error) {
	return plainLoss("kl_divergence", prediction, target, kernel.KLDivergence[float32](), kernel.KLDivergence[float64](),
		kernelTargetGrad("kl_divergence", kernel.KLDivergenceTarget[float32](), kernel.KLDivergenceTarget[float64]()), klFormula)
}

// Poisson returns (1/n)·Σ_j p_j - t_j·log(p_j + ε) for each row.
func Poisson(prediction, target *Node) (*Node, error) {
	return plainLoss("poisson", prediction, target, kernel.Poisson[float32](), kernel.Poisson[float64](),
		kernelTargetGrad("poisson", kernel.PoissonTarget[float32](), kernel.PoissonTarget[float64]()), poissonFormula)
}

// CosineSimilarity returns -Σ_j p_j·t_j/(|p|·|t|), which is -1 for rows of the same direction.
func CosineSimilarity(prediction, target *Node) (*Node, error) {
	f32, f64 := kernel.Cosine[float32](), kernel.Cosine[float64]()
	back := forDtypes(runLossGrad(f32.RowsGrad), runLossGrad(f64.RowsGrad))
	return plainLoss("cosine_similarity", prediction, target, f32, f64, func(p, t, dloss, _ *Node, f formula) (*Node, error) { // symmetric in p and t
		return lossGrad("cosine_similarity_grad", back, t, p, dloss, f.backward(2, 0))
	}, cosineFormula)
}

// Hinge returns (1/n)·Σ_j max(1 - t_j·p_j, 0). Targets are -1 and 1; if all targets are 0
// or 1, 0 is converted to -1.
func Hinge(prediction, target *Node) (*Node, error) {
	t, err := signedLabels(target)
	if err != nil {
		return nil, err
	}
	return plainLoss("hinge", prediction, t, kernel.Hinge[float32](), kernel.Hinge[float64](),
		kernelTargetGrad("hinge", kernel.HingeTarget[float32](), kernel.HingeTarget[float64]()), hingeFormula)
}

// SquaredHinge returns (1/n)·Σ_j max(1 - t_j·p_j, 0)², with targets as for Hinge.
func SquaredHinge(prediction, target *Node) (*Node, error) {
	t, err := signedLabels(target)
	if err != nil {
		return nil, err
	}
	return plainLoss("squared_hinge", prediction, t, kernel.SquaredHinge[float32](), kernel.SquaredHinge[float64](),
		kernelTargetGrad("squared_hinge", kernel.SquaredHingeTarget[float32](), kernel.SquaredHingeTarget[float64]()), squaredHingeFormula)
}

// CategoricalHinge returns max(1 + max_j (1-t_j)·p_j - Σ_j t_j·p_j, 0) for one-hot t.
func CategoricalHinge(prediction, target *Node) (*Node, error) {
	return plainLoss("categorical_hinge", prediction, target, kernel.CategoricalHinge[float32](), kernel.CategoricalHinge[float64](),
		kernelTargetGrad("categorical_hinge", kernel.CategoricalHingeTarget[float32](), kernel.CategoricalHingeTarget[float64]()), categoricalHingeFormula)
}

func plainLoss(name string, p, t *Node, f32 kernel.RowLoss[float32], f64 kernel.RowLoss[float64], target targetGrad, f formula) (*Node, error) {
	return rowLoss(name, p, t, forDtypes(runLoss(f32.Rows), runLoss(f64.Rows)), forDtypes(runLossGrad(f32.RowsGrad), runLossGrad(f64.RowsGrad)), nil, target, f)
}

// SparseCategoricalCrossEntropy is CategoricalCrossEntropy for integer class labels:
// -log q_label.
//
//	prediction (..., classes)   labels (...), integers from 0 to classes-1
//
// A label out of range is an error when the graph runs; it names the row.
func SparseCategoricalCrossEntropy(prediction, labels *Node) (*Node, error) {
	return apply(lossOp("sparse_categorical_xent", rankOf(prediction), rankOf(labels), checkLabelShape("probabilities"),
		forDtypes(runSparseProbability[float32], runSparseProbability[float64]),
		forDtypes(runLossGrad(kernel.SparseCrossentropyGrad[float32]), runLossGrad(kernel.SparseCrossentropyGrad[float64])), nil, nil, labelFormula(categoricalXentFormula)), prediction, labels)
}

func checkLabelShape(what string) func(p, labels tensor.Shape) error {
	return func(p, labels tensor.Shape) error {
		if !equal(p[:len(p)-1], labels) {
			return fmt.Errorf("%s have shape %v, labels %v, want %v", what, p, labels, p[:len(p)-1])
		}
		return nil
	}
}

func runSparseProbability[T kernel.Float](c *call[T]) error {
	rows, cols := asMatrix(c.inShape[0])
	if bad := kernel.SparseCrossentropy(c.out, c.in[0], c.in[1], rows, cols); bad >= 0 {
		return &RowError{bad, rows, fmt.Errorf("label is %v, want an integer from 0 to %d", c.in[1][bad], cols-1)}
	}
	return nil
}

// signedLabels maps targets to -1 and 1 if they are all 0 or 1, and returns others unchanged.
func signedLabels(t *Node) (*Node, error) {
	rank := rankOf(t)
	return apply(&op{
		name: "signed_labels",
		in:   []int{rank}, out: rank,
		shape: sameShape,
		run:   forDtypes(runSigned[float32], runSigned[float64]),
		diff:  []bool{true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			dt, err := signedGrad(in[0], dy)
			return Nodes{dt}, err
		},
	}, t)
}

// signedGrad multiplies by the slope of signedLabels, which is constant as long as the labels are.
func signedGrad(t, dy *Node) (*Node, error) {
	rank := rankOf(t)
	return apply((&op{
		name: "signed_labels_grad",
		in:   []int{rank, rank}, out: rank,
		shape: sameShape,
		run:   forDtypes(runSignedGrad[float32], runSignedGrad[float64]),
	}).linear(1, func(in Nodes, g *Node) (*Node, error) { return signedGrad(in[0], g) }), t, dy)
}

func runSigned[T kernel.Float](c *call[T]) error {
	if !isBinary(c.in[0]) {
		copy(c.out, c.in[0])
		return nil
	}
	for i, v := range c.in[0] {
		c.out[i] = 2*v - 1
	}
	return nil
}

func runSignedGrad[T kernel.Float](c *call[T]) error {
	factor := T(1)
	if isBinary(c.in[0]) {
		factor = 2
	}
	kernel.Scale(c.out, c.in[1], factor)
	return nil
}

func isBinary[T kernel.Float](v []T) bool {
	return !slices.ContainsFunc(v, func(x T) bool { return x != 0 && x != 1 })
}
