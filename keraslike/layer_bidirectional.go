// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/reef-dl/reef/graph"
)

// Bidirectional runs a recurrent layer over a sequence forward and, with separate weights,
// backward (Schuster & Paliwal 1997). The layer is a SimpleRNN, GRU, LSTM, RNN or one of ConvLSTM1D to
// ConvLSTM3D, whose arguments apply to both directions:
//
//	keraslike.Bidirectional(keraslike.LSTM(64, keraslike.ReturnSequences))
//
//	input    (batch, steps, in); optionally followed by the initial states, those of the
//	         forward direction first
//	output   the outputs of both directions, joined by MergeMode: with MergeConcat
//	         (batch, 2·units), or (batch, steps, 2·units) with ReturnSequences, where
//	         each step has the outputs of both directions for that step
//	further outputs  the backward output with MergeNone; with ReturnState the final
//	         states, those of the forward direction first
//	weights  those of the layer for each direction, such as forward_lstm/kernel and
//	         backward_lstm/kernel; if the layer has a name, it replaces lstm
//
// With ReturnSequences the outputs at masked steps are 0, as in Keras.
//
// Options:
//
//	MergeMode      MergeConcat
//	BackwardLayer  a copy of the layer that runs backward
//	Name           "bidirectional", "bidirectional_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/recurrent_layers/bidirectional/.
func Bidirectional(inner Layer, opts ...BidirectionalOption) Layer {
	d := &bidirectional{MergeMode: MergeConcat}
	if inner != nil {
		d.forward = directionOf(inner)
	}
	l := newLayer(d, opts)
	switch b := d.BackwardLayer; {
	case b != nil && isNil(*b):
		d.backward = &direction{} // without a layer, which check reports
	case b != nil:
		d.backward = directionOf(*b)
	case d.forward != nil:
		d.backward = d.forward.reversed()
	}
	l.frozen = l.frozen || d.forward != nil && d.forward.frozen
	return l
}

// MergeMode is an option of Bidirectional that selects how the outputs of the two directions
// are joined. The default is MergeConcat.
type MergeMode string

// The merge modes. With MergeNone both outputs are returned: output 0 is the forward one,
// output 1 the backward one.
const (
	MergeConcat MergeMode = "concat"
	MergeSum    MergeMode = "sum"
	MergeMul    MergeMode = "mul"
	MergeAve    MergeMode = "ave"
	MergeNone   MergeMode = "none"
)

func (m MergeMode) sets() setting {
	return setting{option: "MergeMode", field: "MergeMode", value: m}
}
func (MergeMode) forBidirectional() {}

// BackwardLayer sets the layer of the backward direction, by default a copy of the forward
// layer. It needs GoBackwards, and the same ReturnSequences and ReturnState as the forward
// layer.
func BackwardLayer(l Layer) BidirectionalOption {
	return bidirectionalOption{setting: set("BackwardLayer", &l)}
}

type bidirectional struct {
	MergeMode         MergeMode `option:"MergeMode"`
	BackwardLayer     *Layer    `option:"BackwardLayer"`
	forward, backward *direction
}

// direction is the layer of one direction: its name and its definition, which is nil if it
// is not a recurrent layer.
type direction struct {
	name    string
	frozen  bool
	mistake error // of its options
	sequenceLayer
}

func directionOf(inner Layer) *direction {
	l := inner.core()
	d := &direction{name: l.name, frozen: l.frozen, mistake: l.mistake}
	if r, ok := l.def.(sequenceLayer); ok {
		d.sequenceLayer = r.twin() // the layer may be used elsewhere, with its own weights
		f := d.flags()
		*f.zeroOutputForMask = *f.returnSequences
	}
	return d
}

// reversed returns a copy that runs in the other direction.
func (d *direction) reversed() *direction {
	twin := *d
	if d.sequenceLayer != nil {
		twin.sequenceLayer = d.twin()
		*twin.flags().goBackwards = true
	}
	return &twin
}

// prefix is the prefix of the names of the direction's weights.
func (d *direction) prefix(way string) string {
	name := d.name
	if name == "" {
		name = snakeCase(d.Kind())
	}
	return way + strings.TrimPrefix(name, way)
}

var _ = register[bidirectional]("Bidirectional")

func (d *bidirectional) Kind() string { return "Bidirectional" }

func (d *bidirectional) check() error {
	if d.forward == nil {
		return errors.New("got no layer")
	}
	switch d.MergeMode {
	case MergeConcat, MergeSum, MergeMul, MergeAve, MergeNone:
	default:
		return fmt.Errorf("merge mode is %q, want one of concat, sum, mul, ave and none", string(d.MergeMode))
	}
	for _, one := range []*direction{d.forward, d.backward} {
		if one.sequenceLayer == nil {
			return errNotSequence
		}
		if err := errors.Join(one.mistake, one.check(), finiteSettings(one.sequenceLayer)); err != nil {
			return fmt.Errorf("%s: %w", one.Kind(), err)
		}
	}
	f, b := d.forward.flags(), d.backward.flags()
	switch {
	case *f.goBackwards == *b.goBackwards:
		return fmt.Errorf("both layers run in the same direction (GoBackwards %v)", *f.goBackwards)
	case *f.returnSequences != *b.returnSequences || *f.returnState != *b.returnState || *f.stateful != *b.stateful:
		return errors.New("the layers differ in ReturnSequences, ReturnState or Stateful")
	case d.forward.frozen != d.backward.frozen:
		return errors.New("one layer is trainable and the other is not")
	}
	return nil
}

