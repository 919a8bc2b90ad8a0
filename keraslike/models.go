// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// Models joins models that are trained together into one, whose inputs and outputs are those of all of
// them in turn: the generator and the discriminator of a GAN, an encoder and a decoder. It has their
// weights under the paths "generator/dense/kernel", saves and shows them as one, and is compiled with
// Phases or an Objective. Nested returns one of them, also from a loaded model.
func Models(name string, models ...*Model) *Model {
	var inputs, outputs []*Tensor
	for i, m := range models {
		if m == nil {
			return &Model{network: network{name: name, err: fmt.Errorf("model %q: model %d is nil", name, i)}}
		}
		var in []*Tensor
		for k, t := range m.inputs {
			label := m.name + "_input"
			if len(m.inputs) > 1 {
				label = fmt.Sprintf("%s_input_%d", m.name, k)
			}
			x := newInput(label, &input{Shape: t.shape, Strings: t.strings})
			in = append(in, x)
		}
		first := m.Apply(in...)
		inputs = append(inputs, in...)
		outputs = append(outputs, first.outputs()...)
	}
	return NewModel(name, inputs, outputs)
}

// Nested returns the nested model at a path such as "generator".
func (m *Model) Nested(path string) (*Model, error) {
	l, err := m.layerAt(path, func(*layer) {})
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	inner := l.model()
	if inner == nil {
		return nil, fmt.Errorf("model %q: layer %q is %s, want a model", m.name, path, l.def.Kind())
	}
	return inner, nil
}
