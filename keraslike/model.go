// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/reef-dl/reef/graph"
)

// Model is layers from inputs to outputs, with their weights. It is trained
// with Compile and Fit, measured with Evaluate and used with Predict. A model
// is a Layer too: it can stand in another model.
//
// Predict may be called from many goroutines at once, everything else from one.
type Model struct {
	name    string
	stacked bool // made by Sequential
	inputs  []*Tensor
	outputs []*Tensor
	order   []*Tensor // everything between, in the order of computation
	weights []*Weight // with those of nested models
	paths   map[*Weight]string
	err     error // every mistake of the model, joined
	seed    uint64
	built   bool
	cost    cost
	limits  Limits
	// sampleMemory is the limit of memory for each sample of a batch, 0 for none.
	sampleMemory int64

	compiled *compiled
	trainer  *trainer      // of the model as it was compiled
	random   *graph.Random // of dropout; Step is the number of training steps done
	epochs   int           // epochs trained so far, over all calls of Fit
	position int           // samples trained on in the epoch that runs or was interrupted
	pending  bool          // that epoch has had all its batches
	left     interruption  // of the last Fit
	running  *fit          // the Fit that runs

	training   map[planKey]*plan
	evaluation map[planKey]*plan
	mu         sync.Mutex      // guards prediction
	prediction map[int][]*plan // idle plans by batch size
	// predictMost is the most samples that Predict computes at once where that had to
	// be found, 0 before.
	predictMost int
	nested      *layer // the model as a layer of others
}

