// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// kerasBuilder makes models of the configurations that Keras stores.
type kerasBuilder struct {
	major int
	notes []string
}

// kerasLayer is a layer in a configuration. Name and Inbound are there in functional
// models only.
type kerasLayer struct {
	Class   string          `json:"class_name"`
	Name    string          `json:"name"`
	Config  json.RawMessage `json:"config"`
	Inbound json.RawMessage `json:"inbound_nodes"`
}

// kerasModel is the configuration of a model.
type kerasModel struct {
	Name       string          `json:"name"`
	Trainable  *bool           `json:"trainable"`
	Layers     []kerasLayer    `json:"layers"`
	Inputs     json.RawMessage `json:"input_layers"`
	Outputs    json.RawMessage `json:"output_layers"`
	InputShape []*int          `json:"build_input_shape"`
}

// kerasNesting is far beyond the deepest model in a model.
const kerasNesting = 50

// model makes a model of {"class_name": ..., "config": ...}. input is the shape of its
// input where something else than the file knows it, or nil.
func (b *kerasBuilder) model(raw json.RawMessage, name string, input Shape, depth int) (*Model, error) {
	if depth > kerasNesting {
		return nil, fmt.Errorf("models are nested more than %d deep", kerasNesting)
	}
	var o kerasLayer
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("architecture: %w", err)
	}
	var c kerasModel
	err := json.Unmarshal(o.Config, &c)
	if list := bytes.TrimSpace(o.Config); len(list) > 0 && list[0] == '[' { // before Keras 2.2.3
		err = json.Unmarshal(o.Config, &c.Layers)
	}
	if err != nil {
		return nil, fmt.Errorf("architecture: %w", err)
	}
	if name == "" {
		name = c.Name
	}
	if name == "" {
		name = "sequential"
	}
	var m *Model
	switch kerasClass(o.Class) {
	case "Sequential":
		m, err = b.sequential(name, c, input, depth)
	case "Functional", "Model":
		m, err = b.functional(name, c, input, depth)
	default:
		return nil, fmt.Errorf("architecture is of class %q, want Sequential or Functional", o.Class)
	}
	if err == nil {
		err = m.err
	}
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", name, err)
	}
	if c.Trainable != nil && !*c.Trainable {
		m.core().frozen = true
	}
	return m, nil
}

func (b *kerasBuilder) sequential(name string, c kerasModel, input Shape, depth int) (*Model, error) {
	if len(c.Layers) == 0 {
		return nil, errors.New("has no layers")
	}
	first := c.Layers[0]
	in, err := b.input(first, c.InputShape, input)
	if err != nil {
		return nil, err
	}
	if first.Class == "InputLayer" {
		c.Layers = c.Layers[1:]
	}
	x := in
	for _, l := range c.Layers {
		made, err := b.layer(l, []*Tensor{x}, depth)
		if err != nil {
			return nil, err
		}
		x = made.Of(x)
	}
	if x == in {
		return nil, errors.New("has no layers behind its input")
	}
	return NewModel(name, []*Tensor{in}, []*Tensor{x}), nil
}

// input is the model's input as its first layer describes it; known stands for what
// the file leaves open.
func (b *kerasBuilder) input(l kerasLayer, built []*int, known Shape) (*Tensor, error) {
	var c struct {
		Name   string `json:"name"`
		Batch2 []*int `json:"batch_input_shape"`
		Batch3 []*int `json:"batch_shape"`
	}
	if err := json.Unmarshal(l.Config, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Class, err)
	}
	given := c.Batch3
	if len(given) == 0 {
		given = c.Batch2
	}
	if len(given) == 0 {
		given = built
	}
	name := ""
	if l.Class == "InputLayer" {
		name = c.Name
	}
	shape := Shape{}
	open := len(given) == 0
	for _, n := range given[min(1, len(given)):] {
		if n == nil {
			open = true
			break
		}
		shape = append(shape, *n)
	}
	if known != nil {
		if !open && !shape.Equal(known) || open && len(given) > 0 && len(given)-1 != len(known) {
			return nil, fmt.Errorf("input has shape %v in the file, got %v", dimensions(given), known)
		}
		return NamedInput(name, known...), nil
	}
	if open {
		return nil, fmt.Errorf("input has shape %v in the file, which is open: pass InputDims", dimensions(given))
	}
	return NamedInput(name, shape...), nil
}

// dimensions writes an open axis as None.
func dimensions(shape []*int) []any {
	out := []any{}
	for _, n := range shape {
		if n == nil {
			out = append(out, "None")
		} else {
			out = append(out, *n)
		}
	}
	return out
}

