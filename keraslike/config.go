// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The architecture of a model as it is saved: its layers with their arguments,
// and which layer is applied to what. Tensors are numbered, the model's inputs
// first, then the results of calls in order, one after the other where a call has several.
type modelConfig struct {
	Name    string        `json:"name"`
	Layers  []layerConfig `json:"layers"`
	Inputs  []int         `json:"inputs"` // the layers of the inputs
	Calls   []callConfig  `json:"calls"`
	Outputs []int         `json:"outputs"` // tensors
}

type layerConfig struct {
	Name   string          `json:"name"`
	Kind   string          `json:"kind"`
	Frozen bool            `json:"frozen,omitempty"`
	Config json.RawMessage `json:"config"`
}

type callConfig struct {
	Layer int   `json:"layer"`
	In    []int `json:"in"` // tensors
}

// definitions makes an empty definition for each kind of this package, into
// which a saved layer's arguments are read.
var definitions = map[string]func() Definition{
	"Input":      func() Definition { return &input{} },
	"Dense":      func() Definition { return &dense{} },
	"Activation": func() Definition { return &activation{} },
	"Dropout":    func() Definition { return &dropout{} },
	"Flatten":    func() Definition { return &flatten{} },
	"Embedding":  func() Definition { return &embedding{} },

	"Bidirectional": func() Definition { return &bidirectional{} },
	"SimpleRNN":     func() Definition { return &recurrent{} },
	"GRU":           func() Definition { return &recurrent{} },
	"LSTM":          func() Definition { return &recurrent{} },
	"Reshape":       func() Definition { return &reshape{} },
	"Permute":       func() Definition { return &permute{} },
	"RepeatVector":  func() Definition { return &repeatVector{} },
	"ZeroPadding1D": func() Definition { return &margins{} },
	"ZeroPadding2D": func() Definition { return &margins{} },
	"Cropping1D":    func() Definition { return &margins{} },
	"Cropping2D":    func() Definition { return &margins{} },
	"UpSampling1D":  func() Definition { return &upSampling{} },
	"UpSampling2D":  func() Definition { return &upSampling{} },

	"Add":         func() Definition { return &merge{} },
	"Subtract":    func() Definition { return &merge{} },
	"Multiply":    func() Definition { return &merge{} },
	"Average":     func() Definition { return &merge{} },
	"Maximum":     func() Definition { return &merge{} },
	"Minimum":     func() Definition { return &merge{} },
	"Concatenate": func() Definition { return &concatenate{} },
	"Dot":         func() Definition { return &dot{} },

	"LeakyReLU":        func() Definition { return &leakyReLU{} },
	"PReLU":            func() Definition { return &preLU{} },
	"SpatialDropout1D": func() Definition { return &noise{} },
	"SpatialDropout2D": func() Definition { return &noise{} },
	"GaussianNoise":    func() Definition { return &noise{} },
	"GaussianDropout":  func() Definition { return &noise{} },

	"TimeDistributed":    func() Definition { return &timeDistributed{} },
	"MultiHeadAttention": func() Definition { return &attention{} },
	"Normalization":      func() Definition { return &normalization{} },

	"Rescaling":          func() Definition { return &rescaling{} },
	"BatchNormalization": func() Definition { return &batchNorm{} },
	"LayerNormalization": func() Definition { return &layerNorm{} },

	"Conv1D": func() Definition { return &conv{} },
	"Conv2D": func() Definition { return &conv{} },

	"DepthwiseConv2D": func() Definition { return &depthwise{} },
	"SeparableConv2D": func() Definition { return &separable{} },
	"Conv2DTranspose": func() Definition { return &convTranspose{} },

	"MaxPooling1D":           func() Definition { return &pool{} },
	"MaxPooling2D":           func() Definition { return &pool{} },
	"AveragePooling1D":       func() Definition { return &pool{} },
	"AveragePooling2D":       func() Definition { return &pool{} },
	"GlobalMaxPooling1D":     func() Definition { return &globalPool{} },
	"GlobalMaxPooling2D":     func() Definition { return &globalPool{} },
	"GlobalAveragePooling1D": func() Definition { return &globalPool{} },
	"GlobalAveragePooling2D": func() Definition { return &globalPool{} },
}

