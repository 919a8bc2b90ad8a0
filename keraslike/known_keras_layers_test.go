// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// kerasLayers make a layer from the arguments of Keras's class, for the cases of layers_keras.json.
var kerasLayers = map[string]func(a golden.Args) k.Layer{
	"Attention":         func(a golden.Args) k.Layer { return k.Attention(kerasAttention(a)...) },
	"AdditiveAttention": func(a golden.Args) k.Layer { return k.AdditiveAttention(kerasAttention(a)...) },
	"MultiHeadAttention": func(a golden.Args) k.Layer {
		return k.MultiHeadAttention(a.Int("num_heads"), a.Int("key_dim"), kerasAttention(a)...)
	},
	"GroupQueryAttention": func(a golden.Args) k.Layer {
		return k.GroupQueryAttention(a.Int("head_dim"), a.Int("num_query_heads"), a.Int("num_key_value_heads"), kerasAttention(a)...)
	},
	"EinsumDense": func(a golden.Args) k.Layer {
		var output []int
		if list, ok := a["output_shape"].([]any); ok {
			for _, n := range list {
				if v, ok := n.(float64); ok {
					output = append(output, int(v))
				} else {
					output = append(output, k.Any)
				}
			}
		} else {
			output = append(output, a.Int("output_shape"))
		}
		opts := []k.DenseOption{k.ActivationFunc(a.String("activation")), k.BiasAxes(a.String("bias_axes"))}
		return k.EinsumDense(a.String("equation"), output, opts...)
	},
	"GlobalMaxPooling1D":     func(golden.Args) k.Layer { return k.GlobalMaxPooling1D(k.KeepDims) },
	"GlobalMaxPooling2D":     func(golden.Args) k.Layer { return k.GlobalMaxPooling2D(k.KeepDims) },
	"GlobalAveragePooling1D": func(golden.Args) k.Layer { return k.GlobalAveragePooling1D(k.KeepDims) },
	"GlobalAveragePooling2D": func(golden.Args) k.Layer { return k.GlobalAveragePooling2D(k.KeepDims) },
	"RMSNormalization": func(a golden.Args) k.Layer {
		var opts []k.NormalizationOption
		if a["epsilon"] != nil {
			opts = append(opts, k.Epsilon(a.Float("epsilon")))
		}
		if _, several := a["axis"].([]any); several {
			opts = append(opts, k.Axis(a.Ints("axis")...))
		} else if a["axis"] != nil {
			opts = append(opts, k.Axis(a.Int("axis")))
		}
		return k.RMSNormalization(opts...)
	},
	"MelSpectrogram": func(a golden.Args) k.Layer {
		opts := []k.PreprocessingOption{k.SequenceStride(a.Int("sequence_stride")), k.SamplingRate(a.Float("sampling_rate"))}
		for name, f := range map[string]func(float64) k.PreprocessingOption{
			"min_freq": k.MinFrequency, "max_freq": k.MaxFrequency, "top_db": k.TopDecibels, "mag_exp": k.MagnitudeExponent, "min_power": k.MinPower, "ref_power": k.ReferencePower,
		} {
			if a[name] != nil {
				opts = append(opts, f(a.Float(name)))
			}
		}
		if a["sequence_length"] != nil {
			opts = append(opts, k.SequenceLength(a.Int("sequence_length")))
		}
		if db, given := a["power_to_db"].(bool); given && !db {
			opts = append(opts, k.NoDecibels)
		}
		return k.MelSpectrogram(a.Int("fft_length"), a.Int("num_mel_bins"), opts...)
	},
	"ActivityRegularization": func(golden.Args) k.Layer { return k.ActivityRegularization(k.Regularizer{}) },
	"ChannelsFirst":          func(a golden.Args) k.Layer { return k.ChannelsFirst(kerasImageLayers[a.String("inner")](a)) },
}

// kerasAttention are the options of an attention layer.
func kerasAttention(a golden.Args) (opts []k.AttentionOption) {
	add := func(given bool, option k.AttentionOption) {
		if given {
			opts = append(opts, option)
		}
	}
	scaled, given := a["use_scale"].(bool)
	add(given && scaled, k.UseScale)
	add(given && !scaled, k.NoScoreScale)
	add(a.String("score_mode") == "concat", k.ConcatScore)
	add(a.Bool("use_causal_mask"), k.CausalMask)
	add(a.Bool("return_scores"), k.ReturnScores)
	add(a.Bool("use_gate"), k.UseGate)
	biased, given := a["use_bias"].(bool)
	add(given && !biased, k.NoBias)
	if a["sliding_window"] != nil {
		add(true, k.SlidingWindow(a.Int("sliding_window")))
	}
	if a["attention_axes"] != nil {
		add(true, k.AttentionAxes(a.Ints("attention_axes")...))
	}
	if a["value_dim"] != nil {
		add(true, k.ValueDim(a.Int("value_dim")))
	}
	return opts
}

