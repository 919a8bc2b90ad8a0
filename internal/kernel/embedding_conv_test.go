// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

func TestEmbeddingConvMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 5))
		for i := range 30 {
			vocab := 1 + rng.IntN(40)
			s := &Conv{
				N: 1 + rng.IntN(5), H: 1, W: 1 + rng.IntN(90), C: 1 + rng.IntN(40), KH: 1, KW: 1 + rng.IntN(8), K: 1 + rng.IntN(40),
				StrideH: 1, StrideW: 1 + rng.IntN(3), DilH: 1, DilW: 1 + rng.IntN(3), OH: 1,
			}
			if i == 0 {
				s.KW, s.W = 70, 200 // more than one list of taps
			}
			s.PadLeft = rng.IntN(s.DilW * s.KW)
			s.OW = max(0, (s.W+s.PadLeft-s.DilW*(s.KW-1)-1)/s.StrideW+1)
			ids := randomIDs(rng, s.N*s.W, vocab)
			table, w, bias, dy := randomFloats(rng, vocab*s.C), randomFloats(rng, s.KW*s.C*s.K), randomFloats(rng, s.K), randomFloats(rng, s.N*s.OW*s.K)
			act := []Activation{Linear, ReLU, Tanh}[i%3]

			wide := func(x []float32) []float64 {
				y := make([]float64, len(x))
				for i, v := range x {
					y[i] = float64(v)
				}
				return y
			}
			x, ids64, w64, dy64 := make([]float64, len(ids)*s.C), wide(ids), wide(w), wide(dy)
			ref.Gather(x, wide(table), ids64, len(ids), vocab, s.C)
			y64, dw64, dx64, dtable64 := make([]float64, len(dy)), make([]float64, len(w)), make([]float64, len(x)), make([]float64, len(table))
			ref.Conv2D(y64, x, w64, wide(bias), s)
			ref.Activate(y64, y64, act, 0)
			ref.Conv2DBackWeights(dw64, x, dy64, s)
			ref.Conv2DBackData(dx64, dy64, w64, s)
			ref.ScatterAdd(dtable64, dx64, ids64, len(ids), vocab, s.C)

			y, dw, dtable := make([]float32, len(dy)), make([]float32, len(w)), make([]float32, len(table))
			if bad := EmbeddingConv(y, ids, table, w, bias, s, vocab, act, 0); bad >= 0 {
				t.Fatalf("%+v: id %d is bad", *s, bad)
			}
			EmbeddingConvBackWeights(dw, ids, table, dy, s, vocab)
			var g SparseGrad
			rows := g.SetConv(ids, dy, w, s, vocab)
			grad := g.Sum()
			for i, r := range rows {
				copy(dtable[int(r)*s.C:], grad[i*s.C:(i+1)*s.C])
			}
			what := fmt.Sprintf("vocabulary %d, %+v", vocab, *s)
			near(t, what+": y", y, y64, 1e-6*math.Sqrt(float64(s.KW*s.C))+1e-6)
			near(t, what+": dw", dw, dw64, 2e-6*math.Sqrt(float64(len(dy)+1)))
			near(t, what+": dtable", dtable, dtable64, 2e-6*math.Sqrt(float64(len(ids)*s.KW*s.K)))
		}
	})
}

func TestEmbeddingConvBadID(t *testing.T) {
	s := &Conv{N: 2, H: 1, W: 3, C: 2, KH: 1, KW: 2, K: 2, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, OH: 1, OW: 2}
	table, w, y := make([]float32, 8), make([]float32, 8), make([]float32, 8)
	for at, v := range map[int]float32{0: -1, 3: 4, 5: 1.5} {
		ids := []float32{0, 1, 2, 3, 0, 1}
		ids[at] = v
		if bad := EmbeddingConv(y, ids, table, w, nil, s, 4, Linear, 0); bad != at {
			t.Errorf("id %v at %d: got %d", v, at, bad)
		}
	}
}

// The first layers of a text classifier: 128 reviews of 500 words, 10 000 distinct ones.
func BenchmarkEmbeddingConv(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	const vocab = 10_000
	s := &Conv{N: 128, H: 1, W: 500, C: 128, KH: 1, KW: 7, K: 32, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, OH: 1, OW: 494}
	ids := randomIDs(rng, s.N*s.W, vocab)
	table, w, y := randomFloats(rng, vocab*s.C), randomFloats(rng, s.KW*s.C*s.K), randomFloats(rng, s.N*s.OW*s.K)
	var g SparseGrad
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"Forward", func() { EmbeddingConv(y, ids, table, w, nil, s, vocab, ReLU, 0) }},
		{"BackWeights", func() { EmbeddingConvBackWeights(w, ids, table, y, s, vocab) }},
		{"BackTable", func() { g.SetConv(ids, y, w, s, vocab) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.f()
			}
		})
	}
}
