// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Layers that choose among other random layers of pictures

// operations are the settings of the layers to choose from.
type operations struct {
	augmentation
	pixelRange
	FactorRange   [2]float64    `json:"factor" option:"FactorRange"`
	Interpolation Interpolation `json:"interpolation" option:"Interpolation"`
}

func newOperations(factor float64) operations {
	return operations{FactorRange: [2]float64{0, factor}, pixelRange: newPixelRange(), Interpolation: BilinearInterpolation}
}

func (d *operations) check() error {
	if err := d.pixelRange.check(); err != nil {
		return err
	}
	if d.Interpolation != BilinearInterpolation && d.Interpolation != NearestInterpolation {
		return fmt.Errorf("Interpolation is %q, want BilinearInterpolation or NearestInterpolation", string(d.Interpolation))
	}
	return checkFactor(d.FactorRange)
}

func (d *operations) Build(_ *Builder, in []Shape) (Shape, error) { return grayOrColor(in) }

// The number of layers to choose from: those that leave the colors alone come first.
const (
	someOperations = 7
	allOperations  = 11
)

// operate applies a layer to a picture, with random numbers of its own. from and to are different values.
func (d *operations) operate(number int, p *preparation, from, to *value) error {
	p.part++
	p.operand[0] = from
	in, f, how := p.operand[:], d.FactorRange, newMotion()
	how.Interpolation = d.Interpolation
	color := randomColor{FactorRange: f, pixelRange: d.pixelRange}
	pixels := randomPixels{FactorRange: f, pixelRange: d.pixelRange}
	switch number {
	case 0:
		return (&randomShear{WidthRange: f, HeightRange: f, motion: how}).prepare(p, in, to)
	case 1:
		return (&randomTranslation{WidthRange: f, HeightRange: f, motion: how}).prepare(p, in, to)
	case 2:
		return (&randomRotation{FactorRange: f, motion: how}).prepare(p, in, to)
	case 3:
		pixels.Function, pixels.FactorRange = "RandomPosterization", [2]float64{1, max(1, math.Floor(8*f[1]))}
		return pixels.prepare(p, in, to)
	case 4:
		return (&solarization{AdditionRange: f, ThresholdRange: f, pixelRange: d.pixelRange}).prepare(p, in, to)
	case 5:
		return (&autoContrast{pixelRange: d.pixelRange}).prepare(p, in, to)
	case 6:
		return (&equalization{NumBins: byteBins, pixelRange: d.pixelRange}).prepare(p, in, to)
	case 7:
		return (&randomBrightness{color}).prepare(p, in, to)
	case 8:
		pixels.Function = "RandomColorDegeneration"
		return pixels.prepare(p, in, to)
	case 9:
		color.FactorRange[0] = 0 - f[0]
		return (&randomContrast{color}).prepare(p, in, to)
	}
	pixels.Function = "RandomSharpness"
	return pixels.prepare(p, in, to)
}

const (
	mostOperations = 64
	mostChains     = 16
	deepestChain   = 16
)

// RandAugment changes pictures in training by NumOperations layers, one after another, that are drawn for each
// picture among RandomShear, RandomTranslation, RandomRotation, RandomBrightness, RandomColorDegeneration,
// RandomContrast, RandomSharpness, RandomPosterization, Solarization, AutoContrast and Equalization (Cubuk et
// al. 2019, https://arxiv.org/abs/1909.13719). Their factors are drawn between 0 and factor or from FactorRange;
// posterization keeps up to 8 times the upper end as many bits, at least one. Keras draws the layers for a
// whole batch. Its default of the factor is 0.5.
//
//	input, output  (batch, rows, columns, 1 or 3 channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	Interpolation  BilinearInterpolation
//	FactorRange    0 to factor
//	ValueRange     0 to 255
//	NumOperations  2
//	Name           "rand_augment", "rand_augment_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/rand_augment/.
func RandAugment(factor float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randAugment{operations: newOperations(factor), NumOperations: 2}, opts)
}

type randAugment struct {
	operations
	NumOperations int `json:"num_ops" option:"NumOperations"`
}

var _ = register[randAugment]("RandAugment")

func (d *randAugment) Kind() string { return "RandAugment" }

func (d *randAugment) check() error {
	if d.NumOperations < 1 || d.NumOperations > mostOperations {
		return fmt.Errorf("NumOperations is %d, want 1 to %d", d.NumOperations, mostOperations)
	}
	return d.operations.check()
}

