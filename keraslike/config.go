// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
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
	Name     string          `json:"name"`
	Kind     string          `json:"kind"`
	Frozen   bool            `json:"frozen,omitempty"`
	Unmasked bool            `json:"unmasked,omitempty"`
	Config   json.RawMessage `json:"config"`
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
	"Masking":    func() Definition { return &masking{} },

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
	if most := nodesOfLayer * m.layersLimit(); m.cost.saved > float64(most) {
		return nil, fmt.Errorf("model %q: would be saved as %.4g layers, nested models in full for each model around them; the most is %d, %d times Limits.Layers", m.name, m.cost.saved, most, nodesOfLayer)
	}
	c := &modelConfig{Name: m.name}
	place, tensor := map[*layer]int{}, map[*Tensor]int{}
	for i, l := range m.layers() {
		lc, err := l.config()
		if err != nil {
			return nil, err
		}
		c.Layers, place[l] = append(c.Layers, lc), i
	}
	at := 0
	for _, first := range m.tensors() {
		for _, x := range first.outputs() {
			if _, again := tensor[x]; !again {
				tensor[x] = at
			}
			at++
		}
	}
	for _, x := range m.inputs {
		c.Inputs = append(c.Inputs, place[x.layer])
	}
	for _, x := range m.order {
		call := callConfig{Layer: place[x.layer]}
		for _, in := range x.in {
			call.In = append(call.In, tensor[in])
		}
		c.Calls = append(c.Calls, call)
	}
	for _, x := range m.outputs {
		c.Outputs = append(c.Outputs, tensor[x])
	}
	return c, nil
}

func (l *layer) config() (layerConfig, error) {
	raw, err := marshal("definition", l.def)
	var own *json.MarshalerError
	if errors.As(err, &own) {
		err = own.Err // what the definition says, without what package json adds
	}
	if err != nil {
		return layerConfig{}, fmt.Errorf("layer %q: %w", l.name, err)
	}
	return layerConfig{l.name, l.def.Kind(), l.frozen, l.unmasked, raw}, nil
}

// loading is the reading of one architecture.
type loading struct {
	known map[string]func() Definition // definitions that are not of this package, by kind
	// left is how many bytes of JSON may still be read: those of a layer within a layer
	// are read again at each level.
	left int
	path int // bytes of the names of the models around, and the slashes between them
}

const (
	readAgain   = 16      // times that a configuration may be read
	readAnyhow  = 4 << 20 // bytes that are no matter
	longestPath = 4096
)

func newLoading(known map[string]func() Definition, size int) *loading {
	return &loading{known: known, left: readAnyhow + readAgain*size}
}

// charge counts JSON that is about to be read.
func (l *loading) charge(text []byte) error {
	if l.left -= len(text); l.left < 0 {
		return fmt.Errorf("layers stand within layers too often: their configurations are more than %d times as long as the whole", readAgain)
	}
	return nil
}

// enter checks the path of a layer, and of those within it until leave.
func (l *loading) enter(name string) error {
	if l.path += len(name) + 1; l.path > longestPath {
		return fmt.Errorf("its path has more than %d bytes", longestPath)
	}
	return nil
}

func (l *loading) leave(name string) { l.path -= len(name) + 1 }

// model builds the architecture again.
func (c *modelConfig) model(from *loading) (*Model, error) {
	var layers []*layer
	for _, lc := range c.Layers {
		l, err := lc.layer(from)
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

func (lc *layerConfig) layer(from *loading) (*layer, error) {
	if err := from.enter(lc.Name); err != nil {
		return nil, err
	}
	defer from.leave(lc.Name)
	if err := from.charge(lc.Config); err != nil {
		return nil, err
	}
	if lc.Kind == "Model" {
		var c modelConfig
		if err := unmarshalStrict(lc.Config, &c); err != nil {
			return nil, err
		}
		m, err := c.model(from)
		if err != nil {
			return nil, err
		}
		l := m.core()
		l.name, l.frozen = lc.Name, lc.Frozen
		return l, nil
	}
	make, ok := definitions[lc.Kind]
	if !ok {
		make, ok = from.known[lc.Kind]
	}
	if !ok {
		return nil, fmt.Errorf("kind %q is unknown; pass WithCustomLayer(...) for a layer of your own", lc.Kind)
	}
	var d Definition
	err := guard("custom definition", nil, lc.Kind, func() error {
		if d = make(); isNil(d) {
			return fmt.Errorf("WithCustomLayer(...) makes nothing for kind %q", lc.Kind)
		}
		return unmarshalStrict(lc.Config, d)
	})
	if err != nil {
		return nil, err
	}
	l := &layer{name: lc.Name, def: d, frozen: lc.Frozen, unmasked: lc.Unmasked}
	if w, ok := d.(wrapper); ok {
		inner, err := w.unwrap(from)
		if err != nil {
			return nil, err
		}
		l.sub = inner.sub
	}
	return l, nil
}
