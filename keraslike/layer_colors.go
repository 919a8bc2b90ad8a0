// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// Solarization inverts the bright values of pictures in training: v + a, clipped to ValueRange, becomes
// the highest of the range minus that where it is not below the threshold t. a and t are shares of the
// extent of the range, 0 to 1, drawn from AdditionRange and ThresholdRange; without options all values are inverted.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	ValueRange      0 to 255
//	AdditionRange   0 to 0
//	ThresholdRange  0 to 0
//	Name            "solarization", "solarization_1" and so on
//	Trainable       true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/solarization/.
func Solarization(opts ...PreprocessingOption) Layer {
	return newLayer(&solarization{pixelRange: newPixelRange()}, opts)
}

type solarization struct {
	augmentation
	pixelRange
	AdditionRange  [2]float64 `json:"addition_factor" option:"AdditionRange"`
	ThresholdRange [2]float64 `json:"threshold_factor" option:"ThresholdRange"`
}

var _ = register[solarization]("Solarization")

func (d *solarization) Kind() string { return "Solarization" }

func (d *solarization) check() error {
	if err := d.pixelRange.check(); err != nil {
		return err
	}
	if err := ascending("AdditionRange", d.AdditionRange, 0, 1); err != nil {
		return err
	}
	return ascending("ThresholdRange", d.ThresholdRange, 0, 1)
}

func (d *solarization) prepare(p *preparation, in []*value, out *value) error {
	if unchanged(in, out); p.training {
		rng := p.random()
		addition := 255 * factorRange(d.AdditionRange).draw(rng)
		d.apply(out, float32(addition), float32(255*factorRange(d.ThresholdRange).draw(rng)))
	}
	return nil
}

func (d *solarization) apply(x *value, addition, threshold float32) {
	there, back := d.bytes()
	for i, v := range x.numbers {
		v = min(max(there.of(v)+addition, 0), 255)
		if v >= threshold {
			v = 255 - v
		}
		x.numbers[i] = back.of(v)
	}
}

// RandomGrayscale makes pictures gray in training, each with a probability: all three channels become
// 0.2989·red + 0.587·green + 0.114·blue. Pictures of one channel stay.
//
//	input, output  (batch, rows, columns, 1 or 3 channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
// Keras's default of the probability is 0.5.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_grayscale/.
func RandomGrayscale(probability float64, opts ...LayerOption) Layer {
	return newLayer(&randomGrayscale{Probability: probability}, opts)
}

type randomGrayscale struct {
	augmentation
	Probability float64 `json:"probability"`
}

var _ = register[randomGrayscale]("RandomGrayscale")

func (d *randomGrayscale) Kind() string { return "RandomGrayscale" }

func (d *randomGrayscale) check() error {
	if !(d.Probability >= 0 && d.Probability <= 1) {
		return fmt.Errorf("probability is %g, want 0 to 1", d.Probability)
	}
	return nil
}

func (d *randomGrayscale) Build(_ *Builder, in []Shape) (Shape, error) { return grayOrColor(in) }

func (d *randomGrayscale) prepare(p *preparation, in []*value, out *value) error {
	unchanged(in, out)
	if p.training && p.random().Float64() < d.Probability {
		towardsGray(out, 1)
	}
	return nil
}

// grayOrColor returns the shape of a picture of one or three channels.
func grayOrColor(in []Shape) (Shape, error) {
	x, err := pictureInput(in)
	if err == nil && x[2] != 1 && x[2] != 3 {
		err = fmt.Errorf("input has shape %v, want 1 or 3 channels", x)
	}
	return x, err
}

// towardsGray moves the channels of a picture toward gray, by a share of the distance.
func towardsGray(x *value, share float32) {
	if x.shape[2] != 3 {
		return
	}
	for i := 0; i < len(x.numbers); i += 3 {
		p := x.numbers[i : i+3]
		gray := 0.2989*p[0] + 0.587*p[1] + 0.114*p[2]
		for c, v := range p {
			p[c] = v + share*(gray-v)
		}
	}
}

// randomPixels is a layer that changes the values of pixels by a random factor in training.
type randomPixels struct {
	augmentation
	pixelRange
	Function    string     `json:"function"`
	FactorRange [2]float64 `json:"factor" option:"FactorRange"`
}

// pixelFunction is what makes a kind of randomPixels.
type pixelFunction struct {
	lowest, highest float64 // factor
	colors          bool    // it takes pictures of one or three channels
	// apply changes a picture; v is the range of its values.
	apply func(p *preparation, x *value, r factorRange, v [2]float64)
}

var pixelFunctions = map[string]pixelFunction{
	"RandomInvert": {0, 1, false, func(p *preparation, x *value, r factorRange, v [2]float64) {
		rng := p.random()
		if probability := r.draw(rng); rng.Float64() < probability {
			for i, number := range x.numbers {
				x.numbers[i] = float32(v[1]) - number
			}
		}
	}},
	"RandomPosterization": {1, 8, false, func(p *preparation, x *value, r factorRange, v [2]float64) {
		bits := int(r[0])
		if n := int(r[1]) - bits; n > 0 {
			bits += p.random().IntN(n)
		}
		scale := float32(255 / (v[1] - v[0]))
		for i, number := range x.numbers {
			level := uint8(min(max((number-float32(v[0]))*scale, 0), 255))
			x.numbers[i] = float32(level>>(8-bits)<<(8-bits))/scale + float32(v[0])
		}
	}},
	"RandomColorDegeneration": {0, 1, true, func(p *preparation, x *value, r factorRange, v [2]float64) {
		towardsGray(x, float32(r.draw(p.random())))
		clipTo(x, v)
	}},
	"RandomHue": {0, 1, true, func(p *preparation, x *value, r factorRange, v [2]float64) {
		turnHue(x, r.drawTurn(p.random()), v)
	}},
	"RandomSaturation": {0, 1, true, func(p *preparation, x *value, r factorRange, v [2]float64) {
		saturate(x, saturation(r.draw(p.random())))
	}},
	"RandomSharpness": {0, 1, false, func(p *preparation, x *value, r factorRange, v [2]float64) {
		sharpen(x, float32(2*r.draw(p.random())))
		clipTo(x, v)
	}},
}

