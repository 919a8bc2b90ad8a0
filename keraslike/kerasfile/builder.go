// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// builder makes models from the configurations that Keras stores.
type builder struct {
	major  int
	notes  []string
	text   int // budget: bytes of the configuration that may still be read
	layers int // number made so far
	work   int // budget: squares of the numbers of layers of models
	slash  bool
	open   bool // an input has axes of any length
	// plain omits random layers of pictures, which act in training only; random is set if one was made.
	plain, random bool
	// unnamed ignores the names in the file.
	unnamed bool
	shared  map[int64]k.Layer
	// settings are the arguments of each layer's first call that it was made with.
	settings map[string]map[string]json.RawMessage
}

// layerWork limits the sum over all models of their number of layers squared, since a model
// compares each of its layers with the others. It allows more than 10,000 layers in one model,
// far more than the deepest networks have.
const layerWork = 200_000_000

// newBuilder returns a builder for a configuration of n bytes, written by a version of Keras.
func newBuilder(major, n int) *builder {
	return &builder{major: major, text: kerash5.WorkOf(n), work: layerWork, shared: map[int64]k.Layer{}, settings: map[string]map[string]json.RawMessage{}}
}

// look charges the text to the budget.
func (b *builder) look(raw json.RawMessage) error {
	if b.text -= len(raw); b.text < 0 {
		return errors.New("the architecture has too much text in nested models")
	}
	return nil
}

// name returns a layer's name without slashes, which separate nested models in Reef.
func (b *builder) name(name string) string {
	if b.unnamed {
		return ""
	}
	if strings.Contains(name, "/") && !b.slash {
		b.slash = true
		b.notes = append(b.notes, "slashes in names of layers are replaced by underscores")
	}
	return slashless(name)
}

// model makes a model of {"class_name": ..., "config": ...}. known are the shapes of its
// inputs if they are known from elsewhere than the file, or nil.
func (b *builder) model(raw json.RawMessage, name string, known []k.Shape, depth int) (*k.Model, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("models are nested more than %d deep", maxNesting)
	}
	if err := b.look(raw); err != nil {
		return nil, err
	}
	var o layerConfig
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("architecture: %w", err)
	}
	var c modelConfig
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
	var m *k.Model
	switch {
	case !o.isModel() || o.custom():
		return nil, fmt.Errorf("architecture is of class %q, want Keras's Sequential or Functional", cmp.Or(o.Registered, o.Class))
	case o.Class == "Sequential":
		m, err = b.sequential(name, c, known, depth)
	default:
		m, err = b.functional(name, c, known, depth)
	}
	if n := b.layers - before; err == nil {
		err = m.Err()
		if b.work -= n * n; b.work < 0 {
			return nil, fmt.Errorf("model %q: has %d layers, including those of nested models, too many for one file", name, n)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", name, err)
	}
	if c.Trainable != nil && !*c.Trainable {
		err = k.Configure(m, k.Trainable(false))
	}
	return m, err
}

func (b *builder) sequential(name string, c modelConfig, known []k.Shape, depth int) (*k.Model, error) {
	if len(c.Layers) == 0 {
		return nil, errors.New("has no layers")
	}
	first := c.Layers[0]
	if depth == 0 && len(known) > 1 {
		return nil, fmt.Errorf("got InputShape for %d inputs, want 1", len(known))
	}
	if len(known) != 1 {
		known = []k.Shape{nil}
	}
	in, err := b.input(first, c.InputShape, known[0])
	if err != nil {
		return nil, err
	}
	if first.Class == "InputLayer" {
		c.Layers = c.Layers[1:]
	}
	if len(c.Layers) == 0 {
		return nil, errors.New("has no layers after its input")
	}
	x := in
	parts := []k.Part{in}
	for _, l := range c.Layers {
		made, err := b.layer(l, []k.Shape{x.Shape()}, depth)
		if err != nil {
			return nil, err
		}
		if x = made.Apply(x); x.Err() != nil {
			return nil, x.Err()
		}
		parts = append(parts, made)
	}
	return k.Sequential(name, parts...), nil
}

// precision adds a note for a layer that Keras computes in a precision other than float32,
// the only one in Reef, and returns an error for quantized weights.
func (b *builder) precision(raw json.RawMessage) error {
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
		return fmt.Errorf("argument dtype is %.60s, which is not supported", raw)
	case name != "" && name != "float32" && name != "string" && !strings.HasPrefix(name, "int") && !strings.HasPrefix(name, "uint"):
		if note := fmt.Sprintf("computed in float32 instead of %s", name); !slices.Contains(b.notes, note) {
			b.notes = append(b.notes, note)
		}
	}
	return nil
}

// layer makes a layer that is applied to tensors of the shapes in; layers that are shared in
// Keras are made once.
func (b *builder) layer(l layerConfig, in []k.Shape, depth int) (k.Layer, error) {
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

func (b *builder) newLayer(l layerConfig, in []k.Shape, depth int) (k.Layer, error) {
	if err := b.look(l.Config); err != nil {
		return nil, err
	}
	if l.isModel() && !l.custom() {
		raw, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		return b.model(raw, l.Name, in, depth+1)
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
	known, ok := classes[l.Class]
	if !ok {
		return nil, fmt.Errorf("layer %q is of class %q, which is unknown: build the model and use LoadWeights", c.Name, l.Class)
	}
	a := newArgs(l.Config, b.major, in, func(inner layerConfig, in []k.Shape) (k.Layer, error) {
		if depth > maxNesting {
			return nil, fmt.Errorf("layers are nested more than %d deep", maxNesting)
		}
		plain := b.plain
		b.plain = true // since such layers cannot run within others
		defer func() { b.plain = plain }()
		return b.layer(inner, in, depth+1)
	})
	a.plain = b.plain
	a.part = func(inner layerConfig, in []k.Shape) (k.Layer, error) {
		if depth > maxNesting {
			return nil, fmt.Errorf("layers are nested more than %d deep", maxNesting)
		}
		return b.layer(inner, in, depth+1)
	}
	var made k.Layer
	if a.err == nil {
		made = known.read(a)
	}
	b.random = b.random || a.random
	if err := a.finish(); err != nil {
		return nil, fmt.Errorf("%s %q: %w", l.Class, c.Name, err)
	}
	if a.channelsFirst {
		if a.alongLast != "" {
			return nil, fmt.Errorf("%s %q: argument activation is %s, which Keras applies along the last spatial axis with channels first, want an element-wise function", l.Class, c.Name, a.alongLast)
		}
		made = k.ChannelsFirst(made)
	}
	for _, n := range a.notes {
		b.notes = append(b.notes, fmt.Sprintf("%s %q: %s", l.Class, c.Name, n))
	}
	// keras.ops.add also has class Add but is not a layer: it drops masks. It has neither of
	// the two settings that every layer has.
	if b.major >= 3 && c.Trainable == nil && len(c.Type) == 0 {
		made = k.IgnoreMasks(made)
	}
	options := []k.LayerOption{k.Name(b.name(c.Name))}
	if c.Trainable != nil && !*c.Trainable {
		options = append(options, k.Trainable(false))
	}
	return made, k.Configure(made, options...)
}
