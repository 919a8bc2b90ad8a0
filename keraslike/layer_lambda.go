// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Lambda makes a layer from a function that combines nodes by ops of package graph or of
// Gorgonia:
//
//	square := keraslike.Lambda(func(in ...*graph.Node) (*graph.Node, error) {
//		return graph.Mul(in[0], in[0])
//	})
//
// The function gets one node for each input and must keep the batch, which is the first
// axis. It is called once for each graph. To infer the shape of the output, it is called on
// trial batches first. A Lambda has no weights, and a model with one cannot be saved: for
// that, write a Definition and use Custom.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/core_layers/lambda/.
func Lambda(f func(in ...*graph.Node) (*graph.Node, error), opts ...LayerOption) Layer {
	return newLayer(&lambda{f: f}, opts)
}

type lambda struct {
	f func(in ...*graph.Node) (*graph.Node, error)
}

func (d *lambda) Kind() string { return "Lambda" }

func (d *lambda) check() error {
	if d.f == nil {
		return errors.New("got no function")
	}
	return nil
}

// MarshalJSON returns an error that says why a Lambda cannot be saved.
func (d *lambda) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a Lambda is a Go function, which cannot be saved: write a Definition, make the layer with Custom and load it with WithCustomLayer")
}

// trialBatches are the batch sizes with which Build calls the function: not 1, to detect an
// output without the batch, and two of them, to detect other axes that depend on it.
var trialBatches = [2]int{2, 3}

func (d *lambda) Build(_ *Builder, in []Shape) (Shape, error) {
	building.Lock()
	defer building.Unlock()
	var made [2]graph.Shape
	for i, batch := range trialBatches {
		var err error
		if made[i], err = d.trialShape(in, batch); err != nil {
			return nil, err
		}
	}
	if !slices.Equal(made[0][1:], made[1][1:]) {
		return nil, fmt.Errorf("the function returns shape %v for a batch of %d and %v for one of %d, want only the first axis to depend on the batch",
			made[0], trialBatches[0], made[1], trialBatches[1])
	}
	return Shape(made[0][1:]), nil
}

// trialShape returns the shape of the function's output for a batch size.
func (d *lambda) trialShape(in []Shape, batch int) (graph.Shape, error) {
	g := graph.New()
	var nodes []*graph.Node
	for i, x := range in {
		n, err := graph.Input(g, graph.Float32, fmt.Sprint("input ", i), x.withBatch(batch)...)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	y, err := d.call(nodes)
	if err != nil {
		return nil, err
	}
	shape := y.Shape()
	if len(shape) == 0 || shape[0] != batch {
		return nil, fmt.Errorf("the function returns shape %v for a batch of %d, want the batch as the first axis", shape, batch)
	}
	return shape, nil
}

func (d *lambda) Forward(s *Scope, in []*graph.Node) *graph.Node { return s.Do(d.call(in)) }

func (d *lambda) call(in []*graph.Node) (*graph.Node, error) {
	y, err := d.f(in...)
	if err == nil && y == nil {
		err = errors.New("the function returned no node")
	}
	return y, err
}
