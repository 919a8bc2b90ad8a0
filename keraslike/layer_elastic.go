// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math/rand/v2"
)

// RandomElasticTransform distorts pictures in training as if they were of rubber (Simard et al. 2003,
// https://doi.org/10.1109/ICDAR.2003.1227801), each with a probability that is drawn between 0 and factor or
// from FactorRange. With s drawn between 0 and scale or from ScaleRange, the pixel (x, y) of a picture of height
// H and width W comes from
//
//	(x + a·dx, y + a·dy),   a = s·max(H, W)/10,   σ = s·min(H, W)/20
//
// where the displacements dx and dy of all pixels are drawn from a normal distribution of standard deviation σ
// and blurred by a Gaussian of standard deviation σ in a window of about 6σ, an odd number of pixels. Those
// outside of the picture are 0. Results are clipped to ValueRange. Keras's default of both factor and scale is
// 1; it draws one s for a batch.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	Interpolation  BilinearInterpolation
//	FillMode       FillReflect
//	FillValue      0
//	FactorRange    0 to factor
//	ValueRange     0 to 255
//	ScaleRange     0 to scale
//	Name           "random_elastic_transform", "random_elastic_transform_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_elastic_transform/.
func RandomElasticTransform(factor, scale float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomElasticTransform{FactorRange: [2]float64{0, factor}, ScaleRange: [2]float64{0, scale}, pixelRange: newPixelRange(), motion: newMotion()}, opts)
}

type randomElasticTransform struct {
	augmentation
	motion
	pixelRange
	FactorRange [2]float64 `json:"factor" option:"FactorRange"`
	ScaleRange  [2]float64 `json:"scale" option:"ScaleRange"`
}

var _ = register[randomElasticTransform]("RandomElasticTransform")

func (d *randomElasticTransform) Kind() string { return "RandomElasticTransform" }

func (d *randomElasticTransform) check() error {
	if s := d.ScaleRange; s[0] == 0 && !(s[1] >= 0 && s[1] <= 1) {
		return fmt.Errorf("scale is %g, want 0 to 1", s[1])
	}
	if err := ascending("ScaleRange", d.ScaleRange, 0, 1); err != nil {
		return err
	}
	if err := d.motion.check(); err != nil {
		return err
	}
	if err := d.pixelRange.check(); err != nil {
		return err
	}
	return checkFactor(d.FactorRange)
}

func (d *randomElasticTransform) prepare(p *preparation, in []*value, out *value) error {
	if unchanged(in, out); !p.training {
		return nil
	}
	rng := p.random()
	if probability := factorRange(d.FactorRange).draw(rng); rng.Float64() < probability {
		e := newElastic(p, out.shape, factorRange(d.ScaleRange).draw(rng))
		e.draw(rng)
		d.distort(in[0], e, out)
	}
	clipTo(out, d.ValueRange)
	return nil
}

// distort distorts a picture by displacements that have been drawn.
func (d *randomElasticTransform) distort(in *value, e elastic, out *value) {
	e.blur()
	out.resize(in.shape...)
	pictureOf(out).distorted(pictureOf(in), e, filling{d.FillMode, float32(d.FillValue), d.Interpolation})
}

// elastic are the displacements of the pixels of a picture.
type elastic struct {
	alpha, sigma float32
	dx, dy       picture
	scratch      picture
	weights      []float32 // of the blur
}

func newElastic(p *preparation, shape Shape, scale float64) elastic {
	h, w := shape[0], shape[1]
	e := elastic{alpha: float32(0.1 * scale * float64(max(h, w))), sigma: float32(0.05 * scale * float64(min(h, w)))}
	size := int(6*e.sigma) | 1
	memory := p.picture(3*h*w+size, 1, 1).pixels
	for i, part := range []*picture{&e.dx, &e.dy, &e.scratch} {
		*part = picture{h, w, 1, memory[i*h*w : (i+1)*h*w]}
	}
	e.weights = memory[3*h*w:]
	return e
}

// draw draws the displacements before they are blurred.
func (e *elastic) draw(rng *rand.Rand) {
	for _, d := range []picture{e.dx, e.dy} {
		for i := range d.pixels {
			d.pixels[i] = float32(rng.NormFloat64()) * e.sigma
		}
	}
}

// blur blurs the displacements.
func (e *elastic) blur() {
	gaussian(e.weights, max(float64(e.sigma), 1e-6)) // a window of one pixel, where there is no distortion
	for _, d := range []picture{e.dx, e.dy} {
		e.scratch.blur(d, d.width, 1, e.weights)
		d.blur(e.scratch, d.height, d.width, e.weights)
	}
}

// distorted fills p with another picture of the same shape, distorted.
func (p picture) distorted(from picture, e elastic, f filling) {
	clear(p.pixels)
	for y := range p.height {
		for x := range p.width {
			at := y*p.width + x
			row, col := float32(y)+e.alpha*e.dy.pixels[at], float32(x)+e.alpha*e.dx.pixels[at]
			f.sample(from, float64(row), float64(col), p.pixels[at*p.channels:(at+1)*p.channels])
		}
	}
}
