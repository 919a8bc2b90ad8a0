// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// Masks
//
// A mask marks the steps of a sequence that count, where sequences of different lengths are
// padded to the same length: (batch, steps) of ones and zeros. It is passed along with the
// values from layer to layer, as in Keras
// (https://keras.io/guides/understanding_masking_and_padding/):
//
//	make a mask       Embedding and TokenAndPositionEmbedding with MaskZero, Masking
//	use and pass it   SimpleRNN, GRU, LSTM, RNN, ConvLSTM1D to ConvLSTM3D, Bidirectional (pass it with
//	                  ReturnSequences),
//	                  MultiHeadAttention, GroupQueryAttention, Attention and AdditiveAttention (pass
//	                  the query's), TimeDistributed
//	use it            GlobalAveragePooling1D; BatchNormalization in training, which also passes it
//	pass it           Dense, ReverseEmbedding, Activation, LeakyReLU, PReLU, Dropout, SpatialDropout,
//	                  GaussianNoise, GaussianDropout, PositionEmbedding, SinePositionEncoding,
//	                  RotaryEmbedding, BatchNormalization,
//	                  LayerNormalization, GroupNormalization, UnitNormalization, ActivityRegularization, Normalization,
//	                  Rescaling; a model used as a layer
//	join masks        Add, Subtract, Multiply, Average, Maximum, Minimum: a step counts if
//	                  it counts in any input, or if an input has no mask; Multiply, Maximum
//	                  and Minimum also ignore the masked steps of an input;
//	                  Concatenate: along the steps it concatenates masks, along another
//	                  axis it joins them as Add does
//	stop it           all others, EinsumDense and RMSNormalization among them
//
// If an output of the model has a mask, loss and metrics are means over the steps that
// count. Losses without a value for each step and custom metrics that do not support weights
// include all steps.

// Mask returns the mask of an input of the layer, nil if it has none.
func (s *Scope) Mask(input int) *graph.Node {
	if input < len(s.masks) {
		return s.masks[input]
	}
	return nil
}

// SetMask sets the mask of an output of the layer: ones and zeros with the shape of the
// output's first axes, the batch and the steps. A layer that does not set one stops the masks
// of its inputs.
func (s *Scope) SetMask(output int, mask *graph.Node) {
	for len(s.outputMasks) <= output {
		s.outputMasks = append(s.outputMasks, nil)
	}
	s.outputMasks[output] = mask
}

// passesMask is embedded by definitions whose output has the mask of the first input.
type passesMask struct{}

func (passesMask) passMask(s *Scope) { s.SetMask(0, s.Mask(0)) }

// anyMask returns a mask that is 1 where any of the masks is. An input without a mask counts
// at every step: the result is nil.
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

// where returns a at the steps that count and b at the masked ones.
func (s *Scope) where(mask, a, b *graph.Node) *graph.Node {
	others := s.Do(graph.Affine(mask, -1, 1))
	return s.Do(graph.Add(s.Do(graph.MaskSteps(a, mask)), s.Do(graph.MaskSteps(b, others))))
}

// maskLike broadcasts axes of length 1 of a mask to the shape of values; nil for no mask.
func (s *Scope) maskLike(mask, values *graph.Node) *graph.Node {
	if mask == nil {
		return nil
	}
	for axis, n := range mask.Shape() {
		if to := values.Shape()[axis]; n < to {
			mask = s.Do(graph.Repeat(mask, to, axis))
		}
	}
	return mask
}

// inputMasks returns the masks of n inputs.
func (s *Scope) inputMasks(n int) []*graph.Node {
	masks := make([]*graph.Node, n)
	for i := range masks {
		masks[i] = s.Mask(i)
	}
	return masks
}
