// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// Dropout sets each element to 0 with probability rate and scales the others by 1/(1-rate).
// It is active in training only; otherwise it returns its input (Srivastava et al. 2014,
// https://jmlr.org/papers/v15/srivastava14a.html).
//
// The output has the shape of the input, which may be any. The rate is at least 0 and
// below 1.
//
// Options:
//
//	NoiseShape  none
//	Name        "dropout", "dropout_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/regularization_layers/dropout/.
func Dropout(rate float64, opts ...DropoutOption) Layer {
	return newLayer(&dropout{Rate: rate}, opts)
}

type dropout struct {
	passesMask
	noiseShape
	Rate float64 `json:"rate"`
}

var _ = register[dropout]("Dropout")

func (d *dropout) Kind() string { return "Dropout" }

func (d *dropout) check() error { return checkDropRate(d.Rate) }

func checkDropRate(rate float64) error {
	if !(rate >= 0 && rate < 1) {
		return fmt.Errorf("rate is %g, want 0 <= rate < 1", rate)
	}
	return nil
}

func (d *dropout) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return in[0], d.fits(in[0])
}

func (d *dropout) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if !s.Training() {
		return in[0]
	}
	if d.NoiseShape != nil {
		return s.Do(graph.Mul(in[0], d.mask(s, in[0], d.Rate)))
	}
	rng, stream := s.Random(0)
	return s.Do(graph.Dropout(in[0], d.Rate, rng, stream))
}

// SpatialDropout1D drops whole channels of a sequence instead of single elements (Tompson et
// al. 2015, https://arxiv.org/abs/1411.4280). It helps if neighboring steps are strongly
// correlated.
//
//	input, output  (batch, steps, channels), the same shape
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/regularization_layers/spatial_dropout1d/.
func SpatialDropout1D(rate float64, opts ...LayerOption) Layer {
	return newNoise(&noise{Function: "SpatialDropout1D", Rate: rate}, opts)
}

// SpatialDropout2D drops whole channels of an image instead of single elements.
//
//	input, output  (batch, height, width, channels), the same shape
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/regularization_layers/spatial_dropout2d/.
func SpatialDropout2D(rate float64, opts ...LayerOption) Layer {
	return newNoise(&noise{Function: "SpatialDropout2D", Rate: rate}, opts)
}

// SpatialDropout3D drops whole channels of a volume instead of single elements.
//
//	input, output  (batch, depth, height, width, channels), the same shape
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/regularization_layers/spatial_dropout3d/.
func SpatialDropout3D(rate float64, opts ...LayerOption) Layer {
	return newNoise(&noise{Function: "SpatialDropout3D", Rate: rate}, opts)
}

// GaussianNoise adds normal noise with the given standard deviation. It is active in
// training only; otherwise it returns its input. The output has the shape of the input,
// which may be any.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/regularization_layers/gaussian_noise/.
func GaussianNoise(stddev float64, opts ...LayerOption) Layer {
	return newNoise(&noise{Function: "GaussianNoise", Rate: stddev}, opts)
}

// GaussianDropout multiplies by normal noise with mean 1 and standard deviation
// √(rate/(1-rate)) (Srivastava et al. 2014, section 10). It is active in training only;
// otherwise it returns its input. The output has the shape of the input, which may be any.
// The rate is at least 0 and below 1.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/regularization_layers/gaussian_dropout/.
func GaussianDropout(rate float64, opts ...LayerOption) Layer {
	return newNoise(&noise{Function: "GaussianDropout", Rate: rate}, opts)
}

func newNoise(d *noise, opts []LayerOption) Layer { return newLayer(d, opts) }

// noise is a layer that is active in training only. For GaussianNoise Rate is the standard
// deviation.
type noise struct {
	passesMask
	Function string  `json:"function"`
	Rate     float64 `json:"rate"`
}

var _ = register[noise]("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout")

func (d *noise) Kind() string { return d.Function }

func (d *noise) check() error {
	switch d.Function {
	case "GaussianNoise":
		if !(d.Rate >= 0) || math.IsInf(d.Rate, 1) {
			return fmt.Errorf("standard deviation is %g, want a finite number of at least 0", d.Rate)
		}
	case "GaussianDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D":
		return checkDropRate(d.Rate)
	default:
		return fmt.Errorf("function %q is unknown", d.Function)
	}
	return nil
}

func (d *noise) Build(_ *Builder, in []Shape) (Shape, error) {
	switch d.Function {
	case "SpatialDropout1D":
		return spatialInput(in, 1)
	case "SpatialDropout2D":
		return spatialInput(in, 2)
	case "SpatialDropout3D":
		return spatialInput(in, 3)
	}
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *noise) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if !s.Training() {
		return in[0]
	}
	rng, stream := s.Random(0)
	switch d.Function {
	case "GaussianNoise":
		return s.Do(graph.GaussianNoise(in[0], d.Rate, rng, stream))
	case "GaussianDropout":
		return s.Do(graph.GaussianDropout(in[0], d.Rate, rng, stream))
	}
	return s.Do(graph.SpatialDropout(in[0], d.Rate, rng, stream))
}
