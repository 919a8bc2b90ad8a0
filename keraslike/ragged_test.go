// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// raggedData are n sequences of two features and 1 to 9 steps, with a target for each step, and with
// one for the sequence.
func raggedData(t testing.TB, n int) (x, steps, whole *k.Array) {
	t.Helper()
	var xs, ys [][]float32
	var all []float32
	for i := range n {
		length := 1 + i*i%9
		v, y := make([]float32, 2*length), make([]float32, length)
		for j := range y {
			v[2*j], v[2*j+1] = float32((i*7+j*3)%11)/11+0.1, float32((i+j*5)%13)/13
			y[j] = float32((i + j) % 3)
		}
		xs, ys, all = append(xs, v), append(ys, y), append(all, float32(i%3))
	}
	x, err := k.Stack(xs, k.Any, 2)
	if err != nil {
		t.Fatal(err)
	}
	if steps, err = k.Stack(ys, k.Any); err != nil {
		t.Fatal(err)
	}
	if whole, err = k.Column(all); err != nil {
		t.Fatal(err)
	}
	return x, steps, whole
}

func source(t testing.TB, x, y *k.Array) k.RaggedSource {
	t.Helper()
	s, err := k.Data(x, y)
	if err != nil {
		t.Fatal(err)
	}
	return s.(k.RaggedSource)
}

// stepModel has an output for each step, seqModel one for the sequence; both skip padded steps.
func stepModel(t testing.TB, options ...k.CompileOption) *k.Model {
	t.Helper()
	m := k.Sequential("steps", k.Input(k.Any, 2), k.Masking(0), k.LSTM(5, k.ReturnSequences), k.Dropout(0.2), k.Dense(3, k.Softmax))
	if err := m.Compile(k.Adam(0.02), k.SparseCategoricalCrossentropy, append(options, k.Accuracy, k.Seed(4))...); err != nil {
		t.Fatal(err)
	}
	return m
}

