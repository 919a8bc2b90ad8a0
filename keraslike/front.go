// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// The front of a network
//
// Some layers cannot be part of the graph: strings are not numbers, and pictures of any size have no
// shape that a graph could be compiled for. They form the front of a network, which runs sample by
// sample while a batch is read, and the graph begins with its results. A definition that is a
// preparer can run there; one that embeds beforeGraph can run nowhere else, and so those that its
// inputs depend on run there, too. All other layers are in the graph.

// preparer is a definition that can run in the front.
type preparer interface {
	// prepare computes the output for one sample. The shapes of the inputs are those for which Build
	// was called, or any others if they have free axes.
	prepare(p *preparation, in []*value, out *value) error
}

// beforeGraph is embedded by preparers that have no expression.
type beforeGraph struct{ noMultiplications }

func (beforeGraph) onlyInFront() {}

// Forward reports that the layer stands within another one, such as TimeDistributed.
func (beforeGraph) Forward(s *Scope, _ []*graph.Node) *graph.Node {
	return s.Do(nil, errors.New("runs before the network, on raw inputs, and cannot be part of another layer"))
}

// stringTaker is a definition that takes inputs of strings.
type stringTaker interface {
	// takesStrings returns an error for inputs that should be strings or should not.
	takesStrings(in []bool) error
}

// numbersWanted is the error of a layer that takes no strings.
var numbersWanted = errors.New("its input is of strings, want numbers: StringLookup, TextVectorization, Hashing and HashedCrossing make numbers of strings")

// place finds out where a call can run and rejects strings where numbers are wanted.
func (t *Tensor) place() error {
	d := t.layer.def
	if in, ok := d.(*input); ok {
		t.strings, t.raw = in.Strings, true
		return nil
	}
	texts, raw := make([]bool, len(t.in)), len(t.in) > 0
	for i, x := range t.in {
		texts[i], raw = x.strings, raw && x.raw
	}
	can, must := canRunInFront(d), onlyInFront(d)
	if takes, ok := d.(stringTaker); ok {
		if err := takes.takesStrings(texts); err != nil {
			return err
		}
	} else if slices.Contains(texts, true) {
		return numbersWanted
	}
	if t.raw = raw && can; t.raw || !must {
		return nil
	}
	if !can {
		return errors.New("the model has layers that run before the network, such as StringLookup or RandomFlip, and layers of the network: it cannot be part of another model, apply its layers one by one")
	}
	from := t.in[slices.IndexFunc(t.in, func(x *Tensor) bool { return !x.raw })]
	return fmt.Errorf("runs before the network, on raw inputs, but its input comes from %s, which is part of the network: apply it to an Input, or behind layers that can run there, such as Rescaling", from.layer.def.Kind())
}

func canRunInFront(d Definition) bool {
	switch d := d.(type) {
	case preparer:
		return true
	case *nestedModel:
		return !slices.ContainsFunc(d.m.order, func(t *Tensor) bool { return !t.raw })
	}
	return false
}

func onlyInFront(d Definition) bool {
	switch d := d.(type) {
	case interface{ onlyInFront() }:
		return true
	case *nestedModel:
		return d.m.hasOnlyFront
	}
	return false
}

// runsInFront reports whether a call of the model itself runs in its front.
func (t *Tensor) runsInFront() bool {
	_, prefers := t.layer.def.(interface{ prefersFront() })
	return onlyInFront(t.layer.def) || prefers && t.raw
}

// takesStrings compares with the inputs of the model.
func (d *nestedModel) takesStrings(in []bool) error {
	if len(in) != len(d.m.inputs) {
		return nil // which Build reports
	}
	for i, x := range d.m.inputs {
		if x.strings != in[i] {
			return fmt.Errorf("its input %d is of %s, want %s", i, kindOfValues(in[i]), kindOfValues(x.strings))
		}
	}
	return nil
}

func kindOfValues(strings bool) string {
	if strings {
		return "strings"
	}
	return "numbers"
}

// split finds the calls of the front, and with which tensors the graph begins.
func (n *network) split() {
	before := map[*Tensor]bool{}
	for _, t := range slices.Backward(n.order) {
		n.hasOnlyFront = n.hasOnlyFront || onlyInFront(t.layer.def)
		if before[t] = before[t] || t.runsInFront(); before[t] {
			for _, x := range t.in {
				before[x.call()] = true
			}
		}
	}
	if len(before) == 0 {
		return
	}
	n.front, n.rest = nil, nil
	used := map[*Tensor]bool{} // by the graph
	for _, t := range n.order {
		if before[t] {
			n.front = append(n.front, t)
			continue
		}
		n.rest = append(n.rest, t)
		for _, x := range t.in {
			used[x] = true
		}
	}
	for _, t := range n.outputs {
		used[t] = true
	}
	if len(n.front) == 0 {
		return
	}
	n.edges = nil
	for _, t := range append(slices.Clone(n.inputs), n.front...) {
		for _, x := range t.outputs() {
			if used[x] {
				n.edges = append(n.edges, x)
			}
		}
	}
}

