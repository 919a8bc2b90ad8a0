// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// SinePositionEncoding returns sines and cosines of each position of a sequence (Vaswani et al. 2017,
// https://arxiv.org/abs/1706.03762), which Add adds to the vectors of tokens:
//
//	y[p, 2j] = sin(p/w^(2j/n)), y[p, 2j+1] = cos(p/w^(2j/n))
//
// for position p, n features and the longest wavelength w, divided by 2π. Of the input only the shape
// counts.
//
//	input, output  (batch, ..., steps, features), the same shape
//
// The layer passes its mask on.
//
// Options:
//
//	StartIndex     0
//	MaxWavelength  10000
//	Name           "sine_position_encoding", "sine_position_encoding_1" and so on
//	Trainable      true
//
// See https://keras.io/keras_hub/api/modeling_layers/sine_position_encoding/.
func SinePositionEncoding(opts ...EmbeddingOption) Layer {
	return newLayer(&sinePositionEncoding{MaxWavelength: 10000}, opts)
}

// MaxWavelength sets the longest wavelength of SinePositionEncoding and RotaryEmbedding, divided by 2π; the
// default is 10000.
func MaxWavelength(w float64) EmbeddingOption {
	return embeddingOption{setting: set("MaxWavelength", w)}
}

type sinePositionEncoding struct {
	noMultiplications
	passesMask
	StartIndex    int     `json:"start_index,omitempty" option:"StartIndex"`
	MaxWavelength float64 `json:"max_wavelength" option:"MaxWavelength"`
}

var _ = register[sinePositionEncoding]("SinePositionEncoding")

func (d *sinePositionEncoding) Kind() string { return "SinePositionEncoding" }

func (d *sinePositionEncoding) check() error {
	return errors.Join(checkStartIndex(d.StartIndex), checkPositive("MaxWavelength", d.MaxWavelength))
}

func (d *sinePositionEncoding) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := sequenceInput(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *sinePositionEncoding) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if in[0] == nil {
		return nil
	}
	shape := slices.Clone([]int(in[0].Shape()))
	steps, features := shape[len(shape)-2], shape[len(shape)-1]
	name := fmt.Sprintf("sine positions %d %d %d %g", d.StartIndex, steps, features, d.MaxWavelength)
	table := s.table(name, steps, features, func(p, j int) float64 {
		angle := float64(d.StartIndex+p) * math.Pow(d.MaxWavelength, -float64(j/2*2)/float64(features))
		if j%2 == 0 {
			return math.Sin(angle)
		}
		return math.Cos(angle)
	})
	return s.Do(graph.BroadcastTo(table, shape...))
}

// table returns a constant of f(row, column), one node for each name.
func (s *Scope) table(name string, rows, columns int, f func(i, j int) float64) *graph.Node {
	var values []float32
	if n := float64(rows) * float64(columns); s.constants[name] == nil && 4*n <= float64(s.maxMemory) {
		values = make([]float32, rows*columns)
		for i := range values {
			values[i] = float32(f(i/columns, i%columns))
		}
	}
	return s.constant(name, values, rows, columns)
}

// RotaryEmbedding turns pairs of features by an angle that grows with the position, so that the product of
// a query and a key depends on how far they are apart (Su et al. 2021, https://arxiv.org/abs/2104.09864). It
// is applied to queries and keys before their product:
//
//	y[p, j]     = x[p, j]·cos a - x[p, n/2+j]·sin a
//	y[p, n/2+j] = x[p, n/2+j]·cos a + x[p, j]·sin a
//	a           = p/(f·w^(2j/n))
//
// for position p, n features, the longest wavelength w, divided by 2π, and the scaling factor f. With
// DynamicScaling f^(n/(n-2)) takes the place of f.
//
//	input, output  (batch, steps, ..., features), the same shape; the number of features is even
//
// The layer passes its mask on.
//
// Options:
//
//	StartIndex      0
//	MaxWavelength   10000
//	ScalingFactor   1
//	DynamicScaling  off
//	SequenceAxis    1
//	FeatureAxis     -1
//	Name            "rotary_embedding", "rotary_embedding_1" and so on
//	Trainable       true
//
// See https://keras.io/keras_hub/api/modeling_layers/rotary_embedding/.
func RotaryEmbedding(opts ...EmbeddingOption) Layer {
	return newLayer(&rotaryEmbedding{MaxWavelength: 10000, ScalingFactor: 1, SequenceAxis: 1, FeatureAxis: -1}, opts)
}

