// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Embedding maps integer ids to vectors, which are the rows of a learned table.
//
//	input    (batch, ...), integers from 0 to vocabulary-1
//	output   (batch, ..., dim)
//	weights  embeddings (vocabulary, dim); with ReverseTable reverse_embeddings (dim, vocabulary)
//
// The gradient has rows only for the ids of a batch, and optimizers that can update single
// rows update only those. An id out of range ends training with an error that names the
// sample.
//
// To use pretrained vectors, set the table after Build. With Trainable(false) training does
// not change them:
//
//	w, err := model.Weight("embedding/embeddings")
//	err = w.Set(vectors)
//
// Options:
//
//	MaskZero               off
//	ReverseTable           off
//	EmbeddingsInitializer  RandomUniform(0.05)
//	EmbeddingsRegularizer  none
//	EmbeddingsConstraint   none
//	Name                   "embedding", "embedding_1" and so on
//	Trainable              true
//
// See https://keras.io/api/layers/core_layers/embedding/.
func Embedding(vocabulary, dim int, opts ...EmbeddingOption) Layer {
	return newLayer(&embedding{Vocabulary: vocabulary, Dim: dim, EmbeddingsInitializer: RandomUniform(0.05)}, opts)
}

// EmbeddingsInitializer sets the initializer of the table; the default is
// RandomUniform(0.05).
func EmbeddingsInitializer(i Initializer) EmbeddingOption {
	return embeddingOption{setting: set("EmbeddingsInitializer", i)}
}

// EmbeddingsRegularizer adds the penalty r of the table to the loss. Its gradient has all rows, so that
// every update covers the whole table. By default there is no penalty.
func EmbeddingsRegularizer(r Regularizer) EmbeddingOption {
	return embeddingOption{setting: set("EmbeddingsRegularizer", r)}
}

// EmbeddingsConstraint applies c to the table after each update. Axis 0 of c are the ids:
// MaxNorm(1, 1) limits the norm of each vector. By default there is no constraint.
func EmbeddingsConstraint(c Constraint) EmbeddingOption {
	return embeddingOption{setting: set("EmbeddingsConstraint", c)}
}

// EmbeddingFlag is an EmbeddingOption that turns something on. It is off by default.
type EmbeddingFlag string

// MaskZero makes id 0 padding: the output has a mask that is 0 for it. The table still has
// a row for it.
const MaskZero EmbeddingFlag = "MaskZero"

// ReverseTable gives Embedding a second table, of ReverseEmbedding, which otherwise uses the first one transposed. It
// is Keras's ReversibleEmbedding with tie_weights=False.
const ReverseTable EmbeddingFlag = "ReverseTable"

// DynamicScaling makes RotaryEmbedding divide positions by a power of ScalingFactor, f^(n/(n-2)) for n
// features.
const DynamicScaling EmbeddingFlag = "DynamicScaling"

func (f EmbeddingFlag) sets() setting { return set(string(f), true) }
func (EmbeddingFlag) forEmbedding()   {}

type embedding struct {
	noMultiplications
	Vocabulary            int         `json:"vocabulary"`
	Dim                   int         `json:"dim"`
	EmbeddingsInitializer Initializer `json:"embeddings_initializer" option:"EmbeddingsInitializer"`
	EmbeddingsRegularizer Regularizer `json:"embeddings_regularizer,omitzero" option:"EmbeddingsRegularizer"`
	EmbeddingsConstraint  Constraint  `json:"embeddings_constraint,omitzero" option:"EmbeddingsConstraint"`
	MaskZero              bool        `json:"mask_zero,omitempty" option:"MaskZero"`
	ReverseTable          bool        `json:"reverse_table,omitempty" option:"ReverseTable"`
}

var _ = register[embedding]("Embedding")

func (d *embedding) Kind() string { return "Embedding" }

func (d *embedding) check() error {
	if d.Vocabulary <= 0 || d.Dim <= 0 {
		return fmt.Errorf("table is %d x %d, want positive numbers", d.Vocabulary, d.Dim)
	}
	return errors.Join(d.EmbeddingsRegularizer.check(), d.EmbeddingsConstraint.check())
}

func (d *embedding) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	b.Weight("embeddings", d.EmbeddingsInitializer, d.EmbeddingsRegularizer, d.Vocabulary, d.Dim)
	b.Constrain("embeddings", d.EmbeddingsConstraint)
	if d.ReverseTable {
		b.add(&Weight{name: reverseTable, init: d.EmbeddingsInitializer, shape: []int{d.Dim, d.Vocabulary}, idle: true})
	}
	return append(append(Shape{}, in[0]...), d.Dim), nil
}

func (d *embedding) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if d.MaskZero {
		s.SetMask(0, s.Do(graph.MaskOf(in[0], 0)))
	}
	return s.Do(graph.Embedding(in[0], s.Weight("embeddings")))
}
