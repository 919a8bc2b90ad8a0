// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Weight is one array of a layer. It is trained by the optimizer, or updated by the layer
// itself (such as moving statistics) if it was declared with State.
type Weight struct {
	name        string
	path        string // layer/name, preceded by the names of nested models
	shape       []int
	init        Initializer
	regularizer Regularizer
	constraint  boundConstraint
	state       bool
	nonNegative bool // values below 0 are invalid
	value       *tensor.Dense
}

// Name returns the name within the layer, such as "kernel".
func (w *Weight) Name() string { return w.name }

// Path returns the name within the model, such as "block5_conv3/kernel". For nested models
// it is the name within the outermost one.
func (w *Weight) Path() string { return w.path }

// Shape returns the shape of the array.
func (w *Weight) Shape() []int { return w.shape }

// Value returns the array itself, row-major: writing to it changes the model. It is nil
// until the model is built.
func (w *Weight) Value() []float32 {
	if w.value == nil {
		return nil
	}
	return w.value.Float32s()
}

// Set copies values into the array.
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

// checkSize rejects a weight of more values than memory can hold.
func (w *Weight) checkSize() error {
	if Shape(w.shape).tooLarge() {
		return fmt.Errorf("weight %q would have shape %v, which is more than %d values", w.name, w.shape, maxSize)
	}
	return nil
}

// zeros allocates the array of the weight.
func (w *Weight) zeros() *tensor.Dense {
	if len(w.shape) == 0 {
		return tensor.New(tensor.Of(tensor.Float32), tensor.WithShape())
	}
	return tensor.New(tensor.WithShape(w.shape...), tensor.WithBacking(kernel.Floats(Shape(w.shape).Size())))
}
