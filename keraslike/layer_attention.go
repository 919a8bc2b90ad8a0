// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// MultiHeadAttention lets every step of a query attend to all steps of a value
// (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762). With the projections
// Q = query·Wq + bq, K = key·Wk + bk, V = value·Wv + bv of each head,
//
//	y = Σ_heads softmax(Q·Kᵀ/√keyDim)·V·Wo + bo
//
//	inputs   query (batch, t, q); value (batch, s, v), by default the query;
//	         key (batch, s, k), by default the value
//	output   (batch, t, q), with ReturnScores also the weights (batch, heads, t, s)
//	weights  query/kernel (q, heads, keyDim), key/kernel (k, heads, keyDim),
//	         value/kernel (v, heads, valueDim), attention_output/kernel (heads, valueDim, q);
//	         biases query/bias, key/bias (heads, keyDim), value/bias (heads, valueDim),
//	         attention_output/bias (q); with UseGate gate/kernel (q, heads, valueDim), gate/bias
//	         (heads, valueDim)
//
// MultiHeadAttention(8, 64).Apply(x) is self-attention, .Apply(x, memory) attends to
// another sequence. If query, value or key have a mask, steps of the query attend only to
// steps of the value that are not masked.
//
// The steps may have several axes, as those of an image have. By default all of them are attended
// together; with AttentionAxes only those, for each position of the others, which are the same in
// query and value. Such inputs see no masks, and the weights are (batch, others..., heads, t..., s...).
//
// Options:
//
//	ValueDim             keyDim
//	OutputDim            the query's features
//	OutputShape          none
//	CausalMask           off
//	AttentionMask        off
//	ReturnScores         off
//	AttentionAxes        none
//	SlidingWindow        none
//	UseGate              off
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

// OutputShape gives the output of MultiHeadAttention several axes of features for each step, such as 3 and
// 4 for an output (batch, t, 3, 4). attention_output/kernel is then (heads, valueDim, 3, 4). By default there
// is one axis of OutputDim features.
func OutputShape(n ...int) AttentionOption {
	s := set("OutputShape", slices.Clone(n))
	if len(n) == 0 {
		s.err = errors.New("OutputShape: got no number, want one or more")
	}
	return attentionOption{setting: s}
}

// AttentionDropout is the fraction of attention weights that is dropped in training, as by
// Dropout; the default is 0.
func AttentionDropout(rate float64) AttentionOption {
	return newAttentionOption("AttentionDropout", rate)
}

// AttentionFlag is an AttentionOption that turns something on. All flags are off by default.
type AttentionFlag string

// The flags of MultiHeadAttention and GroupQueryAttention.
const (
	// CausalMask keeps every step of the query from attending to later steps.
	CausalMask AttentionFlag = "CausalMask"
	// AttentionMask adds a last input: a mask (batch, t, s), or (batch, heads, t, s), that is 1 where a
	// step of the query may attend to a step of the value, and 0 elsewhere.
	AttentionMask AttentionFlag = "AttentionMask"
	// ReturnScores adds an output, the weights of the attention: the softmax of the scores. It is
	// slower, and needs memory for all weights.
	ReturnScores AttentionFlag = "ReturnScores"
	// UseGate multiplies what the heads give by the sigmoid of another projection of the query (Qiu et
	// al. 2025, https://arxiv.org/abs/2505.06708).
	UseGate AttentionFlag = "UseGate"
)

// AttentionAxes are the axes of steps that MultiHeadAttention attends together, counted as in Axis. By
// default these are all between the batch and the features.
func AttentionAxes(axes ...int) AttentionOption {
	return newAttentionOption("AttentionAxes", slices.Clone(axes))
}

// SlidingWindow lets every step of MultiHeadAttention and GroupQueryAttention attend only to steps less
// than n before or after it. By default there is no window.
func SlidingWindow(n int) AttentionOption { return newAttentionOption("SlidingWindow", n) }

// GroupQueryAttention is MultiHeadAttention in which heads of the query share those of key and value
// (Ainslie et al. 2023, https://arxiv.org/abs/2305.13245): queryHeads/keyValueHeads each. With one head
// of key and value it is multi-query attention. Inputs and output are those of MultiHeadAttention.
//
//	weights  query/kernel (q, queryHeads, headDim), key/kernel (k, keyValueHeads, headDim),
//	         value/kernel (v, keyValueHeads, headDim), attention_output/kernel (queryHeads, headDim, q),
//	         with UseGate gate/kernel (q, queryHeads, headDim); biases of the last two axes, the
//	         output's (q)
//
// Options:
//
//	CausalMask           off
//	AttentionMask        off
//	ReturnScores         off
//	SlidingWindow        none
//	UseGate              off
//	AttentionDropout     0
//	NoBias               off
//	KernelInitializer    GlorotUniform()
//	BiasInitializer      Zeros()
//	KernelRegularizer    none
//	BiasRegularizer      none
//	ActivityRegularizer  none
//	KernelConstraint     none
//	BiasConstraint       none
//	Name                 "group_query_attention", "group_query_attention_1" and so on
//	Trainable            true
//
// See https://keras.io/api/layers/attention_layers/group_query_attention/.
func GroupQueryAttention(headDim, queryHeads, keyValueHeads int, opts ...AttentionOption) Layer {
	return newLayer(&attention{
		Heads: queryHeads, Shared: &keyValueHeads, KeyDim: headDim, ValueDim: headDim, initialized: newInitialized(),
	}, opts)
}

