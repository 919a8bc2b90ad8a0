// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"math"
	"strconv"
)

// powers are the powers of ten that float64 represents exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number reads the JSON number that begins at b[i]: its value, rounded once as by strconv.ParseFloat,
// and where it ends. ok is false if there is none; tooLarge, if float32 does not reach it.
//
// Up to 2⁵³ the digits, and up to 10²² their power of ten, are float64 values, so that one product or
// quotient of them is the float64 nearest to the number. Rounded to float32 that is the float32
// nearest to it, unless it lies in the middle between two: strconv decides these.
func number(b []byte, i int) (v float32, end int, ok, tooLarge bool) {
	start := i
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	var mantissa uint64
	first := i
	for i < len(b) && b[i]-'0' < 10 {
		mantissa = mantissa*10 + uint64(b[i]-'0')
		i++
	}
	digits := i - first
	if digits == 0 || digits > 1 && b[first] == '0' {
		return 0, i, false, false
	}
	exponent := 0
	if i < len(b) && b[i] == '.' {
		i++
		from := i
		for i < len(b) && b[i]-'0' < 10 {
			mantissa = mantissa*10 + uint64(b[i]-'0')
			i++
		}
		if i == from {
			return 0, i, false, false
		}
		digits += i - from
		exponent = from - i
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		down := false
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			down = b[i] == '-'
			i++
		}
		from, e := i, 0
		for i < len(b) && b[i]-'0' < 10 {
			e = min(e*10+int(b[i]-'0'), 1<<20)
			i++
		}
		if i == from {
			return 0, i, false, false
		}
		if down {
			e = -e
		}
		exponent += e
	}
	const most = len(powers) - 1
	if digits <= 19 && mantissa < 1<<53 && exponent >= -most && exponent <= most {
		f := float64(mantissa)
		if exponent < 0 {
			f /= powers[-exponent]
		} else {
			f *= powers[exponent]
		}
		inRange := f >= 0x1p-126 && f < math.MaxFloat32 || f == 0
		if below := math.Float64bits(f) & (1<<29 - 1); inRange && below != 1<<28 {
			v = float32(f)
			if negative {
				v = -v
			}
			return v, i, true, false
		}
	}
	f, err := strconv.ParseFloat(string(b[start:i]), 32)
	if err != nil {
		return 0, i, true, true
	}
	return float32(f), i, true, false
}
