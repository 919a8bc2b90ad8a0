// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"
)

// STFTSpec describes the pieces of a signal that STFT transforms.
type STFTSpec struct {
	// Length is the number of samples of a transform.
	Length int
	// Hop is the number of samples from one piece to the next; 0 is Length/4.
	Hop int
	// Window has the factors of the samples of a piece, as many as Length or fewer: these are in the middle,
	// and 0 around. nil is Hann's window, ½ - ½cos(2πi/Length).
	Window []float64
	// Center pads the signal by Length/2 reflected samples at both ends, so that piece k is around sample k·Hop.
	Center bool
}

// check returns the spec with its defaults.
func (s STFTSpec) check() (STFTSpec, error) {
	if s.Hop == 0 {
		s.Hop = max(s.Length/4, 1)
	}
	if s.Length < 1 || s.Hop < 1 {
		return s, fmt.Errorf("the length is %d and the hop %d, want positive numbers", s.Length, s.Hop)
	}
	if len(s.Window) > s.Length {
		return s, fmt.Errorf("the window has %d factors, want at most the length, %d", len(s.Window), s.Length)
	}
	w := make([]float64, s.Length)
	copy(w[(s.Length-len(s.Window))/2:], s.Window)
	if s.Window == nil {
		for i := range w {
			w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(s.Length))
		}
	}
	s.Window = w
	return s, nil
}

// pieces returns the positions of the samples of n pieces.
func (s *STFTSpec) pieces(g *Graph, n int) (*Node, error) {
	at := make([]int64, 0, n*s.Length)
	for k := range n {
		for i := range s.Length {
			at = append(at, int64(k*s.Hop+i))
		}
	}
	return Constant(g, tensor.New(tensor.WithShape(n, s.Length), tensor.WithBacking(at)))
}

// STFT is the short-time Fourier transform of real signals along the last axis: RFFT of overlapping pieces,
// each multiplied by a window. x (..., samples) becomes (..., pieces, Length/2+1), a real and an imaginary
// part. Samples at the end that fill no piece are left out.
func STFT(x *Node, spec STFTSpec) (re, im *Node, err error) {
	samples, err := lastAxis("stft", x)
	if err != nil {
		return nil, nil, err
	}
	spec, err = spec.check()
	if err == nil && spec.Center && samples <= spec.Length/2 {
		err = fmt.Errorf("a signal of %d samples is too short to reflect %d of them", samples, spec.Length/2)
	}
	if spec.Center {
		samples += 2 * (spec.Length / 2)
	}
	if err == nil && samples < spec.Length {
		err = fmt.Errorf("a signal of %d samples is shorter than a piece, %d", samples, spec.Length)
	}
	if err != nil {
		return nil, nil, shapeError("stft", err, x)
	}
	var try Try
	do := try.Do
	if spec.Center {
		x = do(Pad(x, PadReflect, PadWidth{-1, spec.Length / 2, spec.Length / 2}))
	}
	at := do(spec.pieces(x.Graph(), (samples-spec.Length)/spec.Hop+1))
	pieces := do(Mul(do(Gather(x, at, -1)), do(constantLike(x, spec.Window))))
	if try.Err() != nil {
		return nil, nil, try.Err()
	}
	return RFFT(pieces)
}

// ISTFT is the inverse of STFT with the same spec: pieces are transformed back, multiplied by the window,
// added up where they overlap and divided by the sum of the squares of the windows there. samples is the
// length of the result; 0 is that which the pieces cover.
func ISTFT(re, im *Node, spec STFTSpec, samples int) (*Node, error) {
	bins, err := lastAxis("istft", re)
	if err != nil {
		return nil, err
	}
	if err := nilError("istft", re, im); err != nil {
		return nil, err
	}
	s := re.Shape()
	first, last := 0, 0 // of the samples of the result among those that the pieces cover
	var weight []float64
	if spec, err = spec.check(); err == nil {
		first, last, weight, err = spec.cover(s, bins, samples)
	}
	if err != nil {
		return nil, shapeError("istft", err, re, im)
	}
	n := s[len(s)-2]
	var try Try
	do := try.Do
	pieces := do(Mul(do(IRFFT(re, im, spec.Length)), do(constantLike(re, spec.Window))))
	to := append(s[:len(s)-2].Clone(), len(weight))
	zeros := do(BroadcastTo(do(Scalar(re, 0)), to...))
	y := do(ScatterAdd(zeros, do(spec.pieces(re.Graph(), n)), pieces, -1))
	y = do(Slice(y, At(-1, first, last)))
	return do(Div(y, do(constantLike(re, weight[first:last])))), try.Err()
}

// cover returns which samples of the pieces the result consists of and the sum of the squares of the windows.
func (s *STFTSpec) cover(shape tensor.Shape, bins, samples int) (first, last int, weight []float64, err error) {
	if len(shape) < 2 || shape[len(shape)-2] < 1 || bins != s.Length/2+1 {
		return 0, 0, nil, fmt.Errorf("want (..., pieces, %d) for a length of %d", s.Length/2+1, s.Length)
	}
	n := shape[len(shape)-2]
	weight = make([]float64, (n-1)*s.Hop+s.Length)
	for k := range n {
		for i, w := range s.Window {
			weight[k*s.Hop+i] += w * w
		}
	}
	last = len(weight)
	if s.Center {
		first, last = s.Length/2, last-s.Length/2
	}
	if samples > last-first && samples <= len(weight)-first {
		last = first + samples
	}
	if samples < 0 || samples > last-first {
		return 0, 0, nil, fmt.Errorf("%d samples, want 0 to %d", samples, len(weight)-first)
	}
	if samples > 0 {
		last = first + samples
	}
	for i, w := range weight[first:max(first, last)] {
		if w < 1e-11 {
			return 0, 0, nil, fmt.Errorf("the windows are all 0 at sample %d: it cannot be restored; see Center", i)
		}
	}
	if last <= first {
		return 0, 0, nil, fmt.Errorf("%d pieces of %d samples leave none without the padding", n, s.Length)
	}
	return first, last, weight, nil
}
