// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// The architecture of a model as it is saved: its layers with their arguments,
// and which layer is applied to what. Tensors are numbered, the model's inputs
// first, then the results of calls in order, one after the other where a call has several.
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

func (n *network) config() (*modelConfig, error) {
	if most := nodesOfLayer * n.layersLimit(); n.cost.saved > float64(most) {
		return nil, fmt.Errorf("model %q: would be saved as %.4g layers, nested models in full for each model around them; the most is %d, %d times Limits.Layers", n.name, n.cost.saved, most, nodesOfLayer)
	}
	c := &modelConfig{Name: n.name}
	place, tensor := map[*layer]int{}, map[*Tensor]int{}
	for i, l := range n.layers() {
		lc, err := l.config()
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

// tensors applies the layers again.
func (c *modelConfig) tensors(from *loading) (inputs, outputs []*Tensor, err error) {
	var layers []*layer
	for _, lc := range c.Layers {
		l, err := lc.layer(from)
		if err != nil {
			return nil, nil, fmt.Errorf("layer %q: %w", lc.Name, err)
		}
		layers = append(layers, l)
	}
	pick := func(i int) (*layer, error) {
		if i < 0 || i >= len(layers) {
			return nil, fmt.Errorf("there is no layer %d among %d", i, len(layers))
		}
		return layers[i], nil
	}
	var tensors []*Tensor
	for _, i := range c.Inputs {
		l, err := pick(i)
		if err != nil {
			return nil, nil, err
		}
		if _, ok := l.def.(*input); !ok {
			return nil, nil, fmt.Errorf("layer %q is listed as an input and is %s", l.name, l.def.Kind())
		}
		t := l.Apply()
		tensors, inputs = append(tensors, t), append(inputs, t)
	}
	for _, call := range c.Calls {
		l, err := pick(call.Layer)
		if err != nil {
			return nil, nil, err
		}
		var in []*Tensor
		for _, i := range call.In {
			if i < 0 || i >= len(tensors) {
				return nil, nil, fmt.Errorf("layer %q is applied to tensor %d of %d", l.name, i, len(tensors))
			}
			in = append(in, tensors[i])
		}
		t := l.Apply(in...)
		if err := t.mistake(); err != nil {
			return nil, nil, err
		}
		tensors = append(tensors, t.outputs()...)
	}
	for _, i := range c.Outputs {
		if i < 0 || i >= len(tensors) {
			return nil, nil, fmt.Errorf("output is tensor %d of %d", i, len(tensors))
		}
		outputs = append(outputs, tensors[i])
	}
	return inputs, outputs, nil
}
