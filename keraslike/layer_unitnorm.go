// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"slices"

	"github.com/reef-dl/reef/graph"
)

// UnitNormalization scales every row to Euclidean length 1: y = x/max(√Σ x², 1e-12).
//
//	input, output  (batch, ..., features), the same shape
//
// With several axes a row consists of all elements along them.
//
// Options:
//
//	Axis       -1
//	Name       "unit_normalization", "unit_normalization_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/normalization_layers/unit_normalization/.
func UnitNormalization(opts ...NormalizationOption) Layer {
	return newLayer(&unitNorm{Axis: []int{-1}}, opts)
}

type unitNorm struct {
	passesMask
	Axis []int `json:"axes" option:"Axis"`
}

var _ = register[unitNorm]("UnitNormalization")

func (d *unitNorm) Kind() string { return "UnitNormalization" }

func (d *unitNorm) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if _, err := axesOf(d.Axis, in[0]); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *unitNorm) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x, back := axesLast(s, in[0], d.Axis...)
	if x == nil {
		return nil
	}
	shape := x.Shape().Clone()
	n := len(shape) - len(d.Axis)
	rows := append(slices.Clone([]int(shape[:n])), Shape(shape[n:]).Size())
	const bound = 1e-7 / 1e-12 // the lower bound of the op over that of Keras
	x = s.Do(graph.Scale(s.Do(graph.Reshape(x, rows...)), bound))
	return back(s.Do(graph.Reshape(s.Do(graph.L2Normalize(x)), shape...)))
}
