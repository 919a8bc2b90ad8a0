// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// Builder is passed to Definition.Build, which declares the layer's weights with it.
type Builder struct {
	layer  *layer
	prefix string // of weight names, while an inner layer is built
	more   []Shape
	sizing *sizing // the computation that Build is part of; nil for the first use of a layer
	err    error
}

// Output declares another output with the given shape, in addition to the one that Build
// returns.
func (b *Builder) Output(shape Shape) {
	if shape == nil {
		shape = Shape{}
	}
	b.more = append(b.more, shape)
}

// Weight declares a trainable array.
func (b *Builder) Weight(name string, init Initializer, reg Regularizer, shape ...int) {
	b.add(&Weight{name: name, init: init, regularizer: reg, shape: shape})
}

// State declares an array that belongs to the layer but is not trained. Scope.Update
// changes it after each training step.
func (b *Builder) State(name string, init Initializer, shape ...int) {
	b.add(&Weight{name: name, init: init, shape: shape, state: true})
}

// nonNegativeState is State for a variance, which must not be negative.
func (b *Builder) nonNegativeState(name string, init Initializer, shape ...int) {
	b.add(&Weight{name: name, init: init, shape: shape, state: true, nonNegative: true})
}

func (b *Builder) add(w *Weight) {
	w.name = b.prefix + w.name
	for _, d := range w.shape {
		if d <= 0 && b.err == nil {
			b.err = fmt.Errorf("weight %q would have shape %v", w.name, w.shape)
		}
	}
	if b.err == nil && !b.sizing.isTrial() {
		b.err = w.checkSize()
	}
	for _, other := range b.layer.weights {
		if other.name == w.name && b.err == nil {
			b.err = fmt.Errorf("weight %q is declared twice", w.name)
		}
	}
	if err := w.regularizer.suits(w.shape); err != nil && b.err == nil {
		b.err = fmt.Errorf("weight %q: %w", w.name, err)
	}
	if err := w.init.check(w.shape); err != nil && b.err == nil {
		b.err = fmt.Errorf("weight %q: %w", w.name, err)
	}
	b.layer.weights = append(b.layer.weights, w)
}

// Constrain applies c to a declared weight after each update. If c is the zero value, the
// weight need not exist.
func (b *Builder) Constrain(name string, c Constraint) {
	if c.IsZero() || b.err != nil {
		return
	}
	for _, w := range b.layer.weights {
		if w.name == b.prefix+name {
			if err := c.fits(w.shape); err != nil {
				b.err = fmt.Errorf("weight %q: %w", name, err)
				return
			}
			w.constraint = boundConstraint{Constraint: c}
			return
		}
	}
	b.err = fmt.Errorf("has a constraint for weight %q, which is not declared", name)
}

// fans sets fan_in and fan_out of a weight whose axes are not those of a kernel: the lengths of the axes of the
// inputs and of the outputs of one unit.
func (b *Builder) fans(name string, in, out Shape) {
	for _, w := range b.layer.weights {
		if w.name == b.prefix+name {
			w.fans = [2]float64{float64(in.Size()), float64(out.Size())}
		}
	}
}
