// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// kerasEmbeddings make a layer from the arguments of Keras's class, for the cases of
// layers_embedding_keras.json.
var kerasEmbeddings = map[string]func(a golden.Args) k.Layer{
	"PositionEmbedding":    func(a golden.Args) k.Layer { return k.PositionEmbedding(a.Int("sequence_length"), startAt(a)...) },
	"SinePositionEncoding": func(a golden.Args) k.Layer { return k.SinePositionEncoding(startAt(a)...) },
	"RotaryEmbedding": func(a golden.Args) k.Layer {
		opts := startAt(a)
		if a["scaling_factor"] != nil {
			opts = append(opts, k.ScalingFactor(a.Float("scaling_factor")))
		}
		if a.String("rope_type") == "dynamic" {
			opts = append(opts, k.DynamicScaling)
		}
		if a["sequence_axis"] != nil {
			opts = append(opts, k.SequenceAxis(a.Int("sequence_axis")), k.FeatureAxis(a.Int("feature_axis")))
		}
		return k.RotaryEmbedding(opts...)
	},
	"TokenAndPositionEmbedding": func(a golden.Args) k.Layer {
		return k.TokenAndPositionEmbedding(a.Int("vocabulary_size"), a.Int("sequence_length"), a.Int("embedding_dim"))
	},
}

// startAt is the position of the first step and the wavelength, if the case has them.
func startAt(a golden.Args) (opts []k.EmbeddingOption) {
	if a["start_index"] != nil {
		opts = append(opts, k.StartIndex(a.Int("start_index")))
	}
	if a["max_wavelength"] != nil {
		opts = append(opts, k.MaxWavelength(a.Float("max_wavelength")))
	}
	return opts
}

// added is the model x + layer(x): of the input of such a layer only the shape counts.
func added(layer k.Layer, shape []int) k.Layer {
	x := k.Input(shape...)
	return k.NewModel("added", []*k.Tensor{x}, []*k.Tensor{k.Add().Apply(x, layer.Apply(x))})
}

// TestEmbeddingsOfKeras compares embeddings and their gradients with those of Keras and KerasHub.
func TestEmbeddingsOfKeras(t *testing.T) {
	var kinds []string
	for kind := range kerasEmbeddings {
		kinds = append(kinds, kind)
	}
	checkLayers(t, "layers_embedding_keras", []string{"x"}, func(c golden.Case) k.Layer {
		kind := c.Args.String("layer")
		switch f := kerasEmbeddings[kind]; {
		case f == nil:
			return nil
		case kind == "PositionEmbedding" || kind == "SinePositionEncoding":
			return added(f(c.Args), c.Inputs["x"].Shape[1:])
		default:
			return f(c.Args)
		}
	}, kinds...)
}

// TestReverseEmbedding compares ReverseEmbedding, and the gradient of the table that two layers use, with
// Keras's ReversibleEmbedding: the net is embedding, square, reverse. The model is also saved and loaded,
// bears any length and trains.
func TestReverseEmbedding(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "layers_embedding_keras") {
		if c.Args.String("layer") != "ReversibleEmbedding" {
			continue
		}
		seen++
		t.Run(c.Name, func(t *testing.T) {
			var table []k.EmbeddingOption
			if tied, given := c.Args["tie_weights"].(bool); given && !tied {
				table = append(table, k.ReverseTable)
			}
			tokens := k.Embedding(c.Args.Int("input_dim"), c.Args.Int("output_dim"), table...)
			ids := k.Input(c.Inputs["x"].Shape[1])
			y := tokens.Apply(ids)
			if c.Args.Bool("reverse") {
				squared := k.Multiply().Apply(y, y)
				var opts []k.EmbeddingOption
				if c.Args["logit_soft_cap"] != nil {
					opts = append(opts, k.LogitSoftCap(c.Args.Float("logit_soft_cap")))
				}
				y = k.ReverseEmbedding(tokens, opts...).Apply(squared)
			}
			tr := newTrial(t, c, k.NewModel("m", []*k.Tensor{ids}, []*k.Tensor{y}), []string{"x"}, nil)
			tr.checkOutput(t, c)
			tr.checkGradients(t, c)
		})
	}
	if seen < 4 {
		t.Errorf("%d cases, want 4", seen)
	}
}

