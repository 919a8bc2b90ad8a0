// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Random changes of pictures
//
// Random layers act in Fit and TrainOnBatch only; Predict and Evaluate leave the picture as it is, except
// that RandomCrop crops its middle. What a layer draws for a sample depends on the seed of the model, the
// path of the layer, the epoch and the number of the sample in its source, so that it is the same on any
// number of goroutines and ranks, and after an interruption.

// augmentation is embedded by layers that change pictures before the network.
type augmentation struct {
	beforeGraph
	numbersOnly
}

func (augmentation) Build(_ *Builder, in []Shape) (Shape, error) { return pictureInput(in) }

// unchanged is the output in prediction.
func unchanged(in []*value, out *value) { copy(out.resize(in[0].shape...), in[0].numbers) }

// factorRange is a range of factors.
type factorRange [2]float64

func (r factorRange) draw(rng *rand.Rand) float64 { return r[0] + (r[1]-r[0])*rng.Float64() }

// check compares the range with the limits of a layer.
func (r factorRange) check(option string, lowest, highest float64) error {
	if r[0] <= r[1] && r[0] >= lowest && r[1] <= highest {
		return nil
	}
	if r[0] == -r[1] {
		return factorError(r[1], 0, min(-lowest, highest))
	}
	return ascending(option, r, lowest, highest)
}

func factorError(factor, lowest, highest float64) error {
	return fmt.Errorf("factor is %g, want %g to %g", factor, lowest, highest)
}

// ascending compares a range with its limits.
func ascending(option string, r [2]float64, lowest, highest float64) error {
	if r[0] <= r[1] && r[0] >= lowest && r[1] <= highest {
		return nil
	}
	return fmt.Errorf("%s is %g to %g, want an ascending range between %g and %g", option, r[0], r[1], lowest, highest)
}

// symmetric is the range of a factor.
func symmetric(factor float64) [2]float64 { return [2]float64{-factor, factor} }

// motion has the settings of layers that move pictures.
type motion struct {
	FillMode      FillMode      `json:"fill_mode" option:"FillMode"`
	FillValue     float64       `json:"fill_value,omitempty" option:"FillValue"`
	Interpolation Interpolation `json:"interpolation" option:"Interpolation"`
}

func newMotion() motion {
	return motion{FillMode: FillReflect, Interpolation: BilinearInterpolation}
}

func (d *motion) check() error {
	switch {
	case !slices.Contains([]FillMode{FillReflect, FillConstant, FillWrap, FillNearest}, d.FillMode):
		return fmt.Errorf("FillMode is %q, want FillReflect, FillConstant, FillWrap or FillNearest", string(d.FillMode))
	case d.Interpolation != BilinearInterpolation && d.Interpolation != NearestInterpolation:
		return fmt.Errorf("Interpolation is %q, want BilinearInterpolation or NearestInterpolation", string(d.Interpolation))
	case d.FillValue != 0 && d.FillMode != FillConstant:
		return fmt.Errorf("got FillValue with the FillMode %q, want FillConstant", string(d.FillMode))
	}
	return nil
}

// move writes the moved picture.
func (d *motion) move(in []*value, m affine, out *value) {
	out.resize(in[0].shape...)
	pictureOf(out).moved(pictureOf(in[0]), m, filling{d.FillMode, float32(d.FillValue), d.Interpolation})
}

// RandomFlip mirrors every second picture in training, at random.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
// FlipBoth turns a picture upside down and mirrors it, as in Keras; two layers flip independently.
//
// Options:
//
//	FlipMode   FlipBoth
//	Name       "random_flip", "random_flip_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_flip/.
func RandomFlip(opts ...PreprocessingOption) Layer {
	return newLayer(&randomFlip{FlipMode: FlipBoth}, opts)
}

type randomFlip struct {
	augmentation
	FlipMode FlipMode `json:"mode" option:"FlipMode"`
}

var _ = register[randomFlip]("RandomFlip")

func (d *randomFlip) Kind() string { return "RandomFlip" }

