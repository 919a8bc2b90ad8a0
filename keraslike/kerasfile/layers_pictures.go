// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"errors"
	"fmt"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"AutoContrast": {read: func(a *args) k.Layer { return k.AutoContrast(a.pixels()...) }},
	"Equalization": {read: func(a *args) k.Layer {
		return k.Equalization(append(a.pixels(), k.NumBins(a.whole("bins", 256)))...)
	}},
	"ContrastLimitedAdaptiveHistogramEqualization": {read: func(a *args) k.Layer {
		options := append(a.pixels(), k.ClipLimit(max(0, a.number("clip_limit", 4)))) // a negative one limits nothing
		if grid := a.window("tile_grid_size", 2, 8); len(grid) == 2 {
			options = append(options, k.TileGrid(grid[0], grid[1]))
		}
		return k.ContrastLimitedAdaptiveHistogramEqualization(options...)
	}},
	"Solarization": random(func(a *args) k.Layer {
		options := append(a.pixels(), a.ranged("addition_factor", 0, k.AdditionRange)...)
		return k.Solarization(append(options, a.ranged("threshold_factor", 0, k.ThresholdRange)...)...)
	}),

	"RandomBrightness": random(func(a *args) k.Layer {
		return k.RandomBrightness(0, append(a.pixels(), a.ranged("factor", -1, k.FactorRange)...)...)
	}),
	"RandomColorDegeneration": random(func(a *args) k.Layer {
		return k.RandomColorDegeneration(0, append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)...)
	}),
	"RandomColorJitter": random(func(a *args) k.Layer {
		options := append(a.pixels(), a.ranged("brightness_factor", -1, k.BrightnessRange)...)
		options = append(options, a.contrast("contrast_factor", k.ContrastRange)...)
		options = append(options, a.ranged("saturation_factor", 0, k.SaturationRange)...)
		return k.RandomColorJitter(append(options, a.ranged("hue_factor", 0, k.HueRange)...)...)
	}),
	"RandomContrast": random(func(a *args) k.Layer {
		return k.RandomContrast(0, append(a.pixels(), a.contrast("factor", k.FactorRange)...)...)
	}),
	"RandomErasing": random(func(a *args) k.Layer {
		options := append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)
		options = append(options, a.ranged("scale", 0, k.ScaleRange)...)
		var fill float64
		if a.take("fill_value", &fill) {
			options = append(options, k.FillValue(fill))
		}
		return k.RandomErasing(1, options...)
	}),
	"RandomFlip": random(func(a *args) k.Layer {
		a.channels()
		return k.RandomFlip(k.FlipMode(a.text("mode", "horizontal_and_vertical")))
	}),
	"RandomGaussianBlur": random(func(a *args) k.Layer {
		options := append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)
		options = append(options, a.ranged("sigma", 0, k.SigmaRange)...)
		size := a.window("kernel_size", 2, 3)
		if len(size) == 2 && size[0] != size[1] {
			a.fail("kernel_size", fmt.Errorf("is %d, want equal numbers", size))
		}
		return k.RandomGaussianBlur(1, append(options, k.BlurSize(size[0]))...)
	}),
	"RandomGrayscale": random(func(a *args) k.Layer {
		a.channels()
		return k.RandomGrayscale(a.number("factor", 0.5))
	}),
	"RandomHue": random(func(a *args) k.Layer {
		return k.RandomHue(0, append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)...)
	}),
	"RandomInvert": random(func(a *args) k.Layer {
		return k.RandomInvert(1, append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)...)
	}),
	"RandomPosterization": random(func(a *args) k.Layer {
		options := a.pixels()
		if lo, hi, ok := a.interval("factor", 0); ok {
			options = append(options, k.FactorRange(max(lo, 1), hi))
		}
		return k.RandomPosterization(8, options...)
	}),
	"RandomRotation": random(func(a *args) k.Layer {
		return k.RandomRotation(0, append(a.motion(), a.ranged("factor", -1, k.FactorRange)...)...)
	}),
	"RandomSaturation": random(func(a *args) k.Layer {
		return k.RandomSaturation(0, append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)...)
	}),
	"RandomSharpness": random(func(a *args) k.Layer {
		return k.RandomSharpness(0, append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)...)
	}),
	"RandomShear": random(func(a *args) k.Layer {
		options := append(a.motion(), a.ranged("x_factor", -1, k.WidthRange)...)
		return k.RandomShear(0, 0, append(options, a.ranged("y_factor", -1, k.HeightRange)...)...)
	}),
	"RandomTranslation": random(func(a *args) k.Layer {
		options := append(a.motion(), a.ranged("height_factor", -1, k.HeightRange)...)
		return k.RandomTranslation(0, 0, append(options, a.ranged("width_factor", -1, k.WidthRange)...)...)
	}),
	"RandomZoom": random(func(a *args) k.Layer {
		options := append(a.motion(), a.ranged("height_factor", -1, k.HeightRange)...)
		return k.RandomZoom(0, append(options, a.ranged("width_factor", -1, k.WidthRange)...)...)
	}),

	"Pipeline": {read: pipeline},

	"AugMix": random(func(a *args) k.Layer {
		options := append(a.operations(), k.NumChains(a.whole("num_chains", 3)), k.ChainDepth(a.whole("chain_depth", 3)), k.MixingAlpha(a.number("alpha", 1)))
		return k.AugMix(0, append(options, when[k.PreprocessingOption](!a.flag("all_ops", true), k.NoColorOperations)...)...)
	}),
	"RandAugment": random(func(a *args) k.Layer {
		return k.RandAugment(0, append(a.operations(), k.NumOperations(a.whole("num_ops", 2)))...)
	}),
	"RandomPerspective": random(func(a *args) k.Layer {
		options := append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)
		options = append(options, k.Interpolation(a.text("interpolation", "bilinear")), k.FillValue(a.number("fill_value", 0)))
		return k.RandomPerspective(1, a.number("scale", 1), options...)
	}),

	"RandomElasticTransform": random(func(a *args) k.Layer {
		options := append(a.pixels(), a.motion()...)
		options = append(options, a.ranged("factor", 0, k.FactorRange)...)
		return k.RandomElasticTransform(1, 1, append(options, a.ranged("scale", 0, k.ScaleRange)...)...)
	}),

	"CutMix":              {read: omitted},
	"MaxNumBoundingBoxes": {read: omitted},
	"MixUp":               {read: omitted},
})

