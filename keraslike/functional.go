// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
	"strings"
)

// SubModel is a model with the same inputs whose outputs are those of the named
// layers, for looking at activations in between. A layer of a nested model is named
// by its path, "vgg16/block5_conv3". The weights are the model's own: training one
// changes the other. A layer that is used several times gives its first use.
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

// outputOf is the output of the layer at a path, which for a layer of a nested model
// is that of a model cut off behind it.
func (m *Model) outputOf(path string) (*Tensor, error) {
	name, rest, nested := strings.Cut(path, "/")
	t, err := m.tensor(name)
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

// SetTrainable says whether training changes the weights of the named layers, or of
// all layers when none is named. Layers of nested models are named by their paths,
// "vgg16/block5_conv3". It takes effect when the model is compiled: a model that was
// compiled before, and any other model with these layers, goes on as it was compiled.
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

// SetTrainableRange is SetTrainable for all layers from first to last, both included,
// in the order of the summary; both lie in the same model. An empty name is the first
// or the last layer of the model.
func (m *Model) SetTrainableRange(on bool, first, last string) error {
	owner, folder := m, ""
	for _, name := range []string{first, last} {
		if name == "" {
			continue
		}
		in := name[:strings.LastIndex(name, "/")+1]
		if folder != "" && in != folder || name == last && first != "" && in != folder {
			return fmt.Errorf("trainable: layers %q and %q lie in different models", first, last)
		}
		folder = in
	}
	if folder != "" {
		l, err := m.layerAt(strings.TrimSuffix(folder, "/"), func(l *layer) { l.frozen = l.frozen && !on })
		if err != nil {
			return fmt.Errorf("trainable: model %q: %w", m.name, err)
		}
		if l.model() == nil {
			return fmt.Errorf("trainable: layer %q of model %q is no model", l.name, m.name)
		}
		l.frozen = l.frozen && !on
		owner = l.model()
		first, last = strings.TrimPrefix(first, folder), strings.TrimPrefix(last, folder)
	}
	layers := owner.layers()
	from, to := 0, len(layers)-1
	for i, name := range []string{first, last} {
		if name == "" {
			continue
		}
		at := slices.IndexFunc(layers, func(l *layer) bool { return l.name == name })
		if at < 0 {
			_, err := owner.tensor(name)
			return fmt.Errorf("trainable: model %q: %w", owner.name, err)
		}
		if i == 0 {
			from = at
		} else {
			to = at
		}
	}
	if from > to {
		return fmt.Errorf("trainable: layer %q comes behind %q", first, last)
	}
	for _, l := range layers[from : to+1] {
		l.setTrainable(on)
	}
	return nil
}

// setTrainable freezes or frees a layer, with all that it is made of.
func (l *layer) setTrainable(on bool) { l.setAll(on, map[*Model]bool{}) }

// setAll looks at each model once, on however many ways it is met.
func (l *layer) setAll(on bool, done map[*Model]bool) {
	l.frozen = !on
	if l.model() == nil || done[l.model()] {
		return
	}
	done[l.model()] = true
	for _, inner := range l.model().layers() {
		inner.setAll(on, done)
	}
}

// asCompiled freezes and frees the layers as they were when the model was compiled;
// back undoes it.
func (m *Model) asCompiled() (back func()) {
	now := map[*layer]bool{}
	for l, frozen := range m.compiled.frozen {
		now[l], l.frozen = l.frozen, frozen
	}
	return func() {
		for l, frozen := range now {
			l.frozen = frozen
		}
	}
}

// layerAt is the layer at a path; pass is called with the models on the way to it. To
// free a layer of a frozen model frees the model, not its other layers.
func (m *Model) layerAt(path string, pass func(*layer)) (*layer, error) {
	name, rest, nested := strings.Cut(path, "/")
	t, err := m.tensor(name)
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
