// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// workload is a call of a kernel on n elements (or rows with about n), for the tests that every
// kernel must pass. Each run starts from the same inputs.
type workload struct {
	name string
	make func(rng *rand.Rand, n int) (call func(), out []float32)
}

// newFloats allocates the operands of workloads; a variable for the test that places them next to
// inaccessible pages.
var newFloats = func(n int) []float32 { return make([]float32, n) }

// randomFloats returns n values from the standard normal distribution.
func randomFloats(rng *rand.Rand, n int) []float32 { return kerneltest.Normal(rng, newFloats(n)) }

var workloads = []workload{
	{"relu", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n, func(y, x []float32) { Activate(y, x, ReLU, 0) })
	}},
	{"gelu", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n, func(y, x []float32) { Activate(y, x, GELU, 0) })
	}},
	{"sigmoid gradient", func(rng *rand.Rand, n int) (func(), []float32) {
		return onXX(rng, n, func(y, a, b []float32) { ActivateGrad(y, a, b, Sigmoid, 0) })
	}},
	{"add", func(rng *rand.Rand, n int) (func(), []float32) { return onXX(rng, n, Add[float32]) }},
	{"max gradient", func(rng *rand.Rand, n int) (func(), []float32) {
		b, dy, db := randomFloats(rng, n), randomFloats(rng, n), newFloats(n)
		return onX(rng, n, func(y, x []float32) { MaxGrad(y, db, x, b, dy) })
	}},
	{"scale", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n, func(y, x []float32) { Scale(y, x, 0.3) })
	}},
	{"add scaled", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n, func(y, x []float32) { AddScaled(y, x, 0.3) })
	}},
	{"clip", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n, func(y, x []float32) { Clip(y, x, -0.5, 0.5) })
	}},
	{"fill", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n, func(y, _ []float32) { Fill(y, 2) })
	}},
	{"add row", func(rng *rand.Rand, n int) (func(), []float32) {
		row := randomFloats(rng, 7)
		return onX(rng, n/7*7, func(y, x []float32) { AddRow(y, x, row, len(x)/7, 7) })
	}},
	{"sums", func(rng *rand.Rand, n int) (func(), []float32) {
		x, y, out := randomFloats(rng, n), randomFloats(rng, n), newFloats(4)
		return func() { out[0], out[1], out[2], out[3] = Sum(x), SumSquares(x), SumAbs(x), Dot(x, y) }, out
	}},
	{"column sum", func(rng *rand.Rand, n int) (func(), []float32) {
		x, out := randomFloats(rng, n/13*13), newFloats(13)
		return func() { ColSum(out, x, len(x)/13, 13) }, out
	}},
	{"finite", func(rng *rand.Rand, n int) (func(), []float32) {
		x, out := randomFloats(rng, n), newFloats(1)
		if n > 0 {
			x[n-1] = float32(math.Inf(1))
		}
		return func() { out[0] = float32(Finite(x)) }, out
	}},
	{"softmax", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n/46*46, func(y, x []float32) { Softmax(y, x, len(x)/46, 46) })
	}},
	{"log-softmax gradient", func(rng *rand.Rand, n int) (func(), []float32) {
		return onXX(rng, n/10*10, func(y, a, b []float32) { LogSoftmaxGrad(y, a, b, len(a)/10, 10) })
	}},
	{"sparse cross-entropy", func(rng *rand.Rand, n int) (func(), []float32) {
		rows := n / 10
		z, labels, dloss, out := randomFloats(rng, rows*10), newFloats(rows), randomFloats(rng, rows), newFloats(rows*11)
		for i := range labels {
			labels[i] = float32(rng.IntN(10))
		}
		return func() {
			SoftmaxXentSparse(out[:rows], z, labels, rows, 10)
			SoftmaxXentSparseGrad(out[rows:], z, labels, dloss, rows, 10)
		}, out
	}},
	{"sigmoid cross-entropy", func(rng *rand.Rand, n int) (func(), []float32) {
		z, labels, dloss, out := randomFloats(rng, n), newFloats(n), randomFloats(rng, n), newFloats(n*2)
		return func() {
			SigmoidXent(out[:n], z, labels, n, 1)
			SigmoidXentGrad(out[n:], z, labels, dloss, n, 1)
		}, out
	}},
	{"dropout", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n, func(y, x []float32) { Dropout(y, x, 0.4, 1, 2, 3) })
	}},
	{"normal", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n, func(y, _ []float32) { Normal(y, 1, 2, 3) })
	}},
	{"max pooling", func(rng *rand.Rand, n int) (func(), []float32) {
		s := &Pool{N: 2, H: 11, W: n / (2 * 11 * 9), C: 9, KH: 2, KW: 2, StrideH: 2, StrideW: 2, OH: 5, OW: n / (4 * 11 * 9)}
		arg := make([]uint8, s.N*s.OH*s.OW*s.C)
		x, out := randomFloats(rng, s.N*s.H*s.W*s.C), newFloats(s.N*s.H*s.W*s.C+len(arg))
		return func() {
			MaxPool2D(out[:len(arg)], arg, x, s)
			MaxPool2DBack(out[len(arg):], arg, out[:len(arg)], s)
		}, out
	}},
	{"average pooling", func(rng *rand.Rand, n int) (func(), []float32) {
		s := &Pool{N: 2, H: 11, W: n / (2 * 11 * 9), C: 9, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1, OH: 6, OW: n / (4 * 11 * 9)}
		size := s.N * s.OH * s.OW * s.C
		x, out := randomFloats(rng, s.N*s.H*s.W*s.C), newFloats(s.N*s.H*s.W*s.C+size)
		return func() { AvgPool2D(out[:size], x, s); AvgPool2DBack(out[size:], out[:size], s) }, out
	}},
	{"global pooling", func(rng *rand.Rand, n int) (func(), []float32) {
		const cells, c = 21, 9
		rows := n / (cells * c)
		x, out, arg := randomFloats(rng, rows*cells*c), newFloats(rows*(cells+1)*c), make([]int32, rows*c)
		return func() {
			GlobalMaxPool(out[:rows*c], arg, x, rows, cells, c)
			GlobalMaxPoolBack(out[rows*c:], arg, out[:rows*c], rows, cells, c)
			GlobalAvgPool(out[:rows*c], x, rows, cells, c)
		}, out
	}},
	{"embedding", func(rng *rand.Rand, n int) (func(), []float32) {
		const vocab, dim = 97, 19
		var sparse SparseGrad
		ids, dy, table, out := randomIDs(rng, n/dim, vocab), randomFloats(rng, n/dim*dim), randomFloats(rng, vocab*dim), newFloats(2*vocab*dim)
		got := newFloats(len(dy))
		return func() {
			Gather(got, table, ids, len(ids), vocab, dim)
			ScatterAdd(out[:vocab*dim], dy, ids, len(ids), vocab, dim)
			sparse.Set(dy, ids, len(ids), vocab, dim)
			grad := sparse.Sum()
			copy(out[vocab*dim:], grad)
		}, out
	}},
	{"embedding conv", func(rng *rand.Rand, n int) (func(), []float32) {
		const vocab, dim, filters = 97, 19, 11
		var sparse SparseGrad
		s := &Conv{N: n / dim / 50, H: 1, W: 50, C: dim, KH: 1, KW: 3, K: filters, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, PadLeft: 2, OH: 1, OW: 50}
		ids, table, w := randomIDs(rng, s.N*s.W, vocab), randomFloats(rng, vocab*dim), randomFloats(rng, 3*dim*filters)
		y, dw := s.N*s.OW*filters, len(w)
		out := newFloats(y + dw + vocab*dim)
		return func() {
			EmbeddingConv(out[:y], ids, table, w, nil, s, vocab, ReLU, 0)
			EmbeddingConvBackWeights(out[y:y+dw], ids, table, out[:y], s, vocab)
			sparse.SetConv(ids, out[:y], w, s, vocab)
			grad := sparse.Sum()
			copy(out[y+dw:], grad)
		}, out
	}},
	{"sparse dense", func(rng *rand.Rand, n int) (func(), []float32) {
		const k, cells = 30, 16
		m := n / (k * cells / 2)
		indptr, cols, vals, _ := multiHot(rng, m, k, true)
		w, out := randomFloats(rng, k*cells), newFloats(m*cells+k*cells)
		return func() {
			SparseDense(out[:m*cells], w, nil, indptr, cols, vals, m, k, cells, Tanh, 0)
			SparseDenseBackWeights(out[m*cells:], out[:m*cells], indptr, cols, vals, m, k, cells)
		}, out
	}},
	{"layout", func(rng *rand.Rand, n int) (func(), []float32) {
		rows := n / 60
		x, out := randomFloats(rng, rows*60), newFloats(rows*345)
		shape, perm := []int{rows, 3, 4, 5}, []int{1, 0, 3, 2}
		at := func(from, size int) []float32 { return out[rows*from : rows*(from+size)] }
		return func() {
			Permute(at(0, 60), x, shape, perm)
			Concat(at(60, 120), x, rows, 8, 2, 4, 15)
			Split(at(180, 15), x, rows, 4, 1, 1, 15)
			Crop2D(at(195, 20), x, rows, 3, 4, 5, 1, 1, 0, 0)
			Pad2D(at(215, 60), x[:rows*5], rows, 1, 1, 5, 1, 1, 1, 2)
			Upsample2D(at(275, 60), x[:rows*10], rows, 1, 2, 5, 2, 3)
			Upsample2DGrad(at(335, 10), x, rows, 1, 2, 5, 2, 3)
		}, out
	}},
	{"row optimizers", func(rng *rand.Rand, n int) (func(), []float32) {
		rows := make([]int32, n/10/4)
		for i := range rows {
			rows[i] = int32(4 * i)
		}
		met := make([]int32, n/10)
		for i := range met {
			met[i] = int32(i % 9)
		}
		return onState(rng, n, func(w, g, a, b, c []float32) {
			SGDRows(w, g[:len(rows)*10], a, 0.1, 0.9, true, rows, 10)
			RMSpropRows(w, g[:len(rows)*10], a, b, c, 0.1, 0.9, 0.9, 1e-7, rows, 10)
			DecayRows(b[:len(met)*10], 0.9, met, 12, rows, 10)
			AdamRows(w, g[:len(rows)*10], a, b, c, 0.1, 0.9, 0.999, 1e-7, 3, rows, 10)
		})
	}},
	{"recurrent", func(rng *rand.Rand, n int) (func(), []float32) {
		var cases []*rnnCase[float32]
		total := 0
		for cell := CellSimple; cell <= CellLSTM; cell++ {
			c := newRNNCase(rng, &RNN{Cell: cell, Batch: min(n/100, 90), Time: 5, In: 7, Units: 19, Act: Tanh}, true, true)
			cases = append(cases, c)
			total += len(c.d.DW) + len(c.d.DU) + len(c.d.DX) + len(c.t.Y)
		}
		out := newFloats(total)
		return func() {
			at := 0
			for _, c := range cases {
				c.run()
				for _, x := range [4][]float32{c.d.DW, c.d.DU, c.d.DX, c.t.Y} {
					at += copy(out[at:], x)
				}
			}
		}, out
	}},
	{"sgd", func(rng *rand.Rand, n int) (func(), []float32) {
		return onState(rng, n, func(w, g, a, b, c []float32) { SGD(w, g, a, 0.1, 0.9, true) })
	}},
	{"rmsprop", func(rng *rand.Rand, n int) (func(), []float32) {
		return onState(rng, n, func(w, g, a, b, c []float32) { RMSprop(w, g, a, b, c, 0.1, 0.9, 0.9, 1e-7) })
	}},
	{"adagrad, adamax, adadelta, lion", func(rng *rand.Rand, n int) (func(), []float32) {
		return onState(rng, n, func(w, g, a, b, c []float32) {
			Adagrad(w, g, a, 0.1, 1e-7)
			Adamax(w, g, a, b, 0.1, 0.9, 0.999, 1e-7, 3)
			Adadelta(w, g, c, b, 0.1, 0.9, 1e-7)
			Lion(w, g, a, 0.1, 0.9, 0.99)
		})
	}},
	{"nadam", func(rng *rand.Rand, n int) (func(), []float32) {
		return onState(rng, n, func(w, g, a, b, c []float32) { Nadam(w, g, a, b, 0.1, 0.9, 0.999, 1e-7, 3) })
	}},
	{"ftrl, schedule-free", func(rng *rand.Rand, n int) (func(), []float32) {
		return onState(rng, n, func(w, g, a, b, c []float32) {
			Ftrl(w, g, a, b, 0.1, -0.6, 0.1, 0.1, 0.1, 0.5)
			ScheduleFree(w, g, b, c, 0.1, 0.9, 0.999, 1e-7, 3)
		})
	}},
	{"rows of ftrl", func(rng *rand.Rand, n int) (func(), []float32) {
		rows := make([]int32, n/20)
		for i := range rows {
			rows[i] = int32(2 * i)
		}
		return onState(rng, n, func(w, g, a, b, c []float32) {
			FtrlRows(w, g[:len(rows)*10], a, b, 0.1, -0.5, 0.1, 0, 0, 0, rows, 10)
		})
	}},
	{"lamb", func(rng *rand.Rand, n int) (func(), []float32) {
		return onState(rng, n, func(w, g, a, b, c []float32) { Lamb(w, g, a, b, 0.1, 0.9, 0.999, 1e-7, 3) })
	}},
	{"adafactor", func(rng *rand.Rand, n int) (func(), []float32) {
		return onState(rng, max(n, 26)/26*26, func(w, g, a, b, c []float32) {
			rows := len(w) / 26
			Adafactor(w, g, a[:2*rows], b[:26], rows, 13, 0.1, 0.5, 1e-30, 1e-3, 1)
			AdafactorVector(w, g, c, 0.1, 0.5, 1e-30, 1e-3, 1)
		})
	}},
	{"muon", func(rng *rand.Rand, n int) (func(), []float32) {
		return onState(rng, max(13, min(n, 30000))/13*13, func(w, g, a, b, c []float32) {
			coefficients := [3]float32{3.4445, -4.775, 2.0315}
			Muon(w, g, a, len(w)/13, 13, 0.1, 0.9, true, 5, coefficients)
			Muon(w, g, b, 13, len(w)/13, 0.1, 0.9, false, 2, coefficients)
		})
	}},
	{"column variance", func(rng *rand.Rand, n int) (func(), []float32) {
		x, mean, out := randomFloats(rng, n/13*13), randomFloats(rng, 13), newFloats(13)
		return func() { ColVariance(out, x, mean, len(x)/13, 13) }, out
	}},
	{"norm of columns", func(rng *rand.Rand, n int) (func(), []float32) {
		mean, variance, gamma := randomFloats(rng, 13), onesLike(13), randomFloats(rng, 13)
		return onX(rng, n/13*13, func(y, x []float32) { NormCols(y, x, mean, variance, gamma, mean, 1e-3, len(x)/13, 13) })
	}},
	{"gradient of norm of columns", func(rng *rand.Rand, n int) (func(), []float32) {
		mean, variance, dgamma := randomFloats(rng, 13), onesLike(13), newFloats(13)
		return onXX(rng, n/13*13, func(y, a, b []float32) {
			NormColsDot(dgamma, a, b, mean, variance, 1e-3, len(a)/13, 13)
			NormColsGrad(y, a, b, mean, variance, nil, dgamma, mean, 1e-3, len(a)/13, 13)
		})
	}},
	{"norm of rows", func(rng *rand.Rand, n int) (func(), []float32) {
		gamma := randomFloats(rng, 13)
		return onX(rng, n/13*13, func(y, x []float32) { NormRows(y, x, gamma, gamma, 1e-3, len(x)/13, 13) })
	}},
	{"gradient of norm of rows", func(rng *rand.Rand, n int) (func(), []float32) {
		gamma, dgamma, dbeta := randomFloats(rng, 13), newFloats(13), newFloats(13)
		return onXX(rng, n/13*13, func(y, a, b []float32) {
			NormRowsBack(nil, dgamma, dbeta, a, b, nil, 1e-3, len(a)/13, 13)
			NormRowsBack(y, nil, nil, a, b, nil, 1e-3, len(a)/13, 13)
			NormRowsBack(y, dgamma, dbeta, a, b, gamma, 1e-3, len(a)/13, 13)
		})
	}},
	{"sums of the gradient of norm of rows", func(rng *rand.Rand, n int) (func(), []float32) {
		x, dy, out := randomFloats(rng, n/13*13), randomFloats(rng, n/13*13), newFloats(26)
		return func() { NormRowsBack(nil, out[:13], out[13:], x, dy, nil, 1e-3, len(x)/13, 13) }, out
	}},
	{"gradient of unit rows", func(rng *rand.Rand, n int) (func(), []float32) {
		return onXX(rng, n/13*13, func(y, a, b []float32) { L2NormalizeRowsGrad(y, a, b, len(a)/13, 13) })
	}},
	{"unit rows", func(rng *rand.Rand, n int) (func(), []float32) {
		return onX(rng, n/13*13, func(y, x []float32) { L2NormalizeRows(y, x, len(x)/13, 13) })
	}},
	{"attention", func(rng *rand.Rand, n int) (func(), []float32) {
		a := attentionAbout(n)
		t, _ := attentionOf(rng, a, 4)
		return func() { AttentionForward(a, &t) }, t.Y
	}},
	{"gradient of attention", func(rng *rand.Rand, n int) (func(), []float32) {
		a := attentionAbout(n)
		t, d := attentionOf(rng, a, 3)
		out := newFloats(len(t.Q) + len(t.K) + len(t.V))
		d.DQ, d.DK, d.DV = out[:len(t.Q)], out[len(t.Q):len(t.Q)+len(t.K)], out[len(t.Q)+len(t.K):]
		AttentionForward(a, &t)
		return func() { AttentionBackward(a, &t, &d) }, out
	}},
	{"product of few rows", func(rng *rand.Rand, n int) (func(), []float32) {
		const m, k = 9, 13
		cols := n / k
		a, b, out := randomFloats(rng, m*k), randomFloats(rng, k*cols), newFloats(m*cols)
		return func() { Gemm(false, true, m, cols, k, a, k, b, k, 0, out, max(cols, 1)) }, out
	}},
	{"batch of products", func(rng *rand.Rand, n int) (func(), []float32) {
		a, b, out := randomFloats(rng, n/8*8), randomFloats(rng, n/8*8), newFloats(n/8*16)
		return func() { GemmBatch(false, true, n/8, 4, 4, 2, a, b, out) }, out
	}},
}

