// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// CTC returns the loss of connectionist temporal classification for each sample: -log of the probability
// that the classes of the steps read as the labels when repeated classes are joined and then blanks, of
// class 0, removed (Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf). The
// probabilities are the softmax of the logits.
//
//	logits (batch, steps, classes)   labels (batch, length)   y (batch)
//
// The labels of a sample are class numbers from 1, padded with 0. Other numbers are an error, and so are
// labels that need more steps than there are: one for each label, and one between equal ones. Only the
// logits have a gradient.
func CTC(logits, labels *Node) (*Node, error) {
	return apply(&op{
		name: "ctc",
		in:   []int{3, 2}, out: 1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if in[0][0] != in[1][0] {
				return nil, fmt.Errorf("logits have shape %v, labels %v, want the same batch", in[0], in[1])
			}
			return tensor.Shape{in[0][0]}, nil
		},
		run:  forDtypes(runCTC[float32], runCTC[float64]),
		diff: []bool{true, false},
		grad: func(in Nodes, _, dloss *Node) (Nodes, error) {
			dz, err := lossGrad("ctc_grad", forDtypes(runCTCGrad[float32], runCTCGrad[float64]), in[0], in[1], dloss, formula(ctcFormula).backward(2, 0))
			return Nodes{dz, nil}, err
		},
	}, logits, labels)
}

func runCTC[T kernel.Float](c *call[T]) error {
	z, length := c.inShape[0], c.inShape[1][1]
	if bad, err := kernel.CTC(c.out, c.in[0], c.in[1], z[0], z[1], z[2], length); err != nil {
		return &RowError{bad, z[0], err}
	}
	return nil
}

func runCTCGrad[T kernel.Float](c *call[T]) error {
	z, length := c.inShape[0], c.inShape[1][1]
	kernel.CTCGrad(c.out, c.in[0], c.in[1], c.in[2], z[0], z[1], z[2], length)
	return nil
}

// ctcFormula is CTC by the forward variables of the paper (equations 6 and 7) in logarithms: alpha[s] after a
// step is the probability of all paths that have read the first s of the labels with blanks between and
// around them.
func ctcFormula(in Nodes) (*Node, error) {
	shape, length := in[0].Shape(), in[1].Shape()[1]
	batch, steps, states := shape[0], shape[1], 2*length+1
	var try Try
	do := try.Do
	labels := do(Cast(in[1], Int64))
	zero := do(Scalar(labels, 0))
	blanks := do(BroadcastTo(zero, batch, length, 1))
	extended := do(Reshape(do(Concat(2, blanks, do(Reshape(labels, batch, length, 1)))), batch, 2*length))
	extended = do(Concat(1, extended, do(BroadcastTo(zero, batch, 1)))) // blank, label, blank, ..., label, blank
	// A label may follow the one before the blank if it is another one.
	earlier := do(PadValue(do(Slice(extended, At(1, 0, states-2))), 0, PadWidth{Axis: 1, Before: 2}))
	skips := do(And(do(NotEqual(extended, zero)), do(NotEqual(extended, earlier))))
	if try.Err() != nil {
		return nil, try.Err()
	}
	never := do(BroadcastTo(do(Scalar(in[0], -1e30)), batch, states))
	later := func(alpha *Node, n int) *Node {
		return do(PadValue(do(Slice(alpha, At(1, 0, states-n))), -1e30, PadWidth{Axis: 1, Before: n}))
	}
	log := do(LogSoftmax(in[0]))
	alpha := never
	for t := range steps {
		here := do(GatherElements(do(Reshape(do(Slice(log, At(1, t, t+1))), batch, shape[2])), extended, 1))
		if t == 0 {
			alpha = do(Concat(1, do(Slice(here, At(1, 0, min(2, states)))), do(Slice(never, At(1, min(2, states), states)))))
			continue
		}
		sum := do(LogAddExp(alpha, later(alpha, 1)))
		if states > 2 {
			sum = do(LogAddExp(sum, do(Where(skips, later(alpha, 2), never))))
		}
		alpha = do(Add(sum, here))
	}
	// The path ends in the last label or in the blank behind it.
	last := do(Scale(do(CountNonzero(labels, Axes(1), KeepDims())), 2))
	end := do(GatherElements(alpha, last, 1))
	label := do(GatherElements(alpha, do(Maximum(do(Affine(last, 1, -1)), zero)), 1))
	label = do(Where(do(Equal(last, zero)), do(Scalar(alpha, -1e30)), label))
	return do(Neg(do(Reshape(do(LogAddExp(end, label)), batch)))), try.Err()
}
