// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
)

// LayerInfo describes a layer of a model. It is what summaries, drawings and exporters
// to other formats need to know: together with Model.Outputs, Tensor.Layer and
// Tensor.Inputs it gives the whole graph of layers.
type LayerInfo struct {
	Path      string // the name, behind those of the nested models around it: "block1/conv"
	Name      string // "conv"; empty before the layer has joined a model or got a name
	AutoNamed bool   // the model has named the layer after its kind
	Kind      string // "Conv2D"; "Model" for a nested model
	Output    Shape  // of one sample, the first output of the first use; nil before it
	Trainable bool   // training changes the weights, see Model.SetTrainable

	// Weights are the layer's own, in the order in which its definition declares them,
	// which for the layers of this package is that of Keras's get_weights.
	Weights []*Weight
	// Model is the nested model that the layer is, or that TimeDistributed applies to each step.
	Model *Model

	layer *layer
}

// Inspect describes a layer by itself. Path is its name.
func Inspect(l Layer) LayerInfo { return l.core().info("") }

func (l *layer) info(prefix string) LayerInfo {
	info := LayerInfo{
		Path: prefix + l.name, Name: l.name, AutoNamed: l.auto, Kind: l.def.Kind(),
		Trainable: !l.frozen, Weights: l.weights, Model: l.model(), layer: l,
	}
	if len(l.out) > 0 {
		info.Output = l.out[0]
	}
	return info
}

// Arguments are the layer's arguments as Save stores them, those of a nested model being
// its whole architecture:
//
//	{"units":10,"activation":"softmax","kernel_initializer":{...},"bias_initializer":{...}}
func (i LayerInfo) Arguments() (json.RawMessage, error) {
	c, err := i.layer.config()
	return c.Config, err
}

// Layers are the model's layers in order of computation, those of nested models in
// place of these, each at its first use.
func (m *Model) Layers() []LayerInfo { return m.layerInfos("", map[*layer]bool{}) }

func (m *Model) layerInfos(prefix string, seen map[*layer]bool) (list []LayerInfo) {
	tensors := m.order
	if prefix == "" {
		tensors = m.tensors() // a nested model's input is what stands before it
	}
	for _, t := range tensors {
		if seen[t.layer] {
			continue
		}
		seen[t.layer] = true
		if t.layer.model() != nil && t.layer.def.Kind() == "Model" {
			list = append(list, t.layer.model().layerInfos(prefix+t.layer.name+"/", seen)...)
			continue
		}
		info := t.layer.info(prefix)
		info.Output = t.shape
		list = append(list, info)
	}
	return list
}

// Layer is the layer that makes the tensor. It is the same value for all tensors of the layer.
func (t *Tensor) Layer() Layer { return t.layer }

// Inputs are the tensors that the layer was applied to; none for a model's input.
func (t *Tensor) Inputs() []*Tensor { return t.in }

// Err is the mistake that was made where the tensor was, with the layer's name. It is
// nil where there is none, or where only an input has one.
func (t *Tensor) Err() error { return t.mistake() }

// IsState reports whether the layer keeps the array itself, as BatchNormalization does
// its moving mean, so that training never changes it by a gradient.
func (w *Weight) IsState() bool { return w.state }

// Check reports values that Set would take but no training can give: NaN, infinite ones, a
// variance below 0; and a wrong number of them. The error does not name the weight.
func (w *Weight) Check(values []float32) error {
	if want := Shape(w.shape).Size(); len(values) != want {
		return fmt.Errorf("has %d values, want %d", len(values), want)
	}
	return checkNumbers(values, !w.variance)
}

// Configure sets options that fit every layer, such as Name and Trainable, after a layer
// has been made: a reader of files has them for each layer, whatever its kind. The layer must
// not have been applied yet.
func Configure(l Layer, options ...LayerOption) error {
	core := l.core()
	if core.built {
		return fmt.Errorf("layer %q has been applied already, want it configured before", core.name)
	}
	var mistake error
	for _, o := range given(options, &mistake) {
		mistake = errors.Join(mistake, core.apply(o.sets()))
	}
	return mistake
}

// IgnoreMasks makes a layer neither see the masks of its inputs nor pass them on, and
// returns it:
//
//	y := keraslike.IgnoreMasks(keraslike.LSTM(32)).Apply(x) // counts padded steps, too
func IgnoreMasks(l Layer) Layer {
	l.core().unmasked = true
	return l
}
