// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// readings returns the probability of each sequence of labels: the sum over all paths that read as it.
func readings(z []float64, steps, classes int) map[string]float64 {
	p := make([]float64, len(z))
	for t := range steps {
		row, sum := z[t*classes:(t+1)*classes], 0.0
		for _, v := range row {
			sum += math.Exp(v)
		}
		for k, v := range row {
			p[t*classes+k] = math.Exp(v) / sum
		}
	}
	all := map[string]float64{}
	var walk func(t, last int, read string, share float64)
	walk = func(t, last int, read string, share float64) {
		if t == steps {
			all[read] += share
			return
		}
		for k := range classes {
			next := read
			if k != 0 && k != last {
				next += string(rune('0' + k))
			}
			walk(t+1, k, next, share*p[t*classes+k])
		}
	}
	walk(0, 0, "", 1)
	return all
}

// TestCTC compares the loss with the sum over all paths, and the gradient with differences.
func TestCTC(t *testing.T) {
	const steps, classes, length = 4, 3, 4
	rng := rand.New(rand.NewPCG(1, 2))
	z := make([]float64, steps*classes)
	for i := range z {
		z[i] = 2 * rng.NormFloat64()
	}
	seen := 0.0
	for read, share := range readings(z, steps, classes) {
		labels, loss, dz := make([]float64, length), []float64{0}, make([]float64, len(z))
		for i, c := range read {
			labels[i] = float64(c - '0')
		}
		if bad, err := CTC(loss, z, labels, 1, steps, classes, length); err != nil {
			t.Fatalf("%q: sample %d: %v", read, bad, err)
		}
		if math.Abs(loss[0]+math.Log(share)) > 1e-12*math.Max(1, loss[0]) {
			t.Errorf("%q: loss is %.15g, want %.15g", read, loss[0], -math.Log(share))
		}
		seen += math.Exp(-loss[0])
		CTCGrad(dz, z, labels, []float64{0.75}, 1, steps, classes, length)
		for i := range z {
			const h = 1e-5
			at := func(v float64) float64 {
				z := append([]float64(nil), z...)
				z[i] = v
				out := []float64{0}
				if _, err := CTC(out, z, labels, 1, steps, classes, length); err != nil {
					t.Fatal(err)
				}
				return out[0]
			}
			if want := 0.75 * (at(z[i]+h) - at(z[i]-h)) / (2 * h); math.Abs(dz[i]-want) > 1e-8 {
				t.Errorf("%q: gradient %d is %.9g, want %.9g", read, i, dz[i], want)
			}
		}
	}
	if math.Abs(seen-1) > 1e-12 {
		t.Errorf("the probabilities of all readings sum to %.15g", seen)
	}
}

func TestCTCMistakes(t *testing.T) {
	for want, labels := range map[string][]float32{
		"want class numbers from 1 to 2":             {3, 0, 0},
		"labels are [-1 0 0]":                        {-1, 0, 0},
		"labels are [0.5 0 0]":                       {0.5, 0, 0},
		"labels are [1 0 2]":                         {1, 0, 2},
		"labels are [NaN 0 0]":                       {float32(math.NaN()), 0, 0},
		"need 4 steps, one each and one between":     {1, 1, 2},
		"need 5 steps, one each and one between equ": {1, 1, 1},
	} {
		both := append([]float32{1, 2, 0}, labels...)
		bad, err := CTC(make([]float32, 2), make([]float32, 18), both, 2, 3, 3, 3)
		if bad != 1 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: sample %d, %v, want %q", labels, bad, err, want)
		}
	}
	long, loss, dz := make([]float32, 2000*3), make([]float32, 1), make([]float32, 2000*3)
	for i := range long {
		long[i] = 100 * float32(i%7-3)
	}
	if _, err := CTC(loss, long, []float32{1, 2}, 1, 2000, 3, 2); err != nil || !(loss[0] > 0) || math.IsInf(float64(loss[0]), 0) {
		t.Errorf("a long series: %v, %v", loss, err)
	}
	if CTCGrad(dz, long, []float32{1, 2}, []float32{1}, 1, 2000, 3, 2); Finite(dz) >= 0 {
		t.Errorf("a long series: %v", dz[:10])
	}
}
