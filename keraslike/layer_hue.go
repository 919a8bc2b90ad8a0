// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"math"
	"math/rand/v2"
)

// Colors as hue, saturation and value

// toHSV returns the hue, the saturation and the value of a color; the hue and the saturation are in 0 to 1.
func toHSV(color []float32) (h, s, v float32) {
	const tiny = 1.1920929e-07
	r, g, b := color[0], color[1], color[2]
	for _, c := range []*float32{&r, &g, &b} {
		if *c < tiny && *c > -tiny {
			*c = 0
		}
	}
	v = max(r, g, b)
	extent := v - min(r, g, b)
	if v > 0 {
		s = extent / v
	}
	if extent == 0 {
		return 0, s, v
	}
	switch norm := 1 / (6 * extent); v {
	case r:
		h = norm * (g - b)
	case g:
		h = norm*(b-r) + 2.0/6
	default:
		h = norm*(r-g) + 4.0/6
	}
	if h < 0 {
		h++
	}
	return h, s, v
}

// fromHSV sets a color.
func fromHSV(color []float32, h, s, v float32) {
	at := 6 * (h - float32(math.Floor(float64(h))))
	abs := func(x float32) float32 { return max(x, -x) }
	for c, share := range [3]float32{abs(at-3) - 1, 2 - abs(at-2), 2 - abs(at-4)} {
		color[c] = v * (1 - s + s*min(max(share, 0), 1))
	}
}

// turnHue adds to the hue of a picture, whose values it clips to the range v.
func turnHue(x *value, turn float32, v [2]float64) {
	if x.shape[2] != 3 {
		return
	}
	lowest, extent := float32(v[0]), float32(v[1]-v[0])
	for i := 0; i < len(x.numbers); i += 3 {
		color := x.numbers[i : i+3]
		for c, number := range color {
			color[c] = (number - lowest) / extent
		}
		h, s, value := toHSV(color)
		fromHSV(color, h+turn, s, value)
		for c, number := range color {
			color[c] = min(max(number, 0), 1)*extent + lowest
		}
	}
}

// saturate multiplies the saturation of a picture.
func saturate(x *value, times float32) {
	if x.shape[2] != 3 {
		return
	}
	for i := 0; i < len(x.numbers); i += 3 {
		color := x.numbers[i : i+3]
		h, s, v := toHSV(color)
		fromHSV(color, h, min(max(s*times, 0), 1), v)
	}
}

// saturation returns by what a factor multiplies the saturation.
func saturation(factor float64) float32 { return float32(factor / (1 - factor + 1e-7)) }

// drawTurn draws a turn of the hue in one of both directions.
func (r factorRange) drawTurn(rng *rand.Rand) float32 {
	turn := r.draw(rng) / 2
	if rng.Float64() > 0.5 {
		turn = -turn
	}
	return float32(turn)
}

// RandomHue turns the hue of pictures in training, by f/2 of a full turn in one of both directions, where f
// is drawn between 0 and factor or from FactorRange. Pictures of one channel stay.
//
//	input, output  (batch, rows, columns, 1 or 3 channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  0 to factor
//	ValueRange   0 to 255
//	Name         "random_hue", "random_hue_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_hue/.
func RandomHue(factor float64, opts ...PreprocessingOption) Layer {
	return newRandomPixels("RandomHue", factor, opts)
}

// RandomSaturation multiplies the saturation of pictures in training by f/(1 - f), at most to 1, where f is
// drawn between 0 and factor or from FactorRange: 0 makes them gray, 0.5 changes nothing and 1 makes their
// colors pure. Pictures of one channel stay.
//
//	input, output  (batch, rows, columns, 1 or 3 channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	FactorRange  0 to factor
//	ValueRange   0 to 255
//	Name         "random_saturation", "random_saturation_1" and so on
//	Trainable    true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_saturation/.
func RandomSaturation(factor float64, opts ...PreprocessingOption) Layer {
	return newRandomPixels("RandomSaturation", factor, opts)
}

// RandomColorJitter changes pictures in training like RandomBrightness, RandomContrast, RandomSaturation
// and RandomHue one after the other, each only if its range is given.
//
//	input, output  (batch, rows, columns, 1 or 3 channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	ValueRange       0 to 255
//	BrightnessRange  none
//	ContrastRange    none
//	SaturationRange  none
//	HueRange         none
//	Name             "random_color_jitter", "random_color_jitter_1" and so on
//	Trainable        true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_color_jitter/.
func RandomColorJitter(opts ...PreprocessingOption) Layer {
	return newLayer(&colorJitter{pixelRange: newPixelRange()}, opts)
}

type colorJitter struct {
	augmentation
	pixelRange
	BrightnessRange *[2]float64 `json:"brightness_factor,omitempty" option:"BrightnessRange"`
	ContrastRange   *[2]float64 `json:"contrast_factor,omitempty" option:"ContrastRange"`
	SaturationRange *[2]float64 `json:"saturation_factor,omitempty" option:"SaturationRange"`
	HueRange        *[2]float64 `json:"hue_factor,omitempty" option:"HueRange"`
}

var _ = register[colorJitter]("RandomColorJitter")

func (d *colorJitter) Kind() string { return "RandomColorJitter" }

func (d *colorJitter) check() error {
	if err := d.pixelRange.check(); err != nil {
		return err
	}
	for _, r := range []struct {
		option string
		value  *[2]float64
		lowest float64
	}{{"BrightnessRange", d.BrightnessRange, -1}, {"ContrastRange", d.ContrastRange, -1}, {"SaturationRange", d.SaturationRange, 0}, {"HueRange", d.HueRange, 0}} {
		if r.value == nil {
			continue
		}
		if err := ascending(r.option, *r.value, r.lowest, 1); err != nil {
			return err
		}
	}
	return nil
}

func (d *colorJitter) Build(_ *Builder, in []Shape) (Shape, error) { return grayOrColor(in) }

func (d *colorJitter) prepare(p *preparation, in []*value, out *value) error {
	if unchanged(in, out); !p.training {
		return nil
	}
	rng := p.random()
	color := randomColor{pixelRange: d.pixelRange}
	if d.BrightnessRange != nil {
		(&randomBrightness{color}).apply(out, factorRange(*d.BrightnessRange).draw(rng), out)
	}
	if d.ContrastRange != nil {
		(&randomContrast{color}).apply(out, 1+factorRange(*d.ContrastRange).draw(rng), out)
	}
	if d.SaturationRange != nil {
		saturate(out, saturation(factorRange(*d.SaturationRange).draw(rng)))
	}
	if d.HueRange != nil {
		turnHue(out, factorRange(*d.HueRange).drawTurn(rng), d.ValueRange)
	}
	return nil
}
