// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"encoding/json"
	"strconv"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
)

// appendText appends a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			text, _ := json.Marshal(s) // a string is always encoded
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendValues appends numbers with commas, each with the fewest digits that give its float32 again.
func appendValues(b []byte, values []float32) []byte {
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	return b
}

// appendNested appends values as arrays nested like the shape.
func appendNested(b []byte, values []float32, shape []int) []byte {
	if len(shape) == 0 {
		return appendValues(b, values)
	}
	b = append(b, '[')
	if len(shape) == 1 {
		b = appendValues(b, values)
	} else {
		each := len(values) / shape[0]
		for i := range shape[0] {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendNested(b, values[i*each:(i+1)*each], shape[1:])
		}
	}
	return append(b, ']')
}

// notFinite returns the index of the first NaN or Inf, -1 if there is none.
func notFinite(values []float32) int {
	for i, v := range values {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

// lengths formats a shape, "?" for an axis of any length.
func lengths(shape []int) string {
	words := make([]string, len(shape))
	for i, n := range shape {
		if words[i] = strconv.Itoa(n); n == k.Any {
			words[i] = "?"
		}
	}
	return "(" + strings.Join(words, ", ") + ")"
}