// tied is a model of any length whose logits come from its embedding.
func tied(embedding k.Layer) *k.Model {
	ids := k.Input(k.Any)
	x := k.Dense(3, k.Tanh).Apply(embedding.Apply(ids))
	return k.NewModel("tied", []*k.Tensor{ids}, []*k.Tensor{k.ReverseEmbedding(embedding, k.LogitSoftCap(5)).Apply(x)})
}

func TestReverseEmbeddingIsSaved(t *testing.T) {
	for name, embedding := range map[string]k.Layer{"plain": k.Embedding(7, 3, k.MaskZero), "two tables": k.Embedding(7, 3, k.ReverseTable), "positions": k.TokenAndPositionEmbedding(7, 5, 3)} {
		t.Run(name, func(t *testing.T) {
			m := tied(embedding)
			if err := m.Compile(k.Adam(0.1), k.SparseCategoricalCrossentropy.With(k.FromLogits)); err != nil {
				t.Fatal(err)
			}
			x, y := tensorOf([]int{2, 4}, []float32{1, 2, 6, 0, 5, 3, 0, 0}), tensorOf([]int{2, 4}, []float32{2, 6, 3, 0, 3, 1, 0, 0})
			var first, last float64
			for i := range 20 {
				r, err := m.TrainOnBatch(x, y)
				if err != nil {
					t.Fatal(err)
				}
				if last = r.Loss(); i == 0 {
					first = last
				}
			}
			if !(last < first/2) {
				t.Errorf("20 steps took the loss from %v to %v", first, last)
			}
			var saved, again bytes.Buffer
			if err := m.SaveTo(&saved, k.WithOptimizer); err != nil {
				t.Fatal(err)
			}
			loaded, err := k.LoadBytes(saved.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if err := loaded.SaveTo(&again, k.WithOptimizer); err != nil || !bytes.Equal(again.Bytes(), saved.Bytes()) {
				t.Errorf("the loaded model is saved as other bytes: %v", err)
			}
			if got, want := predict(t, loaded, x), predict(t, m, x); !slices.Equal(got, want) {
				t.Errorf("the loaded model predicts %v, want %v", got, want)
			}
			if len(loaded.Weights()) != len(m.Weights()) {
				t.Errorf("the loaded model has %d weights, want %d", len(loaded.Weights()), len(m.Weights()))
			}
		})
	}
}

func TestReverseEmbeddingWithoutEmbedding(t *testing.T) {
	m := k.Sequential("m", k.Input(4), k.Dense(4), k.ReverseEmbedding(k.Embedding(5, 4, k.Name("e")), k.Name("it")))
	err := m.Compile(k.SGD(0.1), k.MSE)
	if want := `ReverseEmbedding "it": its embedding "e" is not applied in the model`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestPositionsOfAnyLength: a model of any number of steps up to the table's takes each, also when
// the table is shorter than the lengths at which free axes are tried; a longer batch is an error.
func TestPositionsOfAnyLength(t *testing.T) {
	ids := k.Input(k.Any)
	tokens := k.Embedding(9, 4).Apply(ids)
	x := k.Add().Apply(tokens, k.PositionEmbedding(6).Apply(tokens))
	m := k.NewModel("m", []*k.Tensor{ids}, []*k.Tensor{k.Dense(2).Apply(x)})
	if err := m.Compile(k.SGD(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{1, 3, 6, 7} {
		in, err := k.NewArray(make([]float32, 2*steps), 2, steps)
		if err != nil {
			t.Fatal(err)
		}
		y, err := m.Predict(in)
		switch {
		case steps <= 6 && (err != nil || y.Shape()[1] != steps):
			t.Errorf("%d steps: %v, %v", steps, y, err)
		case steps > 6 && (err == nil || !strings.Contains(err.Error(), `PositionEmbedding "position_embedding": input has shape (batch, 7, 4), whose last step is at position 6`)):
			t.Errorf("%d steps: got %v", steps, err)
		}
	}
}
