// SPDX-License-Identifier: Apache-2.0

package keraslike

import "math"

// RandomErasing erases a rectangle of pictures in training, each with a probability that is drawn between 0
// and factor or from FactorRange. The sides of the rectangle are those of the picture times the roots of
// two numbers from ScaleRange, so that these are about the share of the picture's area, and its place is
// random. The rectangle is filled with FillValue, without the option by noise: normal random numbers times
// the highest value of ValueRange, clipped to this range. Keras's default of the factor is 1.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FillValue    none
//	FactorRange  0 to factor
//	ValueRange   0 to 255
//	ScaleRange   0.02 to 0.33
//	Name         "random_erasing", "random_erasing_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_erasing/.
func RandomErasing(factor float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomErasing{FactorRange: [2]float64{0, factor}, ScaleRange: [2]float64{0.02, 0.33}, pixelRange: newPixelRange()}, opts)
}

type randomErasing struct {
	augmentation
	pixelRange
	FactorRange [2]float64 `json:"factor" option:"FactorRange"`
	ScaleRange  [2]float64 `json:"scale" option:"ScaleRange"`
	FillValue   *float64   `json:"fill_value,omitempty" option:"FillValue"`
}

var _ = register[randomErasing]("RandomErasing")

func (d *randomErasing) Kind() string { return "RandomErasing" }

func (d *randomErasing) check() error {
	if err := d.pixelRange.check(); err != nil {
		return err
	}
	if err := ascending("ScaleRange", d.ScaleRange, 0, 1); err != nil {
		return err
	}
	return checkFactor(d.FactorRange)
}

func (d *randomErasing) prepare(p *preparation, in []*value, out *value) error {
	if unchanged(in, out); !p.training {
		return nil
	}
	rng := p.random()
	if probability := factorRange(d.FactorRange).draw(rng); rng.Float64() >= probability {
		return nil
	}
	part := func(length int) (first, end int) {
		side := math.Sqrt(factorRange(d.ScaleRange).draw(rng)) * float64(length)
		start := rng.Float64() * (float64(length) - side)
		return int(math.Ceil(start)), int(math.Ceil(start + side))
	}
	picture := pictureOf(out)
	left, right := part(picture.width)
	top, bottom := part(picture.height)
	lowest, highest := float32(d.ValueRange[0]), float32(d.ValueRange[1])
	for y := top; y < min(bottom, picture.height); y++ {
		row := picture.pixels[y*picture.width*picture.channels:]
		for i := left * picture.channels; i < min(right, picture.width)*picture.channels; i++ {
			var fill float32
			if d.FillValue != nil {
				fill = float32(*d.FillValue)
			} else {
				fill = float32(rng.NormFloat64()) * highest
			}
			row[i] = min(max(fill, lowest), highest)
		}
	}
	return nil
}

// checkFactor checks the range of a factor between 0 and 1.
func checkFactor(r [2]float64) error {
	if r[0] == 0 && !(r[1] >= 0 && r[1] <= 1) {
		return factorError(r[1], 0, 1)
	}
	return ascending("FactorRange", r, 0, 1)
}