// MarshalJSON is a nested model's architecture.
func (d *nestedModel) MarshalJSON() ([]byte, error) {
	c, err := d.m.config()
	if err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

func (m *Model) config() (*modelConfig, error) {
	c := &modelConfig{Name: m.name}
	layers := m.layers()
	for _, l := range layers {
		lc, err := l.config()
		if err != nil {
			return nil, err
		}
		c.Layers = append(c.Layers, lc)
	}
	var tensors []*Tensor
	for _, x := range m.tensors() {
		tensors = append(tensors, x.outputs()...)
	}
	for _, x := range m.inputs {
		c.Inputs = append(c.Inputs, slices.Index(layers, x.layer))
	}
	for _, x := range m.order {
		call := callConfig{Layer: slices.Index(layers, x.layer)}
		for _, in := range x.in {
			call.In = append(call.In, slices.Index(tensors, in))
		}
		c.Calls = append(c.Calls, call)
	}
	for _, x := range m.outputs {
		c.Outputs = append(c.Outputs, slices.Index(tensors, x))
	}
	return c, nil
}

func (l *layer) config() (layerConfig, error) {
	raw, err := json.Marshal(l.def)
	var own *json.MarshalerError
	if errors.As(err, &own) {
		err = own.Err // what the definition says, without what package json adds
	}
	if err != nil {
		return layerConfig{}, fmt.Errorf("layer %q: %w", l.name, err)
	}
	return layerConfig{l.name, l.def.Kind(), l.frozen, raw}, nil
}

// model builds the architecture again. known are definitions that are not of
// this package, by kind.
func (c *modelConfig) model(known map[string]func() Definition) (*Model, error) {
	var layers []*layer
	for _, lc := range c.Layers {
		l, err := lc.layer(known)
		if err != nil {
			return nil, fmt.Errorf("layer %q: %w", lc.Name, err)
		}
		layers = append(layers, l)
	}
	pick := func(i int) (*layer, error) {
		if i < 0 || i >= len(layers) {
			return nil, fmt.Errorf("there is no layer %d among %d", i, len(layers))
		}
		return layers[i], nil
	}
	var tensors, inputs, outputs []*Tensor
	for _, i := range c.Inputs {
		l, err := pick(i)
		if err != nil {
			return nil, err
		}
		if _, ok := l.def.(*input); !ok {
			return nil, fmt.Errorf("layer %q is listed as an input and is %s", l.name, l.def.Kind())
		}
		t := l.Of()
		tensors, inputs = append(tensors, t), append(inputs, t)
	}
	for _, call := range c.Calls {
		l, err := pick(call.Layer)
		if err != nil {
			return nil, err
		}
		var in []*Tensor
		for _, i := range call.In {
			if i < 0 || i >= len(tensors) {
				return nil, fmt.Errorf("layer %q is applied to tensor %d of %d", l.name, i, len(tensors))
			}
			in = append(in, tensors[i])
		}
		t := l.Of(in...)
		if err := t.mistake(); err != nil {
			return nil, err
		}
		tensors = append(tensors, t.outputs()...)
	}
	for _, i := range c.Outputs {
		if i < 0 || i >= len(tensors) {
			return nil, fmt.Errorf("output is tensor %d of %d", i, len(tensors))
		}
		outputs = append(outputs, tensors[i])
	}
	m := NewModel(c.Name, inputs, outputs)
	return m, m.err
}

func (lc *layerConfig) layer(known map[string]func() Definition) (*layer, error) {
	if lc.Kind == "Model" {
		var c modelConfig
		if err := json.Unmarshal(lc.Config, &c); err != nil {
			return nil, err
		}
		m, err := c.model(known)
		if err != nil {
			return nil, err
		}
		l := m.core()
		l.name, l.frozen = lc.Name, lc.Frozen
		return l, nil
	}
	make, ok := definitions[lc.Kind]
	if !ok {
		make, ok = known[lc.Kind]
	}
	if !ok {
		return nil, fmt.Errorf("kind %q is unknown; pass Known(...) for a layer of your own", lc.Kind)
	}
	d := make()
	if err := unmarshalStrict(lc.Config, d); err != nil {
		return nil, err
	}
	l := &layer{name: lc.Name, def: d, frozen: lc.Frozen}
	if w, ok := d.(wrapper); ok {
		inner, err := w.unwrap(known)
		if err != nil {
			return nil, err
		}
		l.sub = inner.sub
	}
	return l, nil
}

// unmarshalStrict reads JSON without fields that v does not have.
func unmarshalStrict(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