func onesLike(n int) []float32 {
	x := newFloats(n)
	Fill(x, 1)
	return x
}

// onX returns a workload of f over one random operand; y starts as a copy of a second one.
func onX(rng *rand.Rand, n int, f func(y, x []float32)) (func(), []float32) {
	x, start, y := randomFloats(rng, n), randomFloats(rng, n), newFloats(n)
	return func() { copy(y, start); f(y, x) }, y
}

func onXX(rng *rand.Rand, n int, f func(y, a, b []float32)) (func(), []float32) {
	a, b, y := randomFloats(rng, n), randomFloats(rng, n), newFloats(n)
	return func() { f(y, a, b) }, y
}

// onState returns a workload of an optimizer; its result is the parameter and all state.
func onState(rng *rand.Rand, n int, f func(w, g, a, b, c []float32)) (func(), []float32) {
	grad, start, out := randomFloats(rng, n), randomFloats(rng, 4*n), newFloats(4*n)
	for i := n; i < 4*n; i++ {
		start[i] = 0
	}
	return func() {
		copy(out, start)
		f(out[:n], grad, out[n:2*n], out[2*n:3*n], out[3*n:])
	}, out
}

func TestSameBitsForAnyWorkers(t *testing.T) {
	counts := []int{1, 2, 3, 8}
	if testing.Short() { // under the race detector
		counts = []int{1, 8}
	}
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, w := range workloads {
			call, out := w.make(rand.New(rand.NewPCG(1, 2)), 70_001)
			var want []float32
			for _, workers := range counts {
				clear(out)
				restore := parallel.SetWorkers(workers)
				call()
				restore()
				if want == nil {
					want = append(want, out...)
				}
				for i, v := range out {
					if math.Float32bits(v) != math.Float32bits(want[i]) {
						t.Fatalf("%s: with %d workers element %d is %v, with one %v", w.name, workers, i, v, want[i])
					}
				}
			}
		}
	})
}

func TestNothingAllocates(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, w := range workloads {
			for _, n := range []int{0, 200, 50_000} {
				call, _ := w.make(rand.New(rand.NewPCG(1, 2)), n)
				if got := testing.AllocsPerRun(3, call); got != 0 {
					t.Errorf("%s of %d: %v allocations a call", w.name, n, got)
				}
			}
		}
	})
}

// Only one of several concurrent callers gets the helpers; results must not depend on it.
func TestConcurrentCallersGetTheSameBits(t *testing.T) {
	defer parallel.SetWorkers(3)()
	for _, w := range workloads {
		var calls [4]func()
		var outs [4][]float32
		for i := range calls {
			calls[i], outs[i] = w.make(rand.New(rand.NewPCG(1, 2)), 60_000)
		}
		calls[0]()
		var wg sync.WaitGroup
		for _, call := range calls[1:] {
			wg.Go(call)
		}
		wg.Wait()
		for i, out := range outs[1:] {
			for k, v := range out {
				if math.Float32bits(v) != math.Float32bits(outs[0][k]) {
					t.Fatalf("%s: caller %d has %v at %d, one alone %v", w.name, i+1, v, k, outs[0][k])
				}
			}
		}
	}
}
