// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Attention lets every step of a query attend to all steps of a value (Luong et al. 2015,
// https://arxiv.org/abs/1508.04025), without projections: y = softmax(S)·value, with the scores
//
//	S = query·keyᵀ, or with ConcatScore S_ij = c·Σ tanh(query_i + key_j)
//
// With UseScale a trained factor multiplies the products, or the sums within tanh.
//
//	inputs   query (batch, t, n), value (batch, s, v), key (batch, s, n), by default the value
//	output   (batch, t, v), with ReturnScores also the weights softmax(S) (batch, t, s)
//	weights  scale () of one with UseScale, concat_score_weight () of one with ConcatScore
//
// Masked steps of the value are not attended, and masked steps of the query give 0.
//
// Options:
//
//	CausalMask        off
//	ReturnScores      off
//	UseScale          off
//	ConcatScore       off
//	AttentionDropout  0
//	Name              "attention", "attention_1" and so on
//	Trainable         true
//
// See https://keras.io/api/layers/attention_layers/attention/.
func Attention(opts ...AttentionOption) Layer { return newLayer(&dotAttention{}, opts) }

// AdditiveAttention is Attention with the scores S_ij = Σ w·tanh(query_i + key_j) (Bahdanau et al.
// 2014, https://arxiv.org/abs/1409.0473).
//
//	inputs   query (batch, t, n), value (batch, s, v), key (batch, s, n), by default the value
//	output   (batch, t, v), with ReturnScores also the weights softmax(S) (batch, t, s)
//	weights  scale (n), the w, by GlorotUniform(); none with NoScoreScale, where they are 1
//
// Options:
//
//	CausalMask        off
//	ReturnScores      off
//	NoScoreScale      off
//	AttentionDropout  0
//	Name              "additive_attention", "additive_attention_1" and so on
//	Trainable         true
//
// See https://keras.io/api/layers/attention_layers/additive_attention/.
func AdditiveAttention(opts ...AttentionOption) Layer {
	return newLayer(&dotAttention{Additive: true}, opts)
}

// The flags of Attention and AdditiveAttention.
const (
	// UseScale gives Attention a trained factor of the scores.
	UseScale AttentionFlag = "UseScale"
	// ConcatScore makes the scores of Attention those of a sum instead of a product.
	ConcatScore AttentionFlag = "ConcatScore"
	// NoScoreScale omits the weights of AdditiveAttention.
	NoScoreScale AttentionFlag = "NoScoreScale"
)

type dotAttention struct {
	passesMask
	Additive         bool    `json:"additive,omitempty"`
	CausalMask       bool    `json:"causal_mask,omitempty" option:"CausalMask"`
	ReturnScores     bool    `json:"return_scores,omitempty" option:"ReturnScores"`
	UseScale         bool    `json:"use_scale,omitempty" option:"UseScale"`
	ConcatScore      bool    `json:"concat_score,omitempty" option:"ConcatScore"`
	NoScoreScale     bool    `json:"no_score_scale,omitempty" option:"NoScoreScale"`
	AttentionDropout float64 `json:"dropout,omitempty" option:"AttentionDropout"`
}

var _ = register[dotAttention]("Attention", "AdditiveAttention")

func (d *dotAttention) Kind() string {
	if d.Additive {
		return "AdditiveAttention"
	}
	return "Attention"
}

func (d *dotAttention) refuses() []string {
	if d.Additive {
		return []string{"UseScale", "ConcatScore"}
	}
	return []string{"NoScoreScale"}
}

func (d *dotAttention) check() error {
	if !(d.AttentionDropout >= 0 && d.AttentionDropout < 1) {
		return fmt.Errorf("dropout is %g, want 0 <= dropout < 1", d.AttentionDropout)
	}
	return nil
}

