// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
)

// modelConfig is the saved architecture of a model: its layers with their arguments, and the
// calls of layers. Tensors are numbered: the inputs of the model first, then the outputs of
// the calls in order.
type modelConfig struct {
	Name    string        `json:"name"`
	Layers  []layerConfig `json:"layers"`
	Inputs  []int         `json:"inputs"` // the layers of the inputs
	Calls   []callConfig  `json:"calls"`
	Outputs []int         `json:"outputs"` // tensors
}

type callConfig struct {
	Layer int   `json:"layer"`
	In    []int `json:"in"` // tensors
}

// config returns the architecture of the network as part of a file.
func (n *network) config(to *layerWriter) (*modelConfig, error) {
	c := &modelConfig{Name: n.name}
	place, tensor := map[*layer]int{}, map[*Tensor]int{}
	for i, l := range n.layers() {
		lc, err := to.layer(l)
		if err != nil {
			return nil, err
		}
		c.Layers, place[l] = append(c.Layers, lc), i
	}
	at := 0
	for _, first := range n.tensors() {
		for _, x := range first.outputs() {
			if _, again := tensor[x]; !again {
				tensor[x] = at
			}
			at++
		}
	}
	for _, x := range n.inputs {
		c.Inputs = append(c.Inputs, place[x.layer])
	}
	for _, x := range n.order {
		call := callConfig{Layer: place[x.layer]}
		for _, in := range x.in {
			call.In = append(call.In, tensor[in])
		}
		c.Calls = append(c.Calls, call)
	}
	for _, x := range n.outputs {
		c.Outputs = append(c.Outputs, tensor[x])
	}
	return c, nil
}

// tensors creates the layers and applies them as the saved model did.
func (c *modelConfig) tensors(from *loader) (inputs, outputs []*Tensor, err error) {
	layers, err := c.layers(from)
	if err != nil {
		return nil, nil, err
	}
	if inputs, err = c.inputTensors(layers); err != nil {
		return nil, nil, err
	}
	tensors := slices.Clone(inputs)
	for _, call := range c.Calls {
		made, err := call.apply(layers, tensors, from)
		if err != nil {
			return nil, nil, err
		}
		tensors = append(tensors, made...)
	}
	for _, i := range c.Outputs {
		if i < 0 || i >= len(tensors) {
			return nil, nil, fmt.Errorf("output is tensor %d of %d", i, len(tensors))
		}
		outputs = append(outputs, tensors[i])
	}
	return inputs, outputs, nil
}

func (c *modelConfig) layers(from *loader) (list []*layer, err error) {
	for _, lc := range c.Layers {
		l, err := lc.layer(from)
		if err != nil {
			return nil, fmt.Errorf("layer %q: %w", lc.Name, err)
		}
		list = append(list, l)
	}
	return list, nil
}

func (c *modelConfig) inputTensors(layers []*layer) (list []*Tensor, err error) {
	for _, i := range c.Inputs {
		l, err := layerOf(layers, i)
		if err != nil {
			return nil, err
		}
		if _, ok := l.def.(*input); !ok {
			return nil, fmt.Errorf("layer %q is listed as an input and is %s", l.name, l.def.Kind())
		}
		list = append(list, l.Apply())
	}
	return list, nil
}

// apply returns the outputs of the call.
func (c *callConfig) apply(layers []*layer, tensors []*Tensor, from *loader) ([]*Tensor, error) {
	l, err := layerOf(layers, c.Layer)
	if err != nil {
		return nil, err
	}
	var in []*Tensor
	for _, i := range c.In {
		if i < 0 || i >= len(tensors) {
			return nil, fmt.Errorf("layer %q is applied to tensor %d of %d", l.name, i, len(tensors))
		}
		in = append(in, tensors[i])
	}
	if err := from.chargeResized(l, in); err != nil {
		return nil, err
	}
	t := l.Apply(in...)
	if err := t.mistake(); err != nil {
		return nil, err
	}
	return t.outputs(), nil
}

// chargeResized limits the work for nested models that are applied at other sizes than their own.
func (l *loader) chargeResized(applied *layer, in []*Tensor) error {
	sub := applied.network()
	if sub == nil {
		return nil
	}
	own := len(in) == len(sub.inputs)
	for i := 0; own && i < len(in); i++ {
		shape := in[i].shape
		for d := applied.def; len(shape) > 0; shape = shape[1:] { // behind the axis of TimeDistributed
			w, ok := d.(wrapper)
			if !ok {
				break
			}
			d = w.inner().def
		}
		own = shape.Equal(sub.inputs[i].shape) && !shape.isFree()
	}
	if !own {
		l.resized += sub.uses
	}
	if l.resized > defaultLayers {
		return fmt.Errorf("layer %q: models are applied at other sizes than their own with %.10g uses of layers, the most is %d in one file", applied.name, l.resized, defaultLayers)
	}
	return nil
}

func layerOf(layers []*layer, i int) (*layer, error) {
	if i < 0 || i >= len(layers) {
		return nil, fmt.Errorf("there is no layer %d among %d", i, len(layers))
	}
	return layers[i], nil
}
