// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"math"
	"strconv"
	"strings"
)

// An axis is a range of numbers with a label and ticks.
type axis struct {
	label    string
	min, max float64
	ticks    []tick
}

type tick struct {
	at   float64
	text string
}

// scale returns the position of v: 0 at the start of the axis, 1 at its end. Halving
// first avoids overflow.
func (a axis) scale(v float64) float64 { return (v/2 - a.min/2) / (a.max/2 - a.min/2) }

// narrowest is the smallest range of an axis as a share of its numbers, and least
// the smallest at all: below them the steps between ticks are lost to rounding.
const (
	narrowest = 1e-12
	least     = 1e-300
)

// widen extends a range that is too narrow for an axis around its center, and turns an
// empty range into that of a single value.
func widen(lo, hi float64) (float64, float64) {
	size := math.Max(math.Abs(lo), math.Abs(hi))
	switch {
	case !(lo <= hi): // no finite values
		return 0, 1
	case lo == hi:
		pad := size * 0.1
		if size < least {
			pad = 0.5
		}
		return inside(lo - pad), inside(hi + pad)
	}
	if room := math.Max(size*narrowest, least); hi/2-lo/2 < room/2 {
		return inside(lo - room/2), inside(hi + room/2)
	}
	return lo, hi
}

// finite reports whether v is neither NaN nor infinite.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// inside keeps a number finite.
func inside(v float64) float64 {
	return math.Min(math.Max(v, -math.MaxFloat64), math.MaxFloat64)
}

// numberAxis covers lo to hi with a margin (a share of the range on both
// sides) and marks round numbers, about n of them. It takes any two numbers.
func numberAxis(label string, lo, hi, margin float64, n int) axis {
	lo, hi = widen(lo, hi)
	half := hi/2 - lo/2
	pad := half * margin * 2
	a := axis{label: label, min: inside(lo - pad), max: inside(hi + pad)}
	a.mark(roundStep(half / float64(n) * 2))
	return a
}

// mark puts ticks on the multiples of step.
func (a *axis) mark(step float64) {
	const most = 100
	first := math.Ceil(a.min/step - 1e-9)
	for k := range most {
		i := first + float64(k)
		if !(i*step <= inside(a.max+step*1e-9)) {
			return
		}
		a.ticks = append(a.ticks, tick{i * step, number(i*step, step)})
	}
}

// countAxis marks the first of the integers from first to last, and about n of the
// others.
func countAxis(label string, first, last, n int) axis {
	a := axis{label: label, min: float64(first), max: float64(last)}
	step := int(math.Max(1, roundStep(float64(last-first)/float64(n))))
	a.ticks = []tick{{float64(first), strconv.Itoa(first)}}
	for v := first/step*step + step; v <= last; v += step {
		a.ticks = append(a.ticks, tick{float64(v), strconv.Itoa(v)})
	}
	if last <= first { // a single value: in the center
		a.min, a.max = a.min-0.5, a.max+0.5
	}
	return a
}

// roundStep returns the smallest of 1, 2, 5 times a power of ten that is not below x.
func roundStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// number formats v with as many decimals as multiples of step need and with a true minus
// sign.
func number(v, step float64) string {
	if math.Abs(v) < step*1e-6 {
		v = 0
	}
	var s string
	if largest := math.Max(math.Abs(v), step); largest >= 1e6 || step < 1e-5 {
		digits := 3
		if v != 0 { // enough that neighbors differ
			digits = max(digits, int(math.Ceil(math.Log10(math.Abs(v))-math.Log10(step)-1e-9))+1)
		}
		s = strconv.FormatFloat(v, 'g', digits, 64)
	} else {
		decimals := int(math.Max(0, math.Ceil(-math.Log10(step)-1e-9)))
		s = strconv.FormatFloat(v, 'f', decimals, 64)
	}
	return strings.ReplaceAll(s, "-", "−")
}

// significant formats v with n significant digits, as in a legend or a caption.
func significant(v float64, n int) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strings.ReplaceAll(strconv.FormatFloat(v, 'f', -1, 64), "-", "−")
	}
	magnitude := math.Floor(math.Log10(math.Abs(v)))
	if magnitude < -5 || magnitude > 6 {
		return strings.ReplaceAll(strconv.FormatFloat(v, 'g', n, 64), "-", "−")
	}
	decimals := max(n-1-int(magnitude), 0)
	return strings.ReplaceAll(strconv.FormatFloat(v, 'f', decimals, 64), "-", "−")
}
