// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// fewRows is a product of eight rows, of which any number of neighbors can be computed alone.
type fewRows struct {
	Product
	start []float32 // what C holds before
}

const allRows = 8

func newFewRows(rng *rand.Rand, n, k int, transA, transB, add, bias, relu bool) fewRows {
	p := fewRows{Product: Product{TransA: transA, TransB: transB, N: n, K: k, LDA: k + rng.IntN(3), LDB: n + rng.IntN(3), LDC: n + rng.IntN(3), Add: add, ReLU: relu}}
	a, b := allRows*p.LDA, k*p.LDB
	if transA {
		p.LDA = allRows + rng.IntN(3)
		a = k * p.LDA
	}
	if transB {
		p.LDB = k + rng.IntN(3)
		b = n * p.LDB
	}
	p.A, p.B, p.start = randomFloats(rng, a), randomFloats(rng, b), randomFloats(rng, allRows*p.LDC)
	if bias {
		p.Bias = randomFloats(rng, n)
	}
	return p
}

// rows computes rows from to from+m-1 and returns C, whose other elements are as before.
func (p fewRows) rows(from, m int) []float32 {
	c := append([]float32(nil), p.start...)
	q := p.Product
	q.M, q.C = m, c[from*p.LDC:]
	if q.TransA {
		q.A = q.A[min(from, len(q.A)):]
	} else {
		q.A = q.A[from*q.LDA:]
	}
	Multiply(q)
	return c
}

func (p fewRows) String() string {
	return fmt.Sprintf("n=%d k=%d transA=%v transB=%v add=%v bias=%v relu=%v packed=%v rows=%v", p.N, p.K, p.TransA, p.TransB, p.Add, p.Bias != nil, p.ReLU, p.Packed != nil, p.Rows)
}

// A row has the same bits alone and among any others, however many panels of B its tile covers, for
// any number of workers, and whether B is packed or not. Eight rows are the measure: no instruction
// set has wide tiles of their row panels, so this also compares those with the others.
func TestRowAloneHasTheBitsOfABatch(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(21, 22))
		panel, depth := simd.Active.TileCols(), simd.Active.Depth
		var sizes [][2]int
		for n := 1; n <= 9*panel; n += 1 + rng.IntN(panel/2+1) {
			sizes = append(sizes, [2]int{n, rng.IntN(8)})
		}
		for _, n := range []int{1, panel, 3*panel + 1, 4 * panel, 8*panel - 1} {
			for _, k := range []int{0, 1, depth - 1, depth, depth + 1, 2*depth + 3, deepSteps, deepSteps + 1} {
				sizes = append(sizes, [2]int{n, k})
			}
		}
		sizes = append(sizes, [2]int{1001, 260}, [2]int{300, 1500}, [2]int{5, 20_000}, [2]int{10, 4001}, [2]int{64, 2 * splitSteps})
		for i, size := range sizes {
			p := newFewRows(rng, size[0], size[1], i%3 == 1, i%4 == 2, i%2 == 0, i%5 < 3, i%7 < 3)
			p.Rows = i%3 < 2
			restore := parallel.SetWorkers(1)
			want := p.rows(0, allRows)
			restore()
			packed := p
			packed.Packed = new(Packed)
			packed.Packed.Pack(p.TransB, p.K, p.N, p.B, p.LDB)
			for workers := 1; workers <= 2; workers++ {
				restore := parallel.SetWorkers(workers)
				for m := 1; m <= allRows; m++ {
					for from := 0; from+m <= allRows; from++ {
						sameRows(t, p, want, from, m)
						sameRows(t, packed, want, from, m)
					}
				}
				restore()
			}
		}
	})
}

// sameRows fails unless rows from to from+m-1 of p are those of want and nothing else changes.
func sameRows(t *testing.T, p fewRows, want []float32, from, m int) {
	t.Helper()
	for i, v := range p.rows(from, m) {
		w := p.start[i]
		if row, col := i/p.LDC, i%p.LDC; row >= from && row < from+m && col < p.N {
			w = want[i]
		}
		if math.Float32bits(v) != math.Float32bits(w) {
			t.Fatalf("%v, rows %d to %d of %d workers: element %d of row %d is %v, want %v", p, from, from+m-1, parallel.Workers(), i%p.LDC, i/p.LDC, v, w)
		}
	}
}

// A packed matrix serves products of any number of rows, on many goroutines at a time, with the bits
// of the plain products.
func TestProductsShareAPackedMatrix(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(23, 24))
		const most = 300
		for _, s := range []struct {
			k, n  int
			trans bool
		}{{130, 200, false}, {130, 200, true}, {2500, 20, false}, {2500, 20, true}, {0, 5, false}} {
			ld := s.n
			if s.trans {
				ld = max(s.k, 1)
			}
			a, b, bias := randomFloats(rng, most*s.k), randomFloats(rng, s.k*s.n), randomFloats(rng, s.n)
			packed := new(Packed)
			packed.Pack(s.trans, s.k, s.n, b, ld)
			if got, least := packed.Bytes(), 4*s.k*s.n; got < least {
				t.Errorf("%v holds %d bytes, want %d at least", s, got, least)
			}
			var wait sync.WaitGroup
			for _, m := range []int{1, 7, 64, 65, most} {
				wait.Go(func() {
					plain := Product{M: m, N: s.n, K: s.k, A: a, LDA: s.k, B: b, LDB: ld, TransB: s.trans, C: make([]float32, m*s.n), LDC: s.n, Bias: bias}
					other := plain
					other.B, other.C, other.Packed = nil, make([]float32, m*s.n), packed
					Multiply(plain)
					Multiply(other)
					for i, w := range plain.C {
						if math.Float32bits(other.C[i]) != math.Float32bits(w) {
							t.Errorf("%d rows of %v: element %d is %v, want %v", m, s, i, other.C[i], w)
							return
						}
					}
				})
			}
			wait.Wait()
		}
	})
}

// A product of a packed matrix allocates nothing, nor does packing one of the same size again.
func TestPackedDoesNotAllocate(t *testing.T) {
	const k, n = 300, 700
	a, b, c := make([]float32, 2*k), make([]float32, k*n), make([]float32, 2*n)
	packed := new(Packed)
	packed.Pack(false, k, n, b, n)
	if got := testing.AllocsPerRun(20, func() {
		packed.Pack(false, k, n, b, n)
		Multiply(Product{M: 2, N: n, K: k, A: a, LDA: k, C: c, LDC: n, Packed: packed})
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestPackedOfAnotherSize(t *testing.T) {
	packed := new(Packed)
	for _, want := range []string{"packed B is 0 x 0, want 3 x 2", "packed B is 2 x 2, want 3 x 2"} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panics with %q, want %q", got, want)
				}
			}()
			Multiply(Product{M: 1, N: 2, K: 3, A: make([]float32, 3), LDA: 3, C: make([]float32, 2), LDC: 2, Packed: packed})
		}()
		packed.Pack(false, 2, 2, make([]float32, 4), 2)
	}
}