func (d *randAugment) prepare(p *preparation, in []*value, out *value) error {
	if !p.training {
		unchanged(in, out)
		return nil
	}
	var chosen [mostOperations]int
	for i, rng := 0, p.random(); i < d.NumOperations; i++ {
		chosen[i] = rng.IntN(allOperations)
	}
	defer p.whole()
	from := in[0]
	for i, number := range chosen[:d.NumOperations] {
		to := &p.operated[i%2]
		if i == d.NumOperations-1 {
			to = out
		}
		if err := d.operate(number, p, from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// AugMix mixes a picture in training with itself, changed in several ways (Hendrycks et al. 2019,
// https://arxiv.org/abs/1912.02781):
//
//	y = b·x + (1 - b)·Σ wᵢ·chainᵢ(x), clipped to ValueRange
//
// Each of NumChains chains applies up to ChainDepth layers, drawn among those of RandAugment and none; their
// factors are drawn between 0 and factor or from FactorRange. The weights w are drawn from a Dirichlet
// distribution, b from a beta distribution, all of whose parameters are MixingAlpha. Keras draws the layers for
// a whole batch. Its default of the factor is 0.3.
//
//	input, output  (batch, rows, columns, 1 or 3 channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	Interpolation      BilinearInterpolation
//	FactorRange        0 to factor
//	ValueRange         0 to 255
//	NumChains          3
//	ChainDepth         3
//	MixingAlpha        1
//	NoColorOperations  off
//	Name               "aug_mix", "aug_mix_1" and so on
//	Trainable          true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/aug_mix/.
func AugMix(factor float64, opts ...PreprocessingOption) Layer {
	return newLayer(&augMix{operations: newOperations(factor), NumChains: 3, ChainDepth: 3, MixingAlpha: 1}, opts)
}

type augMix struct {
	operations
	NumChains         int     `json:"num_chains" option:"NumChains"`
	ChainDepth        int     `json:"chain_depth" option:"ChainDepth"`
	MixingAlpha       float64 `json:"alpha" option:"MixingAlpha"`
	NoColorOperations bool    `json:"no_color_operations,omitempty" option:"NoColorOperations"`
}

var _ = register[augMix]("AugMix")

func (d *augMix) Kind() string { return "AugMix" }

func (d *augMix) check() error {
	switch {
	case d.NumChains < 1 || d.NumChains > mostChains:
		return fmt.Errorf("NumChains is %d, want 1 to %d", d.NumChains, mostChains)
	case d.ChainDepth < 1 || d.ChainDepth > deepestChain:
		return fmt.Errorf("ChainDepth is %d, want 1 to %d", d.ChainDepth, deepestChain)
	case !(d.MixingAlpha > 0) || math.IsInf(d.MixingAlpha, 0):
		return fmt.Errorf("MixingAlpha is %g, want a positive number", d.MixingAlpha)
	}
	return d.operations.check()
}

func (d *augMix) prepare(p *preparation, in []*value, out *value) error {
	if unchanged(in, out); !p.training {
		return nil
	}
	var weights [mostChains]float64
	var chosen [mostChains * deepestChain]int
	rng, sum, known := p.random(), 0.0, allOperations
	if d.NoColorOperations {
		known = someOperations
	}
	for i := range d.NumChains {
		weights[i] = gamma(rng, d.MixingAlpha)
		sum += weights[i]
	}
	stays := beta(rng, d.MixingAlpha)
	for i := range chosen[:d.NumChains*d.ChainDepth] {
		if chosen[i] = rng.IntN(known + 1); chosen[i] == known {
			chosen[i] = allOperations
		}
	}
	for i := range d.NumChains {
		weights[i] /= sum
	}
	return d.mix(p, in[0], weights[:d.NumChains], stays, chosen[:], out)
}

// mix mixes a picture with what chains of operations make of it; allOperations stands for none.
func (d *augMix) mix(p *preparation, picture *value, weights []float64, stays float64, chosen []int, out *value) error {
	defer p.whole()
	clear(out.resize(picture.shape...))
	for i, weight := range weights {
		from := picture
		for k, number := range chosen[i*d.ChainDepth : (i+1)*d.ChainDepth] {
			if number == allOperations {
				continue
			}
			to := &p.operated[k%2]
			if to == from {
				to = &p.operated[(k+1)%2]
			}
			if err := d.operate(number, p, from, to); err != nil {
				return err
			}
			from = to
		}
		for at, v := range from.numbers {
			out.numbers[at] += float32(weight) * v
		}
	}
	for at, v := range out.numbers {
		out.numbers[at] = float32(stays)*picture.numbers[at] + float32(1-stays)*v
	}
	clipTo(out, d.ValueRange)
	return nil
}

// gamma draws from the gamma distribution of shape a and scale 1 (Marsaglia & Tsang 2000), at least a tiny
// number.
func gamma(rng *rand.Rand, a float64) float64 {
	const tiny = 1e-300
	scale := 1.0
	if a < 1 {
		scale = math.Pow(1-rng.Float64(), 1/a)
		a++
	}
	d := a - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return max(d*v*scale, tiny)
		}
	}
}

// beta draws from the beta distribution whose parameters are both a.
func beta(rng *rand.Rand, a float64) float64 {
	x := gamma(rng, a)
	return x / (x + gamma(rng, a))
}
