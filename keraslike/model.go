// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"sync"
)

// Model is layers from inputs to outputs, with their weights. It is trained
// with Compile and Fit, measured with Evaluate and used with Predict. A model
// is a Layer too: it can be a layer of another model.
//
// Predict may be called from many goroutines at once, everything else from one.
type Model struct {
	network
	nested   *layer    // the model as a layer of others
	compiled *compiled // settings of Compile
	trainer  *trainer  // of the weights that were trainable then
	graphs   graphCache
	trainingState
}

// trainingState is where the training of a model stands, beside what its trainer keeps.
type trainingState struct {
	epochs   int          // trained so far, over all calls of Fit
	position int          // samples trained on in the epoch that runs or was interrupted
	pending  bool         // that epoch has had all its batches, but not its validation
	left     interruption // of the last Fit
	running  interrupter  // the Fit that runs
}

// graphCache holds a model's compiled graphs, to be used again.
type graphCache struct {
	training   map[graphKey]*modelGraph
	evaluation map[graphKey]*modelGraph

	mu         sync.Mutex      // guards what follows
	prediction map[int][]*modelGraph // idle graphs by batch size
	// most is the most samples that Predict computes at once where that had to be found,
	// 0 before.
	most int
}

// forget drops all graphs, after a change that they do not know of.
func (c *graphCache) forget() {
	c.training, c.evaluation = map[graphKey]*modelGraph{}, map[graphKey]*modelGraph{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prediction = map[int][]*modelGraph{}
}

// Sequential stacks parts: an Input first, then layers and models. Mistakes are
// reported by Build and Compile.
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

// NewModel is the part of a computation that leads from inputs to outputs:
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

// Build gives every weight that has none its initial value, which depends on the
// seed and on the weight's path. Compile builds; a model that only predicts or
// loads weights may be built alone. All mistakes of the model come back at once.
func (m *Model) Build(seed uint64) error {
	_, err := m.build(seed)
	return err
}

// Err is every mistake in the model's layers, joined, which Build and Compile return
// too; nil where there is none.
func (m *Model) Err() error {
	if m.err == nil && len(m.outputs) == 0 {
		return errNoLayers
	}
	return m.err
}

// ErrNotCompiled is returned by Fit and Evaluate before Compile.
var ErrNotCompiled = errors.New("the model is not compiled")

// Name is the model's name.
func (m *Model) Name() string { return m.name }

// IsSequential reports whether Sequential made the model.
func (m *Model) IsSequential() bool { return m.stacked }

// Inputs are the tensors that the model begins with.
func (m *Model) Inputs() []*Tensor { return m.inputs }

// Outputs are the tensors that the model ends in. From them Tensor.Layer and
// Tensor.Inputs lead back to the inputs.
func (m *Model) Outputs() []*Tensor { return m.outputs }

// Weights are all weights, in the order of the layers.
func (m *Model) Weights() []*Weight { return m.weights }

// Weight finds a weight by its path, such as "dense_1/kernel".
func (m *Model) Weight(path string) (*Weight, error) {
	for _, w := range m.weights {
		if m.paths[w] == path {
			return w, nil
		}
	}
	return nil, fmt.Errorf("model %q: has no weight %q", m.name, path)
}

// WeightPath is the path of a weight in this model, such as "block5_conv3/kernel", by
// which Weight finds it. It is empty for a weight of other models.
func (m *Model) WeightPath(w *Weight) string { return m.paths[w] }

// Parameters counts the numbers in all weights, and those among them that
// training changes.
func (m *Model) Parameters() (all, trainable int) {
	for _, w := range m.weights {
		all += Shape(w.shape).Size()
	}
	for _, w := range m.trainable() {
		trainable += Shape(w.shape).Size()
	}
	return all, trainable
}

// SetLimits changes the limits of the model, see Limits. It takes effect on graphs
// that are made from here on.
func (m *Model) SetLimits(l Limits) {
	m.limits, m.sampleMemory = l, 0
	m.graphs.mu.Lock()
	defer m.graphs.mu.Unlock()
	m.graphs.most = 0
}

// SetFileLimits sets the limits of a model that was made from a file of size bytes: those
// of l and, where it has none, the defaults for files (see Limits). The error says what a
// prediction for one sample would exceed.
func (m *Model) SetFileLimits(l Limits, size int64) error {
	m.limitFile(l, size)
	if err := m.affordable(modePredict, 1); err != nil {
		return fmt.Errorf("model %q: %w", m.name, err)
	}
	return nil
}

// graphFor makes a graph for a purpose and a batch size within the model's limits.
func (m *Model) graphFor(p mode, key graphKey) (*modelGraph, error) {
	return m.newGraph(m.memoryLimit(p, key.batch), p, key, m.compiled, m.trained())
}

// trained are the weights that training changes, as the model was compiled.
func (m *Model) trained() []*Weight {
	if m.trainer == nil {
		return nil
	}
	return m.trainer.weights
}
