// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"slices"

	"github.com/reef-dl/reef/graph"
)

// RMSNormalization divides every row by the root of the mean of its squares (Zhang & Sennrich 2019,
// https://arxiv.org/abs/1910.07467): y = γ·x/√(mean x² + ε).
//
//	input, output  (batch, ..., features), the same shape
//	weights        scale (features), the γ, of ones
//
// With several axes a row consists of all elements along them, and scale has these axes.
//
// Options:
//
//	Axis       -1
//	Epsilon    1e-06
//	Name       "rms_normalization", "rms_normalization_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/normalization_layers/rms_normalization/.
func RMSNormalization(opts ...NormalizationOption) Layer {
	return newLayer(&rmsNorm{Axis: []int{-1}, Epsilon: 1e-6}, opts)
}

type rmsNorm struct {
	noMultiplications
	Axis    []int   `json:"axes" option:"Axis"`
	Epsilon float64 `json:"epsilon" option:"Epsilon"`
}

var _ = register[rmsNorm]("RMSNormalization")

func (d *rmsNorm) Kind() string { return "RMSNormalization" }
func (d *rmsNorm) check() error { return checkPositive("epsilon", d.Epsilon) }

func (d *rmsNorm) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	features, err := axesOf(d.Axis, in[0])
	if err != nil {
		return nil, err
	}
	b.Weight("scale", Ones(), Regularizer{}, features...)
	return in[0], nil
}

func (d *rmsNorm) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x, back := axesLast(s, in[0], d.Axis...)
	scale := s.Weight("scale")
	if x == nil || scale == nil {
		return nil
	}
	shape := slices.Clone([]int(x.Shape()))
	n := len(shape) - len(d.Axis)
	rows := s.Do(graph.Reshape(x, Shape(shape[:n]).Size(), Shape(shape[n:]).Size()))
	y := s.Do(graph.RMSNorm(rows, s.Do(graph.Reshape(scale, Shape(shape[n:]).Size())), d.Epsilon))
	return back(s.Do(graph.Reshape(y, shape...)))
}
