// SPDX-License-Identifier: Apache-2.0

package kernel

import "fmt"

// single returns x as []float32 if T is float32.
func single[T Float](x []T) ([]float32, bool) {
	s, ok := any(x).([]float32)
	return s, ok
}

// f32 returns x as []float32; the caller knows that T is float32.
func f32[T Float](x []T) []float32 {
	s, _ := single(x)
	return s
}

// sameLen panics unless all lengths are n.
func sameLen(what string, n int, lens ...int) {
	for _, m := range lens {
		if m != n {
			panic(fmt.Sprintf("%s: an operand has %d elements, want %d", what, m, n))
		}
	}
}

// part returns x[lo:hi], or nil for an absent operand.
func part[T Float](x []T, lo, hi int) []T {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}

// Pieces are large enough to pay for handing one to a worker (less than a microsecond each) and
// small enough that an assembly call, which cannot be preempted, is short.
const (
	cheapGrain  = 16384 // elements per piece, for one or two multiplications per element
	costlyGrain = 4096  // the same for exponentials and random numbers
)

// rowGrain returns how many rows of cols elements make a piece of about grain elements.
func rowGrain(grain, cols int) int { return max(1, grain/max(cols, 1)) }

// ceilDiv returns n/d rounded up.
func ceilDiv(n, d int) int { return (n + d - 1) / d }
