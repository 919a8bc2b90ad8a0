// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"errors"
	"fmt"

	k "github.com/reef-dl/reef/keraslike"
)

var attentionCall = []string{"attention_mask", "use_causal_mask", "return_attention_scores"}

var _ = register(map[string]class{
	"MultiHeadAttention":    {read: multiHead, mask: passesMask, inputs: []string{"query", "value", "key"}, settings: attentionCall},
	"GroupedQueryAttention": {read: groupQuery, mask: passesMask, inputs: []string{"query", "value", "key"}, settings: attentionCall},
	"GroupQueryAttention":   {read: groupQuery, mask: passesMask, inputs: []string{"query", "value", "key"}, settings: attentionCall},
	"Attention":             {read: dotAttention, mask: passesMask, settings: attentionCall[1:]},
	"AdditiveAttention":     {read: additive, mask: passesMask, settings: attentionCall[1:]},
	"EinsumDense":           {read: einsumDense},
})

// attentionOptions reads what all attention layers have, and the arguments of their calls.
func attentionOptions(a *args) []k.AttentionOption {
	options := when[k.AttentionOption](a.flag("attention_mask", false), k.AttentionMask)
	options = append(options, when[k.AttentionOption](a.flag("use_causal_mask", false), k.CausalMask)...)
	options = append(options, when[k.AttentionOption](a.flag("return_attention_scores", false), k.ReturnScores)...)
	return append(options, k.AttentionDropout(a.number("dropout", 0)))
}

// headOptions reads what layers with heads have.
func headOptions(a *args) []k.AttentionOption {
	delete(a.raw, "flash_attention")
	options := append(attentionOptions(a), weighted[k.AttentionOption](a)...)
	options = append(options, when[k.AttentionOption](a.flag("use_gate", false), k.UseGate)...)
	if n := a.whole("sliding_window", 0); n != 0 {
		options = append(options, k.SlidingWindow(n))
	}
	return options
}

func multiHead(a *args) k.Layer {
	options, dim := headOptions(a), a.count("key_dim")
	options = append(options, k.ValueDim(a.whole("value_dim", dim)))
	if shape := a.list("output_shape"); len(shape) == 1 {
		options = append(options, k.OutputDim(shape[0]))
	} else if shape != nil {
		options = append(options, k.OutputShape(shape...))
	}
	// Keras 3 always writes the axes; without them masks are seen.
	if axes := a.list("attention_axes"); len(a.in) > 0 && len(axes) != len(a.in[0])-1 && axes != nil {
		options = append(options, k.AttentionAxes(axes...))
	}
	return k.MultiHeadAttention(a.count("num_heads"), dim, options...)
}

func groupQuery(a *args) k.Layer {
	options := headOptions(a)
	return k.GroupQueryAttention(a.count("head_dim"), a.count("num_query_heads"), a.count("num_key_value_heads"), options...)
}

func dotAttention(a *args) k.Layer {
	options := append(attentionOptions(a), when[k.AttentionOption](a.flag("use_scale", false), k.UseScale)...)
	switch mode := a.text("score_mode", "dot"); mode {
	case "dot":
	case "concat":
		options = append(options, k.ConcatScore)
	default:
		a.fail("score_mode", fmt.Errorf("is %q, want dot or concat", mode))
	}
	return k.Attention(options...)
}

func additive(a *args) k.Layer {
	return k.AdditiveAttention(append(attentionOptions(a), when[k.AttentionOption](!a.flag("use_scale", true), k.NoScoreScale)...)...)
}

func einsumDense(a *args) k.Layer {
	options := append(weighted[k.DenseOption](a), a.activation("activation"))
	if axes := a.text("bias_axes", ""); axes != "" {
		options = append(options, k.BiasAxes(axes))
	}
	var lengths []*int
	var one int
	switch raw := a.raw["output_shape"]; {
	case len(raw) > 0 && raw[0] == '[':
		a.take("output_shape", &lengths)
	case a.take("output_shape", &one):
		lengths = []*int{&one}
	default:
		a.fail("output_shape", errors.New("is missing"))
	}
	shape := make([]int, len(lengths))
	for i, n := range lengths {
		shape[i] = k.Any
		if n != nil {
			shape[i] = *n
		}
	}
	return k.EinsumDense(a.text("equation", ""), shape, options...)
}
