// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// MultiHeadAttention lets every step of a query attend to all steps of a value
// (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762). With the projections
// Q = query·Wq + bq, K = key·Wk + bk, V = value·Wv + bv of each head,
//
//	y = Σ_heads softmax(Q·Kᵀ/√keyDim)·V·Wo + bo
//
//	inputs   query (batch, t, q); value (batch, s, v), by default the query;
//	         key (batch, s, k), by default the value
//	output   (batch, t, q)
//	weights  query/kernel (q, heads, keyDim), key/kernel (k, heads, keyDim),
//	         value/kernel (v, heads, valueDim), attention_output/kernel (heads, valueDim, q);
//	         biases query/bias, key/bias (heads, keyDim), value/bias (heads, valueDim),
//	         attention_output/bias (q)
//
// MultiHeadAttention(8, 64).Apply(x) is self-attention, .Apply(x, memory) attends to
// another sequence. If query, value or key have a mask, steps of the query attend only to
// steps of the value that are not masked.
//
// Options:
//
//	ValueDim             keyDim
//	OutputDim            the query's features
//	CausalMask           off
//	AttentionMask        off
//	AttentionDropout     0
//	NoBias               off
//	KernelInitializer    GlorotUniform()
//	BiasInitializer      Zeros()
//	KernelRegularizer    none
//	BiasRegularizer      none
//	ActivityRegularizer  none
//	KernelConstraint     none
//	BiasConstraint       none
//	Name                 "multi_head_attention", "multi_head_attention_1" and so on
//	Trainable            true
//
// See https://keras.io/api/layers/attention_layers/multi_head_attention/.
func MultiHeadAttention(heads, keyDim int, opts ...AttentionOption) Layer {
	return newLayer(&attention{Heads: heads, KeyDim: keyDim, ValueDim: keyDim, initialized: newInitialized()}, opts)
}

func newAttentionOption(option string, value any) AttentionOption {
	return attentionOption{setting: set(option, value)}
}

// ValueDim is the size of the value vectors of each head; the default is keyDim.
func ValueDim(n int) AttentionOption { return newAttentionOption("ValueDim", n) }

// OutputDim is the number of output features of MultiHeadAttention for each step; the default
// is that of the query.
func OutputDim(n int) AttentionOption { return newAttentionOption("OutputDim", n) }

// AttentionDropout is the fraction of attention weights that is dropped in training, as by
// Dropout; the default is 0.
func AttentionDropout(rate float64) AttentionOption {
	return newAttentionOption("AttentionDropout", rate)
}

// AttentionFlag is an AttentionOption that turns something on. All flags are off by default.
type AttentionFlag string

// The flags of MultiHeadAttention.
const (
	// CausalMask keeps every step of the query from attending to later steps.
	CausalMask AttentionFlag = "CausalMask"
	// AttentionMask adds a last input: a mask (batch, t, s) that is 1 where a step of the
	// query may attend to a step of the value, and 0 elsewhere.
	AttentionMask AttentionFlag = "AttentionMask"
)

func (f AttentionFlag) sets() setting { return set(string(f), true) }
func (AttentionFlag) forAttention()   {}

type attention struct {
	regularized
	Heads            int     `json:"num_heads"`
	KeyDim           int     `json:"key_dim"`
	ValueDim         int     `json:"value_dim" option:"ValueDim"`
	OutputDim        int     `json:"output_dim,omitempty" option:"OutputDim"` // 0 means that of the query
	CausalMask       bool    `json:"causal_mask,omitempty" option:"CausalMask"`
	AttentionMask    bool    `json:"attention_mask,omitempty" option:"AttentionMask"`
	AttentionDropout float64 `json:"dropout,omitempty" option:"AttentionDropout"`
	initialized
}

var _ = register[attention]("MultiHeadAttention")

func (d *attention) Kind() string { return "MultiHeadAttention" }

func (d *attention) check() error {
	switch {
	case d.Heads < 1 || d.KeyDim < 1 || d.ValueDim < 1:
		return fmt.Errorf("%d heads with keys of %d and values of %d, want positive numbers", d.Heads, d.KeyDim, d.ValueDim)
	case d.OutputDim < 0:
		return fmt.Errorf("output of %d, want a positive number, or 0 for the number of features of the query", d.OutputDim)
	case !(d.AttentionDropout >= 0 && d.AttentionDropout < 1):
		return fmt.Errorf("dropout is %g, want 0 <= dropout < 1", d.AttentionDropout)
	}
	return d.regularized.check()
}

// multiplications includes the products of every query with every key.
func (d *attention) multiplications(in []Shape, _ Shape, each float64) float64 {
	if len(in) < 2 {
		return each
	}
	return each + positionCount(in[0])*positionCount(in[1])*float64(d.Heads)*float64(d.KeyDim+d.ValueDim)
}

// internalValues are what the gradient needs of each query, and the gradients of keys and values.
func (d *attention) internalValues(in []Shape) float64 {
	if d.AttentionMask {
		in = in[:max(1, len(in)-1)]
	}
	query, value, _ := inputsOf(in)
	return float64(d.Heads) * (2*positionCount(query) + positionCount(value)*float64(d.KeyDim+d.ValueDim))
}