// clipTo limits the values of a picture.
func clipTo(x *value, v [2]float64) {
	for i, number := range x.numbers {
		x.numbers[i] = min(max(number, float32(v[0])), float32(v[1]))
	}
}

// sharpen moves a picture away from its smoothed form, where a factor of 1 is the picture itself. Cells
// outside of it are 0.
func sharpen(x *value, factor float32) {
	rows, columns, channels := x.shape[0], x.shape[1], x.shape[2]
	from := append([]float32(nil), x.numbers...)
	for y := range rows {
		for column := range columns {
			for c := range channels {
				sum := float32(0)
				for i := max(0, y-1); i < min(rows, y+2); i++ {
					for j := max(0, column-1); j < min(columns, column+2); j++ {
						sum += from[(i*columns+j)*channels+c]
					}
				}
				at := (y*columns+column)*channels + c
				smooth := (sum + 4*from[at]) / 13
				x.numbers[at] = from[at] + (1-factor)*(smooth-from[at])
			}
		}
	}
}

var _ = register[randomPixels]("RandomInvert", "RandomPosterization", "RandomColorDegeneration", "RandomSharpness", "RandomHue", "RandomSaturation")

func newRandomPixels(function string, factor float64, opts []PreprocessingOption) Layer {
	return newLayer(&randomPixels{Function: function, FactorRange: [2]float64{pixelFunctions[function].lowest, factor}, pixelRange: newPixelRange()}, opts)
}

// RandomInvert inverts pictures in training, x becomes the highest of ValueRange minus x, each with a
// probability that is drawn between 0 and factor or from FactorRange. Keras's default of the factor is 1.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  0 to factor
//	ValueRange   0 to 255
//	Name         "random_invert", "random_invert_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_invert/.
func RandomInvert(factor float64, opts ...PreprocessingOption) Layer {
	return newRandomPixels("RandomInvert", factor, opts)
}

// RandomPosterization keeps the highest bits of the values of pictures in training, of the eight that
// ValueRange has. Their number is an integer that is drawn from 1 to factor or from FactorRange; as in
// Keras the upper end is drawn only where both ends are equal.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  1 to factor
//	ValueRange   0 to 255
//	Name         "random_posterization", "random_posterization_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_posterization/.
func RandomPosterization(factor int, opts ...PreprocessingOption) Layer {
	return newRandomPixels("RandomPosterization", float64(factor), opts)
}

// RandomColorDegeneration moves the colors of pictures toward gray in training: x + f·(gray - x), with the
// gray of RandomGrayscale and f drawn between 0 and factor or from FactorRange. Results are clipped to
// ValueRange.
//
//	input, output  (batch, rows, columns, 1 or 3 channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  0 to factor
//	ValueRange   0 to 255
//	Name         "random_color_degeneration", "random_color_degeneration_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_color_degeneration/.
func RandomColorDegeneration(factor float64, opts ...PreprocessingOption) Layer {
	return newRandomPixels("RandomColorDegeneration", factor, opts)
}

// RandomSharpness sharpens or blurs pictures in training: x + (1 - 2·f)·(s - x), where s is the mean of the
// 3 x 3 pixels around each, the middle one counted five times, with zeros outside of the picture, and f
// is drawn between 0 and factor or from FactorRange. f of 0 blurs, 0.5 changes nothing, 1 sharpens.
// Results are clipped to ValueRange.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  0 to factor
//	ValueRange   0 to 255
//	Name         "random_sharpness", "random_sharpness_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_sharpness/.
func RandomSharpness(factor float64, opts ...PreprocessingOption) Layer {
	return newRandomPixels("RandomSharpness", factor, opts)
}

func (d *randomPixels) Kind() string { return d.Function }

func (d *randomPixels) check() error {
	f, ok := pixelFunctions[d.Function]
	if !ok {
		return fmt.Errorf("function %q is unknown", d.Function)
	}
	if err := d.pixelRange.check(); err != nil {
		return err
	}
	if d.FactorRange[0] == f.lowest && !(d.FactorRange[1] >= f.lowest && d.FactorRange[1] <= f.highest) {
		return fmt.Errorf("factor is %g, want %g to %g", d.FactorRange[1], f.lowest, f.highest)
	}
	return factorRange(d.FactorRange).check("FactorRange", f.lowest, f.highest)
}

func (d *randomPixels) Build(_ *Builder, in []Shape) (Shape, error) {
	if pixelFunctions[d.Function].colors {
		return grayOrColor(in)
	}
	return pictureInput(in)
}

func (d *randomPixels) prepare(p *preparation, in []*value, out *value) error {
	if unchanged(in, out); p.training {
		pixelFunctions[d.Function].apply(p, out, d.FactorRange, d.ValueRange)
	}
	return nil
}
