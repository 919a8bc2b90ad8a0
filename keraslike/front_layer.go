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

// errStrings is the error of a layer that takes no strings.
var errStrings = errors.New("its input is of strings, want numbers: StringLookup, TextVectorization, Hashing and HashedCrossing make numbers of strings")

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
		return errStrings
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

// frontModel is a definition that computes other layers.
type frontModel interface {
	// inFront reports whether all layers can run in the front, and whether one must.
	inFront() (can, must bool)
}

func canRunInFront(d Definition) bool {
	switch d := d.(type) {
	case frontModel:
		can, _ := d.inFront()
		return can
	case preparer:
		return true
	}
	return false
}

func onlyInFront(d Definition) bool {
	switch d := d.(type) {
	case interface{ onlyInFront() }:
		return true
	case frontModel:
		_, must := d.inFront()
		return must
	}
	return false
}

// runsInFront reports whether a call of the model itself runs in its front.
func (t *Tensor) runsInFront() bool {
	_, prefers := t.layer.def.(interface{ prefersFront() })
	return onlyInFront(t.layer.def) || prefers && t.raw
}

func kindOfValues(strings bool) string {
	if strings {
		return "strings"
	}
	return "numbers"
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
	turned     [2]value  // pictures with channels last, see ChannelsFirst
	operated   [2]value  // pictures between operations, see RandAugment
	operand    [1]*value
	part       uint64 // of the layer that draws, see operations
}

func (f *frontPlan) newPreparation() *preparation {
	p := &preparation{plan: f, values: make([]value, f.values)}
	p.rng = rand.New(&p.source)
	return p
}

// random returns the random numbers that a layer draws for the sample. They depend on the seed of the
// model, the path of the layer, the epoch and the number of the sample.
func (p *preparation) random() *rand.Rand {
	p.source.Seed(p.key, hashName(p.step.path)+p.part)
	return p.rng
}

// whole ends the parts of a layer.
func (p *preparation) whole() { p.part = 0 }

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
