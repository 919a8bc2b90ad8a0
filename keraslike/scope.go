// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// Scope is the graph under construction to which a layer adds its expression, for one mode
// and one batch size.
type Scope struct {
	g              *graph.Graph
	sizing         *sizing // of the network and those nested in it
	maxNodes       int     // the most that the graph may have
	maxMemory      int64   // the most that a constant may need
	training       bool
	leaf           bool // the batch is a part of that of a distributed training
	synchronized   bool // a layer uses sums over all parts
	batch          int  // samples, or rows that a layer takes for samples
	samples        int
	random         *graph.Random
	streams        string // distinguishes the random numbers of several calls of a model in a Step
	weights        map[*Weight]*graph.Node
	assigned       map[*Weight]*graph.Node // the variables of trained weights to which layers assign a value
	constants      map[string]*graph.Node
	logits         map[*graph.Node]logits
	penalties      []*graph.Node
	logged         []loggedValue
	updates        []*Weight // whose node in weights is their value after the step
	groups         *graph.Groups
	paths          map[*Weight]string // of the model that the graph is of
	carrying       carrying
	updatesState   func(*layer) bool // whether a layer's states change; nil for all
	compiledFrozen map[*layer]bool   // which layers were frozen when the model was compiled; nil before
	err            error
	application

	layerNodes map[string]*graph.Node // the first output of each layer by its path; nil where nobody asks

	tracesLayers bool // the outputs of all layers are wanted
	traced       struct {
		paths []string
		nodes graph.Nodes
	}
}

// application is one use of a layer while its expression is built.
type application struct {
	sizes       *sizes // of the network that the layer is in
	layer       *layer
	path        string        // of the layer
	frozen      bool          // the layer, or a model that it stands in
	prefix      string        // of the names of weights, within a layer within the layer
	moreOutputs []*graph.Node // further outputs
	masks       []*graph.Node // of the inputs
	outputMasks []*graph.Node // of the outputs
}

// logits is the input of softmax or sigmoid.
type logits struct {
	node       *graph.Node
	activation ActivationFunc
}

// Training reports whether the graph is used for training. Only such a graph may contain
// dropout and noise.
func (s *Scope) Training() bool { return s.training }

// Frozen reports whether the layer, or a model around it, is frozen. A frozen layer computes as
// in prediction: batch normalization uses its moving statistics and does not update them.
func (s *Scope) Frozen() bool { return s.frozen }

func (s *Scope) isFrozen(l *layer) bool {
	if frozen, ok := s.compiledFrozen[l]; ok {
		return frozen
	}
	return l.frozen
}

// Batch returns the number of samples of the graph.
func (s *Scope) Batch() int { return s.batch }

// Weight returns the variable of a weight that the layer declared.
func (s *Scope) Weight(name string) *graph.Node {
	for _, w := range s.layer.weights {
		if w.name == s.prefix+name {
			return s.variable(w)
		}
	}
	return s.Do(nil, fmt.Errorf("%s %q: asks for weight %q, which it did not declare", s.layer.def.Kind(), s.path, name))
}

// HasWeight reports whether the layer declared a weight with this name.
func (s *Scope) HasWeight(name string) bool {
	for _, w := range s.layer.weights {
		if w.name == s.prefix+name {
			return true
		}
	}
	return false
}

func (s *Scope) variable(w *Weight) *graph.Node {
	if n, ok := s.weights[w]; ok {
		return n
	}
	n := s.input(s.paths[w], w.shape...)
	if n != nil {
		s.Do(n, w.bind(n))
	}
	s.weights[w] = n
	return n
}

// input adds a variable. If the graph already has a node with this name, a number is appended.
func (s *Scope) input(name string, shape ...int) *graph.Node {
	return s.Do(graph.Input(s.g, graph.Float32, graph.UnusedName(s.g, name), shape...))
}

// ones returns a constant of ones, one node for each shape.
func (s *Scope) ones(shape ...int) *graph.Node {
	name := fmt.Sprintf("ones of %v", Shape(shape))
	n, ok := s.constants[name]
	if need := 4 * floatSize(shape); !ok && need > float64(s.maxMemory) {
		return s.Do(nil, fmt.Errorf("%s: %w (Limits.Memory)", name, &graph.MemoryError{Need: need, Limit: s.maxMemory}))
	}
	if !ok {
		n = s.input(name, shape...)
		if n != nil {
			values := slices.Repeat([]float32{1}, Shape(shape).Size())
			s.Do(n, graph.Let(n, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))))
		}
		s.constants[name] = n
	}
	return n
}

// Update sets a State array of the layer to n after each training step, for example a moving
// average of batch statistics. n may depend on s.Weight(name), which returns n from then on,
// so a second use of the layer continues from the first. Updates are only allowed in a
// training graph.
func (s *Scope) Update(name string, n *graph.Node) {
	if n == nil {
		return // the mistake that n carries is the one to report
	}
	i := slices.IndexFunc(s.layer.weights, func(w *Weight) bool { return w.name == s.prefix+name })
	if i < 0 {
		s.Do(nil, fmt.Errorf("%s %q: updates %q, which it did not declare", s.layer.def.Kind(), s.path, name))
		return
	}
	w := s.layer.weights[i]
	switch {
	case !w.state:
		s.Do(nil, fmt.Errorf("%s %q: updates weight %q, which the optimizer trains: declare it with State", s.layer.def.Kind(), s.path, name))
	case !s.training:
		s.Do(nil, fmt.Errorf("%s %q: updates %q in a graph that is not for training", s.layer.def.Kind(), s.path, name))
	case !slices.Equal([]int(n.Shape()), w.shape):
		s.Do(nil, fmt.Errorf("%s %q: updates %q of shape %v with shape %v", s.layer.def.Kind(), s.path, name, graph.Shape(w.shape), n.Shape()))
	}
	if s.updatesState != nil && !s.updatesState(s.layer) {
		return
	}
	if !slices.Contains(s.updates, w) {
		s.updates = append(s.updates, w)
	}
	s.weights[w] = n
}

