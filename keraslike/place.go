// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// place is a data node of a plan with the value that is bound to it: memory of
// the plan's own, a sparse matrix, or a caller's value.
type place struct {
	node  *graph.Node
	own   *tensor.Dense
	rows  *graph.CSR
	bound graph.Value
}

func places(nodes graph.Nodes) (list []*place) {
	for _, n := range nodes {
		list = append(list, &place{node: n})
	}
	return list
}

// bind ties a value to the node, if it is not tied already.
func (p *place) bind(v graph.Value) error {
	if p.bound == v {
		return nil
	}
	if err := graph.Let(p.node, v); err != nil {
		return err
	}
	p.bound = v
	return nil
}

// dense is the place's own memory, bound.
func (p *place) dense() ([]float32, error) {
	if p.own == nil {
		p.own = tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(p.node.Shape()...))
	}
	return p.own.Float32s(), p.bind(p.own)
}

// sparse is the place's own sparse matrix, bound.
func (p *place) sparse() (*graph.CSR, error) {
	if p.rows == nil {
		shape := p.node.Shape()
		if len(shape) != 2 {
			return nil, fmt.Errorf("%q has shape %v; only rows of features can be sparse", p.node.Name(), shape)
		}
		p.rows = graph.NewCSR(shape[0], shape[1])
	}
	return p.rows, p.bind(p.rows)
}
