// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Normalization scales every feature to mean 0 and variance 1, using the mean and the biased
// variance that Adapt has computed: y = (x - μ)/√(σ² + 1e-14), where 1e-14 is the square of
// Keras's minimum standard deviation of 1e-7.
//
//	input, output  (batch, ..., features), the same shape
//	weights        not trained: mean (features) of zeros, variance (features) of ones
//
//	norm := keraslike.Normalization()
//	err := keraslike.Adapt(ctx, norm, train)
//	model := keraslike.Sequential("m", keraslike.Input(13), norm, keraslike.Dense(1))
//
// Options:
//
//	Axis       -1
//	AllAxes    off
//	Name       "normalization", "normalization_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/preprocessing_layers/numerical/normalization/.
func Normalization(opts ...NormalizationOption) Layer {
	return newLayer(&normalization{Axis: -1}, opts)
}

type normalization struct {
	noMultiplications
	passesMask
	Axis           int       `json:"axis" option:"Axis"`
	AllAxes        bool      `json:"all_axes,omitempty" option:"AllAxes"`
	mean, variance []float32 // computed by Adapt before Build
}

func (d *normalization) adapt(ctx context.Context, n *layer, data *adaptData) error {
	if err := data.want(false); err != nil {
		return err
	}
	shape := data.shape()
	if n.built && !n.in[0].takes(shape) {
		return fmt.Errorf("the data has samples of shape %v, the layer was built for %v", []int(shape), []int(n.in[0]))
	}
	features, inner, err := d.features(shape)
	if err != nil {
		return err
	}
	count := float64(data.samples*shape.Size()) / float64(features)
	mean, variance := make([]float64, features), make([]float64, features)
	if err := eachValue(ctx, data, func(i int, v float64) { mean[i/inner%features] += v / count }); err != nil {
		return err
	}
	if err := eachValue(ctx, data, func(i int, v float64) {
		off := v - mean[i/inner%features]
		variance[i/inner%features] += off * off / count
	}); err != nil {
		return err
	}
	d.mean, d.variance = toFloat32s(mean), toFloat32s(variance)
	return d.set(n.weights)
}

// features returns the number of features, and the stride from one feature to the next in a
// sample.
func (d *normalization) features(s Shape) (features, inner int, err error) {
	if d.AllAxes {
		return 1, s.Size(), nil
	}
	axis, err := axisOf(d.Axis, s)
	if err != nil {
		return 0, 0, err
	}
	return s[axis], s[axis+1:].Size(), nil
}

// eachValue calls f for each value of all samples; i is the value's index in its sample.
func eachValue(ctx context.Context, data *adaptData, f func(i int, v float64)) error {
	return data.eachNumbers(ctx, func(sample []float32) error {
		for i, v := range sample {
			f(i, float64(v))
		}
		return nil
	})
}

func toFloat32s(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

// set copies the results of Adapt into the weights, if they exist.
func (d *normalization) set(weights []*Weight) error {
	if d.mean == nil || len(weights) == 0 {
		return nil
	}
	if err := weights[0].Set(d.mean); err != nil {
		return err
	}
	return weights[1].Set(d.variance)
}

var _ = register[normalization]("Normalization")

func (d *normalization) Kind() string { return "Normalization" }

func (d *normalization) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	features, _, err := d.features(in[0])
	if err != nil {
		return nil, err
	}
	if d.mean != nil && len(d.mean) != features {
		return nil, fmt.Errorf("input has shape %v with %d features, the data of Adapt had %d", in[0], features, len(d.mean))
	}
	first := len(b.layer.weights)
	b.State("mean", Zeros(), features)
	b.nonNegativeState("variance", Ones(), features)
	return in[0], d.set(b.layer.weights[first:])
}

// prepare normalizes one sample, as the graph does.
func (d *normalization) prepare(p *preparation, in []*value, out *value) error {
	features, inner, err := d.features(in[0].shape)
	if err != nil {
		return err
	}
	y := out.resize(in[0].shape...)
	w := p.step.layer.weights
	locks := locksOf(w)
	locks.rLock()
	defer locks.rUnlock()
	mean, variance := w[0].floats(), w[1].floats()
	if len(mean) != features || len(variance) != features {
		return fmt.Errorf("input has shape %v with %d features, the layer has %d", in[0].shape, features, len(mean))
	}
	for i, v := range in[0].numbers {
		f := i / inner % features
		y[i] = (v - mean[f]) / float32(math.Sqrt(float64(variance[f])+normalizationEpsilon))
	}
	return nil
}

// normalizationEpsilon is the square of Keras's minimum standard deviation.
const normalizationEpsilon = 1e-14

func (d *normalization) Forward(s *Scope, in []*graph.Node) *graph.Node {
	mean, variance := s.Weight("mean"), s.Weight("variance")
	if d.AllAxes {
		shape := slices.Clone(in[0].Shape())
		column := s.Do(graph.Reshape(in[0], Shape(shape).Size(), 1))
		return s.Do(graph.Reshape(s.Do(graph.Normalize(column, mean, variance, nil, nil, normalizationEpsilon)), shape...))
	}
	x, back := axesLast(s, in[0], d.Axis)
	return back(s.Do(graph.Normalize(x, mean, variance, nil, nil, normalizationEpsilon)))
}

// Rescaling computes y = scale·x + offset: Rescaling(1.0/255, 0) scales bytes to [0, 1]. The
// output has the shape of the input, which may be any.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/.
func Rescaling(scale, offset float64, opts ...LayerOption) Layer {
	return newLayer(&rescaling{Scale: scale, Offset: offset}, opts)
}

type rescaling struct {
	passesMask
	Scale  float64 `json:"scale"`
	Offset float64 `json:"offset"`
}

var _ = register[rescaling]("Rescaling")

func (d *rescaling) Kind() string { return "Rescaling" }

func (d *rescaling) check() error {
	if sum := d.Scale + d.Offset; math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fmt.Errorf("scale is %g and offset %g, want finite numbers", d.Scale, d.Offset)
	}
	return nil
}

func (d *rescaling) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *rescaling) prepare(_ *preparation, in []*value, out *value) error {
	y := out.resize(in[0].shape...)
	scale, offset := float32(d.Scale), float32(d.Offset)
	for i, v := range in[0].numbers {
		y[i] = scale*v + offset
	}
	return nil
}

func (d *rescaling) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Affine(in[0], d.Scale, d.Offset))
}