// assign makes n the value of a weight that the optimizer trains, from here on and after the step, before
// the optimizer updates it. The gradient of the weight is that of n.
func (s *Scope) assign(w *Weight, n *graph.Node) {
	variable := s.variable(w)
	n = s.Do(graph.StraightThrough(n, variable))
	if n == nil {
		return
	}
	if s.assigned[w] == nil {
		s.assigned[w] = variable
		if s.updatesState == nil || s.updatesState(s.layer) {
			s.updates = append(s.updates, w)
		}
	}
	s.weights[w] = n
}

// trained returns the variable of a weight, whose value the optimizer updates.
func (s *Scope) trained(w *Weight) (variable *graph.Node, used bool) {
	if n := s.assigned[w]; n != nil {
		return n, true
	}
	variable, used = s.weights[w]
	return variable, used
}

// Do returns the node and records the first error, so that the expression of a layer needs no
// check on every line:
//
//	h := s.Do(graph.Mul(x, s.Do(graph.Activate(x, graph.Act(graph.Sigmoid)))))
//
// After an error the nodes are nil, and operations on nil nodes do nothing.
func (s *Scope) Do(n *graph.Node, err error) *graph.Node {
	if err != nil {
		if s.err == nil {
			s.err = err
		}
		return nil
	}
	return n
}

// Activate applies an activation function. It records the logits of softmax and sigmoid so
// that cross-entropies can be computed from them without loss of precision.
func (s *Scope) Activate(x *graph.Node, f ActivationFunc) *graph.Node {
	if x == nil {
		return nil
	}
	y := s.Do(f.apply(x))
	if f == Softmax || f == Sigmoid {
		s.logits[y] = logits{x, f}
	}
	return y
}

// Random returns the source of random masks and the stream number of this layer. k
// distinguishes several streams of one layer.
func (s *Scope) Random(k int) (rng *graph.Random, stream uint64) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s%s%s#%d", s.streams, s.path, s.inner(), k)
	return s.random, h.Sum64()
}

// inner returns the weight prefix as a path suffix.
func (s *Scope) inner() string {
	if s.prefix == "" {
		return ""
	}
	return "/" + s.prefix
}

// Output adds a further output that Build declared, after the one that Forward returns.
func (s *Scope) Output(n *graph.Node) { s.moreOutputs = append(s.moreOutputs, n) }

// AddActivity adds a penalty that is a sum over the batch, divided by the number of samples.
// The divisor is that of the model's batch even if a layer such as TimeDistributed changes
// the batch axis.
func (s *Scope) AddActivity(sum *graph.Node) {
	if sum != nil {
		s.addPenalty(s.Do(graph.Scale(sum, 1/float64(s.samples))))
	}
}

// annotate adds the name of the layer to an error of an op.
func (s *Scope) annotate(err error) error {
	var op *graph.OpError
	if errors.As(err, &op) && op.Group == "" {
		op.Group = s.groups.Of(op.Node)
	}
	return err
}

// forward calls Forward of a definition with the current masks.
func (s *Scope) forward(d Definition, in []*graph.Node) *graph.Node {
	if p, ok := d.(interface{ passMask(*Scope) }); ok {
		p.passMask(s)
	}
	return d.Forward(s, in)
}

// checkOutputs compares the output shapes of Forward with those of Build.
func (s *Scope) checkOutputs(t *Tensor, out []*graph.Node) error {
	if len(out) != 1+len(t.moreOutputs) {
		return fmt.Errorf("%s %q: Forward gave %d outputs, Build promised %d", t.layer.def.Kind(), s.path, len(out), 1+len(t.moreOutputs))
	}
	for k, x := range t.outputs() {
		if out[k] == nil {
			return fmt.Errorf("%s %q: Forward gave no node", t.layer.def.Kind(), s.path)
		}
		if want := s.sizes.shape(x).withBatch(s.batch); !slices.Equal([]int(out[k].Shape()), want) {
			return fmt.Errorf("%s %q: Forward gave shape %v of a batch of %d, Build promised %v", t.layer.def.Kind(), s.path, out[k].Shape(), s.batch, graph.Shape(want))
		}
	}
	if len(s.outputMasks) > len(out) {
		return fmt.Errorf("%s %q: Forward gave output %d a mask, there are %d", t.layer.def.Kind(), s.path, len(s.outputMasks)-1, len(out))
	}
	for k, mask := range s.outputMasks {
		if shape := out[k].Shape(); mask != nil && (len(mask.Shape()) > len(shape) || !slices.Equal(mask.Shape(), shape[:len(mask.Shape())])) {
			return fmt.Errorf("%s %q: Forward gave output %d of shape %v a mask of shape %v", t.layer.def.Kind(), s.path, k, shape, mask.Shape())
		}
	}
	return nil
}

// building serializes the construction of graphs because Gorgonia's constructors share
// unguarded counters.
var building sync.Mutex

// penalizeActivity adds the penalty of a layer's output to the loss and returns the output.
func (r Regularizer) penalizeActivity(s *Scope, y *graph.Node) *graph.Node {
	if y != nil {
		s.AddActivity(s.Do(r.penalty(y)))
	}
	return y
}

// activateWith is Activate for a function with constants.
func (s *Scope) activateWith(x *graph.Node, f ActivationFunc, c activationConstants) *graph.Node {
	if !c.given() {
		return s.Activate(x, f)
	}
	return s.Do(f.compose(x, c))
}
