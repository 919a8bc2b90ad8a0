// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
)

// Padding selects how PadSequences makes sequences equally long.
type Padding struct {
	Length       int   `json:"length"`                  // 0 means that of the longest
	Post         bool  `json:"post,omitempty"`          // pad at the end, not at the front
	TruncatePost bool  `json:"truncate_post,omitempty"` // truncate the end, not the beginning
	Value        int32 `json:"value,omitempty"`
}

// PadSequences truncates and pads sequences to one length, as Keras's pad_sequences: by
// default at the front, so that the end of a long text is kept.
//
// Shape of a sample: (length)
func PadSequences(sequences [][]int32, p Padding) (Array, error) {
	if p.Length < 0 {
		return Array{}, fmt.Errorf("pad sequences: length %d, want at least 1", p.Length)
	}
	length := p.Length
	if length == 0 {
		for _, s := range sequences {
			length = max(length, len(s))
		}
	}
	if length == 0 {
		return Array{}, fmt.Errorf("pad sequences: all %d are empty and no length is given", len(sequences))
	}
	if len(sequences) > maxNumbers/length {
		return Array{}, fmt.Errorf("pad sequences: %d sequences of %d ids, want at most %d ids in all", len(sequences), length, maxNumbers)
	}
	if !exact(p.Value) {
		return Array{}, fmt.Errorf("pad sequences: value %d does not fit single precision", p.Value)
	}
	out := slices.Repeat([]float32{float32(p.Value)}, len(sequences)*length)
	for i, s := range sequences {
		if over := len(s) - length; over > 0 {
			if p.TruncatePost {
				s = s[:length]
			} else {
				s = s[over:]
			}
		}
		row := out[i*length : (i+1)*length]
		if !p.Post {
			row = row[length-len(s):]
		}
		for j, id := range s {
			if !exact(id) {
				return Array{}, fmt.Errorf("pad sequences: sequence %d: id %d does not fit single precision, want at most %d", i, id, maxExact)
			}
			row[j] = float32(id)
		}
	}
	return Array{[]int{length}, out}, nil
}

// maxExact is the largest integer up to which single precision represents every one.
const maxExact = 1 << 24

// exact reports whether single precision represents n; otherwise it would turn into
// another id.
func exact(n int32) bool { return n >= -maxExact && n <= maxExact }
