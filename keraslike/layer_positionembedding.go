// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
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

// TokenAndPositionEmbedding is the sum of a vector for each token and one for its position: Embedding plus
// PositionEmbedding.
//
//	input    (batch, steps), integers from 0 to vocabulary-1, steps <= length
//	output   (batch, steps, dim)
//	weights  token_embedding/embeddings (vocabulary, dim), position_embedding/embeddings (length, dim)
//
// Options:
//
//	StartIndex             0
//	MaskZero               off
//	EmbeddingsInitializer  RandomUniform(0.05)
//	Name                   "token_and_position_embedding", "token_and_position_embedding_1" and so on
//	Trainable              true
//
// See https://keras.io/keras_hub/api/modeling_layers/token_and_position_embedding/.
func TokenAndPositionEmbedding(vocabulary, length, dim int, opts ...EmbeddingOption) Layer {
	return newLayer(&tokenAndPosition{Vocabulary: vocabulary, Length: length, Dim: dim, EmbeddingsInitializer: RandomUniform(0.05)}, opts)
}

type tokenAndPosition struct {
	noMultiplications
	Vocabulary            int         `json:"vocabulary"`
	Length                int         `json:"length"`
	Dim                   int         `json:"dim"`
	StartIndex            int         `json:"start_index,omitempty" option:"StartIndex"`
	EmbeddingsInitializer Initializer `json:"embeddings_initializer" option:"EmbeddingsInitializer"`
	MaskZero              bool        `json:"mask_zero,omitempty" option:"MaskZero"`
}

var _ = register[tokenAndPosition]("TokenAndPositionEmbedding")

func (d *tokenAndPosition) Kind() string { return "TokenAndPositionEmbedding" }

// parts are the two embeddings.
func (d *tokenAndPosition) parts() (*embedding, *positionEmbedding) {
	return &embedding{Vocabulary: d.Vocabulary, Dim: d.Dim, EmbeddingsInitializer: d.EmbeddingsInitializer, MaskZero: d.MaskZero},
		&positionEmbedding{Length: d.Length, StartIndex: d.StartIndex, EmbeddingsInitializer: d.EmbeddingsInitializer}
}

func (d *tokenAndPosition) check() error {
	tokens, positions := d.parts()
	return errors.Join(tokens.check(), positions.check())
}

const tokenPrefix, positionPrefix = "token_embedding/", "position_embedding/"

func (d *tokenAndPosition) Build(b *Builder, in []Shape) (Shape, error) {
	tokens, positions := d.parts()
	prefix := b.prefix
	defer func() { b.prefix = prefix }()
	b.prefix = prefix + tokenPrefix
	out, err := tokens.Build(b, in)
	if err != nil {
		return nil, err
	}
	b.prefix = prefix + positionPrefix
	return positions.Build(b, []Shape{out})
}

func (d *tokenAndPosition) Forward(s *Scope, in []*graph.Node) *graph.Node {
	tokens, positions := d.parts()
	prefix := s.prefix
	defer func() { s.prefix = prefix }()
	s.prefix = prefix + tokenPrefix
	x := tokens.Forward(s, in)
	s.prefix = prefix + positionPrefix
	return s.Do(graph.Add(x, positions.Forward(s, []*graph.Node{x})))
}

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
