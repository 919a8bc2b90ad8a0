// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"slices"
	"time"

	k "github.com/reef-dl/reef/keraslike"
)

// call is the samples of one request on their way through the model. It is used again for other
// requests, with its memory.
type call struct {
	version  *version
	rows     int
	inputs   []samples  // of each input
	ragged   []*k.Array // in place of inputs: samples that differ in length
	outputs  []samples
	enqueued time.Time
	deadline time.Time
	done     chan error // gets one value when the model has computed the outputs

	memory *budget
	held   int64 // bytes of the budget
}

// samples are the values of an input or output of all rows.
type samples struct {
	shape  []int // of one sample
	values []float32
	texts  []string // in place of values
	ragged *k.Array // in place of all
}

// row returns the values of a sample and their shape.
func (s *samples) row(i int) ([]float32, []int) {
	if s.ragged != nil {
		return s.ragged.Row(i), s.ragged.RowShape(i)
	}
	n := k.Shape(s.shape).Size()
	return s.values[i*n : (i+1)*n], s.shape
}

// begin makes the call ready for a version of a model.
func (c *call) begin(v *version) {
	c.version, c.rows, c.ragged = v, 0, nil
	c.inputs = resized(c.inputs, len(v.inputs))
	c.outputs = resized(c.outputs, len(v.outputs))
	if c.done == nil {
		c.done = make(chan error, 1)
	}
}

// resized returns n empty samples that keep the memory of those before.
func resized(list []samples, n int) []samples {
	list = slices.Grow(list[:0], n)[:n]
	for i := range list {
		list[i] = samples{shape: list[i].shape[:0], values: list[i].values[:0], texts: list[i].texts[:0]}
	}
	return list
}

// fits reports whether two calls can be computed as one batch.
func (c *call) fits(other *call) bool {
	if c.version != other.version || c.ragged != nil || other.ragged != nil {
		return false
	}
	for i := range c.inputs {
		if !slices.Equal(c.inputs[i].shape, other.inputs[i].shape) {
			return false
		}
	}
	return true
}

// forget drops memory that is too large to keep for the next request, and what belongs to this one.
func (c *call) forget() {
	const kept = 1 << 20 // values
	for _, list := range [][]samples{c.inputs, c.outputs} {
		for i := range list {
			if cap(list[i].values) > kept {
				list[i].values = nil
			}
			list[i].texts, list[i].ragged = nil, nil
		}
	}
	c.version, c.ragged = nil, nil
}
