// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Normalization scales every feature to mean 0 and variance 1, using the mean and the biased
// variance that Adapt has computed: y = (x - μ)/√(σ² + 1e-14), where 1e-14 is the square of
// Keras's minimum standard deviation of 1e-7. With Invert it is the inverse, y = μ + x·√(σ² + 1e-14).
//
//	input, output  (batch, ..., features), the same shape
//	weights        not trained: mean (features) of zeros, variance (features) of ones; none with
//	               Statistics
//
// With several axes every place along them is a feature, and the weights have their lengths.
//
//	norm := keraslike.Normalization()
//	err := keraslike.Adapt(ctx, norm, train)
//	model := keraslike.Sequential("m", keraslike.Input(13), norm, keraslike.Dense(1))
//
// Options:
//
//	Axis        -1
//	AllAxes     off
//	Invert      off
//	Statistics  none
//	Name        "normalization", "normalization_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/preprocessing_layers/numerical/normalization/.
func Normalization(opts ...NormalizationOption) Layer {
	return newLayer(&normalization{Axis: oneOrMoreAxes{-1}}, opts)
}

// Invert makes Normalization compute x from its normalized value.
const Invert NormalizationFlag = "Invert"

// Statistics gives Normalization a mean and a variance of each feature, instead of those of Adapt. One number is
// that of all features; with several axes the numbers of the last ones are those of every place along the first.
func Statistics(mean, variance []float64) NormalizationOption {
	return newNormalizationOption("Statistics", statistics{slices.Clone(mean), slices.Clone(variance)})
}

type statistics struct {
	Mean     []float64 `json:"mean"`
	Variance []float64 `json:"variance"`
}

// oneOrMoreAxes are written as a number if there is one.
type oneOrMoreAxes []int

func (a oneOrMoreAxes) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]int(a))
}

func (a *oneOrMoreAxes) UnmarshalJSON(text []byte) error {
	var one int
	if json.Unmarshal(text, &one) == nil {
		*a = oneOrMoreAxes{one}
		return nil
	}
	var many []int
	err := json.Unmarshal(text, &many)
	*a = many
	return err
}

type normalization struct {
	noMultiplications
	passesMask
	Axis           oneOrMoreAxes `json:"axis" option:"Axis"`
	AllAxes        bool          `json:"all_axes,omitempty" option:"AllAxes"`
	Invert         bool          `json:"invert,omitempty" option:"Invert"`
	Statistics     *statistics   `json:"statistics,omitempty" option:"Statistics"`
	mean, variance []float32     // computed by Adapt before Build
}

func (d *normalization) check() error {
	if d.Statistics == nil {
		return nil
	}
	mean, variance := d.Statistics.Mean, d.Statistics.Variance
	if len(mean) != len(variance) || len(mean) == 0 {
		return fmt.Errorf("Statistics has %d means and %d variances, want one or more, as many of each", len(mean), len(variance))
	}
	for i, v := range variance {
		if !(v >= 0 && v <= math.MaxFloat32 && math.Abs(mean[i]) <= math.MaxFloat32) {
			return fmt.Errorf("Statistics has mean %g and variance %g, want finite numbers and a variance of at least 0", mean[i], v)
		}
	}
	return nil
}

func (d *normalization) adapt(ctx context.Context, n *layer, data *adaptData) error {
	if d.Statistics != nil {
		return errors.New("the layer has its Statistics")
	}
	if err := data.want(false); err != nil {
		return err
	}
	shape := data.shape()
	if n.built && !n.in[0].takes(shape) {
		return fmt.Errorf("the data has samples of shape %v, the layer was built for %v", []int(shape), []int(n.in[0]))
	}
	f, err := d.features(shape)
	if err != nil {
		return err
	}
	features := f.count()
	count := float64(data.samples*shape.Size()) / float64(features)
	mean, variance := make([]float64, features), make([]float64, features)
	if err := eachValue(ctx, data, func(i int, v float64) { mean[f.of(i)] += v / count }); err != nil {
		return err
	}
	if err := eachValue(ctx, data, func(i int, v float64) {
		at := f.of(i)
		off := v - mean[at]
		variance[at] += off * off / count
	}); err != nil {
		return err
	}
	d.mean, d.variance = toFloat32s(mean), toFloat32s(variance)
	return d.set(n.weights)
}

// featureAxes tell which feature a value of a sample belongs to.
type featureAxes []struct {
	length int // of the axis
	inner  int // values from one place along it to the next
	stride int // features from one place to the next
}

// features returns the axes of the features of samples of a shape, none for a single feature.
func (d *normalization) features(s Shape) (f featureAxes, err error) {
	if d.AllAxes {
		return nil, nil
	}
	if len(d.Axis) == 1 {
		_, err = axisOf(d.Axis[0], s)
	} else {
		_, err = axesOf(d.Axis, s)
	}
	if err != nil {
		return nil, err
	}
	kept := make([]int, 0, len(d.Axis))
	for _, a := range d.Axis {
		axis, err := axisOf(a, s)
		if err != nil {
			return nil, err
		}
		kept = append(kept, axis)
	}
	slices.Sort(kept)
	f = make(featureAxes, len(kept))
	stride := 1
	for i := len(kept) - 1; i >= 0; i-- {
		f[i].length, f[i].inner, f[i].stride = s[kept[i]], s[kept[i]+1:].Size(), stride
		stride *= f[i].length
	}
	return f, nil
}

