// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/keraslike/kerash5"
)

// kerasBuilder makes models of the configurations that Keras stores.
type kerasBuilder struct {
	major  int
	notes  []string
	text   int // bytes of the configuration that may still be looked at
	layers int // so far
	work   int // layers times layers that models may still have
	slash  bool
	shared map[int]Layer
}

// A model lists its layers by comparing each with the others, so that the sum of the
// squares of their number over all models is bounded; 10,000 in one are far beyond the
// deepest networks.
const kerasWork = 200_000_000

// newBuilder reads a configuration of n bytes, of a version of Keras.
func newBuilder(major, n int) *kerasBuilder {
	return &kerasBuilder{major: major, text: kerash5.WorkOf(n), work: kerasWork, shared: map[int]Layer{}}
}

// look counts text that is looked at.
func (b *kerasBuilder) look(raw json.RawMessage) error {
	if b.text -= len(raw); b.text < 0 {
		return errors.New("too much of the architecture is in too many models within each other")
	}
	return nil
}

// name is a layer's name without slashes, which lead into nested models here.
func (b *kerasBuilder) name(name string) string {
	if strings.Contains(name, "/") && !b.slash {
		b.slash = true
		b.notes = append(b.notes, "slashes in the names of layers are underscores here")
	}
	return slashless(name)
}

// kerasLayer is a layer in a configuration. Name and Inbound are there in functional
// models only.
type kerasLayer struct {
	Class   string          `json:"class_name"`
	Name    string          `json:"name"`
	Config  json.RawMessage `json:"config"`
	Inbound json.RawMessage `json:"inbound_nodes"`
	Build   json.RawMessage `json:"build_config"`
	Shared  *int            `json:"shared_object_id"` // of a layer that is in several places
}

// kerasModel is the configuration of a model.
type kerasModel struct {
	Name       string          `json:"name"`
	Trainable  *bool           `json:"trainable"`
	Layers     []kerasLayer    `json:"layers"`
	Inputs     json.RawMessage `json:"input_layers"`
	Outputs    json.RawMessage `json:"output_layers"`
	InputShape json.RawMessage `json:"build_input_shape"`
}

// kerasNesting is far beyond the deepest model in a model.
const kerasNesting = 50

// model makes a model of {"class_name": ..., "config": ...}. input is the shape of its
// input where something else than the file knows it, or nil.
func (b *kerasBuilder) model(raw json.RawMessage, name string, input Shape, depth int) (*Model, error) {
	if depth > kerasNesting {
		return nil, fmt.Errorf("models are nested more than %d deep", kerasNesting)
	}
	if err := b.look(raw); err != nil {
		return nil, err
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
	name = b.name(name)
	before := b.layers
	if b.layers += len(c.Layers); (b.layers-before)*(b.layers-before) > b.work {
		return nil, fmt.Errorf("model %q: has %d layers, too many for one file", name, len(c.Layers))
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
	if n := b.layers - before; err == nil {
		err = m.err
		if b.work -= n * n; b.work < 0 {
			return nil, fmt.Errorf("model %q: has %d layers with those of its models, too many for one file", name, n)
		}
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
		if err := x.mistake(); err != nil {
			return nil, err
		}
	}
	if x == in {
		return nil, errors.New("has no layers behind its input")
	}
	m := NewModel(name, []*Tensor{in}, []*Tensor{x})
	m.stacked = true
	return m, nil
}

// input is the model's input as its first layer describes it; known stands for what
// the file leaves open.
func (b *kerasBuilder) input(l kerasLayer, built json.RawMessage, known Shape) (*Tensor, error) {
	name, given, err := b.described(l, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Class, err)
	}
	if len(given) == 0 {
		_ = json.Unmarshal(built, &given) // what is no shape says nothing
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

// described is the shape of the input, the batch first, as its layer or the first one
// of a model says, or nil; and its name where the layer is the input itself.
func (b *kerasBuilder) described(l kerasLayer, depth int) (name string, shape []*int, err error) {
	if depth > kerasNesting {
		return "", nil, fmt.Errorf("models are nested more than %d deep", kerasNesting)
	}
	if err := b.look(l.Config); err != nil {
		return "", nil, err
	}
	var c struct {
		Name   string          `json:"name"`
		Batch2 []*int          `json:"batch_input_shape"`
		Batch3 []*int          `json:"batch_shape"`
		Layers []kerasLayer    `json:"layers"`
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
		if refs, err := kerasEnds(c.Inputs); err == nil && len(refs) == 1 {
			first = max(0, slices.IndexFunc(c.Layers, func(inner kerasLayer) bool { return inner.Name == refs[0].node.layer }))
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

// precision notes a layer that Keras computes in another precision than float32, the
// only one here, and refuses one whose weights are quantized.
func (b *kerasBuilder) precision(raw json.RawMessage) error {
	var name string
	if len(raw) > 0 && json.Unmarshal(raw, &name) != nil {
		var policy struct {
			Class  string `json:"class_name"`
			Config struct {
				Name string `json:"name"`
			} `json:"config"`
		}
		if err := json.Unmarshal(raw, &policy); err != nil {
			return fmt.Errorf("argument dtype is %.60s: %w", raw, err)
		}
		name = policy.Config.Name
		if policy.Class == "DTypePolicyMap" {
			name = "other types" // one for each part of the layer
		}
	}
	switch {
	case strings.Contains(name, "_from_") || strings.HasPrefix(name, "int8") || strings.HasPrefix(name, "float8"):
		return fmt.Errorf("argument dtype is %.60s, which there is no counterpart for", raw)
	case name != "" && name != "float32" && !strings.HasPrefix(name, "int") && !strings.HasPrefix(name, "uint"):
		if note := fmt.Sprintf("what Keras computes in %s is computed in float32 here", name); !slices.Contains(b.notes, note) {
			b.notes = append(b.notes, note)
		}
	}
	return nil
}

// layer is the layer that in will be given to, the same one for all places that Keras
// says share it.
func (b *kerasBuilder) layer(l kerasLayer, in []*Tensor, depth int) (Layer, error) {
	if l.Shared == nil {
		return b.newLayer(l, in, depth)
	}
	if made, ok := b.shared[*l.Shared]; ok {
		return made, nil
	}
	made, err := b.newLayer(l, in, depth)
	if err == nil {
		b.shared[*l.Shared] = made
	}
	return made, err
}

func (b *kerasBuilder) newLayer(l kerasLayer, in []*Tensor, depth int) (Layer, error) {
	if err := b.look(l.Config); err != nil {
		return nil, err
	}
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
		Name      string          `json:"name"`
		Trainable *bool           `json:"trainable"`
		Type      json.RawMessage `json:"dtype"`
	}
	if err := json.Unmarshal(l.Config, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Class, err)
	}
	if l.Name != "" {
		c.Name = l.Name
	}
	if err := b.precision(c.Type); err != nil {
		return nil, fmt.Errorf("%s %q: %w", l.Class, c.Name, err)
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
	core.name = b.name(c.Name)
	core.frozen = core.frozen || c.Trainable != nil && !*c.Trainable
	return made, nil
}
