// SPDX-License-Identifier: Apache-2.0

package distributed

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// run calls f on n ranks and returns their error; a deadlock fails instead of hanging.
func run(t testing.TB, n int, f func(context.Context, *Group) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return Local(ctx, n, func(ctx context.Context, c Comm) error {
		g, err := NewGroup(c)
		if err != nil {
			return err
		}
		return f(ctx, g)
	})
}

// treeSum is the specification of the order of sums.
func treeSum(leaves [][]float32) []float32 {
	if len(leaves) == 1 {
		return slices.Clone(leaves[0])
	}
	half := 1
	for 2*half < len(leaves) {
		half *= 2
	}
	a, b := treeSum(leaves[:half]), treeSum(leaves[half:])
	for i := range a {
		a[i] += b[i]
	}
	return a
}

func TestSumHasTheBitsOfTheTree(t *testing.T) {
	for leaves := 1; leaves <= 17; leaves++ {
		for _, n := range []int{1, 2, 3, 64, 1001} {
			x := make([][]float32, leaves)
			r := rand.New(rand.NewPCG(uint64(leaves), uint64(n)))
			for i := range x {
				x[i] = make([]float32, n)
				for j := range x[i] {
					x[i][j] = float32(r.NormFloat64() * math.Exp(8*r.NormFloat64()))
				}
			}
			want := treeSum(x)
			for ranks := 1; ranks <= leaves; ranks++ {
				err := run(t, ranks, func(ctx context.Context, g *Group) error {
					s, err := g.NewSum(leaves, n)
					if err != nil {
						return err
					}
					for range 2 {
						for i, end := s.Leaves(); i < end; i++ {
							half := len(x[i]) / 2
							s.Add(1, [][]float32{x[i][:half/2], x[i][half/2 : half]}, x[i][half:])
						}
						got, err := s.Total(1, 0)
						if err != nil {
							return err
						}
						for j := range want {
							if math.Float32bits(got[j]) != math.Float32bits(want[j]) {
								return fmt.Errorf("value %d is %v, want %v", j, got[j], want[j])
							}
						}
					}
					return nil
				})
				if err != nil {
					t.Fatalf("%d leaves of %d values on %d ranks: %v", leaves, n, ranks, err)
				}
			}
		}
	}
}

