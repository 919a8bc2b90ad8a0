// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// sameNumbers fails unless got and want have the same numbers.
func sameNumbers[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestPermuteMatchesReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		rank := rng.IntN(maxRank + 1)
		shape, size := make([]int, rank), 1
		for i := range shape {
			shape[i] = 1 + rng.IntN(6)
			if rng.IntN(8) == 0 {
				shape[i] += 40
			}
			if size*shape[i] > 100_000 {
				shape[i] = 1
			}
			size *= shape[i]
		}
		perm := rng.Perm(rank)
		x := randomFloats(rng, size)
		got, want := make([]float32, size), make([]float32, size)
		Permute(got, x, shape, perm)
		ref.Permute(want, x, shape, perm)
		if !slices.Equal(got, want) {
			t.Fatalf("permute %v by %v differs from the reference", shape, perm)
		}
	}
}

func TestConcatAndSplitAreInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		outer, inner, a, b := 1+rng.IntN(200), 1+rng.IntN(40), rng.IntN(9), rng.IntN(9)
		x, y := randomFloats(rng, outer*a*inner), randomFloats(rng, outer*b*inner)
		both := make([]float32, outer*(a+b)*inner)
		Concat(both, x, outer, a+b, 0, a, inner)
		Concat(both, y, outer, a+b, a, b, inner)
		for o := range outer {
			row := both[o*(a+b)*inner : (o+1)*(a+b)*inner]
			sameNumbers(t, "first part", row[:a*inner], x[o*a*inner:(o+1)*a*inner])
			sameNumbers(t, "second part", row[a*inner:], y[o*b*inner:(o+1)*b*inner])
		}
		back := make([]float32, len(y))
		Split(back, both, outer, a+b, a, b, inner)
		sameNumbers(t, "split", back, y)
	}
}

func TestPadAndCrop(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	got := make([]float32, 4*4)
	Pad2D(got, x, 1, 2, 3, 1, 1, 1, 0, 1)
	sameNumbers(t, "pad", got, []float32{0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0})
	back := make([]float32, 6)
	Crop2D(back, got, 1, 4, 4, 1, 1, 1, 0, 1)
	sameNumbers(t, "crop", back, x)

	rng := rand.New(rand.NewPCG(3, 3))
	const n, h, w, c = 9, 21, 18, 17
	big := randomFloats(rng, n*h*w*c)
	padded, again := make([]float32, n*(h+3)*(w+5)*c), make([]float32, len(big))
	Pad2D(padded, big, n, h, w, c, 1, 2, 3, 2)
	Crop2D(again, padded, n, h+3, w+5, c, 1, 2, 3, 2)
	sameNumbers(t, "crop of pad", again, big)
	if got, want := Sum(padded), Sum(big); got-want > 1e-3 || want-got > 1e-3 {
		t.Errorf("padding changed the sum from %v to %v", want, got)
	}
}

func TestTransposeMatchesReference(t *testing.T) {
	swap := []int{1, 0}
	rng := rand.New(rand.NewPCG(4, 4))
	for _, s := range [][2]int{{0, 3}, {1, 1}, {1, 70}, {70, 1}, {16, 16}, {17, 15}, {128, 300}, {333, 129}} {
		x := randomFloats(rng, s[0]*s[1])
		got, want := make([]float32, len(x)), make([]float32, len(x))
		Permute(got, x, s[:], swap)
		ref.Permute(want, x, s[:], swap)
		sameNumbers(t, "transpose", got, want)
	}
}
