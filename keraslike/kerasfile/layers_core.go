// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"Dense":               {read: dense, mask: passesMask},
	"Activation":          {read: activation, mask: passesMask},
	"Identity":            {read: func(*args) k.Layer { return k.Activation(k.Linear) }, mask: passesMask},
	"Embedding":           {read: func(a *args) k.Layer { return embedding(a) }, mask: makesMask},
	"ReversibleEmbedding": {read: reversibleEmbedding, mask: makesMask, settings: []string{"reverse"}},

	"Masking":      {read: func(a *args) k.Layer { return k.Masking(a.number("mask_value", 0)) }, mask: makesMask},
	"Rescaling":    {read: func(a *args) k.Layer { return k.Rescaling(a.number("scale", 1), a.number("offset", 0)) }, mask: passesMask},
	"Flatten":      {read: flatten},
	"Reshape":      {read: reshape},
	"Permute":      {read: func(a *args) k.Layer { return k.Permute(a.list("dims")) }},
	"RepeatVector": {read: func(a *args) k.Layer { return k.RepeatVector(a.count("n")) }},

	"ReLU":      {read: relu, mask: passesMask},
	"LeakyReLU": {read: leakyReLU, mask: passesMask},
	"PReLU":     {read: preLU, mask: passesMask},
	"ELU":       {read: elu, mask: passesMask},
	"Softmax":   {read: softmax},
})

// activation reads an Activation, whose function may be a layer with arguments.
func activation(a *args) k.Layer {
	var l layerConfig
	if json.Unmarshal(a.raw["activation"], &l) == nil && isActivationLayer(l.Class) {
		return a.layer("activation", a.in)
	}
	if string(a.raw["activation"]) == `"leaky_relu"` {
		delete(a.raw, "activation")
		return k.LeakyReLU(k.NegativeSlope(0.2))
	}
	return k.Activation(a.activation("activation"))
}

// isActivationLayer reports whether a layer is one that Keras also takes for an activation function.
func isActivationLayer(class string) bool {
	return slices.Contains([]string{"ReLU", "LeakyReLU", "ELU", "Softmax", "PReLU"}, class)
}

// functionOf returns the activation function that a layer without other arguments is.
func functionOf(class string, config json.RawMessage) (f k.ActivationFunc, ok bool) {
	var c struct {
		Max       *float64 `json:"max_value"`
		Slope     *float64 `json:"negative_slope"`
		Threshold float64  `json:"threshold"`
		Alpha     *float64 `json:"alpha"`
		Axis      any      `json:"axis"`
	}
	if json.Unmarshal(config, &c) != nil {
		return "", false
	}
	slope := func(absent float64) float64 {
		if c.Slope != nil {
			return *c.Slope
		}
		return absent
	}
	switch class {
	case "ReLU":
		if c.Max != nil && *c.Max == 6 {
			return k.ReLU6, slope(0) == 0 && c.Threshold == 0
		}
		return k.ReLU, c.Max == nil && slope(0) == 0 && c.Threshold == 0
	case "ELU":
		return k.ELU, c.Alpha == nil || *c.Alpha == 1
	case "Softmax":
		return k.Softmax, c.Axis == nil || c.Axis == -1.0
	}
	return "", false
}

func dense(a *args) k.Layer {
	options := weighted[k.DenseOption](a)
	return k.Dense(a.count("units"), append(options, a.activation("activation"))...)
}

// weighted returns the options that all layers with a kernel and a bias share, as options of
// the family O that the constructor takes. Of a bias that is omitted Keras also accepts and writes
// regularizer and constraint.
func weighted[O any](a *args) (options []O) {
	add := func(wanted bool, o k.KernelOption) {
		if wanted {
			options = append(options, any(o).(O))
		}
	}
	biased := a.flag("use_bias", true)
	add(!biased, k.NoBias)
	limit := a.constraint("kernel_constraint")
	add(!limit.IsZero(), k.KernelConstraint(limit))
	limit = a.constraint("bias_constraint")
	add(biased && !limit.IsZero(), k.BiasConstraint(limit))
	r := a.regularizer("kernel_regularizer")
	add(r != k.Regularizer{}, k.KernelRegularizer(r))
	r = a.regularizer("bias_regularizer")
	add(biased && r != k.Regularizer{}, k.BiasRegularizer(r))
	r = a.regularizer("activity_regularizer")
	add(r != k.Regularizer{}, k.ActivityRegularizer(r))
	return options
}

func embedding(a *args, options ...k.EmbeddingOption) k.Layer {
	options = append(options, when[k.EmbeddingOption](a.flag("mask_zero", false), k.MaskZero)...)
	r, limit := a.regularizer("embeddings_regularizer"), a.constraint("embeddings_constraint")
	options = append(options, when(r != k.Regularizer{}, k.EmbeddingsRegularizer(r))...)
	options = append(options, when(!limit.IsZero(), k.EmbeddingsConstraint(limit))...)
	a.training("activity_regularizer")
	return k.Embedding(a.count("input_dim"), a.count("output_dim"), options...)
}

