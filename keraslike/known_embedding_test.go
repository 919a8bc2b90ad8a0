// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// kerasEmbeddings make a layer from the arguments of Keras's class, for the cases of
// layers_embedding_keras.json.
var kerasEmbeddings = map[string]func(a golden.Args) k.Layer{
	"PositionEmbedding": func(a golden.Args) k.Layer { return k.PositionEmbedding(a.Int("sequence_length"), startAt(a)...) },
}

// startAt is the position of the first step, if the case has one.
func startAt(a golden.Args) (opts []k.EmbeddingOption) {
	if a["start_index"] != nil {
		opts = append(opts, k.StartIndex(a.Int("start_index")))
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
