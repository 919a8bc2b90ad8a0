// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// ChannelsFirst computes a layer of images, series or volumes with the channels as the first axis of
// a sample instead of the last, as Keras does with data_format="channels_first":
// ChannelsFirst(Conv2D(32, 3)) takes (batch, channels, height, width). It transposes the input and the
// output, so that channels last are faster.
//
//	input    (batch, channels, ...)
//	output   (batch, channels', ...), or what the layer makes of it if that has one axis
//	weights  those of the layer, in the same order of axes, under the name of the ChannelsFirst
//
// Sequences of ConvLSTM1D to ConvLSTM3D have the channels after the steps: (batch, steps, channels, ...).
//
// Layers without an axis of channels, such as Dense, see the last axis as theirs. The layer sees and
// passes no masks. It must not be a model, nor used elsewhere. Around a layer that runs before the network,
// such as RandomFlip, it runs there, too.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/convolution_layers/convolution2d/.
func ChannelsFirst(inner Layer, opts ...LayerOption) Layer {
	d := &channelsFirst{wrap(inner)}
	return d.frozenAs(newLayer(d, opts))
}

type channelsFirst struct{ wrapping }

var _ = register[channelsFirst]("ChannelsFirst")

func (d *channelsFirst) Kind() string { return "ChannelsFirst" }

func (d *channelsFirst) check() error {
	if err := d.wrapping.check(); err != nil {
		return err
	}
	if d.holdsLayers() {
		return errors.New("got a model, want a layer: each of the model's layers can be wrapped")
	}
	return nil
}

func (d *channelsFirst) Build(b *Builder, in []Shape) (Shape, error) {
	last := make([]Shape, len(in))
	for i, s := range in {
		if len(s) < 2 {
			return nil, fmt.Errorf("input has shape %v, want (batch, channels, ...)", s)
		}
		at := d.channelsAt(len(s))
		last[i] = append(slices.Delete(slices.Clone(s), at, at+1), s[at])
	}
	out, err := d.layer.def.Build(b, last)
	if err != nil {
		return nil, fmt.Errorf("%s with channels last: %w", d.layer.def.Kind(), err)
	}
	for i, s := range b.more {
		b.more[i] = d.channelsOfOutput(s)
	}
	return d.channelsOfOutput(out), nil
}

// channelsAt returns the axis of the channels of a sample with this number of axes: the first, or that after the
// steps of a sequence.
func (d *channelsFirst) channelsAt(axes int) int {
	if c, ok := d.layer.def.(*convLSTM); ok && axes == c.Axes+2 {
		return 1
	}
	return 0
}

// channelsOfOutput returns the shape of an output with the channels first.
func (d *channelsFirst) channelsOfOutput(s Shape) Shape {
	if len(s) < 2 {
		return s
	}
	last := len(s) - 1
	return slices.Insert(slices.Clone(s[:last]), d.channelsAt(len(s)), s[last])
}

func (d *channelsFirst) Forward(s *Scope, in []*graph.Node) *graph.Node {
	last := make([]*graph.Node, len(in))
	for i, x := range in {
		at := 1 + d.channelsAt(x.Dims()-1)
		order := slices.Delete(upTo(x.Dims()), at, at+1)
		last[i] = s.Do(graph.Transpose(x, append(order, at)...))
	}
	s.masks = nil
	y := d.channelsToFront(s, s.forward(d.layer.def, last))
	for i, more := range s.moreOutputs {
		s.moreOutputs[i] = d.channelsToFront(s, more)
	}
	s.outputMasks = nil
	return y
}

// channelsToFront returns an output with the channels first.
func (d *channelsFirst) channelsToFront(s *Scope, y *graph.Node) *graph.Node {
	if y == nil || y.Dims() < 3 {
		return y
	}
	last := y.Dims() - 1
	order := slices.Insert(upTo(last), 1+d.channelsAt(last), last)
	return s.Do(graph.Transpose(y, order...))
}

// inFront reports whether the layer can and must run before the network.
func (d *channelsFirst) inFront() (can, must bool) {
	if d.layer == nil || d.holdsLayers() {
		return false, false
	}
	return canRunInFront(d.layer.def), onlyInFront(d.layer.def)
}

// prepare turns a picture and what the layer makes of it.
func (d *channelsFirst) prepare(p *preparation, in []*value, out *value) error {
	from, to := &p.turned[0], &p.turned[1]
	lastChannels(in[0], from)
	if err := d.layer.def.(preparer).prepare(p, []*value{from}, to); err != nil {
		return fmt.Errorf("%s with channels last: %w", d.layer.def.Kind(), err)
	}
	firstChannels(to, out)
	return nil
}

// lastChannels writes x with its first axis as the last.
func lastChannels(x, y *value) {
	channels, each := x.shape[0], len(x.numbers)/max(1, x.shape[0])
	shape := append(slices.Clone(x.shape[1:]), channels)
	to := y.resize(shape...)
	for c := range channels {
		for i, v := range x.numbers[c*each : (c+1)*each] {
			to[i*channels+c] = v
		}
	}
}

// firstChannels writes x with its last axis as the first.
func firstChannels(x, y *value) {
	last := len(x.shape) - 1
	channels := x.shape[last]
	to, each := y.resize(append([]int{channels}, x.shape[:last]...)...), len(x.numbers)/max(1, channels)
	for c := range channels {
		for i := range each {
			to[c*each+i] = x.numbers[i*channels+c]
		}
	}
}
