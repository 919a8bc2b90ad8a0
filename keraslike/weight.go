// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
	"sync/atomic"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// Weight is one array of a layer. It is trained by the optimizer, or updated by the layer
// itself (such as moving statistics) if it was declared with State. Its methods may be called
// while other goroutines predict.
type Weight struct {
	name        string
	path        string // layer/name, preceded by the names of nested models
	shape       []int
	init        Initializer
	fans        [2]float64 // fan_in and fan_out for init, 0 for those of a kernel
	regularizer Regularizer
	constraint  boundConstraint
	state       bool
	nonNegative bool // values below 0 are invalid
	idle        bool // may be unused, and is not trained then

	value   *tensor.Dense // written by writeWeights only
	lent    *lentMemory   // set while nobody may write value
	lock    *weightLock   // of value; nil before the layer is in a model
	version atomic.Uint64 // the number of times that value was written
	kept    graph.Kept    // what predictions derive from value
}

// Name returns the name within the layer, such as "kernel".
func (w *Weight) Name() string { return w.name }

// Path returns the name within the model, such as "block5_conv3/kernel". For nested models
// it is the name within the outermost one.
func (w *Weight) Path() string { return w.path }

// Shape returns the shape of the array.
func (w *Weight) Shape() []int { return w.shape }

// HasValues reports whether the weight has values, which a model's Build gives it.
func (w *Weight) HasValues() bool {
	list := locksOf([]*Weight{w})
	list.rLock()
	defer list.rUnlock()
	return w.value != nil
}

// Values returns a copy of the array, row-major. It is nil until the model is built.
func (w *Weight) Values() []float32 {
	list := locksOf([]*Weight{w})
	list.rLock()
	defer list.rUnlock()
	return slices.Clone(w.floats())
}

// Set copies values into the array.
func (w *Weight) Set(values []float32) error {
	if len(values) != w.size() {
		return fmt.Errorf("weight %q: got %d values, want %d for shape %v", w.path, len(values), w.size(), w.shape)
	}
	return w.Update(func(to []float32) { copy(to, values) })
}

// Update calls f with the array itself, row-major, to change it in place, see UpdateWeights.
func (w *Weight) Update(f func(values []float32)) error {
	return UpdateWeights([]*Weight{w}, func(_ int, values []float32) { f(values) })
}

// UpdateWeights calls f with the array of each weight in turn, row-major, to change it in place;
// an array without values is all zeros. Predictions in other goroutines wait, so that each
// batch is computed either with all changes or with none of them. f must neither keep the arrays
// nor call methods of models and weights. A panic of f is returned as an error.
func UpdateWeights(weights []*Weight, f func(i int, values []float32)) (err error) {
	defer caught(&err, "update of weights", nil, "")
	if i := slices.Index(weights, nil); i >= 0 {
		return fmt.Errorf("update of weights: weight %d is nil", i)
	}
	return writeWeights(locksOf(weights), weights, func() error {
		for i, w := range weights {
			if w.value == nil {
				w.value = w.zeros()
			}
			f(i, w.floats())
		}
		return nil
	})
}

// writeWeights calls write, which may change the values of the weights, while nobody reads
// them, and counts it in their versions. The locks are at least those of the weights, or none
// where no other goroutine can know them.
func writeWeights(locks weightLocks, weights []*Weight, write func() error) error {
	locks.lock()
	defer locks.unlock()
	for _, w := range weights {
		if err := w.own(); err != nil {
			return err
		}
	}
	defer func() {
		for _, w := range weights {
			w.version.Add(1)
		}
	}()
	return write()
}

// newLocks gives the weights that no model has had before a lock, and returns the locks of all.
func newLocks(weights []*Weight) weightLocks {
	var own *weightLock
	for _, w := range weights {
		if w.lock != nil {
			continue
		}
		if own == nil {
			own = newWeightLock()
		}
		w.lock = own
		w.kept.Keep(&w.version, &own.kept)
	}
	return locksOf(weights)
}

// locksOf returns the locks of the weights.
func locksOf(weights []*Weight) (list weightLocks) {
	for _, w := range weights {
		list = list.add(w.lock)
	}
	return list
}

// size returns the number of values.
func (w *Weight) size() int { return Shape(w.shape).Size() }

// floats returns the array itself, nil until the model is built.
func (w *Weight) floats() []float32 {
	if w.value == nil {
		return nil
	}
	return w.value.Float32s()
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
	return tensor.New(tensor.WithShape(w.shape...), tensor.WithBacking(kernel.Floats(w.size())))
}
