// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// PositionEmbedding returns a learned vector for each position of a sequence (Devlin et al. 2019,
// https://arxiv.org/abs/1810.04805). Of the input only the shape counts; Add adds the vectors to
// those of the tokens:
//
//	tokens := k.Embedding(20000, 64).Apply(ids)
//	x := k.Add().Apply(tokens, k.PositionEmbedding(80).Apply(tokens))
//
//	input, output  (batch, ..., steps, features), the same shape
//	weights        embeddings (length, features)
//
// At step i of each sample the output is row start+i of embeddings. The layer passes its mask on. A
// sequence that goes beyond the last row is an error.
//
// Options:
//
//	StartIndex             0
//	EmbeddingsInitializer  GlorotUniform()
//	Name                   "position_embedding", "position_embedding_1" and so on
//	Trainable              true
//
// See https://keras.io/keras_hub/api/modeling_layers/position_embedding/.
func PositionEmbedding(length int, opts ...EmbeddingOption) Layer {
	return newLayer(&positionEmbedding{Length: length, EmbeddingsInitializer: GlorotUniform()}, opts)
}

// StartIndex sets the position of the first step of PositionEmbedding, SinePositionEncoding and
// RotaryEmbedding; the default is 0.
func StartIndex(n int) EmbeddingOption { return embeddingOption{setting: set("StartIndex", n)} }

type positionEmbedding struct {
	noMultiplications
	passesMask
	Length                int         `json:"length"`
	StartIndex            int         `json:"start_index,omitempty" option:"StartIndex"`
	EmbeddingsInitializer Initializer `json:"embeddings_initializer" option:"EmbeddingsInitializer"`
}

var _ = register[positionEmbedding]("PositionEmbedding")

func (d *positionEmbedding) Kind() string { return "PositionEmbedding" }

func (d *positionEmbedding) check() error {
	if d.Length <= 0 {
		return fmt.Errorf("length is %d, want a positive number", d.Length)
	}
	return checkStartIndex(d.StartIndex)
}

func checkStartIndex(n int) error {
	if n < 0 {
		return fmt.Errorf("StartIndex is %d, want at least 0", n)
	}
	return nil
}

func (d *positionEmbedding) Build(b *Builder, in []Shape) (Shape, error) {
	if err := sequenceInput(in); err != nil {
		return nil, err
	}
	// The lengths at which a free axis is tried say nothing about those of batches.
	if last := d.StartIndex + in[0][len(in[0])-2] - 1; last >= d.Length && !b.sizing.isTrial() {
		return nil, fmt.Errorf("input has shape %v, whose last step is at position %d, want positions below the length %d", in[0], last, d.Length)
	}
	b.Weight("embeddings", d.EmbeddingsInitializer, Regularizer{}, d.Length, in[0][len(in[0])-1])
	return in[0], nil
}

// sequenceInput returns an error unless there is one input of at least two axes, the last of which
// are the steps and the features.
func sequenceInput(in []Shape) error {
	if err := oneInput(in); err != nil {
		return err
	}
	if len(in[0]) < 2 {
		return fmt.Errorf("input has shape %v, want (batch, ..., steps, features)", in[0])
	}
	return nil
}

func (d *positionEmbedding) Forward(s *Scope, in []*graph.Node) *graph.Node {
	table := s.Weight("embeddings")
	if in[0] == nil || table == nil {
		return nil
	}
	shape := in[0].Shape()
	end := d.StartIndex + shape[len(shape)-2]
	if end > d.Length && s.sizing.isTrial() { // a graph that will not run
		table = s.Do(graph.Tile(table, (end+d.Length-1)/d.Length, 1))
	}
	table = s.Do(graph.Slice(table, graph.At(0, d.StartIndex, end)))
	return s.Do(graph.BroadcastTo(table, slices.Clone([]int(shape))...))
}
