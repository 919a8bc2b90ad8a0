// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// Masks
//
// A mask says which steps of a series count, where series of different lengths are
// padded to one: (batch, steps) of ones and zeros. It goes beside the values from
// layer to layer, by one rule (https://keras.io/guides/understanding_masking_and_padding/):
//
//	make a mask       Embedding with MaskZero, Masking
//	use and pass it   SimpleRNN, GRU, LSTM, Bidirectional (pass it with ReturnSequences),
//	                  MultiHeadAttention (passes the query's), TimeDistributed
//	use it            GlobalAveragePooling1D; BatchNormalization in training, which also passes it
//	pass it           Dense, Activation, LeakyReLU, PReLU, Dropout, SpatialDropout,
//	                  GaussianNoise, GaussianDropout, BatchNormalization,
//	                  LayerNormalization, GroupNormalization, UnitNormalization,
//	                  Normalization, Rescaling; a model used as a layer
//	join masks        Add, Subtract, Multiply, Average, Maximum, Minimum: a step counts
//	                  where it does in any input, and all where an input has no mask; the
//	                  last three also use them: what is masked does not change the others;
//	                  Concatenate: along the steps in sequence, along another
//	                  axis as Add
//	stop it           all others
//
// Where an output of the model has a mask, loss and metrics are means over the steps
// that count. Losses that have no value for each step and metrics of one's own without
// a weighted form take all.

// Mask is the mask of one of the inputs of the layer, nil where it has none.
func (s *Scope) Mask(input int) *graph.Node {
	if input < len(s.masks) {
		return s.masks[input]
	}
	return nil
}

// SetMask gives one of the layer's outputs a mask: ones and zeros in the shape of
// the output's first axes, the batch and the steps. A layer that sets none stops the
// masks of its inputs.
func (s *Scope) SetMask(output int, mask *graph.Node) {
	for len(s.outputMasks) <= output {
		s.outputMasks = append(s.outputMasks, nil)
	}
	s.outputMasks[output] = mask
}

// passesMask is embedded by the definitions whose output has its first input's mask.
type passesMask struct{}

func (passesMask) passMask(s *Scope) { s.SetMask(0, s.Mask(0)) }

// anyMask is 1 where any of the masks is; without a mask every step counts, so that
// none is the mask of all.
func (s *Scope) anyMask(masks []*graph.Node) *graph.Node {
	for i := range masks {
		if masks[i] == nil || len(masks[i].Shape()) != len(masks[0].Shape()) {
			return nil
		}
	}
	masks = broadcast(s, masks)
	out := masks[0]
	for _, m := range masks[1:] {
		out = s.Do(graph.Maximum(out, m))
	}
	return out
}

// where is a at the steps that count and b at the others.
func (s *Scope) where(mask, a, b *graph.Node) *graph.Node {
	others := s.Do(graph.Affine(mask, -1, 1))
	return s.Do(graph.Add(s.Do(graph.MaskSteps(a, mask)), s.Do(graph.MaskSteps(b, others))))
}

// maskLike repeats the axes of length 1 of a mask to those of values; nil for no mask.
func (s *Scope) maskLike(mask, values *graph.Node) *graph.Node {
	if mask == nil {
		return nil
	}
	for axis, n := range mask.Shape() {
		if to := values.Shape()[axis]; n < to {
			mask = s.Do(graph.RepeatElements(mask, axis, to))
		}
	}
	return mask
}

// inputMasks are the masks of n inputs.
func (s *Scope) inputMasks(n int) []*graph.Node {
	masks := make([]*graph.Node, n)
	for i := range masks {
		masks[i] = s.Mask(i)
	}
	return masks
}