// layer makes one layer, which in is what it will be applied to.
func (b *kerasBuilder) layer(l kerasLayer, in []*Tensor, depth int) (Layer, error) {
	class := kerasClass(l.Class)
	if class == "Sequential" || class == "Functional" || class == "Model" {
		raw, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		var input Shape
		if len(in) == 1 {
			input = in[0].shape
		}
		return b.model(raw, l.Name, input, depth+1)
	}
	var c struct {
		Name      string `json:"name"`
		Trainable *bool  `json:"trainable"`
	}
	if err := json.Unmarshal(l.Config, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Class, err)
	}
	if l.Name != "" {
		c.Name = l.Name
	}
	var made Layer
	a := newKerasArgs(l.Config, b.major)
	var err error
	make, known := kerasLayers[class]
	switch {
	case class == "TimeDistributed":
		made, err = b.timeDistributed(a, in, depth)
	case class == "Bidirectional":
		made, err = b.bidirectional(a, depth)
	case !known:
		return nil, fmt.Errorf("layer %q is of class %q, which is unknown: build the model and use LoadWeights", c.Name, l.Class)
	case a.err == nil:
		made = make(a)
	}
	if err == nil {
		err = a.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", l.Class, c.Name, err)
	}
	for _, n := range a.notes {
		b.notes = append(b.notes, fmt.Sprintf("%s %q: %s", l.Class, c.Name, n))
	}
	core := made.core()
	core.name = c.Name
	core.frozen = core.frozen || c.Trainable != nil && !*c.Trainable
	return made, nil
}

// functional applies the layers in any order in which their inputs are there.
func (b *kerasBuilder) functional(name string, c kerasModel, input Shape, depth int) (*Model, error) {
	inputs, err := kerasTensors(c.Inputs)
	if err != nil {
		return nil, fmt.Errorf("input_layers: %w", err)
	}
	outputs, err := kerasTensors(c.Outputs)
	if err != nil {
		return nil, fmt.Errorf("output_layers: %w", err)
	}
	if len(inputs) != 1 {
		input = nil
	}
	results := map[kerasNode]*Tensor{}
	var waiting []kerasCall
	seen := map[string]bool{}
	for _, l := range c.Layers {
		if seen[l.Name] {
			return nil, fmt.Errorf("two layers are named %q", l.Name)
		}
		seen[l.Name] = true
		if l.Class == "InputLayer" {
			x, err := b.input(l, nil, input)
			if err != nil {
				return nil, err
			}
			results[kerasNode{l.Name, 0}] = x
			continue
		}
		calls, err := kerasNodes(l.Inbound)
		if err != nil {
			return nil, fmt.Errorf("layer %q: inbound_nodes: %w", l.Name, err)
		}
		for node, in := range calls {
			waiting = append(waiting, kerasCall{l, node, in})
		}
	}
	made := map[string]Layer{}
	for len(waiting) > 0 {
		rest := waiting[:0:0]
		for _, call := range waiting {
			in, ok := call.inputs(results)
			if !ok {
				rest = append(rest, call)
				continue
			}
			l := made[call.layer.Name]
			if l == nil {
				if l, err = b.layer(call.layer, in, depth); err != nil {
					return nil, err
				}
				made[call.layer.Name] = l
			}
			results[kerasNode{call.layer.Name, call.node}] = l.Of(in...)
		}
		if len(rest) == len(waiting) {
			return nil, fmt.Errorf("layer %q is applied to %v, which nothing gives", rest[0].layer.Name, rest[0].in)
		}
		waiting = rest
	}
	var ends [2][]*Tensor
	for k, list := range [][]kerasTensor{inputs, outputs} {
		for _, ref := range list {
			x := results[ref.node]
			if x == nil {
				return nil, fmt.Errorf("there is no layer %q with a call %d", ref.node.layer, ref.node.call)
			}
			ends[k] = append(ends[k], x.Output(ref.output))
		}
	}
	return NewModel(name, ends[0], ends[1]), nil
}

type kerasCall struct {
	layer kerasLayer
	node  int
	in    []kerasTensor
}

func (c kerasCall) inputs(results map[kerasNode]*Tensor) (in []*Tensor, ok bool) {
	for _, ref := range c.in {
		x := results[ref.node]
		if x == nil {
			return nil, false
		}
		in = append(in, x.Output(ref.output))
	}
	return in, len(in) > 0
}
