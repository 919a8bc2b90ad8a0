// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"fmt"
	"math"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"BatchNormalization": {read: batchNormalization, mask: passesMask},
	"LayerNormalization": {read: layerNormalization, mask: passesMask},
	"GroupNormalization": {read: groupNormalization, mask: passesMask},
	"UnitNormalization":  {read: unitNormalization, mask: passesMask},
	"RMSNormalization":   {read: rmsNormalization},

	"STFTSpectrogram":       {read: stftSpectrogram},
	"MelSpectrogram":        {read: melSpectrogram},
	"SpectralNormalization": {read: spectralNormalization},
	"Normalization":         {read: normalization, mask: passesMask},
})

func batchNormalization(a *args) k.Layer {
	options := []k.NormalizationOption{k.Axis(a.axis()), k.Momentum(a.number("momentum", 0.99)), k.Epsilon(a.number("epsilon", 1e-3))}
	options = append(options, when[k.NormalizationOption](a.flag("synchronized", false), k.Synchronized)...)
	options = append(options, gammaBeta(a)...)
	delete(a.raw, "fused") // how it is computed
	momentum := a.number("renorm_momentum", 0.99)
	if a.flag("renorm", false) {
		options = append(options, k.Renorm, k.RenormMomentum(momentum))
		var limits struct {
			RMin *float64 `json:"rmin"`
			RMax *float64 `json:"rmax"`
			DMax *float64 `json:"dmax"`
		}
		if a.take("renorm_clipping", &limits) {
			or := func(v *float64, none float64) float64 {
				if v == nil {
					return none
				}
				return *v
			}
			options = append(options, k.RenormClipping(or(limits.RMin, 0), or(limits.RMax, math.Inf(1)), or(limits.DMax, math.Inf(1))))
		}
	}
	return k.BatchNormalization(options...)
}

func layerNormalization(a *args) k.Layer {
	options := []k.NormalizationOption{k.Epsilon(a.number("epsilon", 1e-3))}
	if axes := a.list("axis"); axes != nil {
		options = append(options, k.Axis(axes...))
	}
	if a.flag("rms_scaling", false) {
		options = append(options, k.RMSScaling)
		a.restrained("beta") // which the layer has not
	}
	options = append(options, gammaBeta(a)...)
	return k.LayerNormalization(options...)
}

func groupNormalization(a *args) k.Layer {
	options := []k.NormalizationOption{k.Groups(a.whole("groups", 32)), k.Axis(a.axis()), k.Epsilon(a.number("epsilon", 1e-3))}
	options = append(options, gammaBeta(a)...)
	return k.GroupNormalization(options...)
}

// gammaBeta reads whether there are gamma and beta, and their penalties and constraints, which Keras
// also accepts and writes without them.
func gammaBeta(a *args) (options []k.NormalizationOption) {
	r, limit := a.regularizer("gamma_regularizer"), a.constraint("gamma_constraint")
	if a.flag("scale", true) {
		options = when(r != k.Regularizer{}, k.GammaRegularizer(r))
		options = append(options, when(!limit.IsZero(), k.GammaConstraint(limit))...)
	} else {
		options = append(options, k.NoScale)
	}
	r, limit = a.regularizer("beta_regularizer"), a.constraint("beta_constraint")
	if !a.flag("center", true) {
		return append(options, k.NoCenter)
	}
	options = append(options, when(r != k.Regularizer{}, k.BetaRegularizer(r))...)
	return append(options, when(!limit.IsZero(), k.BetaConstraint(limit))...)
}

func spectralNormalization(a *args) k.Layer {
	n := a.whole("power_iterations", 1)
	return k.SpectralNormalization(a.layer("layer", a.in), k.PowerIterations(n))
}

func unitNormalization(a *args) k.Layer {
	if axes := a.list("axis"); axes != nil {
		return k.UnitNormalization(k.Axis(axes...))
	}
	return k.UnitNormalization()
}

func rmsNormalization(a *args) k.Layer {
	options := []k.NormalizationOption{k.Epsilon(a.number("epsilon", 1e-6))}
	if axes := a.list("axis"); axes != nil {
		options = append(options, k.Axis(axes...))
	}
	return k.RMSNormalization(options...)
}

func normalization(a *args) k.Layer {
	options := when[k.NormalizationOption](a.flag("invert", false), k.Invert)
	if text := string(a.raw["axis"]); text == "null" || text == "[]" {
		options = append(options, k.AllAxes)
	} else if axes := a.list("axis"); axes != nil {
		options = append(options, k.Axis(axes...))
	}
	if mean, variance := a.numbers("mean"), a.numbers("variance"); mean != nil || variance != nil {
		options = append(options, k.Statistics(mean, variance))
	}
	return k.Normalization(options...)
}

// numbers returns a number, or those of nested lists one after another; nil if absent. Lists are as long as their
// numbers, so that a mean of several axes has the numbers of all.
func (a *args) numbers(name string) (list []float64) {
	var v any
	if !a.take(name, &v) {
		return nil
	}
	if o, ok := v.(map[string]any); ok { // an array or a tensor
		if config, ok := o["config"].(map[string]any); ok {
			v = config["value"]
		}
	}
	var add func(v any, depth int) bool
	add = func(v any, depth int) bool {
		switch v := v.(type) {
		case float64:
			list = append(list, v)
			return true
		case []any:
			return depth < maxNesting && !slices.ContainsFunc(v, func(e any) bool { return !add(e, depth+1) })
		}
		return false
	}
	if !add(v, 0) || len(list) == 0 {
		a.fail(name, fmt.Errorf("is %.60v, want numbers", v))
	}
	return list
}

func melSpectrogram(a *args) k.Layer {
	a.want("window", "hann")
	n, rate := a.whole("fft_length", 2048), a.number("sampling_rate", 16000)
	options := []k.PreprocessingOption{
		k.SequenceStride(a.whole("sequence_stride", 512)), k.SequenceLength(a.whole("sequence_length", n)), k.SamplingRate(rate),
		k.MinFrequency(a.number("min_freq", 20)), k.MaxFrequency(a.number("max_freq", math.Floor(rate/2))), k.TopDecibels(a.number("top_db", 80)),
		k.MagnitudeExponent(a.number("mag_exp", 2)), k.MinPower(a.number("min_power", 1e-10)), k.ReferencePower(math.Abs(a.number("ref_power", 1))),
	}
	options = append(options, when[k.PreprocessingOption](!a.flag("power_to_db", true), k.NoDecibels)...)
	return k.MelSpectrogram(n, a.whole("num_mel_bins", 128), options...)
}

func stftSpectrogram(a *args) k.Layer {
	a.channelsLast()
	options := []k.PreprocessingOption{k.SpectrogramMode(a.text("mode", "log"))}
	if n := a.whole("frame_step", 0); n != 0 {
		options = append(options, k.FrameStep(n))
	}
	if n := a.whole("fft_length", 0); n != 0 {
		options = append(options, k.FFTLength(n))
	}
	for _, name := range []string{"window", "scaling", "periodic"} { // of the first values of kernels, which the file has
		delete(a.raw, name)
	}
	switch padding := a.text("padding", "valid"); padding {
	case "valid":
	case "same":
		options = append(options, k.SamePadding)
	default:
		a.fail("padding", fmt.Errorf("is %q, want valid or same", padding))
	}
	options = append(options, when[k.PreprocessingOption](a.flag("expand_dims", false), k.ExpandDims)...)
	return k.STFTSpectrogram(a.whole("frame_length", 256), options...)
}
