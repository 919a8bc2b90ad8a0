// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"testing"
)

func TestSparseCrossEntropyNamesTheFirstBadLabel(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		labels []float32
		bad    int
	}{
		{[]float32{0, 1, 2}, -1}, {[]float32{0, 3, -1}, 1}, {[]float32{0, 1, 1.5}, 2}, {[]float32{nan, 1, 2}, 0},
	} {
		loss, z := make([]float32, 3), []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}
		if bad := SoftmaxXentSparse(loss, z, c.labels, 3, 3); bad != c.bad {
			t.Errorf("labels %v: first bad row %d, want %d", c.labels, bad, c.bad)
		}
		if c.bad >= 0 {
			if !math.IsNaN(float64(loss[c.bad])) {
				t.Errorf("labels %v: loss of the bad row is %v, want NaN", c.labels, loss[c.bad])
			}
			dz := []float32{9, 9, 9, 9, 9, 9, 9, 9, 9}
			SoftmaxXentSparseGrad(dz, z, c.labels, []float32{1, 1, 1}, 3, 3)
			if got := [3]float32(dz[3*c.bad:]); got != [3]float32{} {
				t.Errorf("labels %v: gradient of the bad row is %v, want 0", c.labels, got)
			}
		}
	}
	// An invalid label beyond the first piece of work.
	const rows = 20_000
	labels := make([]float32, rows)
	labels[17_001], labels[19_000] = 2, 2
	if bad := SoftmaxXentSparse(make([]float32, rows), make([]float32, rows*2), labels, rows, 2); bad != 17_001 {
		t.Errorf("first bad row %d, want 17001", bad)
	}
}

func TestFiniteFindsTheFirst(t *testing.T) {
	x := make([]float32, 100_000)
	if got := Finite(x); got != -1 {
		t.Errorf("all zero: %d, want -1", got)
	}
	x[99_999], x[70_001] = float32(math.Inf(-1)), float32(math.NaN())
	if got := Finite(x); got != 70_001 {
		t.Errorf("first bad %d, want 70001", got)
	}
}

func TestDropoutKeepsItsRateAndItsMask(t *testing.T) {
	const n = 200_000
	for _, rate := range []float64{0, 0.2, 0.5, 1} {
		mask, again, x := make([]float32, n), make([]float32, n), make([]float32, n)
		DropoutMask(mask, rate, 7, 8, 9)
		for i := range x {
			x[i] = float32(i)
		}
		Dropout(again, x, rate, 7, 8, 9)
		dropped := 0
		for i, m := range mask {
			if m == 0 {
				dropped++
			} else if want := float32(1 / (1 - rate)); m != want {
				t.Fatalf("rate %v: mask[%d] = %v, want 0 or %v", rate, i, m, want)
			}
			if again[i] != m*x[i] {
				t.Fatalf("rate %v: dropout of %v under mask %v is %v", rate, x[i], m, again[i])
			}
		}
		// Six standard deviations of a binomial count.
		if d := math.Abs(float64(dropped) - rate*n); d > 6*math.Sqrt(rate*(1-rate)*n) {
			t.Errorf("rate %v: %d of %d dropped", rate, dropped, n)
		}
		DropoutMask(again, rate, 7, 8, 10)
		same := 0
		for i := range again {
			if again[i] == mask[i] {
				same++
			}
		}
		if want := rate*rate + (1-rate)*(1-rate); math.Abs(float64(same)/n-want) > 0.01 {
			t.Errorf("rate %v: masks of two steps agree on %d of %d", rate, same, n)
		}
	}
}
