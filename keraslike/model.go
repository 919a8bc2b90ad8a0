// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
)

// Model is a graph of layers from inputs to outputs, with their weights. Compile and Fit
// train it, Evaluate measures it and Predict applies it. A model is also a Layer and can be
// nested in another model.
//
// Predict, PredictAll, PredictInto, PredictSource, PredictOnBatch, Evaluate and EvaluateWith may be
// called from many goroutines at once, also while another one calls Fit or TrainOnBatch, or
// changes weights by Weight.Set, Weight.Update or UpdateWeights: each batch is computed
// with the weights of one moment. In a model with layers that are Stateful each batch also continues the
// one before, whichever call that belongs to; sequences that must not mix need a model each, which may
// share the layers. SetCacheLimit and ResetStates may be called at any time, too. All other
// methods must not be called at the same time as any method of the model or of one that shares
// layers with it.
type Model struct {
	network
	nested   *layer    // the model as a layer of others
	compiled *compiled // the settings of Compile; nil before
	trainer  *trainer  // of the weights that were trainable at Compile
	graphs   graphCache
	training *modelGraph // of the last batch trained on; nil between calls of Fit
	phases   modelPhases // for a model compiled with Phases
	onBatch  onBatch     // of TrainOnBatch
	metadata modelMetadata
	carried  carriedStates // of layers that are Stateful
	trainingState
}

// trainingState is the progress of training, except for the state of the trainer.
type trainingState struct {
	epochs      int          // trained so far, over all calls of Fit
	position    int          // samples trained on in the epoch that runs or was interrupted
	pending     bool         // that epoch has had all its batches, but not its validation
	interrupted interruption // of the last Fit
	running     interrupter  // the Fit that runs
}

// Sequential creates a model that applies its parts in sequence: an Input first, then layers
// and models with one output each. Build and Compile report errors.
func Sequential(name string, parts ...Part) *Model {
	mistake := func(format string, args ...any) *Model {
		return &Model{network: network{name: name, err: fmt.Errorf("model %q: %w", name, fmt.Errorf(format, args...))}}
	}
	var in, x *Tensor
	for i, p := range parts {
		if inner, ok := p.(*Model); p == nil || ok && inner == nil {
			return mistake("part %d is nil", i)
		}
		switch p := p.(type) {
		case *Tensor:
			if i > 0 {
				return mistake("part %d is an Input, which can only come first", i)
			}
			in, x = p, p
		case Layer:
			if x == nil {
				return mistake("the first part is %v, want an Input", kindOf(p))
			}
			x = p.Apply(x)
			if n := len(x.outputs()); n > 1 {
				return mistake("part %d, a %v, has %d outputs, of which a stack has no use: apply it with Apply", i, kindOf(p), n)
			}
		}
	}
	if in == nil || x == in {
		return mistake("has no layers")
	}
	m := NewModel(name, []*Tensor{in}, []*Tensor{x})
	m.stacked = true
	return m
}

func kindOf(l Layer) string { return l.core().def.Kind() }

// NewModel creates a model from the layers that lead from inputs to outputs:
//
//	in := keraslike.Input(13)
//	x := keraslike.Dense(64, keraslike.ReLU).Apply(in)
//	m := keraslike.NewModel("boston", []*keraslike.Tensor{in}, []*keraslike.Tensor{keraslike.Dense(1).Apply(x)})
func NewModel(name string, inputs, outputs []*Tensor) *Model {
	m := &Model{network: newNetwork(name, inputs, outputs)}
	for w, path := range m.paths {
		w.path = path
	}
	return m
}

// Build initializes every weight that has no value yet; the values depend on the seed and on
// the path of the weight. Compile calls Build, so it is needed only for models that are not
// compiled. It returns all errors in the model's layers, joined.
func (m *Model) Build(seed uint64) error {
	_, err := m.build(seed)
	return err
}

