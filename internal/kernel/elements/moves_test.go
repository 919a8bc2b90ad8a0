// SPDX-License-Identifier: Apache-2.0

package elements

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestRowsAreCopied copies planes whose rows are of every length around those of vectors, to rows with gaps
// that must stay as they are.
func TestRowsAreCopied(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 3))
		for _, width := range []int{1, 4, 8} {
			for n := 1; n < 300; n += 1 + n/20 {
				const rows = 5
				dd, ds := n+rng.IntN(3), n+rng.IntN(3)
				src, dst := randomBytes(rng, rows*ds*width), randomBytes(rng, (rows*dd+2)*width)
				want := slices.Clone(dst)
				for r := range rows {
					copy(want[(1+r*dd)*width:(1+r*dd+n)*width], src[r*ds*width:])
				}
				w := Walk{DstAt: 1}
				w.Axis(rows, dd, ds)
				w.Axis(n, 1, 1)
				if Copy(dst, src, width, w); !bytes.Equal(dst, want) {
					t.Fatalf("rows of %d elements of %d bytes, %d apart from %d apart: wrong copy", n, width, dd, ds)
				}
			}
		}
	})
}

func TestJoin(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 3))
		for _, c := range []struct {
			rows  int
			parts []int
		}{{1, []int{40_000, 3}}, {3, []int{1, 0, 2}}, {100, []int{5, 70, 1}}, {1000, []int{33, 8, 8, 100}}, {0, []int{2, 3}}, {70, []int{0}}, {90, []int{64, 0, 1003, 270}}, {100, []int{77}}} {
			for _, width := range []int{1, 4, 8} {
				j, total := NewJoin(width), 0
				parts := make([][]byte, len(c.parts))
				for i, n := range c.parts {
					parts[i] = randomBytes(rng, c.rows*n*width)
					j.Add(parts[i], n)
					total += n
				}
				var want []byte
				for r := range c.rows {
					for i, n := range c.parts {
						want = append(want, parts[i][r*n*width:(r+1)*n*width]...)
					}
				}
				dst := make([]byte, c.rows*total*width)
				if j.Write(dst, c.rows); !bytes.Equal(dst, want) {
					t.Errorf("%d rows of parts %v of %d bytes: wrong result", c.rows, c.parts, width)
				}
			}
		}
	})
}

// TestStepsArePicked takes every second and every third element.
func TestStepsArePicked(t *testing.T) {
	for s := 2; s < 4; s++ {
		for n := range 40 {
			from := make([]uint32, n*s+1)
			for i := range from {
				from[i] = uint32(i)
			}
			to := make([]uint32, n)
			pickSteps(to, from, 1, s)
			for i, v := range to {
				if v != uint32(1+i*s) {
					t.Fatalf("%d elements %d apart: element %d is number %d", n, s, i, v)
				}
			}
		}
	}
}

// TestIndicesAreChecked has one index out of range, or a negative one, at each place.
func TestIndicesAreChecked(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		const length = 37
		x := make([]uint32, length)
		for i := range x {
			x[i] = rng.Uint32()
		}
		for _, n := range []int{1, 15, 16, 17, 64, checkedIDs + 35} {
			ids, dst := make([]int64, n), make([]uint32, n)
			for at := 0; at < n; at += 1 + n/50 {
				for i := range ids {
					ids[i] = rng.Int64N(length)
				}
				for _, id := range []int64{-1, -length, length, 1 << 62, -1 << 63, -length - 1} {
					ids[at] = id
					want := -1
					if id < -length || id >= length {
						want = at
					}
					if bad := gatherWords(dst, x, ids); bad != want {
						t.Fatalf("index %d at %d of %d: position %d, want %d", id, at, n, bad, want)
					}
					for i, v := range dst[:max(want, 0)] {
						if id := ids[i]; v != x[(id+length)%length] {
							t.Fatalf("element %d of index %d is wrong", i, id)
						}
					}
					if want < 0 && dst[at] != x[(id+length)%length] {
						t.Fatalf("element of index %d is wrong", id)
					}
				}
			}
		}
	})
}

// TestProductsSoFar compares with products made one after the other.
func TestProductsSoFar(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 3))
	for _, s := range [][3]int{{1, 7, 1}, {4, 5, 1}, {6, 9, 1}, {2, 4, 3}, {3, 3, 300}, {0, 3, 1}, {2, 0, 2}} {
		for k := range 4 {
			scan := Scan{Exclusive: k&1 > 0, Reverse: k&2 > 0}
			outer, n, inner := s[0], s[1], s[2]
			x, dst := make([]float32, outer*n*inner), make([]float32, outer*n*inner)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			CumProd(dst, x, outer, n, inner, scan)
			for c := range outer * inner {
				p := float32(1)
				for k := range n {
					if scan.Reverse {
						k = n - 1 - k
					}
					at := (c/inner*n+k)*inner + c%inner
					want := p * x[at]
					if scan.Exclusive {
						want = p
					}
					if p *= x[at]; dst[at] != want {
						t.Fatalf("%v of %v: element %d is %v, want %v", scan, s, at, dst[at], want)
					}
				}
			}
		}
	}
}