// Vectors of several blocks are sent from the parts of a rank's only leaf, or from its sum, and scaled when they are
// complete.
func TestSumOfSeveralBlocks(t *testing.T) {
	const n, tail = 3*block + 5, 3
	for _, c := range []struct{ leaves, ranks int }{{1, 1}, {2, 2}, {4, 4}, {8, 8}, {4, 2}, {3, 3}, {5, 2}} {
		x := make([][]float32, c.leaves)
		r := rand.New(rand.NewPCG(1, uint64(c.leaves)))
		for i := range x {
			x[i] = make([]float32, n)
			for j := range x[i] {
				x[i][j] = r.Float32() - 0.5
			}
		}
		want := treeSum(x)
		for j := range want[:n-tail] {
			want[j] *= 0.3
		}
		cuts := []int{0, 1, 7, 7, block - 1, block + 3, 2*block + 100, n - tail}
		err := run(t, c.ranks, func(ctx context.Context, g *Group) error {
			s, err := g.NewSum(c.leaves, n)
			if err != nil {
				return err
			}
			for range 2 {
				for i, end := s.Leaves(); i < end; i++ {
					var parts [][]float32
					for k := range len(cuts) - 1 {
						parts = append(parts, x[i][cuts[k]:cuts[k+1]])
					}
					s.Add(1, parts, x[i][n-tail:])
				}
				got, err := s.Total(0.3, tail)
				if err != nil {
					return err
				}
				for j := range want {
					if math.Float32bits(got[j]) != math.Float32bits(want[j]) {
						return fmt.Errorf("value %d is %v, want %v", j, got[j], want[j])
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%d leaves on %d ranks: %v", c.leaves, c.ranks, err)
		}
	}
}

// The rows of leaves are added as those of whole matrices would be, except that 0 + x is not computed.
func TestRowSum(t *testing.T) {
	const height, width = 50, 3
	for leaves := 1; leaves <= 9; leaves++ {
		r := rand.New(rand.NewPCG(uint64(leaves), 1))
		index, values, whole := make([][]int32, leaves), make([][]float32, leaves), make([][]float32, leaves)
		for i := range leaves {
			whole[i] = make([]float32, height*width)
			for row := range height {
				if r.IntN(3) > 0 {
					continue
				}
				index[i] = append(index[i], int32(row))
				for c := range width {
					v := float32(r.NormFloat64())
					whole[i][row*width+c] = v
					values[i] = append(values[i], v)
				}
			}
		}
		want := treeSum(whole)
		for ranks := 1; ranks <= leaves; ranks++ {
			err := run(t, ranks, func(_ context.Context, g *Group) error {
				s, err := g.NewRowSum(leaves, width)
				if err != nil {
					return err
				}
				for range 2 {
					first, end := Part(leaves, g.Rank(), ranks)
					for i := first; i < end; i++ {
						s.Add(1, index[i], values[i])
					}
					rows, got, err := s.Total()
					if err != nil {
						return err
					}
					all := make([]float32, height*width)
					for k, row := range rows {
						copy(all[int(row)*width:], got[k*width:(k+1)*width])
					}
					if !slices.Equal(all, want) || !slices.IsSorted(rows) {
						return fmt.Errorf("got rows %v of %v, want %v", rows, got, want)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatalf("%d leaves on %d ranks: %v", leaves, ranks, err)
			}
		}
	}
}

func TestPartsAndCoverAreComplete(t *testing.T) {
	for leaves := 1; leaves <= 40; leaves++ {
		for ranks := 1; ranks <= leaves; ranks++ {
			next := 0
			for r := range ranks {
				lo, hi := Part(leaves, r, ranks)
				if lo != next || hi <= lo {
					t.Fatalf("%d leaves: rank %d of %d has those from %d to %d, want a part that begins at %d", leaves, r, ranks, lo, hi, next)
				}
				at := lo
				for _, n := range cover(leaves, lo, hi) {
					if n.first() != at {
						t.Fatalf("leaves %d to %d of %d: nodes %v", lo, hi, leaves, cover(leaves, lo, hi))
					}
					at = min(n.end(), leaves)
				}
				if at != hi {
					t.Fatalf("leaves %d to %d of %d: nodes %v", lo, hi, leaves, cover(leaves, lo, hi))
				}
				next = hi
			}
			if next != leaves {
				t.Fatalf("%d leaves on %d ranks end at %d", leaves, ranks, next)
			}
		}
	}
}

func TestGatherAndBroadcast(t *testing.T) {
	for ranks := 1; ranks <= 9; ranks++ {
		bounds := []int{0}
		for r := range ranks {
			bounds = append(bounds, bounds[r]+(r*3)%5) // some parts are empty
		}
		want := make([]byte, bounds[ranks])
		for i := range want {
			want[i] = byte(i + 1)
		}
		err := run(t, ranks, func(ctx context.Context, g *Group) error {
			all := make([]byte, len(want))
			copy(all[bounds[g.Rank()]:bounds[g.Rank()+1]], want[bounds[g.Rank()]:])
			if err := g.Gather(all, bounds); err != nil {
				return err
			}
			if !slices.Equal(all, want) {
				return fmt.Errorf("gathered %v, want %v", all, want)
			}
			for from := range ranks {
				data := make([]byte, 7)
				if g.Rank() == from {
					copy(data, "the one")
				}
				if err := g.broadcast(from, data); err != nil {
					return err
				}
				if string(data) != "the one" {
					return fmt.Errorf("broadcast of rank %d: %q", from, data)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%d ranks: %v", ranks, err)
		}
	}
}

func TestAgree(t *testing.T) {
	for ranks := 1; ranks <= 9; ranks++ {
		for who := range ranks {
			err := run(t, ranks, func(ctx context.Context, g *Group) error {
				me := g.Rank() == who
				plan := Plan{What: "training step", Size: 100, Fingerprint: 7}
				a, err := g.Agree(plan)
				if err != nil || a.Stop || a.Failed != -1 {
					return fmt.Errorf("equal plans: %+v, %v", a, err)
				}
				stop := plan
				stop.Stop = me
				if a, err := g.Agree(stop); err != nil || !a.Stop || a.Failed != -1 {
					return fmt.Errorf("one stops: %+v, %v", a, err)
				}
				failed := plan
				failed.Failed = me
				if a, err := g.Agree(failed); err != nil || a.Failed != who {
					return fmt.Errorf("one fails: %+v, %v", a, err)
				}
				var own error
				if me {
					own = errors.New("sample 17 is not finite")
				}
				err = g.Failure(who, own)
				if err == nil || !strings.Contains(err.Error(), "sample 17 is not finite") {
					return fmt.Errorf("failure of rank %d: %v", who, err)
				}
				if ranks == 1 {
					return nil
				}
				details := func(rate string) func() string {
					return func() string { return "epochs: 3\nlearning rate: " + rate + "\nseed: 1\n" }
				}
				plan.Details = details("0.1")
				for _, other := range []struct {
					plan Plan
					want string // what differs
				}{
					{Plan{What: "validation", Size: 100, Fingerprint: 7}, "call: validation"},
					{Plan{What: plan.What, Size: 96, Fingerprint: 7, Details: plan.Details}, "size: 96"},
					{Plan{What: plan.What, Size: 100, Fingerprint: 8, Details: plan.Details}, "fingerprint: 0000000000000008"},
					{Plan{What: plan.What, Size: 100, Fingerprint: 9, Details: details("0.2")}, "learning rate: 0.2"},
				} {
					if !me {
						other.plan = plan
					}
					_, err := g.Agree(other.plan)
					if !errors.Is(err, ErrUnequal) || !strings.Contains(err.Error(), fmt.Sprintf("%q", other.want)) {
						return fmt.Errorf("unequal plans: %v, want %q", err, other.want)
					}
					if want := fmt.Sprintf("rank %d has", max(1, who)); !strings.HasPrefix(err.Error(), want) {
						return fmt.Errorf("unequal plans: %v, want %q", err, want)
					}
				}
				if _, err := g.Agree(plan); err != nil {
					return fmt.Errorf("equal plans after unequal ones: %v", err)
				}
				return nil
			})
			if err != nil {
				t.Fatalf("%d ranks: %v", ranks, err)
			}
		}
	}
}

func TestARankThatFailsEndsTheOthers(t *testing.T) {
	lost := errors.New("lost")
	for _, fails := range []func() error{func() error { return lost }, func() error { panic(lost) }} {
		err := run(t, 3, func(ctx context.Context, g *Group) error {
			if g.Rank() == 1 {
				return fails()
			}
			_, err := g.Agree(Plan{What: "step"})
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "rank 1: ") || !strings.Contains(err.Error(), "lost") {
			t.Errorf("got %v, want the error of rank 1", err)
		}
	}
}

func TestMismatchedExchangesAreErrors(t *testing.T) {
	err := run(t, 2, func(ctx context.Context, g *Group) error {
		return g.comm.Exchange(1-g.rank, make([]byte, 4+g.rank), 1-g.rank, make([]byte, 4))
	})
	if err == nil || !strings.Contains(err.Error(), "rank 1 sent 5 bytes, rank 0 expects 4") {
		t.Errorf("got %v", err)
	}
}

func TestWrongUse(t *testing.T) {
	if err := Local(t.Context(), 0, nil); err == nil {
		t.Error("a group of no ranks is accepted")
	}
	if _, err := NewGroup(nil); err == nil {
		t.Error("a group without a Comm is accepted")
	}
	err := run(t, 2, func(ctx context.Context, g *Group) error {
		if _, err := g.NewSum(1, 10); err == nil {
			return errors.New("one leaf for two ranks is accepted")
		}
		if err := g.Gather(make([]byte, 3), []int{0, 3}); err == nil {
			return errors.New("wrong bounds are accepted")
		}
		s, err := g.NewSum(4, 10)
		if err != nil {
			return err
		}
		if _, err := s.Total(1, 0); err == nil {
			return errors.New("a sum without leaves is accepted")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A step of training exchanges without allocating.
func TestSumAllocatesNothing(t *testing.T) {
	for _, ranks := range []int{2, 3} {
		err := run(t, ranks, func(ctx context.Context, g *Group) error {
			s, err := g.NewSum(6, 1000)
			if err != nil {
				return err
			}
			var failed error
			leaf := [][]float32{make([]float32, 400), make([]float32, 600)}
			step := func() {
				if _, err := g.Agree(Plan{What: "step", Size: 1000}); err != nil {
					failed = err
				}
				for i, end := s.Leaves(); i < end; i++ {
					s.Add(0.5, leaf, nil)
				}
				if _, err := s.Total(1, 0); err != nil {
					failed = err
				}
			}
			if g.Rank() != 0 {
				for range 101 {
					step()
				}
				return failed
			}
			if n := testing.AllocsPerRun(100, step); n > 1 { // counts those of all goroutines
				return fmt.Errorf("%v allocations in a step", n)
			}
			return failed
		})
		if err != nil {
			t.Errorf("%d ranks: %v", ranks, err)
		}
	}
}

func FuzzHeader(f *testing.F) {
	var seed [headerSize]byte
	h := header{magic: headerMagic, version: headerVersion, failed: noRank, what: [16]byte{'s'}}
	h.encode(seed[:])
	f.Add(seed[:], 4)
	f.Add(seed[:headerSize-1], 1)
	f.Fuzz(func(t *testing.T, b []byte, ranks int) {
		var h header
		if err := h.decode(b, ranks); err != nil {
			return
		}
		if int(h.from) >= ranks || h.failed != noRank && int(h.failed) >= ranks {
			t.Fatalf("accepted rank %d, %d of %d", h.from, h.failed, ranks)
		}
		var again [headerSize]byte
		if h.encode(again[:]); string(again[:]) != string(b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}