// Sequential stacks parts: an Input first, then layers and models. Mistakes are
// reported by Build and Compile.
func Sequential(name string, parts ...Part) *Model {
	var in, x *Tensor
	for i, p := range parts {
		if inner, ok := p.(*Model); p == nil || ok && inner == nil {
			return &Model{name: name, err: fmt.Errorf("model %q: part %d is nil", name, i)}
		}
		switch p := p.(type) {
		case *Tensor:
			if i > 0 {
				return &Model{name: name, err: fmt.Errorf("model %q: part %d is an Input, which can only come first", name, i)}
			}
			in, x = p, p
		case Layer:
			if x == nil {
				return &Model{name: name, err: fmt.Errorf("model %q: the first part is %v, want an Input", name, kindOf(p))}
			}
			x = p.Apply(x)
			if n := len(x.outputs()); n > 1 {
				return &Model{name: name, err: fmt.Errorf("model %q: part %d, a %v, has %d outputs, of which a stack has no use: apply it with Of", name, i, kindOf(p), n)}
			}
		}
	}
	if in == nil || x == in {
		return &Model{name: name, err: fmt.Errorf("model %q: has no layers", name)}
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
	m := newModel(name, inputs, outputs)
	for w, path := range m.paths {
		w.path = path
	}
	return m
}

func newModel(name string, inputs, outputs []*Tensor) *Model {
	m := &Model{name: name, inputs: inputs, outputs: outputs, random: &graph.Random{}}
	if len(inputs) == 0 || len(outputs) == 0 || slices.Contains(inputs, nil) || slices.Contains(outputs, nil) {
		m.err = fmt.Errorf("model %q: got %d inputs and %d outputs, want at least one of each and none nil", name, len(inputs), len(outputs))
		return m
	}
	var mistakes []error
	for _, in := range inputs {
		if len(in.in) > 0 {
			mistakes = append(mistakes, fmt.Errorf("model %q: the output of %s is given as an input", name, in.layer.def.Kind()))
		}
	}
	m.sort(&mistakes)
	m.nameLayers(&mistakes)
	for _, t := range append(slices.Clone(inputs), m.order...) {
		if err := t.mistake(); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	m.err = errors.Join(mistakes...)
	if m.err == nil {
		m.paths = map[*Weight]string{}
		m.collect("", m.paths, map[*Model]bool{})
		m.weights = m.listed()
		m.cost = m.count()
	}
	return m
}

// sort lists the tensors that the outputs depend on, inputs of a layer before its output.
func (m *Model) sort(mistakes *[]error) {
	seen := map[*Tensor]bool{}
	for _, in := range m.inputs {
		seen[in] = true
	}
	var visit func(t *Tensor)
	visit = func(t *Tensor) {
		if t == nil {
			return
		}
		if t = t.call(); seen[t] {
			return
		}
		seen[t] = true
		if _, ok := t.layer.def.(*input); ok {
			*mistakes = append(*mistakes, fmt.Errorf("model %q: an output depends on an Input of shape %v that is not among the model's inputs", m.name, t.shape))
			return
		}
		for _, in := range t.in {
			visit(in)
		}
		m.order = append(m.order, t)
	}
	for _, out := range m.outputs {
		visit(out)
	}
}

// layers are the model's layers in order of first use, inputs included.
func (m *Model) layers() []*layer {
	var list []*layer
	seen := map[*layer]bool{}
	for _, t := range m.tensors() {
		if !seen[t.layer] {
			seen[t.layer] = true
			list = append(list, t.layer)
		}
	}
	return list
}

// nameLayers gives unnamed layers Keras's names, "dense", "dense_1", and
// reports names given twice.
func (m *Model) nameLayers(mistakes *[]error) {
	taken := map[string]bool{}
	for _, l := range m.layers() {
		switch {
		case strings.Contains(l.name, "/"):
			*mistakes = append(*mistakes, fmt.Errorf("model %q: layer name %q contains a slash", m.name, l.name))
		case l.name != "" && taken[l.name]:
			*mistakes = append(*mistakes, fmt.Errorf("model %q: two layers are named %q", m.name, l.name))
		}
		taken[l.name] = true
	}
	last := map[string]int{} // number of each base
	for _, l := range m.layers() {
		if l.name != "" {
			continue
		}
		base := snakeCase(l.def.Kind())
		if base == "" {
			base = "layer"
		}
		l.name, l.auto = base, true
		for taken[l.name] {
			last[base]++
			l.name = fmt.Sprintf("%s_%d", base, last[base])
		}
		taken[l.name] = true
	}
}

// collect gives every weight its path in this model. A nested model keeps its
// own paths, by which it can be saved alone. Of several ways to a model, done holds
// those that were gone, the first one gives the paths.
func (m *Model) collect(prefix string, paths map[*Weight]string, done map[*Model]bool) {
	if done[m] {
		return
	}
	done[m] = true
	for _, l := range m.layers() {
		if l.model() != nil {
			l.model().collect(prefix+l.name+"/", paths, done)
			continue
		}
		for _, w := range l.weights {
			if _, shared := paths[w]; !shared {
				paths[w] = prefix + l.name + "/" + w.name
			}
		}
	}
}

// listed are all weights in order, each once.
func (m *Model) listed() []*Weight {
	g := gathering{models: map[*Model]bool{}, weights: map[*Weight]bool{}}
	g.add(m, func(*layer, *Weight) bool { return true })
	return g.list
}

// gathering lists weights, each once, and looks at each model once, on however many
// ways it is met.
type gathering struct {
	models  map[*Model]bool
	weights map[*Weight]bool
	list    []*Weight
}

// add lists the weights that are wanted; of a layer that is a model, wanted is asked
// with no weight whether to look into it.
func (g *gathering) add(m *Model, wanted func(*layer, *Weight) bool) {
	if g.models[m] {
		return
	}
	g.models[m] = true
	for _, l := range m.layers() {
		if l.model() != nil {
			if wanted(l, nil) {
				g.add(l.model(), wanted)
			}
			continue
		}
		for _, w := range l.weights {
			if !g.weights[w] && wanted(l, w) {
				g.weights[w] = true
				g.list = append(g.list, w)
			}
		}
	}
}

// errNoLayers is the mistake of a Model that no function of this package has made.
var errNoLayers = errors.New("the model has no layers, want one made by Sequential, NewModel or Load")

// Build gives every weight that has none its first values, which depend on the
// seed and on the weight's path. Compile builds; a model that only predicts or
// loads weights may be built alone. All mistakes of the model come back at once.
func (m *Model) Build(seed uint64) error {
	_, err := m.buildOrUndo(seed)
	return err
}

// buildOrUndo is Build with a way back for a caller that fails later.
func (m *Model) buildOrUndo(seed uint64) (undo func(), err error) {
	var empty []*Weight
	if !m.built {
		for _, w := range m.weights {
			if w.value == nil {
				empty = append(empty, w)
			}
		}
	}
	var made []*Model
	undo = func() {
		for _, w := range empty {
			w.value = nil
		}
		for _, one := range made {
			one.built = false
		}
	}
	return undo, m.build(seed, &made)
}

func (m *Model) build(seed uint64, made *[]*Model) error {
	switch {
	case m.err != nil:
		return m.err
	case len(m.outputs) == 0:
		return errNoLayers
	case m.built:
		return nil
	}
	m.built = true
	*made = append(*made, m)
	m.reseed(seed)
	for _, w := range m.weights {
		if w.value != nil {
			continue
		}
		w.value = w.zeros()
		w.init.fill(w.value.Float32s(), w.shape, newRand(seed, m.paths[w]))
	}
	for _, l := range m.layers() {
		if l.model() != nil {
			if err := l.model().build(seed, made); err != nil { // its weights have their values
				return err
			}
		}
	}
	return nil
}

// reseed sets where dropout and the order of samples come from.
func (m *Model) reseed(seed uint64) {
	m.seed = seed
	m.random.Key = newRand(seed, "dropout").Uint64()
}

// Name is the model's name.
func (m *Model) Name() string { return m.name }

// Weights are all weights, in the order of the layers.
func (m *Model) Weights() []*Weight { return m.weights }

// pathOf is the path of a weight in this model.
func (m *Model) pathOf(w *Weight) string { return m.paths[w] }

// Weight finds a weight by its path, such as "dense_1/kernel".
func (m *Model) Weight(path string) (*Weight, error) {
	for _, w := range m.weights {
		if m.paths[w] == path {
			return w, nil
		}
	}
	return nil, fmt.Errorf("model %q: has no weight %q", m.name, path)
}

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

// trainable are the weights that the optimiser changes.
func (m *Model) trainable() []*Weight {
	g := gathering{models: map[*Model]bool{}, weights: map[*Weight]bool{}}
	g.add(m, func(l *layer, w *Weight) bool { return !l.frozen && (w == nil || !w.state) })
	return g.list
}
