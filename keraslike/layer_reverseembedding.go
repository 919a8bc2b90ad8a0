// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// ReverseEmbedding multiplies vectors by the transposed table of an embedding: one logit for each id, by the
// weights that the embedding has learned (Press & Wolf 2016, https://arxiv.org/abs/1608.05859):
//
//	y = x·Eᵀ, or c·tanh(x·Eᵀ/c) with LogitSoftCap(c)
//
//	input    (batch, ..., dim)
//	output   (batch, ..., vocabulary)
//	weights  none of its own; E (vocabulary, dim) is the table of the embedding
//
// With ReverseTable, an option of the Embedding, Eᵀ is its weight reverse_embeddings (dim, vocabulary) instead.
//
// The embedding is an Embedding or a TokenAndPositionEmbedding that is applied in the same model, before:
//
//	tokens := k.Embedding(20000, 64)
//	x := tokens.Apply(ids)
//	...
//	logits := k.ReverseEmbedding(tokens).Apply(x)
//
// It is Keras's ReversibleEmbedding with reverse=True. The layer passes its mask on.
//
// Options:
//
//	LogitSoftCap  none
//	Name          "reverse_embedding", "reverse_embedding_1" and so on
//	Trainable     true
//
// See https://keras.io/api/layers/core_layers/reversible_embedding/.
func ReverseEmbedding(of Layer, opts ...EmbeddingOption) Layer {
	d := &reverseEmbedding{}
	if of != nil {
		d.of = of.core()
	}
	return newLayer(d, opts)
}

// LogitSoftCap limits the logits of ReverseEmbedding smoothly to -c and c. By default there is no limit.
func LogitSoftCap(c float64) EmbeddingOption {
	return embeddingOption{setting: set("LogitSoftCap", c)}
}

type reverseEmbedding struct {
	passesMask
	of           *layer
	LogitSoftCap *float64 `option:"LogitSoftCap"`
}

var _ = register[reverseEmbedding]("ReverseEmbedding")

func (d *reverseEmbedding) Kind() string { return "ReverseEmbedding" }

// reverseEmbeddingConfig is how the layer is saved: the embedding is a reference, unless it follows.
type reverseEmbeddingConfig struct {
	Embedding    layerConfig `json:"embedding"`
	LogitSoftCap *float64    `json:"logit_soft_cap,omitempty"`
}

func (d *reverseEmbedding) write(to *layerWriter) ([]byte, error) {
	c, err := to.layer(d.of)
	if err != nil {
		return nil, err
	}
	return json.Marshal(reverseEmbeddingConfig{c, d.LogitSoftCap})
}

func (d *reverseEmbedding) read(text []byte, from *loader) (err error) {
	var saved reverseEmbeddingConfig
	if err := unmarshalStrict(text, &saved); err != nil {
		return err
	}
	d.LogitSoftCap = saved.LogitSoftCap
	d.of, err = saved.Embedding.layer(from)
	return err
}

// reverseTable is the name of Eᵀ if it is a weight.
const reverseTable = "reverse_embeddings"

// table returns the name of the embedding's table and the shape of E.
func (d *reverseEmbedding) table() (name string, vocabulary, dim int, err error) {
	switch e := d.of.def.(type) {
	case *embedding:
		if e.ReverseTable {
			return reverseTable, e.Vocabulary, e.Dim, nil
		}
		return "embeddings", e.Vocabulary, e.Dim, nil
	case *tokenAndPosition:
		return tokenPrefix + "embeddings", e.Vocabulary, e.Dim, nil
	}
	return "", 0, 0, fmt.Errorf("got a %s, want an Embedding or a TokenAndPositionEmbedding", d.of.def.Kind())
}

func (d *reverseEmbedding) check() error {
	if d.of == nil {
		return errors.New("got no embedding")
	}
	_, _, _, err := d.table()
	if d.LogitSoftCap != nil {
		err = errors.Join(err, checkPositive("LogitSoftCap", *d.LogitSoftCap))
	}
	return err
}

func (d *reverseEmbedding) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	_, vocabulary, dim, err := d.table()
	if err != nil {
		return nil, err
	}
	last := len(in[0]) - 1
	if last < 0 || in[0][last] != dim {
		return nil, fmt.Errorf("input has shape %v, want (batch, ..., %d), the vectors of the embedding", in[0], dim)
	}
	return append(append(Shape{}, in[0][:last]...), vocabulary), nil
}

func (d *reverseEmbedding) multiplications(in []Shape, _ Shape, _ float64) float64 {
	_, vocabulary, _, err := d.table()
	if err != nil {
		return 0
	}
	return floatSize(in[0]) * float64(vocabulary)
}

func (d *reverseEmbedding) Forward(s *Scope, in []*graph.Node) *graph.Node {
	name, vocabulary, dim, err := d.table()
	if err != nil || in[0] == nil {
		return s.Do(nil, err)
	}
	for _, w := range d.of.weights {
		if _, of := s.paths[w]; w.name != name || !of {
			continue
		}
		shape := in[0].Shape().Clone()
		rows := s.Do(graph.Reshape(in[0], -1, dim))
		y := s.Do(graph.MatMul(rows, s.variable(w), graph.Transposed(false, name != reverseTable)))
		if c := d.LogitSoftCap; c != nil {
			y = s.Do(graph.Scale(s.Do(graph.Activate(s.Do(graph.Scale(y, 1 / *c)), graph.Act(graph.Tanh))), *c))
		}
		shape[len(shape)-1] = vocabulary
		return s.Do(graph.Reshape(y, shape...))
	}
	return s.Do(nil, fmt.Errorf("%s %q: its embedding %q is not applied in the model", d.Kind(), s.path, d.of.name))
}
