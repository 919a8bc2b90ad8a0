// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

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
//	Axis              -1
//	Epsilon           0.001
//	NoScale           off
//	NoCenter          off
//	GammaInitializer  Ones()
//	BetaInitializer   Zeros()
//	GammaRegularizer  none
//	BetaRegularizer   none
//	GammaConstraint   none
//	BetaConstraint    none
//	RMSScaling        off
//	Name              "layer_normalization", "layer_normalization_1" and so on
//	Trainable         true
//
// See https://keras.io/api/layers/normalization_layers/layer_normalization/.
func LayerNormalization(opts ...NormalizationOption) Layer {
	return newLayer(&layerNorm{Axis: []int{-1}, Epsilon: 1e-3}, opts)
}

type layerNorm struct {
	noMultiplications
	passesMask
	Axis    []int   `json:"axes" option:"Axis"`
	Epsilon float64 `json:"epsilon" option:"Epsilon"`
	scaledAndCentered
	RMSScaling bool `json:"rms_scaling,omitempty" option:"RMSScaling"`
}

var _ = register[layerNorm]("LayerNormalization")

func (d *layerNorm) Kind() string { return "LayerNormalization" }

func (d *layerNorm) check() error {
	var mistake error
	switch {
	case len(d.Axis) == 0:
		mistake = errors.New("got no axes, want at least one")
	case d.RMSScaling && d.NoScale:
		mistake = errors.New("got both RMSScaling, which has a factor, and NoScale")
	case d.RMSScaling && d.hasBetaSettings():
		mistake = errors.New("got RMSScaling, which has no offset, and a setting of beta")
	}
	return errors.Join(mistake, checkPositive("epsilon", d.Epsilon), d.scaledAndCentered.check())
}

func (d *layerNorm) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	shape, err := axesOf(d.Axis, in[0])
	if err != nil {
		return nil, err
	}
	d.parameters().declare(b, shape...)
	return in[0], nil
}

// parameters are the settings of gamma and beta; RMSScaling omits beta.
func (d *layerNorm) parameters() *scaledAndCentered {
	p := d.scaledAndCentered
	p.NoCenter = p.NoCenter || d.RMSScaling
	return &p
}

func (d *layerNorm) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x, back := axesLast(s, in[0], d.Axis...)
	gamma, beta := d.parameters().weights(s)
	n := len(d.Axis)
	if x == nil || n == 1 && !d.RMSScaling {
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
	var y *graph.Node
	if d.RMSScaling {
		variance := s.Do(graph.Variance(x, 0, graph.Axes(-1), graph.KeepDims()))
		y = s.Do(graph.Mul(x, s.Do(graph.Rsqrt(s.Do(graph.Affine(variance, 1, d.Epsilon))))))
		y = s.Do(graph.Mul(y, flat(gamma)))
	} else {
		y = s.Do(graph.LayerNorm(x, flat(gamma), flat(beta), d.Epsilon))
	}
	return back(s.Do(graph.Reshape(y, shape...)))
}
