// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Weight is one array of a layer: trained by the optimiser, or kept by the
// layer itself (moving statistics) when it was declared with State.
type Weight struct {
	name        string
	path        string // layer/name, with the names of nested models in front
	shape       []int
	init        Initializer
	regularizer Regularizer
	constraint  bounds
	state       bool
	variance    bool // holds nothing below 0
	value       *tensor.Dense
}

// Name is the name within the layer, such as "kernel".
func (w *Weight) Name() string { return w.name }

// Path is the name within the model, such as "block5_conv3/kernel"; within the
// outermost one where models are nested.
func (w *Weight) Path() string { return w.path }

// Shape is the shape of the array.
func (w *Weight) Shape() []int { return w.shape }

// Value is the array itself, row-major; writing to it changes the model. It is
// nil until the model is built.
func (w *Weight) Value() []float32 {
	if w.value == nil {
		return nil
	}
	return w.value.Float32s()
}

// Set copies new numbers into the array.
func (w *Weight) Set(values []float32) error {
	if len(values) != Shape(w.shape).Size() {
		return fmt.Errorf("weight %q: got %d values, want %d for shape %v", w.path, len(values), Shape(w.shape).Size(), w.shape)
	}
	if w.value == nil {
		w.value = w.zeros()
	}
	copy(w.value.Float32s(), values)
	return nil
}

// zeros is a new array for the weight.
func (w *Weight) zeros() *tensor.Dense {
	if len(w.shape) == 0 {
		return tensor.New(tensor.Of(tensor.Float32), tensor.WithShape())
	}
	return tensor.New(tensor.WithShape(w.shape...), tensor.WithBacking(kernel.Floats(Shape(w.shape).Size())))
}

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
