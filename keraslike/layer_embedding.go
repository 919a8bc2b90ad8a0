// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Embedding turns ids into vectors, the rows of a table that is learned.
//
//	input    (batch, ...), integers from 0 to vocabulary-1
//	output   (batch, ..., dim)
//	weights  embeddings (vocabulary, dim), uniform from -0.05 to 0.05
//
// The gradient has rows for the ids of a batch only, and optimisers that can
// touch only those. An id out of range stops the training with an error that
// names the sample.
//
// Given vectors go into the table after Build, and stay as they are with
// Trainable(false):
//
//	w, err := model.Weight("embedding/embeddings")
//	err = w.Set(vectors)
//
// Options: MaskZero, EmbeddingsInit, Trainable, Name.
// See https://keras.io/api/layers/core_layers/embedding/.
func Embedding(vocabulary, dim int, opts ...EmbeddingOption) Layer {
	d := &embedding{Vocabulary: vocabulary, Dim: dim, Init: RandomUniform(0.05)}
	for _, o := range given(opts, &d.mistake) {
		o.applyEmbedding(d)
	}
	return &layer{name: d.name, def: d}
}

// EmbeddingOption is an option of Embedding.
type EmbeddingOption interface{ applyEmbedding(*embedding) }

// EmbeddingsInit sets the initialiser of the table.
func EmbeddingsInit(i Initializer) EmbeddingsInitOption { return EmbeddingsInitOption{i} }

// EmbeddingsInitOption is made by EmbeddingsInit.
type EmbeddingsInitOption struct{ init Initializer }

// MaskZero makes id 0 padding: the output has a mask that is 0 there. The table still
// has a row for it.
type MaskZero struct{}

func (MaskZero) applyEmbedding(d *embedding)               { d.MaskZero = true }
func (o EmbeddingsInitOption) applyEmbedding(d *embedding) { d.Init = o.init }
func (n Name) applyEmbedding(d *embedding)                 { d.name = string(n) }

type embedding struct {
	common
	Vocabulary int         `json:"vocabulary"`
	Dim        int         `json:"dim"`
	Init       Initializer `json:"embeddings_initializer"`
	MaskZero   bool        `json:"mask_zero,omitempty"`
}

func (d *embedding) Kind() string { return "Embedding" }

func (d *embedding) check() error {
	if d.Vocabulary <= 0 || d.Dim <= 0 {
		return fmt.Errorf("table is %d x %d, want positive numbers", d.Vocabulary, d.Dim)
	}
	return nil
}

func (d *embedding) Build(b *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	b.Weight("embeddings", d.Init, Regularizer{}, d.Vocabulary, d.Dim)
	return append(append(Shape{}, in[0]...), d.Dim), nil
}

func (d *embedding) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if d.MaskZero {
		s.SetMask(0, s.Do(graph.NotEqual(in[0], 0)))
	}
	return s.Do(graph.Embedding(in[0], s.Weight("embeddings")))
}