func (f featureAxes) count() int {
	n := 1
	for _, a := range f {
		n *= a.length
	}
	return n
}

// shape is that of the weights.
func (f featureAxes) shape() []int {
	if f == nil {
		return []int{1}
	}
	shape := make([]int, len(f))
	for i, a := range f {
		shape[i] = a.length
	}
	return shape
}

// of returns the feature of value i of a sample.
func (f featureAxes) of(i int) (feature int) {
	for _, a := range f {
		feature += i / a.inner % a.length * a.stride
	}
	return feature
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
	f, err := d.features(in[0])
	if err != nil {
		return nil, err
	}
	if d.Statistics != nil {
		_, _, err := d.given(f)
		return in[0], err
	}
	if d.mean != nil && len(d.mean) != f.count() {
		return nil, fmt.Errorf("input has shape %v with %d features, the data of Adapt had %d", in[0], f.count(), len(d.mean))
	}
	first := len(b.layer.weights)
	b.State("mean", Zeros(), f.shape()...)
	b.nonNegativeState("variance", Ones(), f.shape()...)
	return in[0], d.set(b.layer.weights[first:])
}

// given returns the Statistics of each feature.
func (d *normalization) given(f featureAxes) (mean, variance []float32, err error) {
	n, given, fits := f.count(), len(d.Statistics.Mean), 1
	for i := len(f) - 1; i >= 0 && fits < given; i-- {
		fits *= f[i].length
	}
	if fits != given {
		return nil, nil, fmt.Errorf("Statistics has %d numbers, the features have shape %v", given, f.shape())
	}
	mean, variance = make([]float32, n), make([]float32, n)
	for i := range n {
		mean[i], variance[i] = float32(d.Statistics.Mean[i%given]), float32(d.Statistics.Variance[i%given])
	}
	return mean, variance, nil
}

// prepare normalizes one sample, as the graph does.
func (d *normalization) prepare(p *preparation, in []*value, out *value) error {
	f, err := d.features(in[0].shape)
	if err != nil {
		return err
	}
	var mean, variance []float32
	if d.Statistics != nil {
		if mean, variance, err = d.given(f); err != nil {
			return err
		}
	} else {
		w := p.step.layer.weights
		locks := locksOf(w)
		locks.rLock()
		defer locks.rUnlock()
		mean, variance = w[0].floats(), w[1].floats()
	}
	y := out.resize(in[0].shape...)
	if n := f.count(); len(mean) != n || len(variance) != n {
		return fmt.Errorf("input has shape %v with %d features, the layer has %d", in[0].shape, n, len(mean))
	}
	for i, v := range in[0].numbers {
		at := f.of(i)
		deviation := float32(math.Sqrt(float64(variance[at]) + normalizationEpsilon))
		if d.Invert {
			y[i] = mean[at] + v*deviation
		} else {
			y[i] = (v - mean[at]) / deviation
		}
	}
	return nil
}

// normalizationEpsilon is the square of Keras's minimum standard deviation.
const normalizationEpsilon = 1e-14

func (d *normalization) Forward(s *Scope, in []*graph.Node) *graph.Node {
	shape := slices.Clone(in[0].Shape())
	f, err := d.features(Shape(shape[1:]))
	if err != nil {
		return s.Do(nil, err)
	}
	features := f.count()
	var mean, variance *graph.Node
	if d.Statistics != nil {
		m, v, err := d.given(f)
		if err != nil {
			return s.Do(nil, err)
		}
		mean, variance = s.constant(s.path+" mean", m, features), s.constant(s.path+" variance", v, features)
	} else {
		mean, variance = s.Weight("mean"), s.Weight("variance")
		if len(d.Axis) > 1 && !d.AllAxes {
			mean, variance = s.Do(graph.Reshape(mean, features)), s.Do(graph.Reshape(variance, features))
		}
	}
	if len(d.Axis) == 1 && !d.AllAxes {
		x, back := axesLast(s, in[0], d.Axis...)
		return back(d.normalized(s, x, mean, variance))
	}
	x, back := in[0], func(y *graph.Node) *graph.Node { return y }
	if !d.AllAxes {
		if x, back = axesLast(s, in[0], d.Axis...); x != nil {
			shape = slices.Clone(x.Shape())
		}
	}
	rows := s.Do(graph.Reshape(x, Shape(shape).Size()/features, features))
	return back(s.Do(graph.Reshape(d.normalized(s, rows, mean, variance), shape...)))
}

func (d *normalization) normalized(s *Scope, x, mean, variance *graph.Node) *graph.Node {
	if !d.Invert {
		return s.Do(graph.Normalize(x, mean, variance, nil, nil, normalizationEpsilon))
	}
	deviation := s.Do(graph.Sqrt(s.Do(graph.Affine(variance, 1, normalizationEpsilon))))
	return s.Do(graph.AddRow(s.Do(graph.MulRow(x, deviation)), mean))
}
