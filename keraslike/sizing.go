// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// sizes is a network at given shapes of its inputs: the shapes of all its tensors, and its cost.
// A network with free axes has as many as its batches have lengths, and any network may be nested
// in another one at other sizes than its own.
type sizes struct {
	of   map[*Tensor]Shape // where the shape is not the tensor's own
	cost cost
	*sizing
}

// sizing computes sizes of networks that are nested in each other, each network once for each
// shape of its inputs.
type sizing struct {
	trial bool // of lengths that no batch has, so that nothing is too large
	done  map[sizingKey]*sizes
}

// sizingKey is a network and the shapes of its inputs.
type sizingKey struct {
	of any
	in string
}

func newSizing() *sizing      { return &sizing{done: map[sizingKey]*sizes{}} }
func newTrialSizing() *sizing { return &sizing{trial: true, done: map[sizingKey]*sizes{}} }

func (s *sizing) isTrial() bool { return s != nil && s.trial }

// find returns the sizes of a network with these inputs, nil if they have not been computed.
func (s *sizing) find(network any, in []Shape) *sizes {
	if s == nil {
		return nil
	}
	return s.done[sizingKey{network, fmt.Sprint(in)}]
}

// shape returns the shape of a tensor.
func (z *sizes) shape(t *Tensor) Shape {
	if z != nil {
		if s, ok := z.of[t]; ok {
			return s
		}
	}
	return t.shape
}

// shapes returns the shapes of tensors.
func (z *sizes) shapes(list []*Tensor) []Shape {
	shapes := make([]Shape, len(list))
	for i, t := range list {
		shapes[i] = z.shape(t)
	}
	return shapes
}

func (z *sizes) record(t *Tensor, s Shape) {
	if !s.Equal(t.shape) {
		z.of[t] = s
	}
}

// cost is the cost of a graph for one sample, in floating point because it may exceed
// integers.
type cost struct {
	largest  float64 // values of the largest array
	internal float64 // values that layers keep for their gradients, whatever the graph's plan
	work     float64 // multiplications, and workOfValue for each value
}
