// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
	"strings"
)

// SubModel returns a model with the same inputs whose outputs are those of the named layers,
// for example to look at intermediate activations. A layer of a nested model is named by its
// path, "vgg16/block5_conv3". Both models share their weights, so training one changes the
// other. For a layer that is used several times the output is that of its first use.
func (m *Model) SubModel(outputs ...string) (*Model, error) {
	if m.err != nil {
		return nil, m.err
	}
	if len(outputs) == 0 {
		return nil, fmt.Errorf("submodel of %q: no layers are named", m.name)
	}
	var out []*Tensor
	for _, path := range outputs {
		t, err := m.outputOf(path)
		if err != nil {
			return nil, fmt.Errorf("submodel of %q: %w", m.name, err)
		}
		out = append(out, t)
	}
	s := &Model{network: newNetwork(m.name, m.inputs, out)}
	s.built, s.seed, s.random.Key = m.built, m.seed, m.random.Key
	s.limits, s.sampleMemory = m.limits, m.sampleMemory
	return s, s.err
}

// outputOf returns the output of the layer at a path. For a layer of a nested model it is the
// output of a submodel that ends with that layer.
func (m *Model) outputOf(path string) (*Tensor, error) {
	name, rest, nested := strings.Cut(path, "/")
	t, err := m.named(name)
	if err != nil || !nested {
		return t, err
	}
	if t.layer.model() == nil {
		return nil, fmt.Errorf("layer %q is no model, so that there is no %q", name, path)
	}
	part, err := t.layer.model().SubModel(rest)
	if err != nil {
		return nil, err
	}
	l := &layer{name: t.layer.name, def: &nestedModel{part}, frozen: t.layer.frozen}
	if slices.ContainsFunc(m.layers(), func(other *layer) bool { return other.name == l.name }) {
		l.name = strings.ReplaceAll(path, "/", "_")
	}
	x := l.Apply(t.in...)
	return x, x.err
}

// named returns the first output of the named layer. The error says where a nested model has a
// layer of that name.
func (m *Model) named(name string) (*Tensor, error) {
	t, err := m.tensor(name)
	if err != nil {
		if path := m.pathInside(name, map[*Model]bool{}); path != "" {
			return nil, fmt.Errorf("%w; did you mean %q?", err, path)
		}
	}
	return t, err
}

// pathInside returns the path of the first layer of that name in nested models, "" if there is
// none. done has the models that were searched.
func (m *Model) pathInside(name string, done map[*Model]bool) string {
	for _, l := range m.layers() {
		inner := l.model()
		if inner == nil || done[inner] {
			continue
		}
		done[inner] = true
		if slices.ContainsFunc(inner.layers(), func(l *layer) bool { return l.name == name }) {
			return l.name + "/" + name
		}
		if path := inner.pathInside(name, done); path != "" {
			return l.name + "/" + path
		}
	}
	return ""
}

// SetTrainable sets whether training changes the weights of the named layers, or of all
// layers if none is named. Layers of nested models are named by their paths,
// "vgg16/block5_conv3". It takes effect at the next Compile; models with these layers that
// are already compiled keep training as they were compiled.
func (m *Model) SetTrainable(on bool, layers ...string) error {
	if len(layers) == 0 {
		for _, l := range m.layers() {
			l.setTrainable(on)
		}
		return nil
	}
	var found []*layer
	for _, path := range layers {
		l, err := m.layerAt(path, func(l *layer) { l.frozen = l.frozen && !on })
		if err != nil {
			return fmt.Errorf("trainable: model %q: %w", m.name, err)
		}
		found = append(found, l)
	}
	for _, l := range found {
		l.setTrainable(on)
	}
	return nil
}

// setTrainable sets whether a layer and everything nested in it is trainable.
func (l *layer) setTrainable(on bool) { l.setTrainableOnce(on, map[*Model]bool{}) }

// setTrainableOnce visits each nested model once.
func (l *layer) setTrainableOnce(on bool, done map[*Model]bool) {
	l.frozen = !on
	if l.model() == nil || done[l.model()] {
		return
	}
	done[l.model()] = true
	for _, inner := range l.model().layers() {
		inner.setTrainableOnce(on, done)
	}
}

// layerAt returns the layer at a path and calls pass with each model that encloses it. Making
// a layer of a frozen model trainable unfreezes the model, but not its other layers.
func (m *Model) layerAt(path string, pass func(*layer)) (*layer, error) {
	name, rest, nested := strings.Cut(path, "/")
	t, err := m.named(name)
	if err != nil {
		return nil, err
	}
	if !nested {
		return t.layer, nil
	}
	if t.layer.model() == nil {
		return nil, fmt.Errorf("layer %q is no model, so that there is no %q", name, path)
	}
	l, err := t.layer.model().layerAt(rest, pass)
	if err == nil {
		pass(t.layer)
	}
	return l, err
}
