// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// stepNets are the nets of steps_keras.json before their last layer.
var stepNets = map[string]func() []k.Part{
	"embedding": func() []k.Part {
		return []k.Part{k.Embedding(9, 2, k.EmbeddingsRegularizer(k.L1L2(0.015625, 0.03125)), k.EmbeddingsConstraint(k.MaxNorm(0.75, 1)), k.Name("table")), k.Flatten()}
	},
	"embedding_constraint": func() []k.Part {
		return []k.Part{k.Embedding(9, 2, k.EmbeddingsConstraint(k.UnitNorm(1)), k.Name("table")), k.Flatten()}
	},
	"batch": func() []k.Part { return []k.Part{k.BatchNormalization(restrained(k.Momentum(0.5))...)} },
	"layer": func() []k.Part { return []k.Part{k.LayerNormalization(restrained()...)} },
	"group": func() []k.Part { return []k.Part{k.GroupNormalization(restrained(k.Groups(2))...)} },
	"renorm": func() []k.Part {
		return []k.Part{k.BatchNormalization(restrained(k.Momentum(0.5), k.Renorm, k.RenormMomentum(0.75))...)}
	},
	"renorm_clipped": func() []k.Part {
		return []k.Part{k.BatchNormalization(k.NoCenter, k.NoScale, k.Renorm, k.RenormClipping(0.75, 1.25, 0.25), k.Name("norm"))}
	},
	"masked": func() []k.Part {
		return []k.Part{k.Embedding(5, 3, k.MaskZero, k.Name("table")), k.BatchNormalization(k.Momentum(0.5), k.Name("norm")), k.GlobalAveragePooling1D()}
	},
	"spectral_dense": func() []k.Part { return spectral(k.Dense(3, k.Tanh)) },
	"spectral_dense_twice": func() []k.Part {
		return spectral(k.Dense(3, k.KernelRegularizer(k.L2(0.0625))), k.PowerIterations(2))
	},
	"spectral_conv": func() []k.Part {
		return append(spectral(k.Conv2D(3, 2), k.PowerIterations(3)), k.GlobalAveragePooling2D())
	},
	"spectral_embedding": func() []k.Part { return append(spectral(k.Embedding(6, 2)), k.Flatten()) },
}

func restrained(more ...k.NormalizationOption) []k.NormalizationOption {
	return append(more, k.GammaRegularizer(k.L2(0.0625)), k.BetaRegularizer(k.L1(0.0625)), k.GammaConstraint(k.MaxNorm(1.5)), k.BetaConstraint(k.NonNeg()), k.Name("norm"))
}

func spectral(layer k.Layer, opts ...k.NormalizationOption) []k.Part {
	return []k.Part{k.SpectralNormalization(layer, append(opts, k.Name("spectral"))...)}
}

var stepOptimizers = map[string]func() k.Optimizer{
	"sgd": func() k.Optimizer { return k.SGD(0.125) }, "momentum": func() k.Optimizer { return k.SGD(0.0625, k.Momentum(0.5)) },
	"adam": func() k.Optimizer { return k.Adam(0.0625) }, "rmsprop": func() k.Optimizer { return k.RMSprop(0.0625) },
	"adagrad": func() k.Optimizer { return k.Adagrad(0.125) },
}

// TestStepsOfKeras trains the nets of testdata/golden/steps_keras.json as Keras did and compares the loss of
// each step, the weights after the last one and the prediction.
func TestStepsOfKeras(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range golden.Load(t, "steps_keras") {
		net := c.Args.String("net")
		seen[net] = true
		t.Run(c.Name, func(t *testing.T) {
			x, y := c.Inputs["x"], c.Inputs["y"]
			parts := append([]k.Part{k.Input(x.Shape[2:]...)}, stepNets[net]()...)
			m := k.Sequential("m", append(parts, k.Dense(1, k.Name("last")))...)
			if err := m.Compile(stepOptimizers[c.Args.String("optimizer")](), k.MSE); err != nil {
				t.Fatal(err)
			}
			for _, w := range m.Weights() {
				if err := w.Set(c.Inputs[w.Path()].Float32()); err != nil {
					t.Fatal(w.Path(), err)
				}
			}
			steps := x.Shape[0]
			inputs := slices.Collect(slices.Chunk(x.Float32(), len(x.Data)/steps))
			targets := slices.Collect(slices.Chunk(y.Float32(), len(y.Data)/steps))
			for i := range steps {
				result, err := m.TrainOnBatch(tensorOf(x.Shape[1:], inputs[i]), tensorOf(y.Shape[1:], targets[i]))
				if want := c.Want["losses"].Data[i]; err != nil || math.Abs(result.Loss()-want) > 2e-6*(1+want) {
					t.Errorf("loss of step %d is %v, %v, want %v", i, result.Loss(), err, want)
				}
			}
			for _, w := range m.Weights() {
				golden.Close(t, w.Path(), w.Values(), c.Want[w.Path()], 2e-5, 4e-6)
			}
			golden.Close(t, "prediction", predict(t, m, tensorOf(x.Shape[1:], inputs[0])), c.Want["prediction"], 2e-5, 4e-6)
		})
	}
	for net := range stepNets {
		if !seen[net] {
			t.Errorf("there are no values of net %s", net)
		}
	}
}
