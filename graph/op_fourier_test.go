// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// Values of numpy.fft 1.24 for x = [1.5, -2, 0.25, 3, -1, 0.5] and z = x[:3] + 1j*x[3:]:
//
//	rfft(x), rfft(x[:5]), fft(z), ifft(z), irfft(z, 4), irfft(z, 5)
func TestFourierKnown(t *testing.T) {
	g := New()
	var try Try
	do := try.Do
	vector := func(v ...float64) *Node { return do(Constant(g, tensor.New(tensor.WithBacking(v)))) }
	x, short := vector(1.5, -2, 0.25, 3, -1, 0.5), vector(1.5, -2, 0.25, 3, -1)
	re, im := vector(1.5, -2, 0.25), vector(3, -1, 0.5)
	var roots Nodes
	var want [][]float64
	pair := func(re, im *Node, err error, wantRe, wantIm []float64) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		roots, want = append(roots, re, im), append(want, wantRe, wantIm)
	}
	a, b, err := RFFT(x)
	pair(a, b, err, []float64{2.25, -1.875, 5.625, -0.75}, []float64{0, 1.08253175, 3.24759526, 0})
	a, b, err = RFFT(short)
	pair(a, b, err, []float64{1.75, -2.05635621, 4.93135621}, []float64{0, 2.56746596, -2.02762017})
	a, b, err = FFT(re, im)
	pair(a, b, err, []float64{-0.25, 1.07596189, 3.67403811}, []float64{2.5, 5.19855716, 1.30144284})
	a, b, err = IFFT(re, im)
	pair(a, b, err, []float64{-0.08333333, 1.22467937, 0.35865396}, []float64{0.83333333, 0.43381428, 1.73285239})
	roots = append(roots, do(IRFFT(re, im, 4)), do(IRFFT(re, im, 5)))
	want = append(want, []float64{-0.5625, 0.8125, 1.4375, -0.1875}, []float64{-0.4, 0.23475026, 1.4034407, 0.55278989, -0.29098085})
	if try.Err() != nil {
		t.Fatal(try.Err())
	}
	p, err := CompileOptions{Without: Fold}.Compile(roots...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	for k, r := range roots {
		for i, got := range data[float64](r.Value()) {
			if math.Abs(got-want[k][i]) > 1e-8 {
				t.Errorf("root %d: element %d is %v, want %v", k, i, got, want[k][i])
			}
		}
	}
}

func TestFourierErrors(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 4)
	s, _ := Input(g, Float32, "s")
	for want, build := range map[string]func() error{
		"input 0 is nil":        func() error { _, _, err := RFFT(nil); return err },
		"fft: input 0 is nil":   func() error { _, _, err := FFT(nil, x); return err },
		"want at least one":     func() error { _, _, err := IFFT(s, s); return err },
		"differ in shape":       func() error { _, _, err := FFT(x, s); return err },
		"want n/2+1 for n = 10": func() error { _, err := IRFFT(x, x, 10); return err },
	} {
		if err := build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
