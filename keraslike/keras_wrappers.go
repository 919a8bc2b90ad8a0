// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
)

// timeDistributed makes the layer around one that sees single steps.
func (b *kerasBuilder) timeDistributed(a *kerasArgs, in []*Tensor, depth int) (Layer, error) {
	var step []*Tensor
	for _, x := range in {
		if len(x.shape) > 0 {
			step = append(step, &Tensor{layer: x.layer, shape: x.shape[1:]})
		}
	}
	inner, err := b.inner(a, "layer", step, depth)
	if err != nil {
		return nil, err
	}
	return TimeDistributed(inner), nil
}

// bidirectional makes the layer around a recurrent one; files of Keras 2 describe the
// layer of the backward direction only where it was given.
func (b *kerasBuilder) bidirectional(a *kerasArgs, depth int) (Layer, error) {
	mode := MergeNone
	if string(a.raw["merge_mode"]) != "null" {
		mode = MergeMode(a.text("merge_mode", string(MergeConcat)))
	}
	forward, err := b.inner(a, "layer", nil, depth)
	if err != nil {
		return nil, err
	}
	options := []BidirectionalOption{mode}
	if raw := string(a.raw["backward_layer"]); raw != "" && raw != "null" {
		backward, err := b.inner(a, "backward_layer", nil, depth)
		if err != nil {
			return nil, err
		}
		options = append(options, BackwardLayer(backward))
	}
	return Bidirectional(forward, options...), nil
}

// inner makes a layer that is an argument of another.
func (b *kerasBuilder) inner(a *kerasArgs, name string, in []*Tensor, depth int) (Layer, error) {
	if depth > kerasNesting {
		return nil, fmt.Errorf("layers are nested more than %d deep", kerasNesting)
	}
	var l kerasLayer
	if !a.take(name, &l) {
		a.fail(name, errors.New("is missing"))
		return nil, a.err
	}
	return b.layer(l, in, depth+1)
}
