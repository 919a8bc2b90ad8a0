// SPDX-License-Identifier: Apache-2.0

package conv

// axis describes how the positions along one axis of a destination read a source: with tap i,
// position p reads the source index p·stride + first + i·dist, and its destination index is dst
// + p·dstStep. Tap i is element weight + i·weightStep of the kernel. Elements at indices
// outside of 0..src-1 are zero.
type axis struct {
	n, src                    int
	stride, first, taps, dist int
	weight, weightStep        int
	dst, dstStep              int
}

// forwardAxis returns an axis of the convolution itself.
func forwardAxis(out, in, kernel, stride, dil, pad int) axis {
	return axis{
		n: out, src: in, stride: stride, first: -pad, taps: kernel, dist: dil,
		weightStep: 1, dstStep: 1,
	}
}

// backAxis returns one phase of the same axis in the opposite direction: the input indices
// congruent to phase modulo the stride. Input index i is connected to output index o by tap k
// if i + pad = o·stride + k·dil, so a phase uses every (stride/gcd)-th tap; in descending
// order, the taps read ascending outputs, like a convolution of stride 1.
func backAxis(out, in, kernel, stride, dil, pad, phase int) axis {
	g := gcd(stride, dil)
	step := stride / g
	a := axis{n: max(0, ceilDiv(in-phase, stride)), src: out, stride: 1, dist: dil / g, dst: phase, dstStep: stride}
	for k := range min(step, kernel) {
		if (phase+pad-k*dil)%stride == 0 {
			a.taps = (kernel-1-k)/step + 1
			a.weight, a.weightStep = k+(a.taps-1)*step, -step
			a.first = (phase + pad - a.weight*dil) / stride
		}
	}
	return a
}

// last returns the largest source index that is read.
func (a *axis) last() int { return (a.n-1)*a.stride + a.first + (a.taps-1)*a.dist }

// padded reports whether some position reads outside of the source.
func (a *axis) padded() bool { return a.n > 0 && a.taps > 0 && (a.first < 0 || a.last() >= a.src) }

// tapsAt returns the taps lo..hi-1 with which position p reads inside the source.
func (a *axis) tapsAt(p int) (lo, hi int) {
	start := p*a.stride + a.first
	if start < 0 {
		lo = min(a.taps, ceilDiv(-start, a.dist))
	}
	if start < a.src {
		hi = min(a.taps, ceilDiv(a.src-start, a.dist))
	}
	return lo, max(lo, hi)
}

// positions returns the positions lo..hi-1 at which tap i reads inside the source.
func (a *axis) positions(i int) (lo, hi int) {
	start := a.first + i*a.dist
	if start < 0 {
		lo = min(a.n, ceilDiv(-start, a.stride))
	}
	if start < a.src {
		hi = min(a.n, ceilDiv(a.src-start, a.stride))
	}
	return lo, max(lo, hi)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// ceilDiv returns n/d rounded up.
func ceilDiv(n, d int) int { return (n + d - 1) / d }
