// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"cmp"
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
	shared map[int64]Layer
}

// A model lists its layers by comparing each with the others, so that the sum of the
// squares of their number over all models is bounded; 10,000 in one are far beyond the
// deepest networks.
const kerasWork = 200_000_000

// newBuilder reads a configuration of n bytes, of a version of Keras.
func newBuilder(major, n int) *kerasBuilder {
	return &kerasBuilder{major: major, text: kerash5.WorkOf(n), work: kerasWork, shared: map[int64]Layer{}}
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
	Module     string          `json:"module"` // of Python, and the name of a class of the user's own; Keras 3
	Registered string          `json:"registered_name"`
	Class      string          `json:"class_name"`
	Name       string          `json:"name"`
	Config     json.RawMessage `json:"config"`
	Inbound    json.RawMessage `json:"inbound_nodes"`
	Build      json.RawMessage `json:"build_config"`
	Shared     *int64          `json:"shared_object_id"` // of a layer that is in several places
}

// custom tells the classes of users, which may be named as one of Keras and compute
// something else: Keras writes no module for them, or registers them in a package.
func (l *kerasLayer) custom() bool {
	root, _, _ := strings.Cut(l.Module, ".")
	switch root {
	case "keras", "keras_core", "tf_keras":
		return false
	}
	return root != "" || l.Registered != "" || strings.Contains(l.Class, ">")
}

// isModel tells the classes of models.
func (l *kerasLayer) isModel() bool {
	return slices.Contains([]string{"Sequential", "Functional", "Model"}, l.Class)
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

// model makes a model of {"class_name": ..., "config": ...}. known are the shapes of its
// inputs where something else than the file knows them, or nil.
func (b *kerasBuilder) model(raw json.RawMessage, name string, known []Shape, depth int) (*Model, error) {
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
	switch {
	case !o.isModel() || o.custom():
		return nil, fmt.Errorf("architecture is of class %q, want Keras's Sequential or Functional", cmp.Or(o.Registered, o.Class))
	case o.Class == "Sequential":
		m, err = b.sequential(name, c, known, depth)
	default:
		m, err = b.functional(name, c, known, depth)
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

func (b *kerasBuilder) sequential(name string, c kerasModel, known []Shape, depth int) (*Model, error) {
	if len(c.Layers) == 0 {
		return nil, errors.New("has no layers")
	}
	first := c.Layers[0]
	if depth == 0 && len(known) > 1 {
		return nil, fmt.Errorf("got InputDims for %d inputs, want 1", len(known))
	}
	if len(known) != 1 {
		known = []Shape{nil}
	}
	in, err := b.input(first, c.InputShape, known[0])
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
	if l.isModel() && !l.custom() {
		raw, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		var known []Shape
		for _, x := range in {
			known = append(known, x.shape)
		}
		return b.model(raw, l.Name, known, depth+1)
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
	if l.custom() {
		return nil, fmt.Errorf("layer %q is of class %q, which is not Keras's own: build the model and use LoadWeights", c.Name, cmp.Or(l.Registered, l.Class))
	}
	if err := b.precision(c.Type); err != nil {
		return nil, fmt.Errorf("%s %q: %w", l.Class, c.Name, err)
	}
	var made Layer
	a := newKerasArgs(l.Config, b.major)
	var err error
	make, known := kerasLayers[l.Class]
	switch {
	case l.Class == "TimeDistributed":
		made, err = b.timeDistributed(a, in, depth)
	case l.Class == "Bidirectional":
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
	// keras.ops.add is of class Add, too, but no layer: masks end at it. It has neither
	// of the two settings that every layer has.
	core.unmasked = b.major >= 3 && c.Trainable == nil && len(c.Type) == 0
	return made, nil
}
