// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// Builder is what a definition declares its weights with.
type Builder struct {
	layer  *layer
	prefix string // of the names of weights, while a layer within the layer is built
	more   []Shape
	err    error
}

// Output declares a further output of the given shape, behind the one that Build
// returns.
func (b *Builder) Output(shape Shape) {
	if shape == nil {
		shape = Shape{}
	}
	b.more = append(b.more, shape)
}

// Weight declares a trained array.
func (b *Builder) Weight(name string, init Initializer, reg Regularizer, shape ...int) {
	b.add(&Weight{name: name, init: init, regularizer: reg, shape: shape})
}

// State declares an array that belongs to the layer and is not trained; Scope.Update
// changes it after each step of training.
func (b *Builder) State(name string, init Initializer, shape ...int) {
	b.add(&Weight{name: name, init: init, shape: shape, state: true})
}

// variance is State for an array that a root is taken of.
func (b *Builder) variance(name string, init Initializer, shape ...int) {
	b.add(&Weight{name: name, init: init, shape: shape, state: true, variance: true})
}

func (b *Builder) add(w *Weight) {
	w.name = b.prefix + w.name
	for _, d := range w.shape {
		if d <= 0 && b.err == nil {
			b.err = fmt.Errorf("weight %q would have shape %v", w.name, w.shape)
		}
	}
	if b.err == nil && Shape(w.shape).tooLarge() {
		b.err = fmt.Errorf("weight %q would have shape %v, more than %d values", w.name, w.shape, maxSize)
	}
	for _, other := range b.layer.weights {
		if other.name == w.name && b.err == nil {
			b.err = fmt.Errorf("weight %q is declared twice", w.name)
		}
	}
	if err := w.init.check(w.shape); err != nil && b.err == nil {
		b.err = fmt.Errorf("weight %q: %w", w.name, err)
	}
	b.layer.weights = append(b.layer.weights, w)
}
