// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// parseSpace decodes a dataspace (section IV.A.2.b): the shape, nil for a scalar,
// and the number of elements.
func parseSpace(body []byte) (shape []int, elements uint64, err error) {
	c := cursor{b: body}
	version, rank, flags := c.u8(), c.u8(), c.u8()
	switch version {
	case 1:
		c.skip(5)
	case 2:
		if kind := c.u8(); kind == 2 {
			return []int{0}, 0, c.err // the null space has no elements
		}
	default:
		return nil, 0, fmt.Errorf("dataspace: version %d is not supported", version)
	}
	_ = flags // whether maximal sizes follow, which do not matter
	elements = 1
	for range rank {
		d := c.u64()
		if d > math.MaxInt || d > 0 && elements > math.MaxInt64/16/d {
			return nil, 0, fmt.Errorf("dataspace: an axis of %d after %v is too large", d, shape)
		}
		elements *= d
		shape = append(shape, int(d))
	}
	return shape, elements, c.err
}

// Classes of datatypes (section IV.A.2.d).
const (
	classInteger = 0
	classFloat   = 1
	classString  = 3
	classOpaque  = 5
	classVarying = 9
)

type datatype struct {
	class     uint8
	size      uint64
	bigEndian bool
	signed    bool
	text      bool // varying length: of characters
	brain     bool // bfloat16: the upper half of a float32
}

func parseType(body []byte) (datatype, error) {
	c := cursor{b: body}
	t := datatype{class: c.u8() & 0xf}
	bits := c.u8()
	c.skip(2)
	t.size = uint64(c.u32())
	if c.err != nil {
		return t, c.err
	}
	if t.size == 0 {
		return t, errors.New("datatype of no bytes")
	}
	t.bigEndian = bits&1 != 0
	switch t.class {
	case classInteger:
		t.signed = bits&8 != 0
		offset, precision := c.u16(), c.u16()
		if offset != 0 || uint64(precision) != 8*t.size || t.size > 8 {
			return t, fmt.Errorf("integers of %d bits at %d in %d bytes are not supported", precision, offset, t.size)
		}
	case classFloat:
		if bits&0x40 != 0 {
			return t, errors.New("VAX floats are not supported")
		}
		c.skip(4)
		exponent := [2]uint8{c.u8(), c.u8()}
		c.skip(2)
		if t.brain = t.size == 2 && exponent == [2]uint8{7, 8}; t.brain {
			return t, c.err
		}
		want := map[uint64][2]uint8{2: {10, 5}, 4: {23, 8}, 8: {52, 11}}[t.size]
		if exponent != want {
			return t, fmt.Errorf("floats of %d bytes with %d bits of exponent at %d are not supported", t.size, exponent[1], exponent[0])
		}
	case classVarying:
		t.text = bits&0xf == 1
	}
	return t, c.err
}

// converter returns a function that turns elements into float32, rounding to nearest.
func (t datatype) converter() (func(dst []float32, src []byte), error) {
	var order binary.ByteOrder = binary.LittleEndian
	if t.bigEndian {
		order = binary.BigEndian
	}
	var one func(b []byte) float32
	switch {
	case t.brain:
		one = func(b []byte) float32 { return math.Float32frombits(uint32(order.Uint16(b)) << 16) }
	case t.class == classFloat && t.size == 4:
		one = func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) }
	case t.class == classFloat && t.size == 8:
		one = func(b []byte) float32 { return float32(math.Float64frombits(order.Uint64(b))) }
	case t.class == classFloat && t.size == 2:
		one = func(b []byte) float32 { return float16(order.Uint16(b)) }
	case t.class == classInteger && t.signed:
		shift := 64 - 8*t.size
		one = func(b []byte) float32 { return float32(int64(t.integer(b)<<shift) >> shift) }
	case t.class == classInteger:
		one = func(b []byte) float32 { return float32(t.integer(b)) }
	default:
		return nil, fmt.Errorf("elements of class %d and %d bytes are no numbers that are supported", t.class, t.size)
	}
	size := int(t.size)
	return func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = one(src[i*size:])
		}
	}, nil
}

func (t datatype) integer(b []byte) uint64 {
	var v uint64
	for i := range t.size {
		at := i
		if !t.bigEndian {
			at = t.size - 1 - i
		}
		v = v<<8 | uint64(b[at])
	}
	return v
}

// float16 widens an IEEE 754 binary16 number.
func float16(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15), int(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		v := math.Ldexp(float64(fraction), -24)
		if sign == 1 {
			v = -v
		}
		return float32(v)
	case 0x1f:
		return math.Float32frombits(sign<<31 | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign<<31 | uint32(exponent+127-15)<<23 | fraction<<13)
}