func (d *randomFlip) check() error {
	if !slices.Contains([]FlipMode{FlipHorizontally, FlipVertically, FlipBoth}, d.FlipMode) {
		return fmt.Errorf("FlipMode is %q, want FlipHorizontally, FlipVertically or FlipBoth", string(d.FlipMode))
	}
	return nil
}

func (d *randomFlip) prepare(p *preparation, in []*value, out *value) error {
	if !p.training || p.random().Float64() > 0.5 {
		unchanged(in, out)
		return nil
	}
	out.resize(in[0].shape...)
	pictureOf(out).flipped(pictureOf(in[0]), d.FlipMode != FlipVertically, d.FlipMode != FlipHorizontally)
	return nil
}

// RandomRotation rotates pictures in training by a random angle: factor times a full turn, drawn between
// -factor and factor or from FactorRange.
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
//	FactorRange    -factor to factor
//	Name           "random_rotation", "random_rotation_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_rotation/.
func RandomRotation(factor float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomRotation{FactorRange: symmetric(factor), motion: newMotion()}, opts)
}

type randomRotation struct {
	augmentation
	motion
	FactorRange [2]float64 `json:"factor" option:"FactorRange"`
}

var _ = register[randomRotation]("RandomRotation")

func (d *randomRotation) Kind() string { return "RandomRotation" }

func (d *randomRotation) check() error {
	if err := factorRange(d.FactorRange).check("FactorRange", -1, 1); err != nil {
		return err
	}
	return d.motion.check()
}

func (d *randomRotation) prepare(p *preparation, in []*value, out *value) error {
	if !p.training {
		unchanged(in, out)
		return nil
	}
	d.move(in, rotation(2*math.Pi*factorRange(d.FactorRange).draw(p.random()), in[0].shape), out)
	return nil
}

// rotation turns a picture about its center.
func rotation(angle float64, shape Shape) affine {
	sin, cos := math.Sincos(angle)
	cx, cy := float64(shape[1]-1)/2, float64(shape[0]-1)/2
	return affine{cos, -sin, cx - cx*cos + cy*sin, sin, cos, cy - cx*sin - cy*cos}
}

// RandomZoom zooms pictures in training: heights and widths are divided by 1 plus a random number, drawn
// between -factor and factor or from HeightRange. The width has the same number as the height, or one of
// its own from WidthRange. Negative numbers zoom in.
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
//	HeightRange    -factor to factor
//	WidthRange     none
//	Name           "random_zoom", "random_zoom_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_zoom/.
func RandomZoom(factor float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomZoom{HeightRange: symmetric(factor), motion: newMotion()}, opts)
}

type randomZoom struct {
	augmentation
	motion
	HeightRange [2]float64  `json:"height_factor" option:"HeightRange"`
	WidthRange  *[2]float64 `json:"width_factor,omitempty" option:"WidthRange"`
}

var _ = register[randomZoom]("RandomZoom")

func (d *randomZoom) Kind() string { return "RandomZoom" }

func (d *randomZoom) check() error {
	const lowest = -0.99 // -1 would be infinitely near
	if err := factorRange(d.HeightRange).check("HeightRange", lowest, 1); err != nil {
		return err
	}
	if d.WidthRange != nil {
		if err := factorRange(*d.WidthRange).check("WidthRange", lowest, 1); err != nil {
			return err
		}
	}
	return d.motion.check()
}

func (d *randomZoom) prepare(p *preparation, in []*value, out *value) error {
	if !p.training {
		unchanged(in, out)
		return nil
	}
	rng := p.random()
	height := 1 + factorRange(d.HeightRange).draw(rng)
	width := height
	if d.WidthRange != nil {
		width = 1 + factorRange(*d.WidthRange).draw(rng)
	}
	d.move(in, zoom(height, width, in[0].shape), out)
	return nil
}

// zoom scales a picture about its center.
func zoom(height, width float64, shape Shape) affine {
	return affine{width, 0, float64(shape[1]-1) / 2 * (1 - width), 0, height, float64(shape[0]-1) / 2 * (1 - height)}
}