func (f AttentionFlag) sets() setting { return set(string(f), true) }
func (AttentionFlag) forAttention()   {}

// maxOutputAxes limits the axes of OutputShape.
const maxOutputAxes = 6

type attention struct {
	regularized
	Heads            int     `json:"num_heads"`
	KeyDim           int     `json:"key_dim"`
	ValueDim         int     `json:"value_dim" option:"ValueDim"`
	OutputDim        int     `json:"output_dim,omitempty" option:"OutputDim"`     // 0 means that of the query
	OutputShape      []int   `json:"output_shape,omitempty" option:"OutputShape"` // nil for one axis
	CausalMask       bool    `json:"causal_mask,omitempty" option:"CausalMask"`
	AttentionMask    bool    `json:"attention_mask,omitempty" option:"AttentionMask"`
	ReturnScores     bool    `json:"return_scores,omitempty" option:"ReturnScores"`
	AttentionAxes    []int   `json:"attention_axes,omitempty" option:"AttentionAxes"` // nil for all
	SlidingWindow    *int    `json:"sliding_window,omitempty" option:"SlidingWindow"`
	UseGate          bool    `json:"use_gate,omitempty" option:"UseGate"`
	Shared           *int    `json:"num_key_value_heads,omitempty"` // nil for as many as of the query
	AttentionDropout float64 `json:"dropout,omitempty" option:"AttentionDropout"`
	initialized
}

var _ = register[attention]("MultiHeadAttention", "GroupQueryAttention")

func (d *attention) Kind() string {
	if d.Shared != nil {
		return "GroupQueryAttention"
	}
	return "MultiHeadAttention"
}

func (d *attention) refuses() []string {
	if d.Shared != nil {
		return []string{"ValueDim", "OutputDim", "OutputShape", "AttentionAxes"}
	}
	return nil
}

// valueHeads is the number of heads of key and value.
func (d *attention) valueHeads() int {
	if d.Shared != nil {
		return *d.Shared
	}
	return d.Heads
}

func (d *attention) check() error {
	switch {
	case d.Heads >= 1 && (d.valueHeads() < 1 || d.Heads%d.valueHeads() != 0):
		return fmt.Errorf("%d heads of the query and %d of key and value, want a divisor", d.Heads, d.valueHeads())
	case d.SlidingWindow != nil && *d.SlidingWindow < 1:
		return fmt.Errorf("SlidingWindow is %d, want a positive number", *d.SlidingWindow)
	case d.AttentionAxes != nil && d.SlidingWindow != nil:
		return errors.New("SlidingWindow does not fit with AttentionAxes")
	case d.AttentionAxes != nil && d.AttentionMask:
		return errors.New("AttentionMask does not fit with AttentionAxes")
	case d.Heads < 1 || d.KeyDim < 1 || d.ValueDim < 1:
		return fmt.Errorf("%d heads with keys of %d and values of %d, want positive numbers", d.Heads, d.KeyDim, d.ValueDim)
	case d.OutputDim < 0:
		return fmt.Errorf("output of %d, want a positive number, or 0 for the number of features of the query", d.OutputDim)
	case d.OutputDim > 0 && d.OutputShape != nil:
		return errors.New("OutputDim does not fit with OutputShape")
	case len(d.OutputShape) > maxOutputAxes || slices.ContainsFunc(d.OutputShape, func(n int) bool { return n < 1 }):
		return fmt.Errorf("OutputShape is %v, want at most %d positive numbers", d.OutputShape, maxOutputAxes)
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
		return nil, fmt.Errorf("got %s, want query, optionally value and key, and %d masks", text.Count(len(in), "input"), masks)
	}
	query, value, key := inputsOf(in[:len(in)-masks])
	for _, x := range []struct {
		name  string
		shape Shape
	}{{"query", query}, {"value", value}, {"key", key}} {
		if len(x.shape) < 2 || d.Shared != nil && len(x.shape) != 2 {
			return nil, fmt.Errorf("%s has shape %v, want (batch, steps, features)", x.name, x.shape)
		}
	}
	steps, err := d.steps(query, value)
	if err != nil {
		return nil, err
	}
	last := len(query) - 1
	if len(key) == 2 && len(value) == 2 && key[0] != value[0] {
		return nil, fmt.Errorf("key has %d steps, value %d", key[0], value[0])
	}
	if !Shape(key[:len(key)-1]).Equal(value[:len(value)-1]) {
		return nil, fmt.Errorf("key has shape %v, value %v, want the same steps", key, value)
	}
	if d.AttentionMask && last > 1 {
		return nil, fmt.Errorf("AttentionMask does not fit with a query of shape %v, want (batch, steps, features)", query)
	}
	if d.SlidingWindow != nil && last > 1 {
		return nil, fmt.Errorf("SlidingWindow does not fit with a query of shape %v, want (batch, steps, features)", query)
	}
	if d.AttentionMask {
		mask, want := in[len(in)-1], Shape{query[0], value[0]}
		if heads := (Shape{d.Heads, query[0], value[0]}); !mask.Equal(want) && !mask.Equal(heads) {
			return nil, fmt.Errorf("mask has shape %v, want %v or, for each head, %v", mask, want, heads)
		}
	}
	out := []int{query[last]}
	switch {
	case d.OutputDim > 0:
		out[0] = d.OutputDim
	case d.OutputShape != nil:
		out = d.OutputShape
	}
	shared := d.valueHeads()
	d.weights(b, "query", []int{query[last], d.Heads, d.KeyDim}, []int{d.Heads, d.KeyDim})
	d.weights(b, "key", []int{key[last], shared, d.KeyDim}, []int{shared, d.KeyDim})
	if d.UseGate { // before the value, as in Keras
		d.weights(b, "gate", []int{query[last], d.Heads, d.ValueDim}, []int{d.Heads, d.ValueDim})
	}
	d.weights(b, "value", []int{value[last], shared, d.ValueDim}, []int{shared, d.ValueDim})
	d.weights(b, "attention_output", append([]int{d.Heads, d.ValueDim}, out...), out)
	if d.ReturnScores {
		b.Output(steps.scores(d.Heads, query, value))
	}
	return append(slices.Clone(query[:last]), out...), nil
}

