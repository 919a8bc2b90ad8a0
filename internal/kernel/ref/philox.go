// SPDX-License-Identifier: Apache-2.0

package ref

import (
	"math"
	"math/bits"
)

// Philox4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011) maps a 128-bit counter and a 64-bit key to 128 random bits. There is no state: any
// worker can compute any element of a stream.
func Philox4x32(ctr [4]uint32, key uint64) [4]uint32 {
	keys := PhiloxKeys(key)
	for round := 0; round < len(keys); round += 2 {
		hi0, lo0 := bits.Mul32(0xD2511F53, ctr[0])
		hi1, lo1 := bits.Mul32(0xCD9E8D57, ctr[2])
		ctr = [4]uint32{hi1 ^ ctr[1] ^ keys[round], lo1, hi0 ^ ctr[3] ^ keys[round+1], lo0}
	}
	return ctr
}

// PhiloxKeys returns the pairs of round keys of the ten rounds.
func PhiloxKeys(key uint64) (keys [20]uint32) {
	for round := range uint32(10) {
		keys[2*round] = uint32(key) + round*0x9E3779B9
		keys[2*round+1] = uint32(key>>32) + round*0xBB67AE85
	}
	return keys
}

// PhiloxBlock is the number of elements computed from 16 counters. Within a block, element e
// uses word e/16 of counter e%16, the order in which 16-lane vectors produce them.
const PhiloxBlock = 64

// philoxBlock computes the random words of block b of the sequence (key, stream, step). The
// counter is (16 b + lane, step, stream); step and block are taken modulo 2^32 and 2^28.
func philoxBlock(words *[PhiloxBlock]uint32, b int, key, stream, step uint64) {
	for lane := range 16 {
		r := Philox4x32([4]uint32{uint32(b*16 + lane), uint32(step), uint32(stream), uint32(stream >> 32)}, key)
		for i, v := range r {
			words[16*i+lane] = v
		}
	}
}

// Normal writes standard normal numbers by the method of Box & Muller (1958): words 0 and 1 of
// a counter yield elements in the first two groups of sixteen of a block, words 2 and 3 those
// in the other two. first, the index of the first element, is a multiple of PhiloxBlock.
func Normal[T Float](dst []T, key, stream, step uint64, first int) {
	var words [PhiloxBlock]uint32
	var z [PhiloxBlock]T
	for i := 0; i < len(dst); i += PhiloxBlock {
		philoxBlock(&words, (first+i)/PhiloxBlock, key, stream, step)
		for j := range PhiloxBlock / 2 {
			a := j/16*32 + j%16
			r := math.Sqrt(-2 * math.Log(unit(words[a])))
			sin, cos := math.Sincos(2 * math.Pi * unit(words[a+16]))
			z[a], z[a+16] = T(r*cos), T(r*sin)
		}
		copy(dst[i:], z[:])
	}
}

// unit maps a word to the open interval (0,1).
func unit(w uint32) float64 { return (float64(w) + 0.5) / (1 << 32) }
