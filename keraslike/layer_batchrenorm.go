// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// Renorm makes BatchNormalization correct the batch's mean and variance by those of earlier batches (Ioffe 2017,
// https://arxiv.org/abs/1702.03275), which helps small batches:
//
//	y = γ·(r·(x - μ)/σ + d) + β,   r = σ/σᵣ,   d = (μ - μᵣ)/σᵣ,   σ = √(σ² + ε)
//
// μᵣ and σᵣ are the weights renorm_mean and renorm_stddev, which move towards μ and σ after each step with
// RenormMomentum; r and d have no gradient, and are between the limits of RenormClipping. moving_mean and
// moving_stddev move with Momentum, and moving_variance is moving_stddev² - ε, at least 0.
const Renorm NormalizationFlag = "Renorm"

// RenormMomentum sets the momentum of renorm_mean and renorm_stddev, see Renorm. The default is 0.99.
func RenormMomentum(v float64) NormalizationOption {
	return newNormalizationOption("RenormMomentum", v)
}

// RenormClipping limits the corrections of Renorm: r to rmin and rmax, and d to -dmax and dmax. By default there are
// no limits; 0 and math.Inf(1) are none.
func RenormClipping(rmin, rmax, dmax float64) NormalizationOption {
	return newNormalizationOption("RenormClipping", renormLimits{rmin, min(rmax, math.MaxFloat32), min(dmax, math.MaxFloat32)})
}

// MovingMeanInitializer sets the initializer of the moving mean of BatchNormalization; the default is Zeros().
func MovingMeanInitializer(i Initializer) NormalizationOption {
	return newNormalizationOption("MovingMeanInitializer", i)
}

// MovingVarianceInitializer sets the initializer of the moving variance of BatchNormalization; the default is
// Ones(). With Renorm it is Ones, Zeros or a Constant.
func MovingVarianceInitializer(i Initializer) NormalizationOption {
	return newNormalizationOption("MovingVarianceInitializer", i)
}

// renormalization has the settings of Renorm.
type renormalization struct {
	Renorm         bool          `json:"renorm,omitempty" option:"Renorm"`
	RenormMomentum *float64      `json:"renorm_momentum,omitempty" option:"RenormMomentum"` // nil for 0.99
	RenormClipping *renormLimits `json:"renorm_clipping,omitempty" option:"RenormClipping"`
}

// renormLimits are those of RenormClipping; math.MaxFloat32 is none.
type renormLimits struct {
	RMin float64 `json:"rmin"`
	RMax float64 `json:"rmax"`
	DMax float64 `json:"dmax"`
}

func (d *renormalization) check() error {
	c := d.RenormClipping
	switch {
	case (c != nil || d.RenormMomentum != nil) && !d.Renorm:
		return errors.New("got RenormMomentum or RenormClipping without Renorm")
	case !(d.momentum() >= 0 && d.momentum() <= 1):
		return fmt.Errorf("RenormMomentum is %g, want a number from 0 to 1", d.momentum())
	case c != nil && !(c.RMin >= 0 && c.RMax >= c.RMin && c.RMax > 0 && c.DMax >= 0):
		return fmt.Errorf("RenormClipping is %g, %g, %g, want 0 <= rmin <= rmax and 0 <= dmax", c.RMin, c.RMax, c.DMax)
	}
	return nil
}

// momentum is that of renorm_mean and renorm_stddev.
func (d *renormalization) momentum() float64 {
	if d.RenormMomentum == nil {
		return 0.99
	}
	return *d.RenormMomentum
}

// declareRenorm declares the weights of Renorm. The standard deviations begin with the root of the variance.
func (d *renormalization) declareRenorm(b *Builder, mean, variance Initializer, features int) error {
	var v float64
	switch variance.Kind {
	case "zeros":
	case "ones":
		v = 1
	case "constant":
		v = variance.Value
	default:
		return fmt.Errorf("MovingVarianceInitializer is %s, want Ones, Zeros or a Constant with Renorm", variance.Kind)
	}
	if v += variance.Added; v < 0 {
		return fmt.Errorf("MovingVarianceInitializer gives %g, want at least 0", v)
	}
	b.State("moving_stddev", Constant(math.Sqrt(v)), features)
	b.State("renorm_mean", mean, features)
	b.State("renorm_stddev", Constant(math.Sqrt(v)), features)
	return nil
}

// renormalized is a step of training with Renorm.
func (d *batchNorm) renormalized(s *Scope, in, x, gamma, beta *graph.Node) *graph.Node {
	y, mean, variance, err := d.batch(s, in, x, nil, nil)
	if y = s.Do(y, err); y == nil {
		return nil
	}
	stddev := s.Do(graph.Sqrt(s.Do(graph.Affine(variance, 1, d.Epsilon))))
	least := math.Sqrt(d.Epsilon) // of a standard deviation, at the beginning
	scale := s.Do(graph.Maximum(s.Weight("renorm_stddev"), s.Do(graph.Scalar(stddev, least))))
	r := s.Do(graph.Div(stddev, scale))
	shift := s.Do(graph.Div(s.Do(graph.Sub(mean, s.Weight("renorm_mean"))), scale))
	if c := d.RenormClipping; c != nil {
		r, shift = s.Do(graph.Clip(r, c.RMin, c.RMax)), s.Do(graph.Clip(shift, -c.DMax, c.DMax))
	}
	y = s.Do(graph.MulRow(y, s.Do(graph.StopGradient(r))))
	y = s.Do(graph.AddRow(y, s.Do(graph.StopGradient(shift))))
	if gamma != nil {
		y = s.Do(graph.MulRow(y, gamma))
	}
	if beta != nil {
		y = s.Do(graph.AddRow(y, beta))
	}
	d.move(s, "renorm_mean", mean, d.momentum())
	d.move(s, "renorm_stddev", stddev, d.momentum())
	d.move(s, "moving_mean", mean, d.Momentum)
	if moved := d.move(s, "moving_stddev", stddev, d.Momentum); moved != nil {
		v := s.Do(graph.Affine(s.Do(graph.Square(moved)), 1, -d.Epsilon))
		s.Update("moving_variance", s.Do(graph.Activate(v, graph.Act(graph.ReLU))))
	}
	return y
}