// weights declares kernel and bias of one projection.
func (d *attention) weights(b *Builder, name string, kernel, bias []int) {
	b.Weight(name+"/kernel", d.KernelInitializer, d.KernelRegularizer, kernel...)
	b.fans(name+"/kernel", kernel[:len(kernel)-len(bias)], bias)
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
	if query, value, _ := inputsOf(in); query.Dims() > 3 {
		return d.forwardAlongAxes(s, in, Shape(query.Shape()[1:]), Shape(value.Shape()[1:]))
	}
	s.SetMask(0, s.Mask(0))
	queryMask, keyMask := d.paddingMasks(s, len(in))
	y, scores := d.attend(s, in, mask, queryMask, keyMask)
	if d.ReturnScores {
		s.Output(scores)
	}
	return y
}

// attend returns the output for inputs (batch, steps, features), and with ReturnScores the weights.
func (d *attention) attend(s *Scope, in []*graph.Node, mask, queryMask, keyMask *graph.Node) (y, scores *graph.Node) {
	query, value, key := inputsOf(in)
	if query == nil || value == nil || key == nil {
		return nil, nil
	}
	spec := graph.AttentionSpec{Heads: d.Heads, Scale: 1 / math.Sqrt(float64(d.KeyDim)), Causal: d.CausalMask}
	if s.Training() {
		spec.Rate = d.AttentionDropout
		spec.Random, spec.Stream = s.Random(0)
	}
	inputs := graph.AttentionInputs{
		Query: d.project(s, "query", query, d.Heads, d.KeyDim), Key: d.project(s, "key", key, d.valueHeads(), d.KeyDim),
		Value: d.project(s, "value", value, d.valueHeads(), d.ValueDim), Mask: mask, QueryMask: queryMask, KeyMask: keyMask,
	}
	if mask != nil && mask.Dims() == 4 {
		y, scores = d.attendByHead(s, spec, inputs)
	} else {
		y, scores = d.attendAll(s, spec, inputs)
	}
	kernel := s.Weight("attention_output/kernel")
	if kernel == nil {
		return nil, nil
	}
	if d.UseGate {
		gate := s.Do(graph.Activate(d.project(s, "gate", query, d.Heads, d.ValueDim), graph.Act(graph.Sigmoid)))
		y = s.Do(graph.Mul(y, gate))
	}
	batch, t, features := query.Shape()[0], query.Shape()[1], kernel.Shape()[2:]
	out := Shape(features).Size()
	y = s.Do(graph.Reshape(y, batch*t, d.Heads*d.ValueDim))
	y = d.dense(s, "attention_output", y, d.Heads*d.ValueDim, out)
	return s.Do(graph.Reshape(y, append([]int{batch, t}, features...)...)), scores
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

// project maps (batch, steps, features) to (batch, steps, heads·dim), for all heads of the query.
func (d *attention) project(s *Scope, name string, x *graph.Node, heads, dim int) *graph.Node {
	batch, steps, features := x.Shape()[0], x.Shape()[1], x.Shape()[2]
	y := d.dense(s, name, s.Do(graph.Reshape(x, batch*steps, features)), features, heads*dim)
	if heads < d.Heads {
		y = s.Do(graph.Repeat(s.Do(graph.Reshape(y, batch, steps, heads, dim)), d.Heads/heads, 2))
	}
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
