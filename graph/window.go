// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"
)

// Padding selects what a moving window does at the edges.
type Padding uint8

// The paddings, as Keras and TensorFlow define them.
const (
	Valid  Padding = iota // the window stays inside: ⌊(n - k)/s⌋ + 1 positions
	Same                  // ⌈n/s⌉ positions; the padding is split evenly, with the odd cell at the end
	Causal                // one axis only: all k-1 padding cells are at the start, so no output depends on later inputs
)

// String returns the Keras name.
func (p Padding) String() string {
	if p > Causal {
		return fmt.Sprintf("Padding(%d)", uint8(p))
	}
	return [...]string{"valid", "same", "causal"}[p]
}

// OutputSize returns the output size along an axis of length n for a window of k cells with
// stride s and dilation d.
func OutputSize(n, k, s, d int, p Padding) (int, error) {
	out, _, err := windowPositions(n, k, s, d, p)
	return out, err
}

// MarshalText returns the Keras name.
func (p Padding) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (p *Padding) UnmarshalText(text []byte) error {
	for q := Valid; q <= Causal; q++ {
		if q.String() == string(text) {
			*p = q
			return nil
		}
	}
	return fmt.Errorf("padding %q: unknown, want valid, same or causal", text)
}

// windowPositions returns the number of positions of a window of k cells with stride s and dilation d
// along an axis of length n, and the number of padding cells before the axis.
func windowPositions(n, k, s, d int, p Padding) (out, before int, err error) {
	if k < 1 || s < 1 || d < 1 {
		return 0, 0, fmt.Errorf("window %d, stride %d, dilation %d: want positive numbers", k, s, d)
	}
	reach := (k-1)*d + 1
	switch p {
	case Same:
		out = (n + s - 1) / s
		return out, max((out-1)*s+reach-n, 0) / 2, nil
	case Causal:
		return (n + s - 1) / s, reach - 1, nil
	case Valid:
		if n < reach {
			return 0, 0, fmt.Errorf("window spans %d cells, the axis has %d", reach, n)
		}
		return (n-reach)/s + 1, 0, nil
	}
	return 0, 0, fmt.Errorf("padding %d: unknown", p)
}

// spatial returns the sizes of a shape of rank 3 (one spatial axis) or 4.
func spatial(s tensor.Shape) (n, h, w, c int, err error) {
	switch len(s) {
	case 3:
		return s[0], 1, s[1], s[2], nil
	case 4:
		return s[0], s[1], s[2], s[3], nil
	}
	return 0, 0, 0, 0, fmt.Errorf("shape %v, want (batch, steps, channels) or (batch, height, width, channels)", s)
}

// spatialPair returns the settings of the rows and columns of an image, 1 where they are 0. An input
// with one spatial axis is an image of one row.
func spatialPair(v [3]int, rank int) (rows, columns int) {
	if rank == 3 {
		return 1, orOne(v[0])
	}
	return orOne(v[0]), orOne(v[1])
}

func orOne(n int) int {
	if n == 0 {
		return 1
	}
	return n
}

// plane returns the settings of the second and third axis.
func plane(v [3]int) [3]int { return [3]int{v[1], v[2]} }

// settingText appends a setting to a text, without the axes at the end that have the default. 0 stands for
// the default.
func settingText(text, name string, v [3]int, absent int) string {
	n := len(v)
	for n > 0 && (v[n-1] == absent || v[n-1] == 0) {
		n--
	}
	for i := range v[:n] {
		if v[i] == 0 {
			v[i] = absent
		}
	}
	if n == 0 {
		return text
	}
	return fmt.Sprint(text, " ", name, " ", v[:n])
}
