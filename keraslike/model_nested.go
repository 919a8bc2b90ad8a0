// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

var _ Layer = (*Model)(nil)

func (m *Model) part() {}

// core returns the model as a layer of other models.
func (m *Model) core() *layer {
	if m == nil {
		return &layer{def: invalidDefinition{errors.New("the model is nil")}}
	}
	if m.nested == nil {
		m.nested = &layer{name: m.name, def: &nestedModel{m}}
	}
	return m.nested
}

// Apply applies the model as one layer, which has the model's outputs.
func (m *Model) Apply(in ...*Tensor) *Tensor { return m.core().Apply(in...) }

// model returns the nested model of a layer that is a model or TimeDistributed around one,
// and nil for other layers.
func (l *layer) model() *Model {
	switch d := l.def.(type) {
	case *nestedModel:
		return d.m
	case wrapper:
		if inner := d.inner(); inner != nil {
			return inner.model()
		}
	}
	return nil
}

type nestedModel struct{ m *Model }

var _ = register[nestedModel]("Model")

func (d *nestedModel) Kind() string { return "Model" }

func (d *nestedModel) network() *network { return &d.m.network }

func (d *nestedModel) check() error { return d.m.err }

func (d *nestedModel) holdsLayers() bool { return true }

// write stores the model's architecture.
func (d *nestedModel) write(to *layerWriter) ([]byte, error) {
	c, err := d.m.config(to)
	if err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

// read creates the model from its saved architecture.
func (d *nestedModel) read(text []byte, from *loader) (err error) {
	var c modelConfig
	if err := unmarshalStrict(text, &c); err != nil {
		return err
	}
	if d.m, err = c.model(from); err != nil {
		return err
	}
	// Every enclosing model lists all nested layers, to which a short text can refer.
	return from.charge(max(0, itemBytes*d.m.size()-len(text)))
}

// join makes l the layer of the model.
func (d *nestedModel) join(l *layer) { d.m.nested = l }

// takesStrings compares with the inputs of the model.
func (d *nestedModel) takesStrings(in []bool) error {
	if len(in) != len(d.m.inputs) {
		return nil // which Build reports
	}
	for i, x := range d.m.inputs {
		if x.strings != in[i] {
			return fmt.Errorf("its input %d is of %s, want %s", i, kindOfValues(in[i]), kindOfValues(x.strings))
		}
	}
	return nil
}

// inFront reports whether all layers can run before the graph, and whether one must.
func (d *nestedModel) inFront() (can, must bool) {
	return !slices.ContainsFunc(d.m.order, func(t *Tensor) bool { return !t.raw }), d.m.hasOnlyFront
}

func (d *nestedModel) Build(b *Builder, in []Shape) (Shape, error) {
	if len(in) != len(d.m.inputs) {
		return nil, fmt.Errorf("got %s, want %d", text.Count(len(in), "input"), len(d.m.inputs))
	}
	z, err := d.sizes(b.sizing, in)
	if err != nil {
		return nil, err
	}
	out := z.shapes(d.m.outputs)
	for _, s := range out[1:] {
		b.Output(s)
	}
	return out[0], nil
}

// sizes returns the shapes in the model, which is applied to inputs of any lengths that its layers
// bear with the weights that they have. Nil are those of the model itself.
func (d *nestedModel) sizes(s *sizing, in []Shape) (*sizes, error) {
	own := slices.EqualFunc(d.m.inputs, in, func(x *Tensor, s Shape) bool { return x.shape.Equal(s) })
	switch {
	case own && s == nil:
		return nil, nil
	case d.m.uses > float64(d.m.layersLimit()):
		return nil, d.m.tooManyLayers()
	case s == nil:
		s = newSizing()
	}
	return d.m.sizesFrom(d.m.inputs, d.m.order, in, s)
}

func (d *nestedModel) Forward(s *Scope, in []*graph.Node) *graph.Node {
	out, masks := s.run(&d.m.network, s.path+"/", d.m.inputs, d.m.order, in, s.masks)
	if out == nil {
		return nil
	}
	s.moreOutputs, s.outputMasks = out[1:], masks
	return out[0]
}

// model creates the model of a saved architecture.
func (c *modelConfig) model(from *loader) (*Model, error) {
	inputs, outputs, err := c.tensors(from)
	if err != nil {
		return nil, err
	}
	m := NewModel(c.Name, inputs, outputs)
	return m, m.err
}
