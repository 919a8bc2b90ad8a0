// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/graph"
)

type dropoutOption struct {
	setting
	dropoutMark
}

// NoiseShape makes Dropout and AlphaDropout drop parts instead of single elements. It has a length for each
// axis of the input without the batch: 1 for an axis along which all elements are dropped together, and
// the length of the axis, or Any, for the others. NoiseShape(1, k.Any) drops whole channels of a sequence,
// as SpatialDropout1D does. By default each element is dropped by itself. Samples are never dropped
// together: of Keras's noise_shape the first element is None.
func NoiseShape(lengths ...int) DropoutOption {
	return dropoutOption{setting: set("NoiseShape", slices.Clone(lengths))}
}

// noiseShape is embedded by layers with a NoiseShape.
type noiseShape struct {
	NoiseShape []int `json:"noise_shape,omitempty" option:"NoiseShape"`
}

// fits returns an error unless the shape has a length for each axis of an input.
func (d *noiseShape) fits(in Shape) error {
	if d.NoiseShape == nil {
		return nil
	}
	fits := len(d.NoiseShape) == len(in)
	for axis := 0; fits && axis < len(in); axis++ {
		n := d.NoiseShape[axis]
		fits = n == 1 || n == Any || n == in[axis]
	}
	if !fits {
		return fmt.Errorf("NoiseShape is %s, the input has shape %v: want 1, Any or the length of each axis", formatShape(d.NoiseShape), in)
	}
	return nil
}

// mask adds factors that are 0 with probability rate and else 1/(1-rate), nil to drop single elements.
func (d *noiseShape) mask(s *Scope, x *graph.Node, rate float64) *graph.Node {
	shape := slices.Clone([]int(x.Shape()))
	for axis, n := range d.NoiseShape {
		if n == 1 {
			shape[axis+1] = 1
		}
	}
	rng, stream := s.Random(0)
	return s.Do(graph.Dropout(s.ones(shape...), rate, rng, stream))
}

// The constants of SELU.
const (
	seluAlpha = 1.6732632423543772848170429916717
	seluScale = 1.0507009873554804934193349852946
)

// AlphaDropout sets each element to α' = -1.758 with probability rate, the limit of SELU for small inputs,
// and keeps mean and variance of inputs that have mean 0 and variance 1: with m of 1 for the elements that
// are kept and of 0 for others,
//
//	y = a·(m·x + (1 - m)·α') + b    a = ((1 - rate)·(1 + rate·α'²))^(-1/2)    b = -a·α'·rate
//
// It is active in training only; otherwise it returns its input (Klambauer et al. 2017,
// https://arxiv.org/abs/1706.02515). The output has the shape of the input, which may be any. The rate is
// at least 0 and below 1.
//
// Options:
//
//	NoiseShape  none
//	Name        "alpha_dropout", "alpha_dropout_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/regularization_layers/alpha_dropout/.
func AlphaDropout(rate float64, opts ...DropoutOption) Layer {
	return newLayer(&alphaDropout{Rate: rate}, opts)
}

type alphaDropout struct {
	passesMask
	noiseShape
	Rate float64 `json:"rate"`
}

var _ = register[alphaDropout]("AlphaDropout")

func (d *alphaDropout) Kind() string { return "AlphaDropout" }
func (d *alphaDropout) check() error { return checkDropRate(d.Rate) }

func (d *alphaDropout) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return in[0], d.fits(in[0])
}

func (d *alphaDropout) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if !s.Training() || d.Rate == 0 {
		return in[0]
	}
	const least = -seluAlpha * seluScale
	a := 1 / math.Sqrt((1-d.Rate)*(1+d.Rate*least*least))
	kept := s.Do(graph.Scale(d.mask(s, in[0], d.Rate), a*(1-d.Rate)))
	// y = a·m·x + a·(1 - m)·α' - a·α'·rate
	rest := s.Do(graph.Affine(kept, -least, a*least*(1-d.Rate)))
	return s.Do(graph.Add(s.Do(graph.Mul(in[0], kept)), rest))
}
