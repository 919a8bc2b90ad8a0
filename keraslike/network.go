// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// network is a model before Compile: the layers from inputs to outputs with their weights,
// limits and random numbers.
type network struct {
	name    string
	stacked bool // made by Sequential
	inputs  []*Tensor
	outputs []*Tensor
	order   []*Tensor // the calls of all layers except the inputs, in order of computation
	front   []*Tensor // those of order that run before the graph; nil for most networks
	edges   []*Tensor // with which the graph begins: the inputs, or what the front makes of them
	rest    []*Tensor // those of order that the graph has

	hasOnlyFront bool        // a layer, perhaps of a nested model, can run in the front only
	weights      []*Weight   // including those of nested models
	locks        weightLocks // of the weights
	paths        map[*Weight]string
	carries      []carriedPlace // the states that batches leave for the next, see Stateful
	err          error          // every mistake in the layers, joined

	uses   float64 // inputs of layers, those of nested models at each use
	recent *recentSizes
	limits Limits
	// sampleMemory limits the memory for each sample of a batch in bytes; 0 means no limit.
	sampleMemory int64

	built  bool // the weights have their values
	seed   uint64
	random *graph.Random // for dropout; Step is the number of completed training steps
}

func newNetwork(name string, inputs, outputs []*Tensor) network {
	n := network{name: name, inputs: inputs, outputs: outputs, random: &graph.Random{}, recent: &recentSizes{}}
	if len(inputs) == 0 || len(outputs) == 0 || slices.Contains(inputs, nil) || slices.Contains(outputs, nil) {
		n.err = fmt.Errorf("model %q: got %s and %s, want at least one of each and none nil", name, text.Count(len(inputs), "input"), text.Count(len(outputs), "output"))
		return n
	}
	var mistakes []error
	for _, in := range inputs {
		if len(in.in) > 0 {
			mistakes = append(mistakes, fmt.Errorf("model %q: the output of %s is given as an input", name, in.layer.def.Kind()))
		}
	}
	n.sort(&mistakes)
	n.nameLayers(&mistakes)
	for _, t := range n.tensors() {
		if err := t.mistake(); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	n.err = errors.Join(mistakes...)
	n.edges, n.rest = n.inputs, n.order
	if n.err == nil {
		n.split()
		n.paths = map[*Weight]string{}
		n.collectPaths("", n.paths, map[*network]bool{})
		n.weights = n.allWeights()
		n.locks = newLocks(n.weights)
		n.carries = n.collectCarries("", map[*network]bool{})
		n.uses = n.countUses()
	}
	return n
}

// sort lists the tensors that the outputs depend on in topological order.
func (n *network) sort(mistakes *[]error) {
	seen := map[*Tensor]bool{}
	for _, in := range n.inputs {
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
			*mistakes = append(*mistakes, fmt.Errorf("model %q: an output depends on an Input of shape %v that is not among the model's inputs", n.name, t.shape))
			return
		}
		for _, in := range t.in {
			visit(in)
		}
		n.order = append(n.order, t)
	}
	for _, out := range n.outputs {
		visit(out)
	}
}

// tensors returns the inputs and the first outputs of all calls, in order.
func (n *network) tensors() []*Tensor {
	return append(slices.Clone(n.inputs), n.order...)
}

// layers returns the network's layers in order of first use, including inputs.
func (n *network) layers() []*layer {
	var list []*layer
	seen := map[*layer]bool{}
	for _, t := range n.tensors() {
		if !seen[t.layer] {
			seen[t.layer] = true
			list = append(list, t.layer)
		}
	}
	return list
}

// tensor returns the first output of the named layer.
func (n *network) tensor(name string) (*Tensor, error) {
	var names []string
	for _, t := range n.tensors() {
		if t.layer.name == name {
			return t, nil
		}
		names = append(names, t.layer.name)
	}
	return nil, noLayerError(name, names)
}

// outputNames returns the names of the outputs, which are those of their layers; repeated
// names get a number: "dense", "dense_1".
func (n *network) outputNames() []string {
	var names []string
	for _, t := range n.outputs {
		name := t.layer.name
		for i := 1; slices.Contains(names, name); i++ {
			name = fmt.Sprintf("%s_%d", t.layer.name, i)
		}
		names = append(names, name)
	}
	return names
}

// nameLayers gives unnamed layers Keras's names, "dense", "dense_1", and
// reports names given twice.
func (n *network) nameLayers(mistakes *[]error) {
	taken := map[string]bool{}
	for _, l := range n.layers() {
		if unfit := unfitName(l.name); unfit != "" {
			*mistakes = append(*mistakes, fmt.Errorf("model %q: layer name %q %s", n.name, l.name, unfit))
		} else if l.name != "" && taken[l.name] {
			*mistakes = append(*mistakes, fmt.Errorf("model %q: two layers are named %q", n.name, l.name))
		}
		taken[l.name] = true
	}
	last := map[string]int{} // the last number of each base name
	for _, l := range n.layers() {
		if l.name != "" {
			continue
		}
		base := snakeCase(l.def.Kind())
		if base == "" {
			base = "layer"
		}
		l.name, l.autoNamed = base, true
		for taken[l.name] {
			last[base]++
			l.name = fmt.Sprintf("%s_%d", base, last[base])
		}
		taken[l.name] = true
	}
}

