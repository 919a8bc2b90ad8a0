// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"testing"

	"gorgonia.org/tensor"
)

// stepper is a Fit that has begun: its step is what the tests below repeat.
func stepper(tb testing.TB, batch int, optimizer Optimizer, in int, layers ...Part) (step func()) {
	tb.Helper()
	const samples, classes = 256, 10
	m := Sequential("m", append([]Part{Input(in)}, append(layers, Dense(classes, Softmax))...)...)
	if err := m.Compile(optimizer, SparseCategoricalCrossentropy, Accuracy, Seed(1)); err != nil {
		tb.Fatal(err)
	}
	x, y := make([]float32, samples*in), make([]float32, samples)
	rng := newRand(1, "data")
	for i := range x {
		x[i] = rng.Float32()
	}
	for i := range y {
		y[i] = float32(rng.IntN(classes))
	}
	data, err := Data(ArrayOf(tensor.New(tensor.WithShape(samples, in), tensor.WithBacking(x))), ArrayOf(tensor.New(tensor.WithShape(samples), tensor.WithBacking(y))))
	if err != nil {
		tb.Fatal(err)
	}
	f := &fit{m: m, epochs: 1, batch: batch}
	if err := f.prepare(data); err != nil {
		tb.Fatal(err)
	}
	step = func() {
		if len(f.train.order)-f.train.position < batch {
			f.train.begin(nil)
		}
		if _, err := f.advance(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	step() // builds the graph
	return step
}

// TestStepAllocatesNothing holds for a step of Fit: reading the batch, the graph,
// the optimizer, loss and metrics.
func TestStepAllocatesNothing(t *testing.T) {
	for _, o := range []Optimizer{SGD(0.01, Momentum(0.9), Nesterov), RMSprop(1e-3, Momentum(0.5), Centered), Adam(1e-3, AMSGrad)} {
		t.Run(o.Name(), func(t *testing.T) {
			step := stepper(t, 32, o, 20, Dense(64, ReLU, KernelRegularizer(L2(1e-3))), Dropout(0.5), Dense(16, GELU))
			if n := testing.AllocsPerRun(50, step); n != 0 {
				t.Errorf("a training step allocates %v times, want 0", n)
			}
		})
	}
}

// TestStepOfAnyLengthAllocatesNothing holds for batches of changing lengths, whose graphs exist, and
// for padded ones.
func TestStepOfAnyLengthAllocatesNothing(t *testing.T) {
	const samples, batch = 24, 4
	rng := newRand(1, "data")
	var xs, ys [][]float32
	for i := range samples {
		x, y := make([]float32, 3*(5+i%3)), make([]float32, 5+i%3)
		for j := range x {
			x[j] = rng.Float32() + 0.1
		}
		for j := range y {
			y[j] = float32(rng.IntN(2))
		}
		xs, ys = append(xs, x), append(ys, y)
	}
	x, err := Stack(xs, Any, 3)
	if err != nil {
		t.Fatal(err)
	}
	y, err := Stack(ys, Any)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Data(x, y)
	if err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]Source{"grouped": data, "padded": Padded(data), "buckets": Padded(data, Buckets(6, 8))} {
		m := Sequential("m", Input(Any, 3), Masking(0), LSTM(4, ReturnSequences), Dense(2, Softmax))
		if err := m.Compile(Adam(0.01), SparseCategoricalCrossentropy, Accuracy); err != nil {
			t.Fatal(err)
		}
		f := &fit{m: m, epochs: 1, batch: batch}
		if err := f.prepare(source); err != nil {
			t.Fatal(err)
		}
		lengths := map[lengths]bool{}
		step := func() {
			if f.train.position == samples {
				f.train.position = 0
			}
			if _, err := f.advance(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range f.train.count() { // builds the graphs
			step()
			lengths[f.graph.lengths] = true
		}
		if name == "grouped" && len(lengths) != 3 {
			t.Errorf("%s: batches of %d lengths, want 3", name, len(lengths))
		}
		if n := testing.AllocsPerRun(50, step); n != 0 {
			t.Errorf("%s: a training step allocates %v times, want 0", name, n)
		}
	}
}

// BenchmarkStep is one training step of the recipe mnist: 128 pictures, 512
// hidden units, RMSprop.
func BenchmarkStep(b *testing.B) {
	step := stepper(b, 128, RMSprop(1e-3), 784, Dense(512, ReLU))
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
	b.ReportMetric(128*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}

// BenchmarkEmbeddingStep is a training step of 32 texts of 100 words, with tables of two
// sizes, by optimizers whose updates are of all rows and of those that the batch meets.
func BenchmarkEmbeddingStep(b *testing.B) {
	const batch, length, width = 32, 100, 100
	for _, words := range []int{10_000, 100_000} {
		for _, c := range []struct {
			name string
			o    Optimizer
		}{{"rmsprop", RMSprop(1e-3)}, {"adam", Adam(1e-3)}, {"adam_lazy", Adam(1e-3, LazyRows)}} {
			b.Run(fmt.Sprintf("%d/%s", words, c.name), func(b *testing.B) {
				m := Sequential("m", Input(length), Embedding(words, width), Flatten(), Dense(32, ReLU), Dense(1, Sigmoid))
				if err := m.Compile(c.o, BinaryCrossentropy, Seed(1)); err != nil {
					b.Fatal(err)
				}
				rng := newRand(1, "data")
				x := make([]float32, 20*batch*length)
				for i := range x {
					x[i] = float32(rng.IntN(words))
				}
				data, err := Data(ArrayOf(tensor.New(tensor.WithShape(20*batch, length), tensor.WithBacking(x))), ArrayOf(tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(20*batch))))
				if err != nil {
					b.Fatal(err)
				}
				f := &fit{m: m, epochs: 1, batch: batch}
				if err := f.prepare(data); err != nil {
					b.Fatal(err)
				}
				step := func() {
					if f.train.position == 20*batch {
						f.train.begin(nil)
					}
					if _, err := f.advance(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				for range 20 { // builds the graph, and most rows have been met
					step()
				}
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
			})
		}
	}
}