// kerasImageLayers are the layers of which layers_keras.json has values with the channels first.
var kerasImageLayers = map[string]func(a golden.Args) k.Layer{
	"Conv1D": func(a golden.Args) k.Layer {
		return k.Conv1D(a.Int("filters"), a.Int("kernel_size"), k.Strides(a.Int("strides")))
	},
	"Conv2D": func(a golden.Args) k.Layer {
		return k.Conv2D(a.Int("filters"), a.Int("kernel_size"), k.SamePadding, k.ActivationFunc(a.String("activation")))
	},
	"DepthwiseConv2D": func(a golden.Args) k.Layer {
		return k.DepthwiseConv2D(a.Int("kernel_size"), k.DepthMultiplier(a.Int("depth_multiplier")))
	},
	"SeparableConv2D": func(a golden.Args) k.Layer { return k.SeparableConv2D(a.Int("filters"), a.Int("kernel_size")) },
	"Conv2DTranspose": func(a golden.Args) k.Layer {
		return k.Conv2DTranspose(a.Int("filters"), a.Int("kernel_size"), k.Strides(a.Int("strides")))
	},
	"MaxPooling1D":           func(a golden.Args) k.Layer { return k.MaxPooling1D(a.Int("pool_size")) },
	"AveragePooling1D":       func(a golden.Args) k.Layer { return k.AveragePooling1D(a.Int("pool_size")) },
	"MaxPooling2D":           func(a golden.Args) k.Layer { return k.MaxPooling2D(a.Int("pool_size")) },
	"AveragePooling2D":       func(a golden.Args) k.Layer { return k.AveragePooling2D(a.Int("pool_size")) },
	"GlobalMaxPooling1D":     func(golden.Args) k.Layer { return k.GlobalMaxPooling1D() },
	"GlobalAveragePooling1D": func(golden.Args) k.Layer { return k.GlobalAveragePooling1D() },
	"GlobalMaxPooling2D":     func(golden.Args) k.Layer { return k.GlobalMaxPooling2D() },
	"GlobalAveragePooling2D": func(golden.Args) k.Layer { return k.GlobalAveragePooling2D() },
	"Flatten":                func(golden.Args) k.Layer { return k.Flatten() },
	"ZeroPadding2D": func(a golden.Args) k.Layer {
		p := pairs(a["padding"])
		return k.ZeroPadding2D(p[0], p[1], p[2], p[3])
	},
	"Cropping2D": func(a golden.Args) k.Layer {
		p := pairs(a["cropping"])
		return k.Cropping2D(p[0], p[1], p[2], p[3])
	},
	"UpSampling2D": func(a golden.Args) k.Layer { return k.UpSampling2D(a.Ints("size")[0], a.Ints("size")[1]) },
}

// TestLayersOfKeras compares layers and their gradients with those of Keras in
// testdata/golden/layers_keras.json.
func TestLayersOfKeras(t *testing.T) {
	var kinds []string
	for kind := range kerasLayers {
		kinds = append(kinds, kind)
	}
	checkLayers(t, "layers_keras", []string{"x", "query", "value", "key", "mask"}, func(c golden.Case) k.Layer {
		return kerasLayers[c.Args.String("layer")](c.Args)
	}, kinds...)
}

// The penalty is divided by the number of samples: (0.1·Σ|x| + 0.2·Σx²)/2 of 1, -2 and 3, 0.
func TestActivityRegularization(t *testing.T) {
	m := k.Sequential("m", k.Input(2), k.ActivityRegularization(k.L1L2(0.1, 0.2)))
	if err := m.Compile(k.SGD(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	x := tensorOf([]int{2, 2}, []float32{1, -2, 3, 0})
	logs, err := m.Evaluate(t.Context(), dataOf(t, x, x))
	if want := (0.1*6 + 0.2*14) / 2; err != nil || math.Abs(logs.Get("loss")-want) > 1e-6 {
		t.Errorf("loss is %v, %v, want %v", logs.Get("loss"), err, want)
	}
}