// omitted is an identity for a layer that acts in training only, or on bounding boxes only.
func omitted(a *args) k.Layer {
	_, boxes := a.raw["max_number"]
	clear(a.raw)
	note := "is omitted, it acts in training only"
	if boxes {
		note = "is omitted, it acts on bounding boxes only"
	}
	a.notes = append(a.notes, note)
	return k.Activation(k.Linear)
}

// pipeline reads layers that are applied one after another.
func pipeline(a *args) k.Layer {
	var list []layerConfig
	if !a.take("layers", &list) || len(list) == 0 || len(a.in) != 1 {
		a.fail("layers", errors.New("is empty, want one layer or more"))
		return nil
	}
	in := k.Input(a.in[0]...)
	x := in
	for _, l := range list {
		inner, err := a.part(l, []k.Shape{x.Shape()})
		if err == nil {
			x = inner.Apply(x)
			err = x.Err()
		}
		if err != nil {
			a.fail("layers", fmt.Errorf("has one that cannot be read: %w", err))
			return nil
		}
	}
	return k.NewModel("pipeline", []*k.Tensor{in}, []*k.Tensor{x})
}

// random is a layer that changes pictures in training only, and that is omitted where it cannot run.
func random(read func(a *args) k.Layer) class {
	return class{read: func(a *args) k.Layer {
		if a.plain {
			return omitted(a)
		}
		a.random = true
		delete(a.raw, "bounding_box_format")
		return read(a)
	}}
}

// ranged reads a range, or the upper end of one that begins at from times this end. Factors that are
// positive in Reef begin at 0.
func (a *args) ranged(name string, from float64, option func(lo, hi float64) k.PreprocessingOption) []k.PreprocessingOption {
	lo, hi, ok := a.interval(name, from)
	if !ok {
		return nil
	}
	if from == 0 {
		lo = max(lo, 0)
	}
	return []k.PreprocessingOption{option(lo, hi)}
}

// contrast reads how far a factor reaches below and above 1.
func (a *args) contrast(name string, option func(lo, hi float64) k.PreprocessingOption) []k.PreprocessingOption {
	ends, ok := a.ends(name, 1)
	if !ok {
		return nil
	}
	return []k.PreprocessingOption{option(0-ends[0], ends[1])}
}

// operations reads the arguments of layers that choose among others.
func (a *args) operations() []k.PreprocessingOption {
	options := append(a.pixels(), a.ranged("factor", 0, k.FactorRange)...)
	return append(options, k.Interpolation(a.text("interpolation", "bilinear")))
}

// motion reads the arguments of layers that move pictures.
func (a *args) motion() []k.PreprocessingOption {
	a.channels()
	options := []k.PreprocessingOption{k.FillMode(a.text("fill_mode", "reflect")), k.Interpolation(a.text("interpolation", "bilinear"))}
	if value := a.number("fill_value", 0); value != 0 && options[0] == k.PreprocessingOption(k.FillConstant) {
		options = append(options, k.FillValue(value))
	}
	return options
}

// pixels reads the arguments that layers of pictures share: the order of the axes and the range of values.
func (a *args) pixels() []k.PreprocessingOption {
	a.channels()
	delete(a.raw, "bounding_box_format")
	lo, hi, ok := a.interval("value_range", 0)
	if !ok {
		return nil
	}
	return []k.PreprocessingOption{k.ValueRange(lo, hi)}
}

// interval returns a list of two numbers in ascending order, or from times the number to the number.
func (a *args) interval(name string, from float64) (lowest, highest float64, ok bool) {
	var pair []float64
	listed := json.Unmarshal(a.raw[name], &pair) == nil
	ends, ok := a.ends(name, from)
	if !listed {
		return ends[0], ends[1], ok
	}
	return min(ends[0], ends[1]), max(ends[0], ends[1]), ok
}

// ends returns a list of two numbers, or from times the number and the number.
func (a *args) ends(name string, from float64) (ends [2]float64, ok bool) {
	var raw json.RawMessage
	if !a.take(name, &raw) {
		return ends, false
	}
	var one float64
	if json.Unmarshal(raw, &one) == nil {
		return [2]float64{from * one, one}, true
	}
	var list []float64
	if err := json.Unmarshal(raw, &list); err != nil || len(list) != 2 {
		a.fail(name, fmt.Errorf("is %.60s, want a number or two", raw))
		return ends, false
	}
	return [2]float64(list), true
}
