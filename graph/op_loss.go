// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// The losses take a prediction of shape (..., n) and give one value for each
// row of n, as a vector; Mean or WeightedMean make the scalar cost of them.
// Gradients go to the prediction, never to the target.

// MeanSquaredError is (1/n)·Σ_j (p_j - t_j)² for each row.
func MeanSquaredError(prediction, target *Node) (*Node, error) {
	return rowLoss("mse", prediction, target, kernel.MSE[float32], kernel.MSE[float64], kernel.MSEGrad[float32], kernel.MSEGrad[float64])
}

// MeanAbsoluteError is (1/n)·Σ_j |p_j - t_j| for each row; the derivative of |x| at 0 is 0.
func MeanAbsoluteError(prediction, target *Node) (*Node, error) {
	return rowLoss("mae", prediction, target, kernel.MAE[float32], kernel.MAE[float64], kernel.MAEGrad[float32], kernel.MAEGrad[float64])
}

// SigmoidCrossEntropy is the binary cross-entropy of probabilities given as
// logits z, (1/n)·Σ_j max(z_j, 0) - z_j·t_j + log(1 + exp(-|z_j|)), which neither
// overflows nor takes the logarithm of 0.
func SigmoidCrossEntropy(logits, target *Node) (*Node, error) {
	return rowLoss("sigmoid_xent", logits, target, kernel.SigmoidXent[float32], kernel.SigmoidXent[float64], kernel.SigmoidXentGrad[float32], kernel.SigmoidXentGrad[float64])
}

// SoftmaxCrossEntropy is the categorical cross-entropy of logits z with a
// distribution t (one-hot or soft): Σ_j t_j·(log Σ_k exp(z_k) - z_j).
func SoftmaxCrossEntropy(logits, target *Node) (*Node, error) {
	return rowLoss("softmax_xent", logits, target, kernel.SoftmaxXent[float32], kernel.SoftmaxXent[float64], kernel.SoftmaxXentGrad[float32], kernel.SoftmaxXentGrad[float64])
}

type (
	rowLossKernel[T kernel.Float]     func(loss, p, t []T, rows, cols int)
	rowLossGradKernel[T kernel.Float] func(dp, p, t, dloss []T, rows, cols int)
)

func rowLoss(name string, p, t *Node, f32 rowLossKernel[float32], f64 rowLossKernel[float64], g32 rowLossGradKernel[float32], g64 rowLossGradKernel[float64]) (*Node, error) {
	return apply(lossOp(name, rankOf(p), rankOf(p), func(p, t tensor.Shape) error {
		if !equal(p, t) {
			return fmt.Errorf("prediction has shape %v, target %v", p, t)
		}
		return nil
	}, both(runLoss(f32), runLoss(f64)), both(runLossGrad(g32), runLossGrad(g64))), p, t)
}

// SparseSoftmaxCrossEntropy is SoftmaxCrossEntropy for targets that are class
// numbers: log Σ_k exp(z_k) - z_label.
//
//	logits (..., classes)   labels (...), integers from 0 to classes-1
//
// A label out of range is an error of the run, which names its row.
func SparseSoftmaxCrossEntropy(logits, labels *Node) (*Node, error) {
	return apply(lossOp("sparse_softmax_xent", rankOf(logits), rankOf(labels), labelShapes("logits"), both(runSparseXent[float32], runSparseXent[float64]), both(runLossGrad(kernel.SoftmaxXentSparseGrad[float32]), runLossGrad(kernel.SoftmaxXentSparseGrad[float64]))), logits, labels)
}

// lossOp maps (prediction, target) to a vector with one loss for each row of the prediction.
func lossOp(name string, rank, targetRank int, check func(p, t tensor.Shape) error, run, back runner) *op {
	return &op{
		name: name,
		in:   []int{rank, targetRank}, out: 1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) < 2 {
				return nil, fmt.Errorf("prediction has shape %v, want (batch, ..., n)", in[0])
			}
			if err := check(in[0], in[1]); err != nil {
				return nil, err
			}
			rows, _ := split(in[0])
			return tensor.Shape{rows}, nil
		},
		run:  run,
		diff: []bool{true, false},
		grad: func(in Nodes, _, dloss *Node) (Nodes, error) {
			dp, err := apply(&op{
				name: name + "_grad",
				in:   []int{rank, targetRank, 1}, out: rank,
				shape: sameShape,
				run:   back,
			}, in[0], in[1], dloss)
			return Nodes{dp, nil}, err
		},
	}
}

func runLoss[T kernel.Float](f rowLossKernel[T]) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := split(c.inShape[0])
		f(c.out, c.in[0], c.in[1], rows, cols)
		return nil
	}
}

func runLossGrad[T kernel.Float, F ~func(dp, p, t, dloss []T, rows, cols int)](f F) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := split(c.inShape[0])
		f(c.out, c.in[0], c.in[1], c.in[2], rows, cols)
		return nil
	}
}

func runSparseXent[T kernel.Float](c *call[T]) error {
	rows, cols := split(c.inShape[0])
	if bad := kernel.SoftmaxXentSparse(c.out, c.in[0], c.in[1], rows, cols); bad >= 0 {
		return &RowError{bad, rows, fmt.Errorf("label is %v, want an integer from 0 to %d", c.in[1][bad], cols-1)}
	}
	return nil
}