func seqModel(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("sequence", k.Input(k.Any, 2), k.Masking(0), k.GRU(5), k.Dense(3, k.Softmax))
	if err := m.Compile(k.Adam(0.02), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(4)); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRaggedArrays makes arrays of samples of different lengths.
func TestRaggedArrays(t *testing.T) {
	a, err := k.Stack([][]int{{1, 2, 3, 4}, {5, 6}, {7, 8, 9, 10, 11, 12}}, k.Any, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.String(), "(3, ?, 2) [1 2 3 4] [5 6] [7 8 9 10 11 12]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := fmt.Sprint(a.Len(), a.Shape(), a.RowShape(0), a.RowShape(2), a.RowShape(3), a.Row(1), a.Tensor(), a.ArgMax()); got != "3 [3 -1 2] [2 2] [3 2] [] [5 6] <nil> [1 1 1 1 1 1]" {
		t.Error(got)
	}
	images := []*k.Array{mustArray(t, make([]float32, 12), 2, 2, 3), mustArray(t, make([]float32, 18), 3, 2, 3)}
	b, err := k.Ragged(images)
	if err != nil || fmt.Sprint(b.Shape(), b.RowShape(1)) != "[2 -1 2 3] [3 2 3]" {
		t.Error(b, err)
	}
	if c, err := k.Stack([][]int{{1, 2}, {3, 4}}, k.Any); err != nil || fmt.Sprint(c.Shape(), c.Tensor() != nil) != "[2 2] true" {
		t.Error(c, err) // of one length
	}
	words, err := k.Stack([][]float64{{0.1, 0.9}, {0.5, 0.2, 0.7}}, k.Any)
	if err != nil || fmt.Sprint(words.ArgMax()) != "[1 2]" {
		t.Error(words.ArgMax(), err)
	}
	for want, make := range map[string]func() (*k.Array, error){
		"stack: sample 1 has 3 values, want a multiple of 2 for shape (?, 2)":              func() (*k.Array, error) { return k.Stack([][]int{{1, 2}, {3, 4, 5}}, k.Any, 2) },
		"stack: sample 0 has 0 values":                                                     func() (*k.Array, error) { return k.Stack([][]int{{}}, k.Any) },
		"stack: shape is (?, ?, 3), want at most one axis of Any; Ragged takes samples of": func() (*k.Array, error) { return k.Stack([][]int{{1, 2, 3}}, k.Any, k.Any, 3) },
		"stack: no samples":       func() (*k.Array, error) { return k.Stack([][]int{}, k.Any) },
		"ragged: no samples":      func() (*k.Array, error) { return k.Ragged(nil) },
		"ragged: sample 0 is nil": func() (*k.Array, error) { return k.Ragged([]*k.Array{nil}) },
		"ragged: sample 1 has shape (3), sample 0 has (2, 2, 3): want the same number of ax": func() (*k.Array, error) { return k.Ragged([]*k.Array{images[0], mustArray(t, []float32{1, 2, 3}, 3)}) },
		"array: shape is (?, 3), want axes of at least 1":                                    func() (*k.Array, error) { return k.NewArray([]float32{1, 2, 3}, k.Any, 3) },
	} {
		_, err := make()
		wantError(t, err, want)
	}
}

func mustArray(t testing.TB, values []float32, shape ...int) *k.Array {
	t.Helper()
	a, err := k.NewArray(values, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// reads records which samples are read together, and how long they are.
type reads struct {
	k.RaggedSource
	ahead int
	mu    sync.Mutex
	all   [][]int
}

func (s *reads) Prefetch() int { return s.ahead }

func (s *reads) Read(indices []int, inputs, targets [][]float32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, slices.Clone(indices))
	return s.RaggedSource.Read(indices, inputs, targets)
}

// TestBatchesOfOneLength trains on samples of different lengths: all once in an epoch, those of a
// batch of one length, in an order that depends on the seed and the epoch.
func TestBatchesOfOneLength(t *testing.T) {
	x, y, _ := raggedData(t, 40)
	var before []float32
	var orders [][][]int
	for _, ahead := range []int{0, 3} {
		m, s := stepModel(t), &reads{RaggedSource: source(t, x, y), ahead: ahead}
		if _, err := m.Fit(context.Background(), s, k.Epochs(2), k.BatchSize(4)); err != nil {
			t.Fatal(err)
		}
		orders = append(orders, s.all)
		if before != nil && !slices.Equal(weightsOf(m), before) {
			t.Error("reading ahead changes the weights")
		}
		before = weightsOf(m)
	}
	if fmt.Sprint(orders[0]) != fmt.Sprint(orders[1]) {
		t.Errorf("orders %v and %v", orders[0], orders[1])
	}
	all := orders[0]
	epoch := len(all) / 2
	if fmt.Sprint(all[:epoch]) == fmt.Sprint(all[epoch:]) {
		t.Error("both epochs have the same order")
	}
	sizes := map[int]int{}
	for e := range 2 {
		var seen []int
		for _, batch := range all[e*epoch : (e+1)*epoch] {
			for _, i := range batch {
				if x.RowShape(i)[0] != x.RowShape(batch[0])[0] {
					t.Errorf("batch %v has lengths %d and %d", batch, x.RowShape(i)[0], x.RowShape(batch[0])[0])
				}
			}
			sizes[len(batch)]++
			seen = append(seen, batch...)
		}
		slices.Sort(seen)
		if !slices.Equal(seen, upTo(40)) {
			t.Errorf("epoch %d has samples %v", e, seen)
		}
	}
	if sizes[4] < 10 {
		t.Errorf("batches by size: %v", sizes)
	}
}

// TestRaggedResume interrupts trainings after each batch: the weights are those of one that was not
// interrupted.
func TestRaggedResume(t *testing.T) {
	x, y, whole := raggedData(t, 23)
	for name, c := range map[string]struct {
		model   func() *k.Model
		data    k.Source
		options []k.FitOption
	}{
		"grouped":         {func() *k.Model { return stepModel(t) }, source(t, x, y), nil},
		"kept order":      {func() *k.Model { return stepModel(t) }, source(t, x, y), []k.FitOption{k.KeepOrder}},
		"steps per epoch": {func() *k.Model { return seqModel(t) }, source(t, x, whole), []k.FitOption{k.StepsPerEpoch(4)}},
		"validated":       {func() *k.Model { return seqModel(t) }, source(t, x, whole), []k.FitOption{k.ValidationSplit(0.3)}},
		"padded":          {func() *k.Model { return stepModel(t) }, k.Padded(source(t, x, y)), nil},
		"buckets":         {func() *k.Model { return seqModel(t) }, k.Padded(source(t, x, whole), k.Buckets(4, 8)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			const epochs = 2
			options := append([]k.FitOption{k.BatchSize(3), k.Until(epochs)}, c.options...)
			m := c.model()
			batches := 0
			count := k.CallbackFunc(func(e k.Event, _ *k.Training) error {
				if e == k.BatchEnd {
					batches++
				}
				return nil
			})
			h, err := m.Fit(context.Background(), c.data, append(options, k.Callbacks(count))...)
			if err != nil {
				t.Fatal(err)
			}
			want, wanted := weightsOf(m), h.Get("loss")[epochs-1]
			if batches < 8 {
				t.Fatalf("%d batches", batches)
			}
			for stop := 1; stop < batches; stop++ {
				ctx, cancel := context.WithCancel(context.Background())
				left := stop
				m := c.model()
				_, err := m.Fit(ctx, c.data, append(options, k.Callbacks(k.CallbackFunc(func(e k.Event, _ *k.Training) error {
					if e == k.BatchEnd {
						if left--; left == 0 {
							cancel()
						}
					}
					return nil
				})))...)
				if !errors.Is(err, k.ErrInterrupted) {
					t.Fatal(err)
				}
				if stop%2 == 0 {
					path := filepath.Join(t.TempDir(), "m")
					if err := m.Save(path, k.WithOptimizer); err != nil {
						t.Fatal(err)
					}
					if m, err = k.Load(path); err != nil {
						t.Fatal(err)
					}
				}
				h, err := m.Fit(context.Background(), c.data, options...)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(weightsOf(m), want) {
					t.Errorf("after batch %d of %d: other weights", stop, batches)
				}
				if loss := h.Get("loss"); loss[len(loss)-1] != wanted {
					t.Errorf("after batch %d of %d: loss %v, want %v at last", stop, batches, loss, wanted)
				}
			}
		})
	}
}

// TestPaddedBatches trains on padded batches, and on arrays that are padded by hand.
func TestPaddedBatches(t *testing.T) {
	x, y, _ := raggedData(t, 8)
	longest := 0
	for i := range 8 {
		longest = max(longest, x.RowShape(i)[0])
	}
	px, py := make([]float32, 8*longest*2), make([]float32, 8*longest)
	for i := range 8 {
		copy(px[i*longest*2:], x.Row(i))
		copy(py[i*longest:], y.Row(i))
	}
	byHand := source(t, mustArray(t, px, 8, longest, 2), mustArray(t, py, 8, longest))
	m, other := stepModel(t), stepModel(t)
	for _, one := range []struct {
		m    *k.Model
		data k.Source
	}{{m, k.Padded(source(t, x, y))}, {other, byHand}} {
		if _, err := one.m.Fit(context.Background(), one.data, k.BatchSize(8), k.Epochs(3)); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(weightsOf(m), weightsOf(other)) {
		t.Error("padded batches train other weights than an array that is padded by hand")
	}
	got, err := m.Evaluate(context.Background(), k.Padded(source(t, x, y)), k.BatchSize(8))
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Evaluate(context.Background(), byHand, k.BatchSize(8))
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("evaluation of padded batches %v, by hand %v, %v", got, want, err)
	}
}

// TestRaggedPredictions predicts samples of different lengths, grouped, padded and each alone.
func TestRaggedPredictions(t *testing.T) {
	x, y, whole := raggedData(t, 30)
	for name, c := range map[string]struct {
		m     *k.Model
		y     *k.Array
		shape string
	}{"steps": {stepModel(t), y, "[30 -1 3]"}, "sequence": {seqModel(t), whole, "[30 3]"}} {
		t.Run(name, func(t *testing.T) {
			grouped, err := c.m.Predict(x)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(grouped.Shape()); got != c.shape {
				t.Errorf("predictions have shape %s, want %s", got, c.shape)
			}
			for i := range 30 {
				one := mustArray(t, x.Row(i), append([]int{1}, x.RowShape(i)...)...)
				alone, err := c.m.Predict(one)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(alone.Row(0), grouped.Row(i)) || !slices.Equal(alone.RowShape(0), grouped.RowShape(i)) {
					t.Errorf("sample %d of %v alone: %v, among others %v", i, x.RowShape(i), alone.Row(0), grouped.Row(i))
				}
			}
			for _, s := range []k.Source{k.Padded(source(t, x, c.y)), k.Padded(source(t, x, c.y), k.Buckets(5, 16)), &reads{RaggedSource: source(t, x, c.y), ahead: 2}} {
				all, err := c.m.PredictSource(context.Background(), s)
				if err != nil {
					t.Fatal(err)
				}
				if fmt.Sprint(all[0].Shape()) != c.shape {
					t.Errorf("padded predictions have shape %v, want %s", all[0].Shape(), c.shape)
				}
				for i := range 30 {
					if !slices.Equal(all[0].RowShape(i), grouped.RowShape(i)) {
						t.Fatalf("padded prediction %d has shape %v, want %v", i, all[0].RowShape(i), grouped.RowShape(i))
					}
					wantKeras(t, fmt.Sprintf("padded prediction %d", i), all[0].Row(i), grouped.Row(i))
				}
			}
			in, out, err := k.ReadAll(context.Background(), source(t, x, c.y))
			if err != nil || !slices.Equal(in[0].Values(), x.Values()) || !slices.Equal(out[0].Values(), c.y.Values()) || fmt.Sprint(in[0].Shape()) != fmt.Sprint(x.Shape()) {
				t.Errorf("ReadAll: %v, %v, %v", in, out, err)
			}
		})
	}
}

// TestRaggedWrappers wraps ragged sources: weights, inputs as targets.
func TestRaggedWrappers(t *testing.T) {
	x, y, _ := raggedData(t, 12)
	weights := make([]float32, 12)
	for i := range 6 {
		weights[i] = 1
	}
	half, err := k.Weighted(source(t, x, y), weights)
	if err != nil {
		t.Fatal(err)
	}
	m := stepModel(t)
	for name, s := range map[string]k.Source{"weighted": half, "padded": k.Padded(half), "weighted behind": mustWeighted(t, k.Padded(source(t, x, y)), weights)} {
		logs, err := m.Evaluate(context.Background(), s, k.BatchSize(1))
		if err != nil {
			t.Fatal(err)
		}
		all, err := m.Evaluate(context.Background(), source(t, head(t, x, 6), head(t, y, 6)), k.BatchSize(1))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := logs[0].Value*2, all[0].Value; !(got-want < 1e-6 && want-got < 1e-6) {
			t.Errorf("%s: twice the loss of 12 samples of which 6 count is %v, that of 6 %v", name, got, want)
		}
	}
	auto := k.Sequential("auto", k.Input(k.Any, 2), k.Conv1D(4, 3, k.SamePadding, k.Tanh), k.Conv1D(2, 3, k.SamePadding))
	if err := auto.Compile(k.Adam(0.01), k.MSE, k.MAE); err != nil {
		t.Fatal(err)
	}
	for _, s := range []k.Source{k.InputsAsTargets(source(t, x, y)), k.Padded(k.InputsAsTargets(source(t, x, y)))} {
		if _, err := auto.Fit(context.Background(), s, k.Epochs(2), k.BatchSize(4), k.ValidationSplit(0.25)); err != nil {
			t.Error(err)
		}
	}
}

func mustWeighted(t *testing.T, s k.Source, weights []float32) k.Source {
	t.Helper()
	w, err := k.Weighted(s, weights)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// head returns the first n samples.
func head(t *testing.T, a *k.Array, n int) *k.Array {
	t.Helper()
	var list []*k.Array
	for i := range n {
		list = append(list, mustArray(t, a.Row(i), a.RowShape(i)...))
	}
	out, err := k.Ragged(list)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// flat is a source with free axes that does not tell the shapes of its samples.
type flat struct{ k.Source }

func (flat) Shapes() (inputs, targets [][]int) { return [][]int{{k.Any, 2}}, [][]int{{1}} }

// endless is a stream with free axes.
type endless struct{}

func (endless) Shapes() (inputs, targets [][]int)        { return [][]int{{k.Any, 2}}, [][]int{{1}} }
func (endless) Next(_, targets [][]float32) (int, error) { return len(targets[0]), nil }

// wrong is a RaggedSource with a sample of another shape.
type wrong struct {
	k.RaggedSource
	in, out [][]int
}

func (w wrong) SampleShapes(i int) (inputs, targets [][]int) {
	if i == 2 {
		return w.in, w.out
	}
	return w.RaggedSource.SampleShapes(i)
}

// TestRaggedMistakes are data that do not fit a model with free axes.
func TestRaggedMistakes(t *testing.T) {
	x, y, whole := raggedData(t, 6)
	three, err := k.Stack([][]int{{1, 2, 3}, {1, 2, 3, 4, 5, 6}}, k.Any, 3)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := k.Data(mustArray(t, make([]float32, 12), 2, 3, 2), mustArray(t, make([]float32, 8), 2, 4))
	if err != nil {
		t.Fatal(err)
	}
	fixed := k.Sequential("fixed", k.Input(5, 2), k.GRU(2), k.Dense(3))
	if err := fixed.Compile(k.SGD(0.1), k.SparseCategoricalCrossentropy); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	steps, seq := stepModel(t), seqModel(t)
	for want, err := range map[string]error{
		`input 0 of the data has shape (batch, ?, 3), model "steps" wants (batch, ?, 2)`:                                             fitError(steps, source(t, three, y3(t))),
		`the targets have shape (batch, 4), sparse_categorical_crossentropy of outputs (batch, ?, 3) wants (batch, 3)`:               fitError(steps, plain),
		`input 0 of the data has shape (batch, ?, 2), model "fixed" wants (batch, 5, 2)`:                                             fitError(fixed, source(t, x, whole)),
		`the data has free axes and is keraslike_test.flat, want a RaggedSource`:                                                     fitError(seq, flat{source(t, x, whole)}),
		`the data has free axes and is keraslike_test.endless, want a RaggedSource`:                                                  fitError(seq, endless{}),
		`sample 2: input 0 of the data has shape (batch, 4, 7), model "steps" wants (batch, ?, 2)`:                                   fitError(steps, wrong{source(t, x, y), [][]int{{4, 7}}, [][]int{{4}}}),
		`sample 2: the targets have shape (batch, 5), sparse_categorical_crossentropy of outputs (batch, ?, 3) wants (batch, 4)`:     fitError(steps, wrong{source(t, x, y), [][]int{{4, 2}}, [][]int{{5}}}),
		`sample 2: its inputs have shapes (batch, ?, 2) and its targets (batch, 4), want lengths of at least 1`:                      fitError(steps, wrong{source(t, x, y), [][]int{{k.Any, 2}}, [][]int{{4}}}),
		`sample 2: its target 0 has shape (batch, 99), the model has (batch, `:                                                       fitError(steps, k.Padded(wrong{source(t, x, y), [][]int{{4, 2}}, [][]int{{99}}})),
		`padded: value is NaN, want a finite number of float32`:                                                                      fitError(steps, k.Padded(source(t, x, y), k.PadValue(nan()))),
		`padded: bucket of length 0, want at least 1`:                                                                                fitError(steps, k.Padded(source(t, x, y), k.Buckets(4, 0))),
		`class weights need one class for each sample`:                                                                               second(steps.Fit(ctx, source(t, x, y), k.ClassWeights{1: 2})),
		`predict: input 0 of the data has shape (batch, ?, 3), model "steps" wants (batch, ?, 2)`:                                    second(steps.Predict(three)),
		`data: x has 6 samples, y has 2`:                                                                                             second(k.Data(x, y3(t))),
		`dot: model "steps": got the lengths of 0 free axes, want 1`:                                                                 steps.WriteOpsDOT(discard{}, 2),
		`dot: model "steps": free axis 0 has length 0, want at least 1`:                                                              steps.WriteOpsDOT(discard{}, 2, 0),
		`gradient: model "steps" has an input of shape (batch, ?, 2), want fixed lengths: apply the model to an Input that has them`: second(steps.Gradient("", "")),
		`metric r2_score: predictions have shape (batch, ?, 2), want a fixed number of outputs`:                                      compileError(k.R2Score(), k.Input(k.Any, 2), k.Dense(2)),
		`metric mse: the output has shape (batch, ?), want a fixed length of the last axis`:                                          compileError(k.MSE, k.Input(k.Any, 2), k.Flatten()),
	} {
		wantError(t, err, want)
	}
}

func nan() float64 { var zero float64; return zero / zero }

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func fitError(m *k.Model, data k.Samples) error { return second(m.Fit(context.Background(), data)) }

func second[T any](_ T, err error) error { return err }

func compileError(metric k.CompileOption, parts ...k.Part) error {
	return k.Sequential("m", parts...).Compile(k.SGD(0.1), k.MSE, metric)
}

func y3(t *testing.T) *k.Array {
	t.Helper()
	y, err := k.Stack([][]int{{1}, {1, 2}}, k.Any)
	if err != nil {
		t.Fatal(err)
	}
	return y
}