// RandomTranslation shifts pictures in training: down and to the right by random shares of their height
// and width, drawn between -height and height and between -width and width, or from HeightRange and
// WidthRange.
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
//	HeightRange    -height to height
//	WidthRange     -width to width
//	Name           "random_translation", "random_translation_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_translation/.
func RandomTranslation(height, width float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomTranslation{HeightRange: symmetric(height), WidthRange: symmetric(width), motion: newMotion()}, opts)
}

type randomTranslation struct {
	augmentation
	motion
	HeightRange [2]float64 `json:"height_factor" option:"HeightRange"`
	WidthRange  [2]float64 `json:"width_factor" option:"WidthRange"`
}

var _ = register[randomTranslation]("RandomTranslation")

func (d *randomTranslation) Kind() string { return "RandomTranslation" }

func (d *randomTranslation) check() error {
	if err := factorRange(d.HeightRange).check("HeightRange", -1, 1); err != nil {
		return err
	}
	if err := factorRange(d.WidthRange).check("WidthRange", -1, 1); err != nil {
		return err
	}
	return d.motion.check()
}

func (d *randomTranslation) prepare(p *preparation, in []*value, out *value) error {
	if !p.training {
		unchanged(in, out)
		return nil
	}
	rng := p.random()
	down := factorRange(d.HeightRange).draw(rng) * float64(in[0].shape[0])
	right := factorRange(d.WidthRange).draw(rng) * float64(in[0].shape[1])
	d.move(in, shift(down, right), out)
	return nil
}

// shift moves a picture down and to the right.
func shift(down, right float64) affine { return affine{1, 0, -right, 0, 1, -down} }

// RandomShear shears pictures in training: the pixel in row i and column j comes from row i + sy·j and column
// j + sx·i, where sx is drawn between -x and x or from WidthRange, sy between -y and y or from HeightRange,
// and both get the opposite sign in every second picture.
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
//	HeightRange    -y to y
//	WidthRange     -x to x
//	Name           "random_shear", "random_shear_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_shear/.
func RandomShear(x, y float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomShear{WidthRange: symmetric(x), HeightRange: symmetric(y), motion: newMotion()}, opts)
}

type randomShear struct {
	augmentation
	motion
	WidthRange  [2]float64 `json:"x_factor" option:"WidthRange"`
	HeightRange [2]float64 `json:"y_factor" option:"HeightRange"`
}

var _ = register[randomShear]("RandomShear")

func (d *randomShear) Kind() string { return "RandomShear" }

func (d *randomShear) check() error {
	if err := factorRange(d.WidthRange).check("WidthRange", -1, 1); err != nil {
		return err
	}
	if err := factorRange(d.HeightRange).check("HeightRange", -1, 1); err != nil {
		return err
	}
	return d.motion.check()
}

func (d *randomShear) prepare(p *preparation, in []*value, out *value) error {
	if !p.training {
		unchanged(in, out)
		return nil
	}
	rng := p.random()
	x, y := factorRange(d.WidthRange).draw(rng), factorRange(d.HeightRange).draw(rng)
	if rng.Float64() > 0.5 {
		x, y = -x, -y
	}
	d.move(in, shear(x, y), out)
	return nil
}

// shear moves each row and each column by its number times a factor.
func shear(x, y float64) affine { return affine{1, x, 0, y, 1, 0} }

// RandomContrast changes the contrast of pictures in training: y = (x - mean)·f + mean for each channel,
// where mean is that of the channel in the picture and f is 1 plus a random number, drawn between -factor
// and factor or from FactorRange. Results are clipped to ValueRange.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  -factor to factor
//	ValueRange   0 to 255
//	Name         "random_contrast", "random_contrast_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_contrast/.
func RandomContrast(factor float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomContrast{randomColor{FactorRange: symmetric(factor), pixelRange: newPixelRange()}}, opts)
}

type randomContrast struct{ randomColor }

// randomColor has the settings of layers that change the values of pixels.
type randomColor struct {
	augmentation
	pixelRange
	FactorRange [2]float64 `json:"factor" option:"FactorRange"`
}

