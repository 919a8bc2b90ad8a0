// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/graph"
)

// network is what a model is before it is compiled: layers from inputs to outputs with
// their weights, what they may cost, and where their random numbers come from.
type network struct {
	name    string
	stacked bool // made by Sequential
	inputs  []*Tensor
	outputs []*Tensor
	order   []*Tensor // the calls of layers in between, in order of computation
	weights []*Weight // with those of nested models
	paths   map[*Weight]string
	err     error // every mistake in the layers, joined

	cost   cost
	limits Limits
	// sampleMemory is the limit of memory for each sample of a batch, 0 for none.
	sampleMemory int64

	built  bool // the weights have their values
	seed   uint64
	random *graph.Random // of dropout; Step is the number of training steps done
}

func newNetwork(name string, inputs, outputs []*Tensor) network {
	n := network{name: name, inputs: inputs, outputs: outputs, random: &graph.Random{}}
	if len(inputs) == 0 || len(outputs) == 0 || slices.Contains(inputs, nil) || slices.Contains(outputs, nil) {
		n.err = fmt.Errorf("model %q: got %d inputs and %d outputs, want at least one of each and none nil", name, len(inputs), len(outputs))
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
	if n.err == nil {
		n.paths = map[*Weight]string{}
		n.collectPaths("", n.paths, map[*network]bool{})
		n.weights = n.listed()
		n.cost = n.count()
	}
	return n
}

// sort lists the tensors that the outputs depend on, inputs of a layer before its output.
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

// tensors are the inputs and the first outputs of all calls, in order.
func (n *network) tensors() []*Tensor {
	return append(slices.Clone(n.inputs), n.order...)
}

// layers are the network's layers in order of first use, inputs included.
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

// tensor is the first output of the named layer.
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

// outputNames are the names of the outputs: those of their layers, numbered from the second
// of one name on.
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
		switch {
		case strings.Contains(l.name, "/"):
			*mistakes = append(*mistakes, fmt.Errorf("model %q: layer name %q contains a slash", n.name, l.name))
		case l.name != "" && taken[l.name]:
			*mistakes = append(*mistakes, fmt.Errorf("model %q: two layers are named %q", n.name, l.name))
		}
		taken[l.name] = true
	}
	last := map[string]int{} // number of each base
	for _, l := range n.layers() {
		if l.name != "" {
			continue
		}
		base := snake(l.def.Kind())
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

// networkHolder is a definition that is a network of layers: a nested model.
type networkHolder interface{ network() *network }

// network is the network that a layer stands for, by itself or within TimeDistributed; nil
// for other layers.
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

// collectPaths gives every weight its path in this network. A nested one keeps its own
// paths, by which it can be saved alone. Where several paths lead to a network, of which
// done holds those that were visited, the first one counts.
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

// pathOf is the path of a weight in this network.
func (n *network) pathOf(w *Weight) string { return n.paths[w] }

// listed are all weights in order, each once.
func (n *network) listed() []*Weight {
	return n.selectWeights(func(*layer, *Weight) bool { return true })
}

// trainable are the weights that the optimizer changes.
func (n *network) trainable() []*Weight {
	return n.selectWeights(func(l *layer, w *Weight) bool { return !l.frozen && (w == nil || !w.state) })
}

// selectWeights lists the weights that are wanted, each once. Of a layer that is a network,
// wanted is asked with a nil weight whether to look into it; each network is visited once,
// however many layers lead to it.
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

// noteFrozen writes down which layers are frozen at the moment.
func (n *network) noteFrozen(frozen map[*layer]bool) {
	for _, l := range n.layers() {
		_, again := frozen[l]
		frozen[l] = l.frozen
		if inner := l.network(); inner != nil && !again {
			inner.noteFrozen(frozen)
		}
	}
}

// errNoLayers is the mistake of a Model that no function of this package has made.
var errNoLayers = errors.New("the model has no layers, want one made by Sequential, NewModel or Load")

// build gives every weight that has none its initial value. What undo takes back is for a
// caller that fails later.
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

// initialize builds the network and those nested in it, which it adds to built.
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
		w.init.fill(w.value.Float32s(), w.shape, child(seed, n.paths[w]))
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

// reseed sets where dropout and the order of samples come from.
func (n *network) reseed(seed uint64) {
	n.seed = seed
	n.random.Key = child(seed, "dropout").Uint64()
}
