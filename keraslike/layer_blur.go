// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// RandomGaussianBlur blurs pictures in training, each with a probability that is drawn between 0 and factor
// or from FactorRange: a pixel becomes the sum over those around it, BlurSize in each direction, weighted by
//
//	exp(-(x/sx)²/2 - (y/sy)²/2), divided by the sum of the weights
//
// where sx and sy are drawn from SigmaRange, in pixels. Pixels outside of the picture are 0. Results are
// clipped to ValueRange. BlurSize is an odd number up to 63. Keras's default of the factor is 1.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  0 to factor
//	ValueRange   0 to 255
//	BlurSize     3
//	SigmaRange   0 to 1
//	Name         "random_gaussian_blur", "random_gaussian_blur_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_gaussian_blur/.
func RandomGaussianBlur(factor float64, opts ...PreprocessingOption) Layer {
	return newLayer(&gaussianBlur{FactorRange: [2]float64{0, factor}, BlurSize: 3, SigmaRange: [2]float64{0, 1}, pixelRange: newPixelRange()}, opts)
}

type gaussianBlur struct {
	augmentation
	pixelRange
	FactorRange [2]float64 `json:"factor" option:"FactorRange"`
	BlurSize    int        `json:"kernel_size" option:"BlurSize"`
	SigmaRange  [2]float64 `json:"sigma" option:"SigmaRange"`
}

var _ = register[gaussianBlur]("RandomGaussianBlur")

func (d *gaussianBlur) Kind() string { return "RandomGaussianBlur" }

// maxBlur is the largest BlurSize, maxSigma the largest number of SigmaRange.
const (
	maxBlur  = 63
	maxSigma = 100
)

func (d *gaussianBlur) check() error {
	if d.BlurSize < 1 || d.BlurSize > maxBlur || d.BlurSize%2 == 0 {
		return fmt.Errorf("BlurSize is %d, want an odd number up to %d", d.BlurSize, maxBlur)
	}
	if err := d.pixelRange.check(); err != nil {
		return err
	}
	if err := ascending("SigmaRange", d.SigmaRange, 0, maxSigma); err != nil {
		return err
	}
	return checkFactor(d.FactorRange)
}

func (d *gaussianBlur) prepare(p *preparation, in []*value, out *value) error {
	if unchanged(in, out); !p.training {
		return nil
	}
	rng := p.random()
	if probability := factorRange(d.FactorRange).draw(rng); rng.Float64() < probability {
		across, down := factorRange(d.SigmaRange).draw(rng), factorRange(d.SigmaRange).draw(rng)
		from, to := p.picture(out.shape[0], out.shape[1], out.shape[2]), pictureOf(out)
		step, weights := to.channels, make([]float32, d.BlurSize, maxBlur)
		gaussian(weights, across+1e-6)
		from.blur(to, to.width, step, weights)
		gaussian(weights, down+1e-6)
		to.blur(from, to.height, step*to.width, weights)
	}
	clipTo(out, d.ValueRange)
	return nil
}

// gaussian fills an odd number of weights with those of a Gaussian, whose sum is 1.
func gaussian(weights []float32, sigma float64) {
	sum, half := 0.0, len(weights)/2
	for i := range weights {
		x := float64(i-half) / sigma
		sum += math.Exp(-x * x / 2)
	}
	for i := range weights {
		x := float64(i-half) / sigma
		weights[i] = float32(math.Exp(-x*x/2) / sum)
	}
}

// blur fills p with a picture that is blurred along an axis of n pixels, which are step numbers apart, by an
// odd number of weights.
func (p picture) blur(from picture, n, step int, weights []float32) {
	size, half := len(weights), len(weights)/2
	for at := range p.pixels {
		pixel := at / step % n
		v := float32(0)
		for i := max(0, half-pixel); i < min(size, n+half-pixel); i++ {
			v += weights[i] * from.pixels[at+(i-half)*step]
		}
		p.pixels[at] = v
	}
}
