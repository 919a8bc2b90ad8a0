// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// TimeDistributed applies a layer or a model to every step of a sequence separately, with
// the same weights: TimeDistributed(Conv2D(16, 3)) takes a sequence of images.
//
//	input    (batch, steps, ...)
//	output   (batch, steps, ...), where ... is the layer's output shape for one step
//	weights  those of the layer, under the name of the TimeDistributed
//
// Steps are samples for the layer, so it does not see a mask of the steps. If the mask has
// more axes than the batch and the steps, the layer sees the mask of one step; for later
// layers a step is masked if all of it is.
//
// The inner layer must not be used elsewhere; an inner model may.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/recurrent_layers/time_distributed/.
func TimeDistributed(inner Layer, opts ...LayerOption) Layer {
	d := &timeDistributed{wrap(inner)}
	return d.frozenAs(newLayer(d, opts))
}

type timeDistributed struct{ wrapping }

var _ = register[timeDistributed]("TimeDistributed")

func (d *timeDistributed) Kind() string { return "TimeDistributed" }

func (d *timeDistributed) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if len(in[0]) < 1 {
		return nil, fmt.Errorf("input has shape %v, want (batch, steps, ...)", in[0])
	}
	out, err := d.layer.def.Build(b, []Shape{in[0][1:]})
	if err == nil && len(b.more) > 0 {
		err = fmt.Errorf("has %d outputs, want 1", 1+len(b.more))
	}
	if err != nil {
		return nil, fmt.Errorf("%s on one step: %w", d.layer.def.Kind(), err)
	}
	return append(Shape{in[0][0]}, out...), nil
}

// Forward reshapes the steps of all samples to one larger batch.
func (d *timeDistributed) Forward(s *Scope, in []*graph.Node) *graph.Node {
	shape := in[0].Shape()
	batch, mask := s.batch, s.Mask(0)
	defer func() { s.batch = batch }()
	s.batch, s.masks = shape[0]*shape[1], nil
	if mask != nil && len(mask.Shape()) > 2 { // nested sequences
		m := mask.Shape()
		s.masks = []*graph.Node{s.Do(graph.Reshape(mask, append([]int{s.batch}, m[2:]...)...))}
		mask = s.Do(graph.MaskOfRows(s.Do(graph.Reshape(mask, m[0], m[1], Shape(m[2:]).Size())), 0))
	}
	x := s.Do(graph.Reshape(in[0], append([]int{s.batch}, shape[2:]...)...))
	if x == nil {
		return nil
	}
	y := s.forward(d.layer.def, []*graph.Node{x})
	s.outputMasks = []*graph.Node{mask}
	if y == nil {
		return nil
	}
	to := append([]int{shape[0], shape[1]}, y.Shape()[1:]...)
	steps := s.Do(graph.Reshape(y, to...))
	if l, squashed := s.logits[y]; squashed {
		l.node = s.Do(graph.Reshape(l.node, to...))
		s.logits[steps] = l
	}
	return steps
}
