// SPDX-License-Identifier: Apache-2.0

// Package kerneltest has helpers for the tests of the kernels.
package kerneltest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// OnEachISA runs the test with every instruction set that this CPU supports, and with portable Go.
func OnEachISA(t *testing.T, test func(t *testing.T)) {
	onEach(t, simd.ISAs, test)
}

// OnEachAssembly is OnEachISA without portable Go, for algorithms that it does not have.
func OnEachAssembly(t *testing.T, test func(t *testing.T)) {
	onEach(t, simd.ISAs[:len(simd.ISAs)-1], test)
}

func onEach(t *testing.T, list []*simd.ISA, test func(t *testing.T)) {
	for _, s := range list {
		t.Run(s.Name, func(t *testing.T) {
			restore, err := simd.ForceISA(s.Name)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			test(t)
		})
	}
}

// Normal fills x with values from the standard normal distribution and returns it.
func Normal(rng *rand.Rand, x []float32) []float32 {
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// Widen returns x as float64, for the references.
func Widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Close fails unless |got - want| <= tol·scale for all elements; scale is the magnitude that the
// summed products can reach.
func Close(t *testing.T, what string, got []float32, want []float64, tol, scale float64) {
	t.Helper()
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tol*scale) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}

// SameBits fails unless compute fills n floats with the same bits on 1, 2, 3 and 8 workers.
func SameBits(t *testing.T, n int, compute func([]float32)) {
	t.Helper()
	var want []float32
	for _, workers := range []int{1, 2, 3, 8} {
		restore := parallel.SetWorkers(workers)
		got := make([]float32, n)
		compute(got)
		restore()
		if want == nil {
			want = got
		}
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%d workers: element %d is %v, with one worker %v", workers, i, got[i], want[i])
			}
		}
	}
}

// Allocs returns how often a run of f allocates. The memory of workers is made when the scheduler first lets
// that many of them run at a time, which on a busy machine may happen late: one run of a few without an
// allocation shows that f needs none.
func Allocs(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 9 {
		if least == 0 {
			break
		}
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}
