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
			dz, err := lossGrad("ctc_grad", forDtypes(runCTCGrad[float32], runCTCGrad[float64]), in[0], in[1], dloss)
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