// multiplications are those of every query with every key, and of the weights with the values.
func (d *dotAttention) multiplications(in []Shape, _ Shape, _ float64) float64 {
	query, value := in[0], in[1]
	return positionCount(query) * positionCount(value) * float64(query[1]+value[1])
}

func (d *dotAttention) Build(b *Builder, in []Shape) (Shape, error) {
	if len(in) != 2 && len(in) != 3 {
		return nil, fmt.Errorf("got %s, want query, value and optionally key", text.Count(len(in), "input"))
	}
	query, value, key := in[0], in[1], in[len(in)-1]
	for i, s := range in {
		if len(s) != 2 {
			return nil, fmt.Errorf("%s has shape %v, want (batch, steps, features)", []string{"query", "value", "key"}[i], s)
		}
	}
	if key[0] != value[0] {
		return nil, fmt.Errorf("key has %d steps, value %d", key[0], value[0])
	}
	if key[1] != query[1] {
		return nil, fmt.Errorf("query has %d features, key %d", query[1], key[1])
	}
	switch {
	case d.Additive && !d.NoScoreScale:
		b.Weight("scale", GlorotUniform(), Regularizer{}, query[1])
	case d.UseScale:
		b.Weight("scale", Ones(), Regularizer{})
	}
	if d.ConcatScore {
		b.Weight("concat_score_weight", Ones(), Regularizer{})
	}
	if d.ReturnScores {
		b.Output(Shape{query[0], value[0]})
	}
	return Shape{query[0], value[1]}, nil
}

func (d *dotAttention) Forward(s *Scope, in []*graph.Node) *graph.Node {
	query, value, key := in[0], in[1], in[len(in)-1]
	batch, t, n := query.Shape()[0], query.Shape()[1], value.Shape()[1]
	scores := d.scores(s, query, key)
	hide := func(mask *graph.Node) {
		hidden := s.Do(graph.Affine(mask, -graph.MaskedScore, graph.MaskedScore))
		scores = s.Do(graph.Add(scores, hidden))
	}
	if mask := s.Mask(1); mask != nil {
		hide(s.Do(graph.Reshape(mask, batch, 1, n)))
	}
	if d.CausalMask {
		hide(stepMask(s, query.Graph(), t, n, func(i, j int) bool { return j <= i }))
	}
	weights := s.Do(graph.Softmax(scores))
	if s.Training() && d.AttentionDropout > 0 {
		rng, stream := s.Random(0)
		weights = s.Do(graph.Dropout(weights, d.AttentionDropout, rng, stream))
	}
	y := s.Do(graph.MatMul(weights, value))
	if mask := s.Mask(0); mask != nil {
		y = s.Do(graph.MaskSteps(y, mask))
	}
	if d.ReturnScores {
		s.Output(weights)
	}
	return y
}

// scores returns S, (batch, t, s).
func (d *dotAttention) scores(s *Scope, query, key *graph.Node) *graph.Node {
	if !d.Additive && !d.ConcatScore {
		scores := s.Do(graph.MatMul(query, key, graph.Transposed(false, true)))
		if d.UseScale {
			scores = s.Do(graph.Mul(scores, s.Weight("scale")))
		}
		return scores
	}
	batch, t, n, features := query.Shape()[0], query.Shape()[1], key.Shape()[1], query.Shape()[2]
	sums := s.Do(graph.Add(s.Do(graph.Reshape(query, batch, t, 1, features)), s.Do(graph.Reshape(key, batch, 1, n, features))))
	if d.UseScale {
		sums = s.Do(graph.Mul(sums, s.Weight("scale")))
	}
	y := s.Do(graph.Activate(sums, graph.Act(graph.Tanh)))
	if d.Additive && !d.NoScoreScale {
		y = s.Do(graph.Mul(y, s.Weight("scale")))
	}
	y = s.Do(graph.Sum(y, graph.Axes(-1)))
	if d.ConcatScore {
		y = s.Do(graph.Mul(y, s.Weight("concat_score_weight")))
	}
	return y
}
