// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

// input makes the model's input as its first layer describes it, with axes of any length where
// the file has null; known is the shape if it is known from elsewhere.
func (b *builder) input(l layerConfig, built json.RawMessage, known k.Shape) (*k.Tensor, error) {
	name, given, err := b.described(l, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Class, err)
	}
	if len(given) == 0 {
		_ = json.Unmarshal(built, &given) // anything but a shape is ignored
	}
	shape := k.Shape{}
	for _, n := range given[min(1, len(given)):] {
		if n == nil {
			shape = append(shape, k.Any)
		} else {
			shape = append(shape, *n)
		}
	}
	named := k.NamedInput
	if ofStrings(l) {
		named = k.NamedStringInput
	}
	if known != nil {
		fits := slices.EqualFunc(shape, known, func(n, got int) bool { return n == got || n == k.Any })
		if !fits && len(given) > 0 {
			return nil, fmt.Errorf("input has shape %v in the file, got %v", dimensions(given), known)
		}
		return named(name, known...), nil
	}
	if len(given) == 0 {
		return nil, errors.New("the file does not have the shape of an input: pass InputShape, one for each input of the model")
	}
	b.open = b.open || slices.Contains(shape, k.Any)
	return named(name, shape...), nil
}

// ofStrings reports whether an InputLayer takes strings.
func ofStrings(l layerConfig) bool {
	var c struct {
		Type string `json:"dtype"`
	}
	return l.Class == "InputLayer" && json.Unmarshal(l.Config, &c) == nil && c.Type == "string"
}

// described returns the shape of the input, including the batch axis, that the layer (or the
// first layer of a model) states, or nil, and the name if the layer is an InputLayer.
func (b *builder) described(l layerConfig, depth int) (name string, shape []*int, err error) {
	if depth > maxNesting {
		return "", nil, fmt.Errorf("models are nested more than %d deep", maxNesting)
	}
	if err := b.look(l.Config); err != nil {
		return "", nil, err
	}
	var c struct {
		Name   string          `json:"name"`
		Batch2 []*int          `json:"batch_input_shape"`
		Batch3 []*int          `json:"batch_shape"`
		Layers []layerConfig   `json:"layers"`
		Inputs json.RawMessage `json:"input_layers"`
		Built  json.RawMessage `json:"build_input_shape"`
	}
	err = json.Unmarshal(l.Config, &c)
	if list := bytes.TrimSpace(l.Config); len(list) > 0 && list[0] == '[' { // a model before Keras 2.2.3
		err = json.Unmarshal(l.Config, &c.Layers)
	}
	if err != nil {
		return "", nil, err
	}
	if shape = c.Batch3; len(shape) == 0 {
		shape = c.Batch2
	}
	if l.Class == "InputLayer" {
		return b.name(c.Name), shape, nil
	}
	if len(shape) == 0 && len(c.Layers) > 0 {
		first := 0
		if refs, err := endpoints(c.Inputs); err == nil && len(refs) == 1 {
			first = max(0, slices.IndexFunc(c.Layers, func(inner layerConfig) bool { return inner.Name == refs[0].node.layer }))
		}
		if _, shape, err = b.described(c.Layers[first], depth+1); err != nil {
			return "", nil, err
		}
	}
	var build struct {
		InputShape []*int `json:"input_shape"`
	}
	for _, raw := range []json.RawMessage{c.Built, l.Build} {
		if len(shape) == 0 && json.Unmarshal(raw, &shape) != nil {
			shape = nil
			if json.Unmarshal(raw, &build) == nil {
				shape = build.InputShape
			}
		}
	}
	return "", shape, nil
}

// dimensions converts a shape for messages, with None for an unknown axis.
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