// networkHolder is a definition that is a network of layers: a nested model.
type networkHolder interface{ network() *network }

// network returns the nested network of a layer that is a model or TimeDistributed around
// one, and nil for other layers.
func (l *layer) network() *network {
	switch d := l.def.(type) {
	case networkHolder:
		return d.network()
	case wrapper:
		if inner := d.inner(); inner != nil {
			return inner.network()
		}
	}
	return nil
}

// collectPaths records the path of every weight in this network. A nested network also keeps
// its own paths, so it can be saved separately. A network that is reached by several paths
// gets the first; done holds the networks already visited.
func (n *network) collectPaths(prefix string, paths map[*Weight]string, done map[*network]bool) {
	if done[n] {
		return
	}
	done[n] = true
	for _, l := range n.layers() {
		if inner := l.network(); inner != nil {
			inner.collectPaths(prefix+l.name+"/", paths, done)
			continue
		}
		for _, w := range l.weights {
			if _, shared := paths[w]; !shared {
				paths[w] = prefix + l.name + "/" + w.name
			}
		}
	}
}

// size counts the layers and weights of the network and of those nested in it, each network
// once.
func (n *network) size() (items int) {
	seen := map[*network]bool{}
	var visit func(n *network)
	visit = func(n *network) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, l := range n.layers() {
			items += 1 + len(l.weights)
			if inner := l.network(); inner != nil {
				visit(inner)
			}
		}
	}
	visit(n)
	return items
}

// pathOf returns the path of a weight in this network.
func (n *network) pathOf(w *Weight) string { return n.paths[w] }

// allWeights returns every weight once, in layer order.
func (n *network) allWeights() []*Weight {
	return n.selectWeights(func(*layer, *Weight) bool { return true })
}

// trainable returns the weights that the optimizer updates.
func (n *network) trainable() []*Weight {
	return n.selectWeights(func(l *layer, w *Weight) bool { return !l.frozen && (w == nil || !w.state) })
}

// selectWeights returns each weight for which wanted is true, once. For a nested network
// wanted is called with a nil weight and decides whether to descend into it; each network is
// visited once.
func (n *network) selectWeights(wanted func(*layer, *Weight) bool) (list []*Weight) {
	networks, weights := map[*network]bool{}, map[*Weight]bool{}
	var visit func(n *network)
	visit = func(n *network) {
		if networks[n] {
			return
		}
		networks[n] = true
		for _, l := range n.layers() {
			if inner := l.network(); inner != nil {
				if wanted(l, nil) {
					visit(inner)
				}
				continue
			}
			for _, w := range l.weights {
				if !weights[w] && wanted(l, w) {
					weights[w] = true
					list = append(list, w)
				}
			}
		}
	}
	visit(n)
	return list
}

// recordFrozen records which layers are currently frozen.
func (n *network) recordFrozen(frozen map[*layer]bool) {
	for _, l := range n.layers() {
		_, again := frozen[l]
		frozen[l] = l.frozen
		if inner := l.network(); inner != nil && !again {
			inner.recordFrozen(frozen)
		}
	}
}

// errNoLayers is the error for a Model that was not created by a function of this package.
var errNoLayers = errors.New("the model has no layers, want one made by Sequential, NewModel or Load")

// build initializes every weight that has no value yet. The caller calls undo to reverse it
// if a later step fails.
func (n *network) build(seed uint64) (undo func(), err error) {
	var empty []*Weight
	if !n.built {
		for _, w := range n.weights {
			if w.value == nil {
				empty = append(empty, w)
			}
		}
	}
	var built []*network
	undo = func() {
		for _, w := range empty {
			w.value = nil
		}
		for _, one := range built {
			one.built = false
		}
	}
	return undo, n.initialize(seed, &built)
}

// initialize builds the network and its nested networks, and adds them to built.
func (n *network) initialize(seed uint64, built *[]*network) error {
	switch {
	case n.err != nil:
		return n.err
	case len(n.outputs) == 0:
		return errNoLayers
	case n.built:
		return nil
	}
	n.built = true
	*built = append(*built, n)
	n.reseed(seed)
	for _, w := range n.weights {
		if w.value != nil {
			continue
		}
		w.value = w.zeros()
		err := writeWeights(nil, []*Weight{w}, func() error {
			w.init.fill(w.floats(), w.shape, w.fans, newRand(seed, n.paths[w]))
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, l := range n.layers() {
		if inner := l.network(); inner != nil {
			if err := inner.initialize(seed, built); err != nil { // its weights have their values
				return err
			}
		}
	}
	return nil
}

// reseed sets the seed of dropout and of the order of samples.
func (n *network) reseed(seed uint64) {
	n.seed = seed
	n.random.Key = newRand(seed, "dropout").Uint64()
}