func (d *randomColor) check() error {
	if err := d.pixelRange.check(); err != nil {
		return err
	}
	return factorRange(d.FactorRange).check("FactorRange", -1, 1)
}

// clip limits a value to those of a pixel.
func (d *randomColor) clip(v float32) float32 {
	return min(max(v, float32(d.ValueRange[0])), float32(d.ValueRange[1]))
}

var _ = register[randomContrast]("RandomContrast")

func (d *randomContrast) Kind() string { return "RandomContrast" }

func (d *randomContrast) prepare(p *preparation, in []*value, out *value) error {
	if !p.training {
		unchanged(in, out)
		return nil
	}
	d.apply(in[0], 1+factorRange(d.FactorRange).draw(p.random()), out)
	return nil
}

func (d *randomContrast) apply(in *value, factor float64, out *value) {
	y := out.resize(in.shape...)
	channels := in.shape[2]
	for c := range channels {
		mean := 0.0
		for i := c; i < len(y); i += channels {
			mean += float64(in.numbers[i])
		}
		mean /= float64(max(1, len(y)/channels))
		for i := c; i < len(y); i += channels {
			y[i] = d.clip(float32((float64(in.numbers[i])-mean)*factor + mean))
		}
	}
}

// RandomBrightness adds a random number to all values of a picture in training: drawn between -factor and
// factor or from FactorRange, times the extent of ValueRange, to which results are clipped.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  -factor to factor
//	ValueRange   0 to 255
//	Name         "random_brightness", "random_brightness_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_brightness/.
func RandomBrightness(factor float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomBrightness{randomColor{FactorRange: symmetric(factor), pixelRange: newPixelRange()}}, opts)
}

type randomBrightness struct{ randomColor }

var _ = register[randomBrightness]("RandomBrightness")

func (d *randomBrightness) Kind() string { return "RandomBrightness" }

func (d *randomBrightness) prepare(p *preparation, in []*value, out *value) error {
	if !p.training {
		unchanged(in, out)
		return nil
	}
	d.apply(in[0], factorRange(d.FactorRange).draw(p.random()), out)
	return nil
}

func (d *randomBrightness) apply(in *value, factor float64, out *value) {
	y := out.resize(in.shape...)
	delta := float32(factor * (d.ValueRange[1] - d.ValueRange[0]))
	for i, v := range in.numbers {
		y[i] = d.clip(v + delta)
	}
}

// RandomCrop cuts a part of height x width pixels out of pictures, in training at a random place. In
// Predict and Evaluate, and of pictures that are smaller, it takes the largest part in the middle that has
// the ratio of height and width, and resizes it.
//
//	input   (batch, rows, columns, channels), whose rows and columns may be Any
//	output  (batch, height, width, channels)
//
// It runs before the network, on the raw inputs of a model.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_crop/.
func RandomCrop(height, width int, opts ...LayerOption) Layer {
	return newLayer(&randomCrop{Height: height, Width: width}, opts)
}

type randomCrop struct {
	augmentation
	Height int `json:"height"`
	Width  int `json:"width"`
}

var _ = register[randomCrop]("RandomCrop")

func (d *randomCrop) Kind() string { return "RandomCrop" }

func (d *randomCrop) check() error { return checkSize(d.Height, d.Width) }

func (d *randomCrop) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := pictureInput(in)
	if err != nil {
		return nil, err
	}
	return Shape{d.Height, d.Width, x[2]}, nil
}

func (d *randomCrop) prepare(p *preparation, in []*value, out *value) error {
	from := pictureOf(in[0])
	if !p.training || from.height < d.Height || from.width < d.Width {
		r := resizing{Height: d.Height, Width: d.Width, Interpolation: BilinearInterpolation, CropToAspectRatio: true}
		return r.prepare(p, in, out)
	}
	rng := p.random()
	top, left := rng.IntN(from.height-d.Height+1), rng.IntN(from.width-d.Width+1)
	out.resize(d.Height, d.Width, from.channels)
	pictureOf(out).copyFrom(from, top, left)
	return nil
}