// ScalingFactor sets the number by which RotaryEmbedding divides the positions, for sequences that are
// longer than those of the training; the default is 1.
func ScalingFactor(f float64) EmbeddingOption {
	return embeddingOption{setting: set("ScalingFactor", f)}
}

// SequenceAxis sets the axis of the positions of RotaryEmbedding; the default is 1, the first after the
// batch.
func SequenceAxis(n int) EmbeddingOption { return embeddingOption{setting: set("SequenceAxis", n)} }

// FeatureAxis sets the axis of the features of RotaryEmbedding; the default is -1, the last.
func FeatureAxis(n int) EmbeddingOption { return embeddingOption{setting: set("FeatureAxis", n)} }

type rotaryEmbedding struct {
	noMultiplications
	passesMask
	StartIndex     int     `json:"start_index,omitempty" option:"StartIndex"`
	MaxWavelength  float64 `json:"max_wavelength" option:"MaxWavelength"`
	ScalingFactor  float64 `json:"scaling_factor" option:"ScalingFactor"`
	DynamicScaling bool    `json:"dynamic_scaling,omitempty" option:"DynamicScaling"`
	SequenceAxis   int     `json:"sequence_axis" option:"SequenceAxis"`
	FeatureAxis    int     `json:"feature_axis" option:"FeatureAxis"`
}

var _ = register[rotaryEmbedding]("RotaryEmbedding")

func (d *rotaryEmbedding) Kind() string { return "RotaryEmbedding" }

func (d *rotaryEmbedding) check() error {
	return errors.Join(checkStartIndex(d.StartIndex), checkPositive("MaxWavelength", d.MaxWavelength), checkPositive("ScalingFactor", d.ScalingFactor))
}

// axes returns the indices of the axes of positions and features in a shape without the batch.
func (d *rotaryEmbedding) axes(s Shape) (sequence, feature int, err error) {
	if sequence, err = axisOf(d.SequenceAxis, s); err != nil {
		return 0, 0, fmt.Errorf("SequenceAxis: %w", err)
	}
	if feature, err = axisOf(d.FeatureAxis, s); err != nil {
		return 0, 0, fmt.Errorf("FeatureAxis: %w", err)
	}
	if sequence == feature {
		return 0, 0, fmt.Errorf("input has shape %v, in which SequenceAxis %d and FeatureAxis %d are the same axis", s, d.SequenceAxis, d.FeatureAxis)
	}
	return sequence, feature, nil
}

func (d *rotaryEmbedding) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	_, feature, err := d.axes(in[0])
	if err != nil {
		return nil, err
	}
	if n := in[0][feature]; n%2 != 0 {
		return nil, fmt.Errorf("input has shape %v with %d features, want an even number", in[0], n)
	}
	return in[0], nil
}

func (d *rotaryEmbedding) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if in[0] == nil {
		return nil
	}
	shape := slices.Clone([]int(in[0].Shape()))
	sequence, feature, err := d.axes(shape[1:])
	if err != nil {
		return s.Do(nil, err)
	}
	sequence, feature = sequence+1, feature+1
	steps, n := shape[sequence], shape[feature]
	factor := d.ScalingFactor
	if d.DynamicScaling {
		factor = math.Pow(factor, float64(n)/float64(max(1, n-2)))
	}
	// turned is a table of the angles, with an axis of 1 for each that has no part in them.
	turned := func(name string, f func(float64) float64) *graph.Node {
		name = fmt.Sprintf("rotary %s %d %d %d %g %g", name, d.StartIndex, steps, n, d.MaxWavelength, factor)
		t := s.table(name, steps, n/2, func(p, j int) float64 {
			return f(float64(d.StartIndex+p) * math.Pow(d.MaxWavelength, -float64(2*j)/float64(n)) / factor)
		})
		if feature < sequence {
			t = s.Do(graph.Transpose(t))
		}
		to := slices.Repeat([]int{1}, len(shape))
		to[sequence], to[feature] = steps, n/2
		return s.Do(graph.Reshape(t, to...))
	}
	cos, sin := turned("cosines", math.Cos), turned("sines", math.Sin)
	a := s.Do(graph.Slice(in[0], graph.At(feature, 0, n/2)))
	b := s.Do(graph.Slice(in[0], graph.At(feature, n/2, n)))
	first := s.Do(graph.Sub(s.Do(graph.Mul(a, cos)), s.Do(graph.Mul(b, sin))))
	second := s.Do(graph.Add(s.Do(graph.Mul(b, cos)), s.Do(graph.Mul(a, sin))))
	return s.Do(graph.Concat(feature, first, second))
}