// errNotSequence is the error of a layer that does not go over sequences.
var errNotSequence = errors.New("wraps SimpleRNN, GRU, LSTM, RNN and ConvLSTM1D to ConvLSTM3D only")

func (d *bidirectional) multiplications(in []Shape, out Shape, each float64) float64 {
	if m, ok := d.forward.sequenceLayer.(multiplier); ok {
		return m.multiplications(in, out, each)
	}
	return each
}

func (d *bidirectional) internalValues(in []Shape) float64 {
	return d.forward.internalValues(in) + d.backward.internalValues(in)
}

func (d *bidirectional) Build(b *Builder, in []Shape) (Shape, error) {
	states := d.forward.states()
	if n := len(in) - 1; n > 0 && n != states+d.backward.states() {
		return nil, fmt.Errorf("got %d initial states, want none or %d", n, states+d.backward.states())
	}
	y, forward, err := d.forward.build(b, "forward_", inputWithStates(in, 0, states))
	if err != nil {
		return nil, err
	}
	z, backward, err := d.backward.build(b, "backward_", inputWithStates(in, states, d.backward.states()))
	if err != nil {
		return nil, err
	}
	last := len(y) - 1
	switch {
	case d.MergeMode == MergeNone:
	case len(y) == len(z) && y[last] != z[last] && d.MergeMode != MergeConcat:
		return nil, fmt.Errorf("%s of %d and %d units, want the same number", d.MergeMode, y[last], z[last])
	case len(y) != len(z) || !y[:last].Equal(z[:last]):
		return nil, fmt.Errorf("%s of outputs %v and %v, want the same shape but for the last axis", d.MergeMode, y, z)
	}
	switch d.MergeMode {
	case MergeConcat:
		y = append(y[:last:last], y[last]+z[last])
	case MergeNone:
		b.Output(z)
	}
	for _, s := range append(forward, backward...) {
		b.Output(s)
	}
	return y, nil
}

// inputWithStates returns the sequence followed by n of the initial states, starting at an index.
func inputWithStates[T any](in []T, from, n int) []T {
	if len(in) < 2 {
		return in
	}
	return append([]T{in[0]}, in[1+from:1+from+n]...)
}

// build builds one direction and removes its further outputs from b.
func (d *direction) build(b *Builder, way string, in []Shape) (y Shape, states []Shape, err error) {
	defer within(&b.prefix, d.prefix(way))()
	y, err = d.Build(b, in)
	states, b.more = b.more, nil
	return y, states, err
}

// runAs runs one direction.
func (d *direction) runAs(way string, s *Scope, in []*graph.Node) (y *graph.Node, states []*graph.Node) {
	defer within(&s.prefix, d.prefix(way))()
	return d.run(s, in)
}

func (d *bidirectional) Forward(s *Scope, in []*graph.Node) *graph.Node {
	states := d.forward.states()
	y, forward := d.forward.runAs("forward_", s, inputWithStates(in, 0, states))
	z, backward := d.backward.runAs("backward_", s, inputWithStates(in, states, d.backward.states()))
	if y == nil || z == nil {
		return nil
	}
	sequences := *d.forward.flags().returnSequences
	if sequences {
		z = s.Do(graph.Flip(z, 1))
	}
	switch d.MergeMode {
	case MergeConcat:
		y = s.Do(graph.Concat(len(y.Shape())-1, y, z))
	case MergeSum:
		y = s.Do(graph.Add(y, z))
	case MergeMul:
		y = s.Do(graph.Mul(y, z))
	case MergeAve:
		y = s.Do(graph.Scale(s.Do(graph.Add(y, z)), 0.5))
	case MergeNone:
		s.Output(z)
		if sequences {
			s.SetMask(1, s.Mask(0))
		}
	}
	for _, h := range append(forward, backward...) {
		s.Output(h)
	}
	return y
}

// bidirectionalConfig is the saved form: both directions, as in Keras.
type bidirectionalConfig struct {
	Merge    MergeMode   `json:"merge_mode"`
	Forward  layerConfig `json:"layer"`
	Backward layerConfig `json:"backward_layer"`
}

// MarshalJSON stores the layers of both directions.
func (d *bidirectional) MarshalJSON() ([]byte, error) {
	c := bidirectionalConfig{Merge: d.MergeMode}
	var err error
	if c.Forward, err = d.forward.config(); err != nil {
		return nil, err
	}
	if c.Backward, err = d.backward.config(); err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

func (d *direction) config() (layerConfig, error) {
	return (&layer{name: d.name, def: d.sequenceLayer, frozen: d.frozen}).config()
}

// read restores the layers of both directions.
func (d *bidirectional) read(text []byte, outer *loader) error {
	var c bidirectionalConfig
	if err := unmarshalStrict(text, &c); err != nil {
		return err
	}
	d.MergeMode = c.Merge
	for _, one := range []struct {
		saved *layerConfig
		to    **direction
	}{{&c.Forward, &d.forward}, {&c.Backward, &d.backward}} {
		if make, ok := definitions[one.saved.Kind]; ok { // before its arguments, which may be layers in layers
			if _, ok := make().(sequenceLayer); !ok {
				return fmt.Errorf("%w, got %q", errNotSequence, one.saved.Kind)
			}
		}
		inner := newLoader(nil, len(text))
		inner.knownCells = outer.knownCells
		l, err := one.saved.layer(inner)
		if err != nil {
			return err
		}
		*one.to = directionOf(l)
	}
	return nil
}
