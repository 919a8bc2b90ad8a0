// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// eachCase is a dense layer or a convolution for inference.
type eachCase struct {
	conv       Conv
	dense      bool // of N rows from C to K features
	x, w, bias []float32
	norm       *Norm
	act        Activation
}

func newEachCase(rng *rand.Rand, s Conv, dense, bias, norm bool, act Activation) *eachCase {
	c := &eachCase{conv: s, dense: dense, x: randomFloats(rng, s.N*s.H*s.W*s.C), w: randomFloats(rng, s.KH*s.KW*s.C*s.K), act: act}
	if bias {
		c.bias = randomFloats(rng, s.K)
	}
	if norm {
		c.norm = &Norm{Mean: randomFloats(rng, s.K), Variance: randomFloats(rng, s.K), Gamma: randomFloats(rng, s.K), Beta: randomFloats(rng, s.K), Epsilon: 1e-3}
		for i, v := range c.norm.Variance {
			c.norm.Variance[i] = 0.5 + v*v
		}
		switch rng.IntN(4) {
		case 0:
			c.norm.Gamma, c.norm.Beta = nil, nil
		case 1:
			c.norm.Mean = nil
		}
	}
	return c
}

// run computes samples from to from+n-1.
func (c *eachCase) run(from, n int, kept *Kept) []float32 {
	s := c.conv
	s.N = n
	x := c.x[from*s.H*s.W*s.C:]
	y := garbage(n * s.OH * s.OW * s.K)
	if c.dense {
		DenseEach(y, x, c.w, c.bias, n, s.C, s.K, c.norm, c.act, 0, kept)
	} else {
		Conv2DEach(y, x, c.w, c.bias, &s, c.norm, c.act, 0, kept)
	}
	return y
}

func (c *eachCase) reference() []float64 {
	s := &c.conv
	y := make([]float64, s.N*s.OH*s.OW*s.K)
	ref.Conv2D(y, kerneltest.Widen(c.x), kerneltest.Widen(c.w), kerneltest.Widen(c.bias), s)
	if n := c.norm; n != nil {
		wide := func(x []float32) []float64 {
			if x == nil {
				return nil
			}
			return kerneltest.Widen(x)
		}
		ref.NormCols(y, slices.Clone(y), wide(n.Mean), wide(n.Variance), wide(n.Gamma), wide(n.Beta), float64(n.Epsilon), s.N*s.OH*s.OW, s.K)
	}
	ref.Activate(y, y, c.act, 0)
	return y
}

func keeping(limit int64) (*Kept, *atomic.Uint64, *KeptBudget) {
	k, version, budget := new(Kept), new(atomic.Uint64), new(KeptBudget)
	budget.SetLimit(limit)
	k.Keep(version, budget)
	return k, version, budget
}

func sameFloats(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, v := range want {
		if math.Float32bits(got[i]) != math.Float32bits(v) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], v)
		}
	}
}

