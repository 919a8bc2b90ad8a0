// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
)

// LayerInfo describes a layer of a model for summaries, drawings and exporters to other
// formats. Model.Outputs, Tensor.Layer and Tensor.Inputs give the connections between layers.
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
		Path: prefix + l.name, Name: l.name, AutoNamed: l.autoNamed, Kind: l.def.Kind(),
		Trainable: !l.frozen, Weights: l.weights, Model: l.model(), layer: l,
	}
	if len(l.out) > 0 {
		info.Output = l.out[0]
	}
	return info
}

// Arguments returns the arguments of the layer as Save stores them; those of a nested model
// are its architecture:
//
//	{"units":10,"activation":"softmax","kernel_initializer":{...},"bias_initializer":{...}}
func (i LayerInfo) Arguments() (json.RawMessage, error) {
	c, err := i.layer.config()
	return c.Config, err
}

// Layers returns the layers in order of computation, each at its first use. A nested model is
// replaced by its layers.
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

// Layer returns the layer that produced the tensor, the same value for all its tensors.
func (t *Tensor) Layer() Layer { return t.layer }

// Inputs returns the tensors that the layer was applied to, nil for an input of a model.
func (t *Tensor) Inputs() []*Tensor { return t.in }

// Err returns the error of the call that produced the tensor, with the name of the layer. It
// is nil if there is none or only an input has one.
func (t *Tensor) Err() error { return t.mistake() }

// IsState reports whether the layer updates the array itself, as BatchNormalization does with
// its moving mean, instead of the optimizer.
func (w *Weight) IsState() bool { return w.state }

// Check returns an error for a wrong number of values and for values that training cannot
// produce: NaN, Inf and negative variances. The error does not name the weight.
func (w *Weight) Check(values []float32) error {
	if want := Shape(w.shape).Size(); len(values) != want {
		return fmt.Errorf("has %d values, want %d", len(values), want)
	}
	return checkNumbers(values, !w.nonNegative)
}

// Configure sets options that fit every layer, such as Name and Trainable, on an existing
// layer that has not been applied yet. It is meant for readers of files.
func Configure(l Layer, options ...LayerOption) error {
	if isNil(l) {
		return errors.New("there is no layer to configure")
	}
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

// IgnoreMasks makes a layer ignore the masks of its inputs, without passing them on, and
// returns the layer:
//
//	y := keraslike.IgnoreMasks(keraslike.LSTM(32)).Apply(x) // counts padded steps, too
func IgnoreMasks(l Layer) Layer {
	if !isNil(l) {
		l.core().ignoresMasks = true
	}
	return l
}

// PassMaskUnused makes a recurrent layer or Bidirectional compute without the mask of its sequence and,
// with ReturnSequences, pass that mask on, and returns the layer. Keras 3.15 does so with initial states:
// padded steps count in the layer, but not in the loss. Any other layer ignores its masks.
func PassMaskUnused(l Layer) Layer {
	if !isNil(l) {
		l.core().passesUnused = true
	}
	return l
}

// returnsSequences reports whether a recurrent layer returns its output of every step.
func returnsSequences(d Definition) bool {
	switch d := d.(type) {
	case sequenceLayer:
		return *d.flags().returnSequences
	case *bidirectional:
		return *d.forward.flags().returnSequences
	}
	return false
}
