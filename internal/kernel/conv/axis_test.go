// SPDX-License-Identifier: Apache-2.0

package conv

import "testing"

// FuzzAxis checks the arithmetic of windows along one axis: the phases of the backward axis
// must yield the same triples (input, tap, output) as the convolution, each once, and the
// shortcuts must agree with the definition.
func FuzzAxis(f *testing.F) {
	f.Add(uint8(10), uint8(3), uint8(1), uint8(1), uint8(1), uint8(10))
	f.Add(uint8(7), uint8(4), uint8(3), uint8(2), uint8(5), uint8(4))
	f.Add(uint8(1), uint8(1), uint8(2), uint8(1), uint8(0), uint8(1))
	f.Add(uint8(5), uint8(5), uint8(6), uint8(4), uint8(30), uint8(9))
	f.Fuzz(func(t *testing.T, in8, kernel8, stride8, dil8, pad8, out8 uint8) {
		in, kernel, stride, dil := 1+int(in8)%40, 1+int(kernel8)%8, 1+int(stride8)%7, 1+int(dil8)%5
		pad, out := int(pad8)%50, 1+int(out8)%40
		type triple struct{ in, tap, out int }
		want := map[triple]bool{}
		for o := range out {
			for k := range kernel {
				if i := o*stride - pad + k*dil; i >= 0 && i < in {
					want[triple{i, k, o}] = true
				}
			}
		}
		forward := forwardAxis(out, in, kernel, stride, dil, pad)
		checkAxis(t, &forward, func(p, tap, src int) { delete(want, triple{src, tap, p}) }, len(want))
		if len(want) != 0 {
			t.Fatalf("the forward axis misses %v", want)
		}
		forward.each(func(p, tap, src int) { want[triple{src, tap, p}] = true })
		seen := 0
		for phase := range stride {
			back := backAxis(out, in, kernel, stride, dil, pad, phase)
			n := 0
			back.each(func(int, int, int) { n++ })
			checkAxis(t, &back, func(p, tap, src int) {
				k := triple{back.dst + p*back.dstStep, back.weight + tap*back.weightStep, src}
				if !want[k] {
					t.Fatalf("phase %d of the backward axis invents or repeats %v", phase, k)
				}
				delete(want, k)
				seen++
			}, n)
		}
		if len(want) != 0 {
			t.Fatalf("the backward axis misses %v", want)
		}
	})
}

// each calls f for every position and tap that read inside the source, by the definition.
func (a *axis) each(f func(p, tap, src int)) {
	for p := range a.n {
		for tap := range a.taps {
			if src := p*a.stride + a.first + tap*a.dist; src >= 0 && src < a.src {
				f(p, tap, src)
			}
		}
	}
}

// checkAxis compares tapsAt, positions and padded with the definition and calls f for each of
// the n triples that it finds.
func checkAxis(t *testing.T, a *axis, f func(p, tap, src int), n int) {
	t.Helper()
	var byTaps, byPositions int
	a.each(func(p, tap, src int) {
		if lo, hi := a.tapsAt(p); tap < lo || tap >= hi {
			t.Fatalf("%+v: tapsAt(%d) = %d, %d misses %d", *a, p, lo, hi, tap)
		}
		if lo, hi := a.positions(tap); p < lo || p >= hi {
			t.Fatalf("%+v: positions(%d) = %d, %d misses %d", *a, tap, lo, hi, p)
		}
		f(p, tap, src)
	})
	for p := range a.n {
		lo, hi := a.tapsAt(p)
		byTaps += hi - lo
	}
	for tap := range a.taps {
		lo, hi := a.positions(tap)
		byPositions += hi - lo
	}
	if byTaps != n || byPositions != n || a.padded() != (n < a.n*a.taps) {
		t.Fatalf("%+v: %d meetings, by taps %d, by positions %d, padded %v", *a, n, byTaps, byPositions, a.padded())
	}
}
