// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// kerasActivation makes an activation with its arguments.
func kerasActivation(a golden.Args) k.Layer {
	var opts []k.ActivationOption
	for arg, option := range map[string]func(float64) k.ActivationOption{
		"negative_slope": func(v float64) k.ActivationOption { return k.NegativeSlope(v) },
		"max_value":      k.MaxValue, "threshold": k.ThresholdAt, "value": k.OtherValue, "alpha": k.Alpha,
	} {
		if a[arg] != nil {
			opts = append(opts, option(a.Float(arg)))
		}
	}
	if a.Bool("approximate") {
		opts = append(opts, k.Approximate)
	}
	if a.Bool("masked") {
		opts = append(opts, k.MaskInput)
	}
	if a["axis"] != nil {
		opts = append(opts, k.Axis(a.Ints("axis")...))
	}
	return k.Activation(k.ActivationFunc(a.String("activation")), opts...)
}

// TestActivationsOfKeras compares activations with their arguments with testdata/golden/activations_keras.json.
func TestActivationsOfKeras(t *testing.T) {
	for _, c := range golden.Load(t, "activations_keras") {
		t.Run(c.Name, func(t *testing.T) {
			c.Args["layer"] = "Activation"
			inputs := []string{"x"}
			if c.Args.Bool("masked") {
				inputs = append(inputs, "mask")
			}
			tr := newTrial(t, c, kerasActivation(c.Args), inputs, nil)
			tr.checkOutput(t, c)
			tr.checkGradients(t, c)
		})
	}
}

func TestActivationMistakes(t *testing.T) {
	for want, layer := range map[string]k.Layer{
		"Alpha does not fit relu, want MaxValue, NegativeSlope, ThresholdAt": k.Activation(k.ReLU, k.Alpha(1)),
		"Axis does not fit tanh, want no options":                            k.Activation(k.Tanh, k.Axis(1)),
		"MaskInput does not fit log_softmax, want Axis":                      k.Activation(k.LogSoftmax, k.MaskInput),
		"NegativeSlope is -1, want at least 0":                               k.Activation(k.ReLU, k.NegativeSlope(-1)),
		"MaxValue is -1, want at least 0":                                    k.Activation(k.ReLU, k.MaxValue(-1)),
		"ThresholdAt is -1, want at least 0":                                 k.Activation(k.SoftShrink, k.ThresholdAt(-1)),
		"Alpha is 0, want a positive number":                                 k.Activation(k.CELU, k.Alpha(0)),
		"Axis: got 2 axes, sparsemax takes one":                              k.Activation(k.Sparsemax, k.Axis(1, 2)),
		"axis is 7":                                                          k.Activation(k.Softmax, k.Axis(7)),
		"glu wants an even length of the axis":                               k.Activation(k.GLU),
		"got 1 input, want the input and its mask":                           k.Activation(k.Softmax, k.MaskInput),
		"glu halves an axis, which only Activation can do":                   k.Dense(2, k.GLU),
		"celu": k.LSTM(2, k.CELU),
	} {
		m := k.Sequential("m", k.Input(4, 3), layer)
		wantError(t, m.Compile(k.SGD(0.1), k.MSE), want)
	}
}