// Inference computes what the reference does, with the same bits for samples alone and in any batch,
// on any number of workers, and with and without kept weights.
func TestEach(t *testing.T) {
	rows := func(n, k, units int) Conv {
		return Conv{N: n, H: 1, W: 1, C: k, KH: 1, KW: 1, K: units, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, OH: 1, OW: 1}
	}
	shapes := []Conv{
		square(3, 9, 16, 5, 1), square(2, 5, 70, 600, 1), samePadding(square(3, 8, 32, 48, 3)), square(2, 9, 16, 16, 3),
		samePadding(square(2, 9, 40, 3, 3)), samePadding(square(2, 11, 13, 75, 3)), square(3, 12, 3, 20, 5),
		{N: 2, H: 1, W: 50, C: 70, KH: 1, KW: 5, K: 90, StrideH: 1, StrideW: 2, DilH: 1, DilW: 2, OH: 1, OW: 21},
		{N: 3, H: 3, W: 3, C: 2, KH: 2, KW: 2, K: 40, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, PadTop: 9, PadLeft: 9, OH: 4, OW: 4},
		rows(5, 300, 200), rows(70, 2100, 20), rows(40, 700, 130), rows(9, 0, 3), rows(3, 1100, 400),
	}
	rng := rand.New(rand.NewPCG(31, 32))
	workers, uses := []int{1, 3}, 3 // the third use of kept weights reads what the second has made
	random := kerneltest.Rounds(30)
	if testing.Short() { // under the race detector: what goroutines share, without the reference
		workers, uses, random = []int{3}, 2, 3
	}
	for range random {
		shapes = append(shapes, randomConv(rng, 40))
	}
	cases := make([]*eachCase, len(shapes))
	want := make([][]float64, len(shapes))
	for i, s := range shapes {
		dense := s.H == 1 && s.W == 1 && s.KW == 1 && s.OW == 1 && s.PadLeft == 0 && i%2 == 0
		cases[i] = newEachCase(rng, s, dense, i%3 > 0, i%4 > 0, []Activation{ReLU, Linear, Tanh}[rng.IntN(3)])
		if !testing.Short() {
			want[i] = cases[i].reference()
		}
	}
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for i, c := range cases {
			s := &c.conv
			what := fmt.Sprintf("%+v norm=%v dense=%v", *s, c.norm != nil, c.dense)
			whole := c.run(0, s.N, nil)
			if want[i] != nil {
				kerneltest.Close(t, what, whole, want[i], 2e-5, 5+5*math.Sqrt(float64(s.KH*s.KW*s.C)))
			}
			kept, _, _ := keeping(1 << 30)
			each := len(whole) / s.N
			for _, n := range workers {
				restore := parallel.SetWorkers(n)
				for _, k := range append([]*Kept{nil}, slices.Repeat([]*Kept{kept}, uses)...) {
					sameFloats(t, what, c.run(0, s.N, k), whole)
					for from := range min(s.N, 3) {
						sameFloats(t, what+" alone", c.run(from, 1, k), whole[from*each:][:each])
					}
				}
				restore()
			}
		}
	})
}

// Convolutions of so many channels that their transformed weights come from memory: the same, for
// tiles of one and of several rounds. Portable Go has no such algorithm.
func TestEachOfManyChannels(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	known := newEachCase(rng, samePadding(square(2, 7, 352, 336, 3)), false, true, true, ReLU)
	var want []float64
	if !testing.Short() {
		want = known.reference()
	}
	many := newEachCase(rng, samePadding(square(16, 9, 336, 352, 3)), false, false, false, Tanh)
	kerneltest.OnEachAssembly(t, func(t *testing.T) {
		for _, c := range []*eachCase{known, many} {
			n := c.conv.N
			what := fmt.Sprintf("%+v", c.conv)
			whole := c.run(0, n, nil)
			if c == known && want != nil {
				kerneltest.Close(t, what, whole, want, 2e-5, 5+5*math.Sqrt(9*352))
			}
			kept, _, _ := keeping(1 << 30)
			each := len(whole) / n
			for _, workers := range []int{1, 3} {
				restore := parallel.SetWorkers(workers)
				for _, k := range []*Kept{nil, kept, kept} {
					sameFloats(t, what, c.run(0, n, k), whole)
					sameFloats(t, what+" alone", c.run(n-1, 1, k), whole[(n-1)*each:])
				}
				restore()
			}
			if kept.matrix.made.Load() == nil {
				t.Error("the weights are not kept")
			}
		}
	})
}