// reversibleEmbedding reads the table; builder.reverse makes the layer of a call with reverse=True.
func reversibleEmbedding(a *args) k.Layer {
	if kind := a.text("reverse_dtype", "float32"); kind != "float32" {
		a.notes = append(a.notes, "computed in float32 instead of "+kind)
	}
	delete(a.raw, "logit_soft_cap") // of calls with reverse=True
	tied := a.flag("tie_weights", true)
	return embedding(a, when[k.EmbeddingOption](!tied, k.ReverseTable)...)
}

// reversed reports whether a call of a ReversibleEmbedding is of its reverse.
func (c *layerCall) reversed() bool {
	return c.layer.Class == "ReversibleEmbedding" && string(c.settings["reverse"]) == "true"
}

// reverse returns the layer of a call with reverse=True, which has the table of the calls without.
func (b *builder) reverse(call *layerCall, in []k.Shape, made map[string]k.Layer, depth int) (k.Layer, error) {
	name := call.layer.Name
	key := name + "\x00reverse" // no name of a layer
	if made[key] != nil {
		return made[key], nil
	}
	if made[name] == nil {
		table, err := b.layer(*call.layer, in, depth)
		if err != nil {
			return nil, err
		}
		made[name] = table
	}
	var config struct {
		Cap *float64 `json:"logit_soft_cap"`
	}
	if err := json.Unmarshal(call.layer.Config, &config); err != nil {
		return nil, fmt.Errorf("ReversibleEmbedding %q: %w", name, err)
	}
	var options []k.EmbeddingOption
	if config.Cap != nil {
		options = append(options, k.LogitSoftCap(*config.Cap))
	}
	if !b.unnamed {
		options = append(options, k.Name(b.name(name)+"_reverse"))
	}
	made[key] = k.IgnoreMasks(k.ReverseEmbedding(made[name], options...))
	return made[key], nil
}

func relu(a *args) k.Layer {
	limit, slope, threshold := a.number("max_value", math.Inf(1)), a.number("negative_slope", 0), a.number("threshold", 0)
	switch {
	case limit == 6 && slope == 0 && threshold == 0:
		return k.Activation(k.ReLU6)
	case slope != 0 && math.IsInf(limit, 1) && threshold == 0:
		return k.LeakyReLU(k.NegativeSlope(slope))
	}
	var opts []k.ActivationOption
	if !math.IsInf(limit, 1) {
		opts = append(opts, k.MaxValue(limit))
	}
	if slope != 0 {
		opts = append(opts, k.NegativeSlope(slope))
	}
	if threshold != 0 {
		opts = append(opts, k.ThresholdAt(threshold))
	}
	return k.Activation(k.ReLU, opts...)
}

func leakyReLU(a *args) k.Layer {
	slope := a.number("alpha", 0.3) // up to Keras 2
	return k.LeakyReLU(k.NegativeSlope(a.number("negative_slope", slope)))
}

func preLU(a *args) k.Layer {
	return k.PReLU(k.SharedAxes(a.list("shared_axes")...), k.AlphaRegularizer(a.regularizer("alpha_regularizer")), k.AlphaConstraint(a.constraint("alpha_constraint")))
}

func elu(a *args) k.Layer {
	if alpha := a.number("alpha", 1); alpha != 1 {
		return k.Activation(k.ELU, k.Alpha(alpha))
	}
	return k.Activation(k.ELU)
}

func softmax(a *args) k.Layer {
	if axis := a.axis(); axis != -1 {
		return k.Activation(k.Softmax, k.Axis(axis))
	}
	return k.Activation(k.Softmax)
}

// channels reads where the channels are. A layer with the channels first is made as one with the
// channels last, in a ChannelsFirst.
func (a *args) channels() {
	if string(a.raw["data_format"]) == `"channels_first"` {
		delete(a.raw, "data_format")
		a.channelsFirst = true
	} else {
		a.channelsLast()
	}
}

// flatten reads a layer that is channels first only where there are channels and other axes.
func flatten(a *args) k.Layer {
	a.channels()
	a.channelsFirst = a.channelsFirst && (len(a.in) != 1 || len(a.in[0]) > 1)
	return k.Flatten()
}

func (a *args) channelsLast() { a.want("data_format", "channels_last") }

// axis returns a single axis, which may be in a list; the default is the last one.
func (a *args) axis() int {
	const last = -1
	if string(a.raw["axis"]) == "null" {
		a.fail("axis", errors.New("is None, want one axis"))
	}
	list := a.list("axis")
	switch len(list) {
	case 0:
		return last
	case 1:
		return list[0]
	}
	a.fail("axis", fmt.Errorf("is %v, want one axis", list))
	return last
}

// restrained notes regularizers and constraints of weights for which Reef has none.
func (a *args) restrained(weights ...string) {
	for _, w := range weights {
		a.training(w + "_regularizer")
		a.training(w + "_constraint")
	}
}
