// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/binary"
	"math/bits"
)

// Hash functions of TensorFlow, whose values decide into which bin a token falls.

const (
	farmK0 = 0xc3a5c85c97cb3127
	farmK1 = 0xb492b66fbe98f273
	farmK2 = 0x9ae16a3b2f90404f
)

func shiftMix(v uint64) uint64 { return v ^ v>>47 }

// farmMul is the mixing step of CityHash and FarmHash with a given factor.
func farmMul(u, v, mul uint64) uint64 {
	a := shiftMix((u ^ v) * mul)
	return shiftMix((v^a)*mul) * mul
}

func fetch64(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s[:8])) }
func fetch32(s string) uint64 { return uint64(binary.LittleEndian.Uint32([]byte(s[:4]))) }

// fingerprint64 is FarmHash's Fingerprint64 (https://github.com/google/farmhash, farmhashna), the hash
// of TensorFlow's to_hash_bucket_fast.
func fingerprint64(s string) uint64 {
	n := uint64(len(s))
	switch {
	case n <= 16:
		return farm16(s)
	case n <= 32:
		mul := farmK2 + n*2
		a, b := fetch64(s)*farmK1, fetch64(s[8:])
		c, d := fetch64(s[n-8:])*mul, fetch64(s[n-16:])*farmK2
		return farmMul(bits.RotateLeft64(a+b, -43)+bits.RotateLeft64(c, -30)+d, a+bits.RotateLeft64(b+farmK2, -18)+c, mul)
	case n <= 64:
		mul := farmK2 + n*2
		a, b := fetch64(s)*farmK2, fetch64(s[8:])
		c, d := fetch64(s[n-8:])*mul, fetch64(s[n-16:])*farmK2
		y := bits.RotateLeft64(a+b, -43) + bits.RotateLeft64(c, -30) + d
		z := farmMul(y, a+bits.RotateLeft64(b+farmK2, -18)+c, mul)
		e, f := fetch64(s[16:])*mul, fetch64(s[24:])
		g, h := (y+fetch64(s[n-32:]))*mul, (z+fetch64(s[n-24:]))*mul
		return farmMul(bits.RotateLeft64(e+f, -43)+bits.RotateLeft64(g, -30)+h, e+bits.RotateLeft64(f+a, -18)+g, mul)
	}
	return farmLong(s)
}

// farm16 hashes up to 16 bytes.
func farm16(s string) uint64 {
	n := uint64(len(s))
	switch {
	case n >= 8:
		mul := farmK2 + n*2
		a, b := fetch64(s)+farmK2, fetch64(s[n-8:])
		c, d := bits.RotateLeft64(b, -37)*mul+a, (bits.RotateLeft64(a, -25)+b)*mul
		return farmMul(c, d, mul)
	case n >= 4:
		mul := farmK2 + n*2
		return farmMul(n+fetch32(s)<<3, fetch32(s[n-4:]), mul)
	case n > 0:
		y := uint64(s[0]) + uint64(s[n>>1])<<8
		z := n + uint64(s[n-1])<<2
		return shiftMix(y*farmK2^z*farmK0) * farmK2
	}
	return farmK2
}

// farmLong hashes more than 64 bytes.
func farmLong(s string) uint64 {
	weak := func(s string, a, b uint64) (uint64, uint64) {
		w, x, y, z := fetch64(s), fetch64(s[8:]), fetch64(s[16:]), fetch64(s[24:])
		a += w
		b = bits.RotateLeft64(b+a+z, -21)
		c := a
		a += x + y
		b += bits.RotateLeft64(a, -44)
		return a + z, b + c
	}
	const seed = 81
	x := uint64(seed)
	y := x*farmK1 + 113
	z := shiftMix(y*farmK2+113) * farmK2
	var v0, v1, w0, w1 uint64
	x = x*farmK2 + fetch64(s)
	last := s[len(s)-64:]
	for rest := s; len(rest) > 64; rest = rest[64:] {
		x = bits.RotateLeft64(x+y+v0+fetch64(rest[8:]), -37) * farmK1
		y = bits.RotateLeft64(y+v1+fetch64(rest[48:]), -42) * farmK1
		x ^= w1
		y += v0 + fetch64(rest[40:])
		z = bits.RotateLeft64(z+w0, -33) * farmK1
		v0, v1 = weak(rest, v1*farmK1, x+w0)
		w0, w1 = weak(rest[32:], z+w1, y+fetch64(rest[16:]))
		z, x = x, z
	}
	mul := farmK1 + (z&0xff)<<1
	w0 += uint64(len(s)-1) & 63
	v0 += w0
	w0 += v0
	x = bits.RotateLeft64(x+y+v0+fetch64(last[8:]), -37) * mul
	y = bits.RotateLeft64(y+v1+fetch64(last[48:]), -42) * mul
	x ^= w1 * 9
	y += v0*9 + fetch64(last[40:])
	z = bits.RotateLeft64(z+w0, -33) * mul
	v0, v1 = weak(last, v1*mul, x+w0)
	w0, w1 = weak(last[32:], z+w1, y+fetch64(last[16:]))
	z, x = x, z
	return farmMul(farmMul(v0, w0, mul)+shiftMix(y)*farmK0+z, farmMul(v1, w1, mul)+x, mul)
}

// crossed combines two fingerprints as TensorFlow's FingerprintCat64.
func crossed(a, b uint64) uint64 {
	const mul = 0xc6a4a7935bd1e995
	h := a ^ mul
	h ^= shiftMix(b*mul) * mul
	h *= mul
	return shiftMix(shiftMix(h) * mul)
}

// sipHash is SipHash-2-4 (Aumasson and Bernstein 2012, https://www.aumasson.jp/siphash/siphash.pdf), the
// hash of TensorFlow's to_hash_bucket_strong.
func sipHash(k0, k1 uint64, s string) uint64 {
	v0, v1, v2, v3 := k0^0x736f6d6570736575, k1^0x646f72616e646f6d, k0^0x6c7967656e657261, k1^0x7465646279746573
	round := func() {
		v0 += v1
		v1 = bits.RotateLeft64(v1, 13) ^ v0
		v0 = bits.RotateLeft64(v0, 32)
		v2 += v3
		v3 = bits.RotateLeft64(v3, 16) ^ v2
		v0 += v3
		v3 = bits.RotateLeft64(v3, 21) ^ v0
		v2 += v1
		v1 = bits.RotateLeft64(v1, 17) ^ v2
		v2 = bits.RotateLeft64(v2, 32)
	}
	word := func(m uint64) {
		v3 ^= m
		round()
		round()
		v0 ^= m
	}
	last := uint64(len(s)) << 56
	for ; len(s) >= 8; s = s[8:] {
		word(fetch64(s))
	}
	for i := range len(s) {
		last |= uint64(s[i]) << (8 * i)
	}
	word(last)
	v2 ^= 0xff
	for range 4 {
		round()
	}
	return v0 ^ v1 ^ v2 ^ v3
}