// What is kept follows the versions of the weights, the budget and Drop.
func TestKept(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(33, 34))
		for _, dense := range []bool{true, false} {
			s := samePadding(square(1, 8, 32, 32, 3)) // Winograd's transform, where there is one
			if dense {
				s = Conv{N: 2, H: 1, W: 1, C: 300, KH: 1, KW: 1, K: 200, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, OH: 1, OW: 1}
			}
			c := newEachCase(rng, s, dense, true, false, Linear)
			kept, version, budget := keeping(1 << 30)
			check := func(what string, want bool) {
				t.Helper()
				sameFloats(t, what, c.run(0, s.N, kept), c.run(0, s.N, nil))
				if got := budget.Bytes() > 0; got != want {
					t.Fatalf("%s: %d bytes are kept", what, budget.Bytes())
				}
			}
			if !dense && s.K <= 32 && ISA() == "generic" {
				continue // reads the weights in place
			}
			check("first use", false)
			check("second use", true)
			check("third use", true)
			size := budget.Bytes()
			for range 3 { // the old form is not used, and its memory is used again
				c.w = randomFloats(rng, len(c.w))
				version.Add(1)
				check("new weights", true)
				check("new weights again", true)
				if budget.Bytes() != size {
					t.Fatalf("%d bytes are kept, before %d", budget.Bytes(), size)
				}
			}
			kept.Drop()
			if budget.Bytes() != 0 {
				t.Fatalf("%d bytes are kept after Drop", budget.Bytes())
			}
			budget.SetLimit(size - 1)
			for range 3 {
				check("too small a budget", false)
			}
			budget.SetLimit(size)
			check("enough, first use", false)
			check("enough", true)
			var wait sync.WaitGroup
			for range 4 {
				wait.Go(func() {
					for range 5 {
						if got := c.run(0, s.N, kept); got[0] != got[0] {
							t.Error("not computed")
						}
					}
				})
			}
			wait.Wait()
			run := func() { c.run(0, s.N, kept) }
			if a, b := testing.AllocsPerRun(10, run), testing.AllocsPerRun(10, func() { _ = garbage(s.N * s.OH * s.OW * s.K) }); a > b {
				t.Errorf("%v allocations, %v for the result", a, b)
			}
		}
	})
}

func TestNormOfAnotherSize(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); got != "norm: 3 values for 2 columns" {
			t.Errorf("panics with %q", got)
		}
	}()
	x := make([]float32, 4)
	DenseEach(x, x, x, nil, 2, 2, 2, &Norm{Variance: make([]float32, 3)}, Linear, 0, nil)
}

// A convolution of words has the bits of the same text alone.
func TestEmbeddingConvEach(t *testing.T) {
	const texts, steps, dim, units, taps = 7, 30, 33, 9, 3
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(35, 36))
		for _, vocab := range []int{5, 60, 5000} {
			s := Conv{N: texts, H: 1, W: steps, C: dim, KH: 1, KW: taps, K: units, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, PadLeft: 1, OH: 1, OW: steps}
			if !EmbeddingConvEachPays(&s) {
				t.Fatal("does not pay")
			}
			ids := make([]float32, texts*steps)
			for i := range ids {
				ids[i] = float32(rng.IntN(vocab))
			}
			table, w, bias := randomFloats(rng, vocab*dim), randomFloats(rng, taps*dim*units), randomFloats(rng, units)
			x := make([]float32, texts*steps*dim)
			Gather(x, table, ids, len(ids), vocab, dim)
			want := make([]float64, texts*steps*units)
			ref.Conv2D(want, kerneltest.Widen(x), kerneltest.Widen(w), kerneltest.Widen(bias), &s)
			run := func(from, n int) []float32 {
				s := s
				s.N = n
				y := garbage(n * steps * units)
				if bad := EmbeddingConvEach(y, ids[from*steps:(from+n)*steps], table, w, bias, &s, vocab, Linear, 0); bad >= 0 {
					t.Fatalf("id %d is bad", bad)
				}
				return y
			}
			whole := run(0, texts)
			kerneltest.Close(t, fmt.Sprint(vocab, " words"), whole, want, 2e-6, 40)
			for from := range texts {
				sameFloats(t, fmt.Sprint(vocab, " words"), run(from, 1), whole[from*steps*units:][:steps*units])
			}
			ids[3] = float32(vocab)
			if bad := EmbeddingConvEach(whole, ids, table, w, bias, &s, vocab, Linear, 0); bad != 3 {
				t.Errorf("the bad id is %d, want 3", bad)
			}
		}
	})
}
