// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// evaluation returns the same operands with other memory for the results, and none for a backward
// pass.
func (c *rnnCase[T]) evaluation() *RNNTensors[T] {
	t := *c.t
	t.Saved = nil
	for _, x := range []*[]T{&t.Y, &t.HN, &t.CN} {
		if *x != nil {
			*x = make([]T, len(*x))
		}
	}
	return &t
}

// sameBits reports the first number that differs between an evaluation and a forward pass.
func sameBits(t *testing.T, what string, got, want *RNNTensors[float32]) {
	t.Helper()
	for _, x := range []struct {
		name      string
		got, want []float32
	}{{"y", got.Y, want.Y}, {"last h", got.HN, want.HN}, {"last c", got.CN, want.CN}} {
		for i, v := range x.got {
			if math.Float32bits(v) != math.Float32bits(x.want[i]) {
				t.Errorf("%s: %s[%d] is %v in an evaluation, %v before a backward pass", what, x.name, i, v, x.want[i])
				break
			}
		}
	}
}

// TestEvaluationHasSameBits compares every cell, with its own activations and general ones, with
// the forward pass that keeps everything: alone, in blocks, with and without masks and states, and
// with products that have several blocks of k.
func TestEvaluationHasSameBits(t *testing.T) {
	shapes := []RNN{
		{Time: 1, In: 3, Units: 2},
		{Time: 9, In: 1, Units: 1},
		{Time: 20, In: 14, Units: 33},
		{Time: 200, In: 5, Units: 64}, // more than is in memory
		{Time: 4, In: 300, Units: 40}, // h begins in the second block of k, or just before
		{Time: 3, In: 127, Units: 128},
		{Time: 3, In: 128, Units: 128},
		{Time: 3, In: 20, Units: 300},
		{Time: 3, In: 700, Units: 70},
		{Time: 3, In: 255, Units: 256},
	}
	batches := []int{1, 2, 3, 32, 70}
	if testing.Short() { // under the race detector: what goroutines share
		shapes, batches = append(shapes[:3:3], shapes[4]), []int{3, 32}
	}
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 5))
		for _, name := range slices.Sorted(maps.Keys(rnnCells)) {
			for i, s := range shapes {
				for k, batch := range batches {
					s.Cell, s.Batch, s.Act, s.Alpha = rnnCells[name], batch, ELU, 0.7
					if batch == 70 && s.In*s.Units > 1000 { // the same as 32
						continue
					}
					for _, general := range []*RNNGeneral{nil, generals[1+(i+k)%(len(generals)-1)]} {
						s.General, s.Reverse = general, (i+k)%2 == 1
						c := newRNNCase(rng, &s, (i+k)%3 == 1, (i+k)%4 > 1)
						if i == 2 {
							c.t.Bias = nil
						}
						if i%4 == 1 {
							c.t.Y = nil
						}
						RNNForward(c.s, c.t)
						for _, workers := range []int{1, 3} {
							got := c.evaluation()
							restore := parallel.SetWorkers(workers)
							RNNForward(c.s, got)
							restore()
							sameBits(t, fmt.Sprintf("%s %+v, %d workers", name, s, workers), got, c.t)
						}
					}
				}
			}
		}
	})
}

func TestEvaluationAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for name, cell := range rnnCells {
		for _, batch := range []int{1, 40} {
			for _, general := range generals[:3] {
				// with 300 units, the products have several blocks of k, and workers share them
				c := newRNNCase(rng, &RNN{Cell: cell, Batch: batch, Time: 20, In: 9, Units: 300, Act: Tanh, General: general}, true, true)
				c.t.Saved = nil
				if n := testing.AllocsPerRun(3, func() { RNNForward(c.s, c.t) }); n != 0 {
					t.Errorf("%s %+v, batch %d: %v allocations", name, general, batch, n)
				}
			}
		}
	}
}

// BenchmarkEvaluation compares evaluations with forward passes that keep everything.
func BenchmarkEvaluation(b *testing.B) {
	for _, s := range []struct {
		name string
		RNN
	}{
		{"GRU32x240x14", RNN{Cell: CellGRUResetAfter, Time: 240, In: 14, Units: 32}},
		{"LSTM64x500x64", RNN{Cell: CellLSTM, Time: 500, In: 64, Units: 64}},
		{"GRU256x100x64", RNN{Cell: CellGRUResetAfter, Time: 100, In: 64, Units: 256}},
		{"LSTM64x5000x64", RNN{Cell: CellLSTM, Time: 5000, In: 64, Units: 64}},
		{"GRU32x240x14general", RNN{Cell: CellGRUResetAfter, Time: 240, In: 14, Units: 32, General: generals[2]}},
	} {
		for _, batch := range []int{1, 2, 4, 8, 32, 128} {
			s.Batch = batch
			c := newRNNCase(rand.New(rand.NewPCG(1, 1)), &s.RNN, false, false)
			c.t.Y = nil
			for _, t := range []struct {
				name string
				*RNNTensors[float32]
			}{{"kept", c.t}, {"evaluation", c.evaluation()}} {
				b.Run(fmt.Sprintf("%s/batch%d/%s", s.name, batch, t.name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						RNNForward(c.s, t.RNNTensors)
					}
				})
			}
		}
	}
}
