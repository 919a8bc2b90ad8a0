// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// dataSpec describes the data that a model accepts.
type dataSpec struct {
	model   string  // the model's name, for errors
	inputs  []Shape // of one sample
	outputs []Shape
	targets []Shape  // nil if none are read
	wanted  []string // the loss or metric that uses each target, for errors
	signed  bool     // whether the first output's classes are -1 and 1
}

// accepts returns an error if the shapes of the data are not those of the model.
func (d *dataSpec) accepts(data Samples) error {
	in, out, err := shapesOf(data)
	if err != nil {
		return err
	}
	if len(in) != len(d.inputs) {
		return fmt.Errorf("the data has %d inputs, model %q wants %d", len(in), d.model, len(d.inputs))
	}
	for k, want := range d.inputs {
		if !shapesMatch(in[k], want) {
			return fmt.Errorf("input %d of the data has shape %v, model %q wants %v", k, Shape(in[k]), d.model, want)
		}
	}
	if d.targets == nil {
		return nil
	}
	if len(out) != len(d.targets) {
		return fmt.Errorf("the data has %d targets, model %q wants %d", len(out), d.model, len(d.targets))
	}
	for k, want := range d.targets {
		if !shapesMatch(out[k], want) {
			return fmt.Errorf("the targets have shape %v, %s wants %v", Shape(out[k]), d.wanted[k], want)
		}
	}
	return nil
}

// batchIterator iterates over a range of a source's samples in batches, in a given order.
type batchIterator struct {
	source   Source
	order    []int // indices of samples
	size     int
	position int
}

// newBatchIterator iterates over samples lo to hi-1 of a source in their order.
func newBatchIterator(source Source, lo, hi, size int) *batchIterator {
	b := &batchIterator{source: source, size: size, order: make([]int, hi-lo)}
	for i := range b.order {
		b.order[i] = lo + i
	}
	return b
}

// shuffle puts the samples into a random order (Fisher-Yates) that depends only on the
// generator, not on the order of the previous epoch.
func (b *batchIterator) shuffle(rng *rand.Rand) {
	slices.Sort(b.order)
	rng.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
}

// rewind starts over.
func (b *batchIterator) rewind() { b.position = 0 }

// count returns the number of batches; the last one may be smaller.
func (b *batchIterator) count() int {
	n := len(b.order) / b.size
	if len(b.order)%b.size > 0 {
		n++
	}
	return n
}

// next returns the indices of the next batch, none at the end.
func (b *batchIterator) next() []int {
	n := min(b.size, len(b.order)-b.position)
	b.position += n
	return b.order[b.position-n : b.position]
}
