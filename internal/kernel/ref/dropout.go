// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// DropThreshold returns how many of the 2^32 random words drop an element, and the scale
// 1/(1-rate) of those kept (0 for rate 1).
func DropThreshold(rate float64) (drop uint64, scale float64) {
	drop = uint64(math.Round(rate * (1 << 32)))
	if rate >= 1 {
		return 1 << 32, 0
	}
	return drop, 1 / (1 - rate)
}

// Dropout writes dst_i = x_i m_i / (1-rate), where m_i is 1 with probability 1-rate, else 0.
// The mask depends only on (key, stream, step, first+i), so the gradient is the same call on
// dy. first, the index of the first element, is a multiple of PhiloxBlock. A dropped element is
// 0 even if x is NaN. dst may be x.
func Dropout[T Float](dst, x []T, rate float64, key, stream, step uint64, first int) {
	drop, scale := DropThreshold(rate)
	s := T(scale)
	var words [PhiloxBlock]uint32
	for i := 0; i < len(dst); i += PhiloxBlock {
		philoxBlock(&words, (first+i)/PhiloxBlock, key, stream, step)
		for j := i; j < min(i+PhiloxBlock, len(dst)); j++ {
			if uint64(words[j-i]) < drop {
				dst[j] = 0
			} else {
				dst[j] = x[j] * s
			}
		}
	}
}

// Uniform writes numbers that are uniformly distributed in [0, 1): multiples of 2⁻²⁴, which float32 can
// hold. first, the index of the first element, is a multiple of PhiloxBlock.
func Uniform[T Float](dst []T, key, stream, step uint64, first int) {
	var words [PhiloxBlock]uint32
	for i := 0; i < len(dst); i += PhiloxBlock {
		philoxBlock(&words, (first+i)/PhiloxBlock, key, stream, step)
		for j := i; j < min(i+PhiloxBlock, len(dst)); j++ {
			dst[j] = T(words[j-i]>>8) / (1 << 24)
		}
	}
}
