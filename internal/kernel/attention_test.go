// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// attentionOf returns operands for a; bits 0 to 2 of masks select the masks.
func attentionOf(rng *rand.Rand, a *Attention, masks int) (t AttentionTensors[float32], d AttentionGradients[float32]) {
	q, k, v, y := a.Batch*a.T*a.Heads*a.Dim, a.Batch*a.S*a.Heads*a.Dim, a.Batch*a.S*a.Heads*a.ValueDim, a.Batch*a.T*a.Heads*a.ValueDim
	t = AttentionTensors[float32]{
		Q: randomFloats(rng, q), K: randomFloats(rng, k), V: randomFloats(rng, v), Y: newFloats(y),
		Stats: newFloats(2 * a.Batch * a.Heads * a.T),
	}
	for i, m := range []struct {
		mask *[]float32
		n    int
	}{{&t.Mask, a.Batch * a.T * a.S}, {&t.QueryMask, a.Batch * a.T}, {&t.KeyMask, a.Batch * a.S}} {
		if masks>>i&1 == 1 {
			*m.mask = newFloats(m.n)
			for j := range *m.mask {
				(*m.mask)[j] = float32(min(rng.IntN(4), 1))
			}
		}
	}
	d = AttentionGradients[float32]{DY: randomFloats(rng, y), DQ: randomFloats(rng, q), DK: randomFloats(rng, k), DV: randomFloats(rng, v)}
	return t, d
}

func widenAttention(t *AttentionTensors[float32], d *AttentionGradients[float32]) (*AttentionTensors[float64], *AttentionGradients[float64]) {
	wide := AttentionTensors[float64]{
		Q: kerneltest.Widen(t.Q), K: kerneltest.Widen(t.K), V: kerneltest.Widen(t.V), Y: kerneltest.Widen(t.Y), Stats: kerneltest.Widen(t.Stats),
		Mask: widenOrNil(t.Mask), QueryMask: widenOrNil(t.QueryMask), KeyMask: widenOrNil(t.KeyMask),
	}
	return &wide, &AttentionGradients[float64]{
		DY: kerneltest.Widen(d.DY), DQ: kerneltest.Widen(d.DQ), DK: kerneltest.Widen(d.DK), DV: kerneltest.Widen(d.DV),
	}
}

func copyAttention(t *AttentionTensors[float32], d *AttentionGradients[float32]) (*AttentionTensors[float32], *AttentionGradients[float32]) {
	x, g := *t, *d
	for _, s := range []*[]float32{&x.Y, &x.Stats, &g.DQ, &g.DK, &g.DV} {
		*s = slices.Clone(*s)
	}
	return &x, &g
}

// Several blocks of keys and of queries, features on both sides of a vector and of a panel, more
// keys than queries and fewer.
var attentionShapes = []Attention{
	{Batch: 1, Heads: 1, T: 1, S: 1, Dim: 1, ValueDim: 1, Scale: 1},
	{Batch: 2, Heads: 3, T: 7, S: 5, Dim: 4, ValueDim: 9, Scale: 0.5},
	{Batch: 1, Heads: 2, T: 130, S: 70, Dim: 33, ValueDim: 17, Scale: 0.17},
	{Batch: 2, Heads: 1, T: 300, S: 600, Dim: 16, ValueDim: 40, Scale: 0.25},
	{Batch: 1, Heads: 2, T: 2, S: 1000, Dim: 8, ValueDim: 8, Scale: 0.35},
	{Batch: 1, Heads: 1, T: 700, S: 257, Dim: 3, ValueDim: 2, Scale: 0.6},
	{Batch: 1, Heads: 1, T: 40, S: 30, Dim: 500, ValueDim: 450, Scale: 0.04},
}

func TestAttentionMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, a := range attentionShapes {
			for masks := range 8 {
				a.Causal = masks == 0 || masks == 3
				if masks == 4 || masks == 0 {
					a.Rate, a.Key, a.Stream, a.Step = 0.3, 5, 6, 7
				}
				rng := rand.New(rand.NewPCG(4, uint64(masks)))
				got, d := attentionOf(rng, &a, masks)
				check := func(y, dq, dk, dv []float64) {
					near(t, "attention", got.Y, y, 2e-5)
					near(t, "gradient of queries", d.DQ, dq, 5e-5)
					near(t, "gradient of keys", d.DK, dk, 5e-5)
					near(t, "gradient of values", d.DV, dv, 5e-5)
				}
				single, singleD := copyAttention(&got, &d)
				double, doubleD := widenAttention(&got, &d)
				AttentionForward(&a, &got)
				AttentionBackward(&a, &got, &d)
				ref.AttentionForward(&a, single)
				ref.AttentionBackward(&a, single, singleD)
				check(kerneltest.Widen(single.Y), kerneltest.Widen(singleD.DQ), kerneltest.Widen(singleD.DK), kerneltest.Widen(singleD.DV))
				if masks == 0 || masks == 4 { // in float32, MaskedScore swallows the scores of a query that is masked itself
					ref.AttentionForward(&a, double)
					ref.AttentionBackward(&a, double, doubleD)
					check(double.Y, doubleD.DQ, doubleD.DK, doubleD.DV)
				}
				if t.Failed() {
					t.Fatalf("with %+v and masks %03b", a, masks)
				}
			}
		}
	})
}

// Scores of a wide range: the running maximum grows from block to block, or never after the first.
func TestAttentionOfLargeScores(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, slope := range []float32{0.3, -0.3} {
			a := Attention{Batch: 1, Heads: 1, T: 3, S: 1000, Dim: 1, ValueDim: 1, Scale: 1}
			x, d := attentionOf(rand.New(rand.NewPCG(4, 4)), &a, 0)
			for i := range x.K {
				x.K[i] = slope * float32(i)
			}
			for i := range x.Q {
				x.Q[i] = float32(i + 1)
			}
			want, _ := widenAttention(&x, &d)
			AttentionForward(&a, &x)
			ref.AttentionForward(&a, want)
			near(t, "attention", x.Y, want.Y, 1e-4)
		}
	})
}

// attentionAbout returns attention of about n features, over several blocks of keys if they are many.
func attentionAbout(n int) *Attention {
	return &Attention{Batch: 1, Heads: 2, T: n/40 + 1, S: n/30 + 1, Dim: 5, ValueDim: 7, Scale: 0.4, Rate: 0.2, Causal: true}
}

// BenchmarkAttention is one pass of the attention of 8 sequences by 8 heads of 64.
func BenchmarkAttention(b *testing.B) {
	for _, a := range []Attention{
		{Batch: 8, Heads: 8, T: 512, S: 512, Dim: 64, ValueDim: 64, Scale: 0.125},
		{Batch: 8, Heads: 8, T: 512, S: 512, Dim: 64, ValueDim: 64, Scale: 0.125, Causal: true},
		{Batch: 32, Heads: 4, T: 64, S: 64, Dim: 32, ValueDim: 32, Scale: 0.18},
		{Batch: 1, Heads: 8, T: 4096, S: 4096, Dim: 64, ValueDim: 64, Scale: 0.125},
	} {
		t, d := attentionOf(rand.New(rand.NewPCG(1, 1)), &a, 0)
		product := 2 * float64(a.Batch*a.Heads*a.T*a.S*a.Dim)
		AttentionForward(&a, &t)
		for _, k := range []struct {
			name     string
			call     func()
			products float64
		}{
			{"forward", func() { AttentionForward(&a, &t) }, 2},
			{"backward", func() { AttentionBackward(&a, &t, &d) }, 5},
		} {
			b.Run(fmt.Sprintf("%dx%dx%d causal=%v/%s", a.Batch, a.T, a.Heads, a.Causal, k.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					k.call()
				}
				b.ReportMetric(product*k.products*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
