// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// The losses take a prediction of shape (..., n) and give one value for each
// row of n, as a vector; Mean or WeightedMean make the scalar cost of them.
// Gradients go to the prediction and to the target, except to class numbers.

// MeanSquaredError is (1/n)·Σ_j (p_j - t_j)² for each row.
func MeanSquaredError(prediction, target *Node) (*Node, error) {
	return rowLoss("mse", prediction, target, both(runLoss(kernel.MSE[float32]), runLoss(kernel.MSE[float64])),
		both(runLossGrad(kernel.MSEGrad[float32]), runLossGrad(kernel.MSEGrad[float64])), opposite)
}

// MeanAbsoluteError is (1/n)·Σ_j |p_j - t_j| for each row; the derivative of |x| at 0 is 0.
func MeanAbsoluteError(prediction, target *Node) (*Node, error) {
	return rowLoss("mae", prediction, target, both(runLoss(kernel.MAE[float32]), runLoss(kernel.MAE[float64])),
		both(runLossGrad(kernel.MAEGrad[float32]), runLossGrad(kernel.MAEGrad[float64])), opposite)
}

// SigmoidCrossEntropy is the binary cross-entropy of probabilities given as
// logits z, (1/n)·Σ_j max(z_j, 0) - z_j·t_j + log(1 + exp(-|z_j|)), which neither
// overflows nor takes the logarithm of 0.
func SigmoidCrossEntropy(logits, target *Node) (*Node, error) {
	return rowLoss("sigmoid_xent", logits, target, both(runLoss(kernel.SigmoidXent[float32]), runLoss(kernel.SigmoidXent[float64])),
		both(runLossGrad(kernel.SigmoidXentGrad[float32]), runLossGrad(kernel.SigmoidXentGrad[float64])),
		byTarget("sigmoid_xent", kernel.SigmoidXentTarget[float32](), kernel.SigmoidXentTarget[float64]()))
}

// SoftmaxCrossEntropy is the categorical cross-entropy of logits z with a
// distribution t (one-hot or soft): Σ_j t_j·(log Σ_k exp(z_k) - z_j).
func SoftmaxCrossEntropy(logits, target *Node) (*Node, error) {
	return rowLoss("softmax_xent", logits, target, both(runLoss(kernel.SoftmaxXent[float32]), runLoss(kernel.SoftmaxXent[float64])),
		both(runLossGrad(kernel.SoftmaxXentGrad[float32]), runLossGrad(kernel.SoftmaxXentGrad[float64])),
		byTargetOf("softmax_xent", both(runLossGrad(kernel.SoftmaxXentTarget[float32]), runLossGrad(kernel.SoftmaxXentTarget[float64]))))
}

// targetGrad makes the gradient of a loss by its target, from that by its prediction or anew.
type targetGrad func(p, t, dloss, dp *Node) (*Node, error)

// opposite is the gradient of a loss of p - t.
func opposite(_, _, _, dp *Node) (*Node, error) { return Scale(dp, -1) }

// byTarget is the gradient that a kernel makes.
func byTarget(name string, f32 kernel.RowTarget[float32], f64 kernel.RowTarget[float64]) targetGrad {
	return byTargetOf(name, both(runLossGrad(f32.Rows), runLossGrad(f64.Rows)))
}

func byTargetOf(name string, run runner) targetGrad {
	return func(p, t, dloss, _ *Node) (*Node, error) { return lossGrad(name+"_target_grad", run, p, t, dloss) }
}

func rowLoss(name string, p, t *Node, run, back runner, target targetGrad) (*Node, error) {
	return apply(lossOp(name, rankOf(p), rankOf(p), func(p, t tensor.Shape) error {
		if !equal(p, t) {
			return fmt.Errorf("prediction has shape %v, target %v", p, t)
		}
		return nil
	}, run, back, target), p, t)
}

// SparseSoftmaxCrossEntropy is SoftmaxCrossEntropy for targets that are class
// numbers: log Σ_k exp(z_k) - z_label.
//
//	logits (..., classes)   labels (...), integers from 0 to classes-1
//
// A label out of range is an error of the run, which names its row.
func SparseSoftmaxCrossEntropy(logits, labels *Node) (*Node, error) {
	return apply(lossOp("sparse_softmax_xent", rankOf(logits), rankOf(labels), labelShapes("logits"), both(runSparseXent[float32], runSparseXent[float64]), both(runLossGrad(kernel.SoftmaxXentSparseGrad[float32]), runLossGrad(kernel.SoftmaxXentSparseGrad[float64])), nil), logits, labels)
}

// lossOp maps (prediction, target) to a vector with one loss for each row of the
// prediction; target is nil for class numbers, which have no gradient.
func lossOp(name string, rank, targetRank int, check func(p, t tensor.Shape) error, run, back runner, target targetGrad) *op {
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
		diff: []bool{true, target != nil},
		grad: func(in Nodes, _, dloss *Node) (Nodes, error) {
			dp, err := lossGrad(name+"_grad", back, in[0], in[1], dloss)
			if err != nil || target == nil {
				return Nodes{dp, nil}, err
			}
			dt, err := target(in[0], in[1], dloss, dp)
			return Nodes{dp, dt}, err
		},
	}
}

// lossGrad is a gradient of p's shape.
func lossGrad(name string, run runner, p, t, dloss *Node) (*Node, error) {
	return apply(&op{
		name: name,
		in:   []int{rankOf(p), rankOf(t), 1}, out: rankOf(p),
		shape: sameShape,
		run:   run,
	}, p, t, dloss)
}

func runLoss[T kernel.Float](f func(loss, p, t []T, rows, cols int)) func(*call[T]) error {
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