// Err returns all errors in the model's layers, joined, or nil. Build and Compile return them
// too.
func (m *Model) Err() error {
	if m.err == nil && len(m.outputs) == 0 {
		return errNoLayers
	}
	return m.err
}

// ErrNotCompiled is returned by Fit and Evaluate before Compile.
var ErrNotCompiled = errors.New("the model is not compiled")

// Name returns the name of the model.
func (m *Model) Name() string { return m.name }

// IsSequential reports whether Sequential made the model.
func (m *Model) IsSequential() bool { return m.stacked }

// Inputs returns the input tensors of the model.
func (m *Model) Inputs() []*Tensor { return m.inputs }

// Outputs returns the output tensors of the model. Tensor.Layer and Tensor.Inputs lead from
// them back to the inputs.
func (m *Model) Outputs() []*Tensor { return m.outputs }

// Weights returns all weights, in layer order.
func (m *Model) Weights() []*Weight { return m.weights }

// Weight returns the weight at a path such as "dense_1/kernel".
func (m *Model) Weight(path string) (*Weight, error) {
	for _, w := range m.weights {
		if m.paths[w] == path {
			return w, nil
		}
	}
	paths := make([]string, len(m.weights))
	for i, w := range m.weights {
		paths[i] = m.paths[w]
	}
	return nil, fmt.Errorf("model %q: %w", m.name, noWeightError(path, paths))
}

// WeightPath returns the path of a weight in this model, such as "block5_conv3/kernel". It is
// empty if the weight is not part of the model.
func (m *Model) WeightPath(w *Weight) string { return m.paths[w] }

// Parameters returns the number of values in all weights and in the trainable ones.
func (m *Model) Parameters() (all, trainable int) {
	for _, w := range m.weights {
		all += Shape(w.shape).Size()
	}
	for _, w := range m.trainable() {
		trainable += Shape(w.shape).Size()
	}
	return all, trainable
}

// SetLimits changes the limits of the model, see Limits. They apply to graphs that are built
// afterwards.
func (m *Model) SetLimits(l Limits) { m.limits, m.sampleMemory = l, 0 }

// SetCacheLimit sets how many bytes the model keeps for the next calls of its methods: the compiled
// graphs for different batch sizes, and the memory in which they compute, which they share. The
// default is 1 GiB; 0 keeps nothing, so that each call compiles its graph. Above the limit, the
// memory for calls at the same time is given up first, then the graphs that were not used for
// longest. What a call in progress needs is not limited by it, see Limits, but at most
// twice GOMAXPROCS predictions compute at the same time, and the others wait.
//
// A quarter as much again may be weights in the form in which a kernel reads them, which Predict and
// Evaluate make when they use the same weights for the second time and keep until these change:
// about as many bytes as the weights of dense layers and convolutions, four times as many for 3 x 3
// convolutions of stride 1. Models that share weights share their forms, and the limit set last.
func (m *Model) SetCacheLimit(bytes int64) {
	m.graphs.setLimit(bytes)
	keepAtMost(m.weights, bytes/keptShare)
}

// SetFileLimits sets the limits of a model that was read from a file of size bytes. Zero
// fields of l get the defaults for files (see Limits). It returns an error if predicting one
// sample would exceed a limit.
func (m *Model) SetFileLimits(l Limits, size int64) error {
	m.limitFile(l, size)
	if m.isFree() { // the rest is checked when the lengths are known
		if m.uses > float64(m.layersLimit()) {
			return fmt.Errorf("model %q: %w", m.name, m.tooManyLayers())
		}
		return nil
	}
	if _, err := m.affordable(modePredict, 1, lengths{}); err != nil {
		return fmt.Errorf("model %q: %w", m.name, err)
	}
	return nil
}

// Preprocesses reports whether the model has layers that run before the network, such as StringLookup
// or Resizing. Such a model takes raw inputs: strings, and pictures as they are in a file, with values
// from 0 to 255.
func (m *Model) Preprocesses() bool { return len(m.front) > 0 }