// value is what an input or a layer of the front has for one sample.
type value struct {
	shape   Shape
	numbers []float32
	strings []string // nil for numbers
}

// resize gives a value a shape and returns memory for its numbers, which are not cleared.
func (v *value) resize(shape ...int) []float32 {
	v.shape = append(v.shape[:0], shape...)
	n := v.shape.Size()
	if cap(v.numbers) < n {
		v.numbers = make([]float32, n)
	}
	v.numbers = v.numbers[:n]
	return v.numbers
}

// frontPlan is the front of a network, nested models replaced by their layers.
type frontPlan struct {
	steps  []frontStep
	inputs int   // of the network, the first values
	edges  []int // the values with which the graph begins
	values int
}

// frontStep is one call.
type frontStep struct {
	layer *layer
	run   preparer
	path  string
	in    []int // values
	out   int
}

// plan lists the calls of the front.
func (n *network) plan() (*frontPlan, error) {
	if n.uses > float64(n.layersLimit()) {
		return nil, n.tooManyLayers()
	}
	f := &frontPlan{inputs: len(n.inputs)}
	at := map[*Tensor]int{}
	for _, t := range n.inputs {
		at[t] = f.values
		f.values++
	}
	f.add("", n.front, at)
	for _, t := range n.edges {
		f.edges = append(f.edges, at[t])
	}
	return f, nil
}

func (f *frontPlan) add(prefix string, calls []*Tensor, at map[*Tensor]int) {
	for _, t := range calls {
		path := prefix + t.layer.name
		if d, ok := t.layer.def.(*nestedModel); ok {
			inner := map[*Tensor]int{}
			for i, x := range d.m.inputs {
				inner[x] = at[t.in[i]]
			}
			f.add(path+"/", d.m.order, inner)
			for k, x := range t.outputs() {
				at[x] = inner[d.m.outputs[k]]
			}
			continue
		}
		s := frontStep{layer: t.layer, run: t.layer.def.(preparer), path: path, out: f.values}
		for _, x := range t.in {
			s.in = append(s.in, at[x])
		}
		at[t] = f.values
		f.values++
		f.steps = append(f.steps, s)
	}
}

// preparation is the memory of the front for one sample at a time, and the sample's random numbers.
type preparation struct {
	plan     *frontPlan
	values   []value
	in       []*value
	step     *frontStep // that runs
	training bool
	key      uint64 // of the sample's random numbers
	source   rand.PCG
	rng      *rand.Rand

	categories []int32   // see numbers
	pixels     []float32 // see picture
}

func (f *frontPlan) newPreparation() *preparation {
	p := &preparation{plan: f, values: make([]value, f.values)}
	p.rng = rand.New(&p.source)
	return p
}

// random returns the random numbers that a layer draws for the sample. They depend on the seed of the
// model, the path of the layer, the epoch and the number of the sample.
func (p *preparation) random() *rand.Rand {
	p.source.Seed(p.key, hashName(p.step.path))
	return p.rng
}

// run computes the front for the sample whose raw inputs are in the first values, and copies its
// results to the memory for each edge.
func (p *preparation) run(to [][]float32) error {
	for e, v := range p.plan.edges {
		if v >= p.plan.inputs { // computed in place
			p.values[v].numbers = to[e][:0]
		}
	}
	for i := range p.plan.steps {
		s := &p.plan.steps[i]
		p.step = s
		p.in = p.in[:0]
		for _, k := range s.in {
			p.in = append(p.in, &p.values[k])
		}
		if err := s.run.prepare(p, p.in, &p.values[s.out]); err != nil {
			return fmt.Errorf("%s %q: %w", s.layer.def.Kind(), s.path, err)
		}
	}
	for e, v := range p.plan.edges {
		from := p.values[v].numbers
		if len(from) != len(to[e]) {
			return fmt.Errorf("what enters the network has shape %v, want %d values", p.values[v].shape, len(to[e]))
		}
		if len(from) > 0 && &from[0] != &to[e][0] {
			copy(to[e], from)
		}
	}
	return nil
}

// Preprocesses reports whether the model has layers that run before the network, such as StringLookup
// or Resizing. Such a model takes raw inputs: strings, and pictures as they are in a file, with values
// from 0 to 255.
func (m *Model) Preprocesses() bool { return len(m.front) > 0 }
