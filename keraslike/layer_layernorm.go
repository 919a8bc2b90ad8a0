// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// LayerNormalization normalizes every row by its own mean m and biased variance v
// (Ba et al. 2016, https://arxiv.org/abs/1607.06450):
//
//	y = γ·(x - m)/√(v + ε) + β
//
//	input, output  (batch, ..., features), the same shape
//	weights        gamma (features) of ones, beta (features) of zeros
//
// With several axes a row consists of all elements along them, and the weights have the
// shape of these axes.
//
// Options:
//
//	Axis       -1
//	Epsilon    0.001
//	NoScale    off
//	NoCenter   off
//	Name       "layer_normalization", "layer_normalization_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/normalization_layers/layer_normalization/.
func LayerNormalization(opts ...NormalizationOption) Layer {
	return newLayer(&layerNorm{Axis: []int{-1}, Epsilon: 1e-3}, opts)
}

type layerNorm struct {
	noMultiplications
	passesMask
	Axis     []int   `json:"axes" option:"Axis"`
	Epsilon  float64 `json:"epsilon" option:"Epsilon"`
	NoScale  bool    `json:"no_scale,omitempty" option:"NoScale"`
	NoCenter bool    `json:"no_center,omitempty" option:"NoCenter"`
}

var _ = register[layerNorm]("LayerNormalization")

func (d *layerNorm) Kind() string { return "LayerNormalization" }

func (d *layerNorm) check() error {
	if len(d.Axis) == 0 {
		return fmt.Errorf("got no axes, want at least one")
	}
	return checkPositive("epsilon", d.Epsilon)
}

func (d *layerNorm) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	shape, err := axesOf(d.Axis, in[0])
	if err != nil {
		return nil, err
	}
	b.scaleAndCenter(d.NoScale, d.NoCenter, shape...)
	return in[0], nil
}

func (d *layerNorm) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x, back := axesLast(s, in[0], d.Axis...)
	gamma, beta := s.scaleAndCenter(d.NoScale, d.NoCenter)
	n := len(d.Axis)
	if x == nil || n == 1 {
		return back(s.Do(graph.LayerNorm(x, gamma, beta, d.Epsilon)))
	}
	shape := x.Shape().Clone()
	rest := []int(shape[:len(shape)-n])
	row := Shape(shape[len(shape)-n:]).Size()
	flat := func(w *graph.Node) *graph.Node {
		if w == nil {
			return nil
		}
		return s.Do(graph.Reshape(w, row))
	}
	x = s.Do(graph.Reshape(x, append(append([]int{}, rest...), row)...))
	y := s.Do(graph.LayerNorm(x, flat(gamma), flat(beta), d.Epsilon))
	return back(s.Do(graph.Reshape(y, shape...)))
}
