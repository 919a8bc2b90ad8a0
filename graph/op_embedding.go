// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Embedding looks up rows of a table: y[..., :] = table[ids[...], :].
//
//	ids (batch, steps), integers from 0 to vocabulary-1   table (vocabulary, dim)   y (batch, steps, dim)
//
// The gradient of the table has nonzero rows only for the ids of the batch. If it is a root
// of a Program and no other op reads it, its value is a *RowSparse, otherwise a dense tensor. An
// id out of range is an error when the graph runs.
func Embedding(ids, table *Node) (*Node, error) {
	rank := rankOf(ids)
	return apply(&op{
		name: "embedding",
		in:   []int{rank, 2}, out: rank + 1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("ids are a scalar, want at least one axis")
			}
			return append(in[0].Clone(), in[1][1]), nil
		},
		run:  forDtypes(runEmbedding[float32], runEmbedding[float64]),
		diff: []bool{false, true},
		kind: lookup{},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			to := in[1].Shape()
			back := (&op{
				name: "embedding_grad" + attrs("to", to),
				in:   []int{rank, rank + 1}, out: 2,
				shape:  fixed(to),
				run:    forDtypes(runEmbeddingGrad[float32](to), runEmbeddingGrad[float64](to)),
				sparse: func() Value { return &RowSparse{shape: to} },
				kind:   lookupGrad{},
			}).linear(1, func(in Nodes, g *Node) (*Node, error) { return Embedding(in[0], g) })
			back.zeroDiff = nil // ids are integers: there is no derivative by them
			d, err := apply(back, in[0], dy)
			return Nodes{nil, d}, err
		},
	}, ids, table)
}

func runEmbedding[T kernel.Float](c *call[T]) error {
	table := c.inShape[1]
	n := len(c.in[0])
	if bad := kernel.Gather(c.out, c.in[1], c.in[0], n, table[0], table[1]); bad >= 0 {
		return idError(c.in[0], bad, table[0])
	}
	return nil
}

func idError[T kernel.Float](ids []T, bad, vocab int) error {
	return &RowError{bad, len(ids), fmt.Errorf("id is %v, want an integer from 0 to %d", ids[bad], vocab-1)}
}

func runEmbeddingGrad[T kernel.Float](table tensor.Shape) func(*call[T]) error {
	return func(c *call[T]) error {
		n := len(c.in[0])
		if rows, ok := c.result.(*RowSparse); ok {
			dy, ids := any(c.in[1]).([]float32), any(c.in[0]).([]float32)
			rows.Index = rows.grad.Set(dy, ids, n, table[0], table[1])
			return nil
		}
		kernel.ScatterAdd(c.out, c.in[1], c.in[0], n, table[0], table[1])
		return nil
	}
}

// These identify a lookup and its gradient to fuse.
type (
	lookup     struct{}
	lookupGrad struct{}
)