func (d *attention) Build(b *Builder, in []Shape) (Shape, error) {
	masks := 0
	if d.AttentionMask {
		masks = 1
	}
	if n := len(in) - masks; n < 1 || n > 3 {
		return nil, fmt.Errorf("got %d inputs, want query, optionally value and key, and %d masks", len(in), masks)
	}
	query, value, key := inputsOf(in[:len(in)-masks])
	for _, x := range []struct {
		name  string
		shape Shape
	}{{"query", query}, {"value", value}, {"key", key}} {
		if len(x.shape) != 2 {
			return nil, fmt.Errorf("%s has shape %v, want (batch, steps, features)", x.name, x.shape)
		}
	}
	if key[0] != value[0] {
		return nil, fmt.Errorf("key has %d steps, value %d", key[0], value[0])
	}
	if want := (Shape{query[0], value[0]}); d.AttentionMask && !in[len(in)-1].Equal(want) {
		return nil, fmt.Errorf("mask has shape %v, want %v", in[len(in)-1], want)
	}
	out := query[1]
	if d.OutputDim > 0 {
		out = d.OutputDim
	}
	d.weights(b, "query", []int{query[1], d.Heads, d.KeyDim}, []int{d.Heads, d.KeyDim})
	d.weights(b, "key", []int{key[1], d.Heads, d.KeyDim}, []int{d.Heads, d.KeyDim})
	d.weights(b, "value", []int{value[1], d.Heads, d.ValueDim}, []int{d.Heads, d.ValueDim})
	d.weights(b, "attention_output", []int{d.Heads, d.ValueDim, out}, []int{out})
	return Shape{query[0], out}, nil
}

// weights declares kernel and bias of one projection.
func (d *attention) weights(b *Builder, name string, kernel, bias []int) {
	b.Weight(name+"/kernel", d.KernelInitializer, d.KernelRegularizer, kernel...)
	b.Constrain(name+"/kernel", d.KernelConstraint)
	if !d.NoBias {
		b.Weight(name+"/bias", d.BiasInitializer, d.BiasRegularizer, bias...)
		b.Constrain(name+"/bias", d.BiasConstraint)
	}
}

// inputsOf returns the inputs; the value defaults to the query and the key to the value.
func inputsOf[T any](in []T) (query, value, key T) {
	return in[0], in[min(1, len(in)-1)], in[len(in)-1]
}

func (d *attention) Forward(s *Scope, in []*graph.Node) *graph.Node {
	var mask *graph.Node
	if d.AttentionMask {
		mask, in = in[len(in)-1], in[:len(in)-1]
	}
	query, value, key := inputsOf(in)
	s.SetMask(0, s.Mask(0))
	spec := graph.AttentionSpec{Heads: d.Heads, Scale: 1 / math.Sqrt(float64(d.KeyDim)), Causal: d.CausalMask}
	if s.Training() {
		spec.Rate = d.AttentionDropout
		spec.Random, spec.Stream = s.Random(0)
	}
	queryMask, keyMask := d.paddingMasks(s, len(in))
	y := s.Do(graph.Attention(spec, graph.AttentionInputs{
		Query: d.project(s, "query", query, d.KeyDim), Key: d.project(s, "key", key, d.KeyDim), Value: d.project(s, "value", value, d.ValueDim),
		Mask: mask, QueryMask: queryMask, KeyMask: keyMask,
	}))
	kernel := s.Weight("attention_output/kernel")
	if kernel == nil {
		return nil
	}
	batch, t, out := query.Shape()[0], query.Shape()[1], kernel.Shape()[2]
	y = s.Do(graph.Reshape(y, batch*t, d.Heads*d.ValueDim))
	y = d.dense(s, "attention_output", y, d.Heads*d.ValueDim, out)
	return s.Do(graph.Reshape(y, batch, t, out))
}

// paddingMasks returns the mask of the query and that of value and key; nil for none.
func (d *attention) paddingMasks(s *Scope, inputs int) (ofQuery, ofKey *graph.Node) {
	query, value, key := inputsOf(s.inputMasks(inputs))
	switch {
	case inputs < 3 || key == nil:
		return query, value
	case value == nil:
		return query, key
	}
	return query, s.Do(graph.Mul(value, key))
}

// project maps (batch, steps, features) to (batch, steps, heads·dim).
func (d *attention) project(s *Scope, name string, x *graph.Node, dim int) *graph.Node {
	batch, steps, features := x.Shape()[0], x.Shape()[1], x.Shape()[2]
	y := d.dense(s, name, s.Do(graph.Reshape(x, batch*steps, features)), features, d.Heads*dim)
	return s.Do(graph.Reshape(y, batch, steps, d.Heads*dim))
}

// dense is x·W + b with the weights of one projection reshaped to a matrix and a vector. As
// in Keras, the activity regularizer applies to all four projections.
func (d *attention) dense(s *Scope, name string, x *graph.Node, in, out int) *graph.Node {
	var bias *graph.Node
	if !d.NoBias {
		bias = s.Do(graph.Reshape(s.Weight(name+"/bias"), out))
	}
	kernel := s.Do(graph.Reshape(s.Weight(name+"/kernel"), in, out))
	return d.penalizeActivity(s, s.Do(graph.Dense(x, kernel, bias, graph.Act(graph.Linear))))
}
