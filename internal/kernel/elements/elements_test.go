// SPDX-License-Identifier: Apache-2.0

package elements

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// awkward returns numbers of which some are equal, NaN, infinite or signed zeros.
func awkward(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch rng.IntN(12) {
		case 0:
			x[i] = float32(math.NaN())
		case 1:
			x[i] = float32(math.Copysign(0, -1))
		case 2:
			x[i] = float32(math.Inf(1 - 2*rng.IntN(2)))
		default:
			x[i] = float32(rng.IntN(41) - 20)
		}
	}
	return x
}

// TestTopKIsTheStartOfASort: for few and many elements, in both directions, along the last and another axis.
func TestTopKIsTheStartOfASort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 9, 40, 127, 128, 700} {
		for _, inner := range []int{1, 3} {
			for _, descending := range []bool{false, true} {
				x := awkward(rng, 2*n*inner)
				wide, ints := make([]float64, len(x)), make([]int64, len(x))
				for i, v := range x {
					wide[i], ints[i] = float64(v), int64(rng.IntN(50)-25)
				}
				checkTopK(t, x, n, inner, descending)
				checkTopK(t, wide, n, inner, descending)
				checkTopK(t, ints, n, inner, descending)
			}
		}
	}
}

func checkTopK[E Number](t *testing.T, x []E, n, inner int, descending bool) {
	t.Helper()
	all := make([]int64, len(x))
	ArgSort(all, x, 2, n, inner, descending)
	for o := range 2 {
		for i := range inner {
			at := func(k int) (E, int64) {
				p := all[(o*n+k)*inner+i]
				return x[(o*n+int(p))*inner+i], p
			}
			for k := 1; k < n; k++ {
				a, p := at(k - 1)
				b, q := at(k)
				if descending {
					a, b = b, a
				}
				if greater := a > b || a != a && b == b; greater || !(a < b) && (b == b || a != a) && p > q {
					t.Fatalf("n %d, inner %d, descending %v: element %d, %v at %d, and %v at %d", n, inner, descending, k, a, p, b, q)
				}
			}
		}
	}
	for _, k := range []int{1, 2, n / 9, n / 3, n} {
		if k < 1 || k > n {
			continue
		}
		ids := make([]int64, 2*k*inner)
		TopK(ids, x, 2, n, inner, k, descending)
		for o := range 2 {
			if got, want := ids[o*k*inner:(o+1)*k*inner], all[o*n*inner:][:k*inner]; !slices.Equal(got, want) {
				t.Fatalf("top %d of %d, inner %d, descending %v: %v, want %v", k, n, inner, descending, got, want)
			}
		}
	}
}

func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// TestGatherAndScatter: rows and single elements, of one and of several outer indices, as loops move them.
func TestGatherAndScatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, s := range []struct{ outer, length, n, row int }{{1, 5, 9, 1}, {3, 7, 6, 1}, {2, 4, 9, 5}, {1, 300, 500, 64}, {2, 1, 3, 2}, {4, 3, 0, 2}} {
		x := make([]float32, s.outer*s.length*s.row)
		u := make([]float32, s.outer*s.n*s.row)
		for i := range x {
			x[i] = rng.Float32()
		}
		for i := range u {
			u[i] = rng.Float32()
		}
		ids := make([]int64, s.n)
		for i := range ids {
			ids[i] = int64(rng.IntN(2*s.length) - s.length)
		}
		place := func(o, k, r int) int {
			id := int(ids[k])
			if id < 0 {
				id += s.length
			}
			return (o*s.length+id)*s.row + r
		}
		got, want := make([]float32, len(u)), make([]float32, len(u))
		sum, set := slices.Clone(x), slices.Clone(x)
		for o := range s.outer {
			for k := range s.n {
				for r := range s.row {
					at := (o*s.n+k)*s.row + r
					want[at] = x[place(o, k, r)]
					sum[place(o, k, r)] += u[at]
					set[place(o, k, r)] = u[at]
				}
			}
		}
		if bad := Gather(bytesOf(got), bytesOf(x), ids, s.outer, s.length, s.row, 4); bad >= 0 || !slices.Equal(got, want) {
			t.Errorf("gather %v: %v, want %v, bad %d", s, got, want, bad)
		}
		for mode, want := range map[Mode][]float32{Add: sum, Set: set} {
			y := slices.Clone(x)
			if bad := Scatter(y, u, ids, s.outer, s.length, s.row, mode); bad >= 0 || !slices.Equal(y, want) {
				t.Errorf("scatter %v: %v, want %v, bad %d", s, y, want, bad)
			}
		}
		for _, wrong := range []int64{int64(s.length), -int64(s.length) - 1} {
			if s.n == 0 {
				continue
			}
			ids[s.n/2] = wrong
			if bad := Gather(bytesOf(got), bytesOf(x), ids, s.outer, s.length, s.row, 4); bad != s.n/2 {
				t.Errorf("gather %v: index %d at %d, found at %d", s, wrong, s.n/2, bad)
			}
			if bad := Scatter(slices.Clone(x), u, ids, s.outer, s.length, s.row, Add); bad != s.n/2 {
				t.Errorf("scatter %v: index %d at %d, found at %d", s, wrong, s.n/2, bad)
			}
		}
	}
}

// TestReverse: rows of every length.
func TestReverse(t *testing.T) {
	for n := range 20 {
		x, want := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], want[n-1-i] = float32(i), float32(i)
		}
		w := Walk{SrcAt: n - 1}
		w.Axis(n, 1, -1)
		got := make([]float32, n)
		if Copy(bytesOf(got), bytesOf(x), 4, w); !slices.Equal(got, want) {
			t.Errorf("%d elements: %v", n, got)
		}
	}
}
