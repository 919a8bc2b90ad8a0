// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// distributedCase is a training whose result must not depend on the number of ranks.
type distributedCase struct {
	name    string
	model   func(t testing.TB) *k.Model
	data    func(t testing.TB) k.Samples
	options func() []k.FitOption
	plain   float64 // largest relative difference of the losses from those of a plain Fit; 0 for no comparison
}

func compiledModel(t testing.TB, m *k.Model, o k.Optimizer, l k.Loss, options ...k.CompileOption) *k.Model {
	t.Helper()
	if err := m.Compile(o, l, append([]k.CompileOption{k.Seed(5)}, options...)...); err != nil {
		t.Fatal(err)
	}
	return m
}

func fitOptions(list ...k.FitOption) func() []k.FitOption {
	return func() []k.FitOption { return list }
}

func denseModel(o k.Optimizer, options ...k.CompileOption) func(testing.TB) *k.Model {
	return func(t testing.TB) *k.Model {
		m := k.Sequential("dense", k.Input(toyFeatures), k.Dense(16, k.ReLU, k.KernelRegularizer(k.L2(1e-3))), k.Dense(toyClasses, k.Softmax))
		return compiledModel(t, m, o, k.SparseCategoricalCrossentropy, append(options, k.Accuracy)...)
	}
}

func toySamples(n int) func(testing.TB) k.Samples {
	return func(t testing.TB) k.Samples { return toyData(t, n, 3) }
}

// words is a source of sequences of ids, 0 for padding.
func words(t testing.TB, n int) k.Source {
	x, y := make([]float32, n*7), make([]float32, n)
	for i := range n {
		for j := range 2 + i%6 {
			x[i*7+j] = float32(1 + (i*i+j*5)%30)
		}
		y[i] = float32(i % 2)
	}
	data, err := k.Data(mustArray(t, x, n, 7), mustArray(t, y, n, 1))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readAhead is a source that is read ahead.
type readAhead struct{ k.Source }

func (a readAhead) Prefetch() int { return 3 }

// changing is a source that reads a sample with other inputs each time.
type changing struct {
	k.Source
	reads []atomic.Int32
}

func (c *changing) StartEpoch(n int) {
	for i := range c.reads {
		c.reads[i].Store(int32(n - 1))
	}
}

func (c *changing) Read(indices []int, inputs, targets [][]float32) error {
	err := c.Source.Read(indices, inputs, targets)
	for at, i := range indices {
		inputs[0][at*toyFeatures] += float32(c.reads[i].Add(1)) / 10
	}
	return err
}

// shards is a stream of the samples of a source.
type shards struct {
	source       k.Source
	index, count int
	next         int
}

func (s *shards) Shapes() (in, out [][]int) { return s.source.Shapes() }
func (s *shards) Reset() error              { s.next = 0; return nil }

func (s *shards) Shard(i, n int) (k.Stream, error) {
	return &shards{source: s.source, index: i, count: n}, nil
}

func (s *shards) Next(inputs, targets [][]float32) (n int, err error) {
	in, _ := s.source.Shapes()
	width := in[0][0]
	for want := len(inputs[0]) / width; n < want; n++ {
		i := s.next*max(1, s.count) + s.index
		if i >= s.source.Len() {
			return n, io.EOF
		}
		s.next++
		if err := s.source.Read([]int{i}, [][]float32{inputs[0][n*width:][:width]}, [][]float32{targets[0][n:][:1]}); err != nil {
			return n, err
		}
	}
	return n, nil
}

// everyOutputMetric are the metrics of a model whose output are the probabilities of classes, with class
// numbers or, in oneHot, rows as targets.
func everyOutputMetric(oneHot bool) []k.CompileOption {
	if !oneHot {
		return []k.CompileOption{
			k.Accuracy, k.SparseTopKCategoricalAccuracy(2), k.ConfusionMatrix, k.MeanIoU(toyClasses, k.OneHotPredictions), k.Sum, k.Mean,
			k.LossMetric(k.SparseCategoricalCrossentropy.With()),
		}
	}
	return []k.CompileOption{
		k.CategoricalAccuracy, k.BinaryAccuracyAt(0.4), k.TopKCategoricalAccuracy(2), k.ExactAccuracy, k.RMSE, k.Cosine(), k.PearsonCorrelation(),
		k.ConcordanceCorrelation(), k.R2Score(), k.NamedMetric("r2 weighted", k.R2Score(k.VarianceWeighted)), k.F1Score(), k.FBetaScore(2, k.Micro), k.AUC(),
		k.NamedMetric("pr", k.AUC(k.PRCurve, k.MultiLabel)), k.NamedMetric("gain", k.AUC(k.PRGainCurve, k.Majoring)),
		k.Precision(k.TopK(2)), k.Recall(k.ClassID(1), k.Threshold(0.2, 0.4)), k.TruePositives(), k.TrueNegatives(), k.FalsePositives(), k.FalseNegatives(),
		k.SensitivityAtSpecificity(0.5), k.SpecificityAtSensitivity(0.5), k.PrecisionAtRecall(0.5), k.RecallAtPrecision(0.5),
		k.OneHotIoU(toyClasses, []int{0, 1}), k.OneHotMeanIoU(toyClasses), k.BinaryIoU(), k.LossMetric(k.Huber(0.1)),
		k.WeightedMetrics(k.NamedMetric("weighted", k.LossMetric(k.CategoricalCrossentropy.With(k.LabelSmoothing(0.1))))),
	}
}

// oneHotData is toyData with rows as targets.
func oneHotData(t testing.TB, n int) k.Source {
	x, labels := blobs(n, 3)
	hot := make([]float32, n*toyClasses)
	for i, c := range labels.Float32s() {
		hot[i*toyClasses+int(c)] = 1
	}
	data, err := k.Data(k.ArrayOf(x), mustArray(t, hot, n, toyClasses))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// smallPictures are 51 pictures of 6x6 pixels in two classes.
func smallPictures(t testing.TB) k.Samples {
	x, y := make([]float32, 51*36), make([]float32, 51)
	for i := range x {
		x[i] = float32((i*i+i/36)%17) / 17
	}
	for i := range y {
		y[i] = float32(i % 2)
	}
	s, err := k.Data(mustArray(t, x, 51, 6, 6, 1), mustArray(t, y, 51, 1))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var distributedCases = []distributedCase{
	{"augmentation and noise", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("a", k.Input(6, 6, 1), k.RandomFlip(), k.RandomTranslation(0.2, 0.2), k.GaussianNoise(0.1), k.Conv2D(3, 3), k.Flatten(), k.Dense(1, k.Sigmoid)),
			k.Adam(0.01), k.BinaryCrossentropy, k.Accuracy)
	}, smallPictures, fitOptions(k.ValidationSplit(0.25)), 0},
	{"an activity regularizer", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(16, k.ReLU, k.ActivityRegularizer(k.L2(1e-2))), k.Dense(toyClasses, k.Softmax)),
			k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, toySamples(51), fitOptions(), 1e-4},
	{"batches of one length each", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("s", k.Input(k.Any, 2), k.GRU(4, k.ReturnSequences), k.Dense(3, k.Softmax)),
			k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples {
		x, steps, _ := raggedData(t, 80)
		return source(t, x, steps)
	}, fitOptions(), 1e-4},
	{"the best weights, and rates of a function", denseModel(k.Adam(0.05)), toySamples(96), func() []k.FitOption {
		return []k.FitOption{k.ValidationSplit(0.5), k.Epochs(6), k.Callbacks(
			callbacks.EarlyStopping("val_loss", callbacks.Patience(1), callbacks.RestoreBest),
			callbacks.LearningRateScheduler(func(epoch int, rate float64) float64 { return rate * 0.8 }))}
	}, 1e-3},
	{"every metric of classes", denseModel(k.Adam(0.01), everyOutputMetric(false)[1:]...), toySamples(51), fitOptions(k.ValidationSplit(0.25)), 1e-4},
	{"every metric of rows, weighted", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(toyClasses, k.Softmax)), k.SGD(0.1), k.CategoricalCrossentropy, everyOutputMetric(true)...)
	}, func(t testing.TB) k.Samples {
		weights := make([]float32, 51)
		for i := range weights {
			weights[i] = float32(1 + i%3)
		}
		s, err := k.Weighted(oneHotData(t, 51), weights)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, fitOptions(k.ValidationSplit(0.25)), 1e-4},
	{"Muon without decay of biases", denseModel(k.Muon(0.01, k.AdamFor("dense_1/"), k.ExcludeFromWeightDecay("bias"))), toySamples(96), fitOptions(), 1e-4},
	{"Lamb and averages that overwrite", denseModel(k.Lamb(0.01, k.AverageWeights(0.5), k.OverwriteWeights(3))), toySamples(96), fitOptions(), 1e-4},
	{"Adafactor of accumulated gradients", denseModel(k.Adafactor(0.05, k.AccumulateGradients(2))), toySamples(96), fitOptions(), 1e-4},
	{"schedule-free", denseModel(k.ScheduleFreeAdamW(0.01, k.WeightDecay(0.01), k.WarmupSteps(3))), toySamples(96), fitOptions(), 1e-4},
	{"Ftrl with a function as schedule", denseModel(k.Ftrl(0.5, k.L1Strength(0.01), k.WithSchedule(k.ScheduleFunc("half", func(initial float64, step int) float64 { return initial / float64(2+step) })))), toySamples(96), fitOptions(), 1e-4},
	{"an embedding by Ftrl", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("e", k.Input(7), k.Embedding(31, 4), k.GlobalAveragePooling1D(), k.Dense(1, k.Sigmoid)),
			k.Ftrl(0.5, k.LazyRows), k.BinaryCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples { return words(t, 50) }, fitOptions(), 1e-4},
	{"an embedding by Muon", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("e", k.Input(7), k.Embedding(31, 4, k.Name("table")), k.GlobalAveragePooling1D(), k.Dense(1, k.Sigmoid)),
			k.Muon(0.01), k.BinaryCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples { return words(t, 50) }, fitOptions(), 1e-4},
	{"batch normalization and dropout", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(16, k.ReLU), k.BatchNormalization(), k.Dropout(0.2), k.Dense(toyClasses, k.Softmax)),
			k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, toySamples(96), fitOptions(k.ValidationSplit(0.25)), 0},
	{"synchronized batch normalization", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(16, k.ReLU), k.BatchNormalization(k.Synchronized), k.Dense(8), k.BatchNormalization(k.Synchronized, k.NoScale), k.Dense(toyClasses, k.Softmax)),
			k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, toySamples(96), fitOptions(k.ValidationSplit(0.25)), 1e-5},
	{"synchronized batch normalization, uneven batches", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(16, k.ReLU), k.BatchNormalization(k.Synchronized), k.Dense(toyClasses, k.Softmax)),
			k.SGD(0.1), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples { return readAhead{toyData(t, 51, 3)} }, fitOptions(k.ClassWeights{0: 2, 2: 0.5}), 1e-5},
	{"synchronized batch normalization with dropout beside one that is not", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(16, k.ReLU), k.BatchNormalization(k.Synchronized), k.Dropout(0.3), k.Dense(8), k.BatchNormalization(), k.Dense(toyClasses, k.Softmax)),
			k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, toySamples(51), fitOptions(), 0},
	{"synchronized batch normalization of a masked sequence", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("s", k.Input(k.Any, 2), k.Masking(0), k.GRU(4, k.ReturnSequences), k.BatchNormalization(k.Synchronized), k.Dense(3, k.Softmax)),
			k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples {
		x, steps, _ := raggedData(t, 40)
		return k.Padded(source(t, x, steps))
	}, fitOptions(), 1e-5},
	{"synchronized batch normalization of pictures, shared, after an embedding", func(t testing.TB) *k.Model {
		x := k.Input(6)
		norm := k.BatchNormalization(k.Synchronized, k.Axis(1))
		h := k.Reshape([]int{6, 2, 2}).Apply(k.Embedding(31, 4).Apply(x))
		h = norm.Apply(k.Conv2D(3, 3, k.SamePadding).Apply(norm.Apply(k.Conv2D(3, 3, k.SamePadding).Apply(h))))
		h = k.TimeDistributed(k.BatchNormalization(k.Synchronized)).Apply(h)
		return compiledModel(t, k.NewModel("p", []*k.Tensor{x}, []*k.Tensor{k.Dense(1, k.Sigmoid).Apply(k.Flatten().Apply(h))}), k.RMSprop(0.01), k.BinaryCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples {
		x, y := make([]float32, 45*6), make([]float32, 45)
		for i := range x {
			x[i] = float32((i*i + i/7) % 31)
		}
		for i := range y {
			y[i] = float32(i % 2)
		}
		s, err := k.Data(mustArray(t, x, 45, 6), mustArray(t, y, 45, 1))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, fitOptions(), 1e-5},
	{"synchronized batch normalization of shards of a stream", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(16, k.ReLU), k.BatchNormalization(k.Synchronized), k.Dense(toyClasses, k.Softmax)),
			k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples { return &shards{source: toyData(t, 100, 3)} }, fitOptions(), 0},
	{"accumulation and clipping by the global norm", denseModel(k.SGD(0.1, k.Momentum(0.9), k.AccumulateGradients(3), k.GlobalClipNorm(0.5))), toySamples(96), fitOptions(), 1e-4},
	{"clipping by norm, weight decay and averages", denseModel(k.AdamW(0.01, k.WeightDecay(0.01), k.ClipNorm(0.3), k.AverageWeights(0.9))), toySamples(96), fitOptions(), 1e-4},
	{"a schedule", denseModel(k.RMSprop(0.01, k.WithSchedule(k.ExponentialDecay{Steps: 4, Rate: 0.5}))), toySamples(96), fitOptions(), 1e-4},
	{"uneven batches, some smaller than the leaves", denseModel(k.Adam(0.01)), toySamples(51), fitOptions(), 1e-4},
	{"samples read ahead", denseModel(k.Adam(0.01)), func(t testing.TB) k.Samples { return readAhead{toyData(t, 51, 3)} }, fitOptions(), 1e-4},
	{"a source that changes from epoch to epoch", denseModel(k.Adam(0.01)), func(t testing.TB) k.Samples {
		c := &changing{toyData(t, 60, 3), make([]atomic.Int32, 60)}
		weighted, err := k.Weighted(c, slices.Repeat([]float32{1, 2}, 30)) // which passes StartEpoch through
		if err != nil {
			t.Fatal(err)
		}
		return weighted
	}, fitOptions(k.ValidationSplit(0.25)), 1e-4},
	{"class weights", denseModel(k.Adam(0.01), k.WeightedMetrics(k.NamedMetric("weighted", k.Accuracy))), toySamples(60), fitOptions(k.ClassWeights{0: 2, 2: 0.5}), 1e-4},
	{"sample weights", denseModel(k.Adam(0.01)), func(t testing.TB) k.Samples {
		weights := make([]float32, 60)
		for i := range weights {
			weights[i] = float32(i%4) / 2
		}
		s, err := k.Weighted(toyData(t, 60, 3), weights)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, fitOptions(), 1e-4},
	{"fewer steps than batches", denseModel(k.Adam(0.01)), toySamples(96), fitOptions(k.StepsPerEpoch(3)), 1e-4},
	{"an embedding", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("e", k.Input(7), k.Embedding(31, 4), k.GlobalAveragePooling1D(), k.Dense(1, k.Sigmoid)),
			k.RMSprop(0.01), k.BinaryCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples { return words(t, 50) }, fitOptions(), 1e-4},
	{"an embedding, accumulated and clipped", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("e", k.Input(7), k.Embedding(31, 4), k.GlobalAveragePooling1D(), k.Dense(1, k.Sigmoid)),
			k.Adam(0.01, k.AccumulateGradients(2), k.ClipNorm(0.1)), k.BinaryCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples { return words(t, 50) }, fitOptions(), 1e-4},
	{"a masked recurrent layer", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("r", k.Input(7), k.Embedding(31, 4, k.MaskZero), k.LSTM(5), k.Dense(1, k.Sigmoid)),
			k.Adam(0.01), k.BinaryCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples { return words(t, 50) }, fitOptions(), 1e-4},
	{"a masked output of sequences that differ in length", func(t testing.TB) *k.Model {
		return compiledModel(t, k.Sequential("s", k.Input(k.Any, 2), k.Masking(0), k.GRU(4, k.ReturnSequences), k.Dense(3, k.Softmax)),
			k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy)
	}, func(t testing.TB) k.Samples {
		x, steps, _ := raggedData(t, 40)
		return k.Padded(source(t, x, steps))
	}, fitOptions(), 1e-4},
	{"several inputs and outputs", func(t testing.TB) *k.Model { m, _ := twoOutputs(t, 45); return m },
		func(t testing.TB) k.Samples { _, s := twoOutputs(t, 45); return s }, fitOptions(), 1e-4},
	{"shards of a stream", denseModel(k.Adam(0.01)), func(t testing.TB) k.Samples { return &shards{source: toyData(t, 100, 3)} }, fitOptions(), 0},
	{"shards of a stream, in steps", denseModel(k.Adam(0.01)), func(t testing.TB) k.Samples { return &shards{source: toyData(t, 100, 3)} }, fitOptions(k.StepsPerEpoch(3), k.ValidationSteps(2)), 0},
	{"early stopping and a plateau", denseModel(k.Adam(0.05)), toySamples(96), func() []k.FitOption {
		return []k.FitOption{k.ValidationSplit(0.5), k.Epochs(9), k.Callbacks(
			callbacks.EarlyStopping("val_loss", callbacks.Patience(1)), callbacks.ReduceLROnPlateau("val_loss", callbacks.Patience(1)))}
	}, 1e-3},
	{"a check for NaN", denseModel(k.Adam(0.01)), toySamples(96), func() []k.FitOption { // a callback for each rank
		return []k.FitOption{k.Callbacks(callbacks.TerminateOnNaN())}
	}, 1e-4},
}

// fit returns the history of a training with its weights, and the last loss.
func (c distributedCase) fit(t testing.TB, ctx context.Context, more ...k.FitOption) (string, float64, error) {
	options := append(append([]k.FitOption{k.Epochs(3), k.BatchSize(24)}, c.options()...), more...)
	data := c.data(t)
	if _, ok := data.(k.Stream); ok {
		options = append(options, k.Validation(&shards{source: toyData(t, 50, 4)}))
	}
	m := c.model(t)
	h, err := m.Fit(ctx, data, options...)
	if err != nil {
		return "", 0, err
	}
	return fmt.Sprintf("%v\n%x", h, weightsOf(m)), h.Last("loss"), nil
}

func TestDistributed(t *testing.T) {
	for _, c := range distributedCases {
		t.Run(c.name, func(t *testing.T) {
			var want string
			for _, ranks := range []int{1, 2, 3, 4} {
				err := local(t, ranks, func(ctx context.Context, comm distributed.Comm) error {
					got, loss, err := c.fit(t, ctx, k.Distributed(comm, k.Leaves(6)))
					if err != nil {
						return err
					}
					if ranks == 1 {
						want = got
						if c.plain == 0 {
							return nil
						}
						_, plain, err := c.fit(t, ctx)
						if !(math.Abs(loss-plain) <= c.plain*plain) {
							return fmt.Errorf("the loss is %v, without leaves %v (%v)", loss, plain, err)
						}
					}
					if got != want {
						return fmt.Errorf("got\n%.400s\nwant\n%.400s", got, want)
					}
					return nil
				})
				if err != nil {
					t.Errorf("%d ranks: %v", ranks, err)
				}
			}
		})
	}
}

// local is distributed.Local with a time limit.
func local(t testing.TB, ranks int, f func(context.Context, distributed.Comm) error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- distributed.Local(t.Context(), ranks, f) }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		panic("the ranks wait for each other")
	}
}

func TestDistributedEvaluate(t *testing.T) {
	m := toyModel(t)
	data := toyData(t, 70, 4)
	want, err := m.Evaluate(t.Context(), data, k.BatchSize(16))
	if err != nil {
		t.Fatal(err)
	}
	for _, ranks := range []int{1, 2, 3, 7} {
		err := local(t, ranks, func(ctx context.Context, c distributed.Comm) error {
			got, err := toyModel(t).Evaluate(ctx, data, k.BatchSize(16), k.Distributed(c))
			if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
				err = fmt.Errorf("got %v, want %v", got, want)
			}
			return err
		})
		if err != nil {
			t.Errorf("%d ranks: %v", ranks, err)
		}
	}
}

// callbackFunc is a callback of one function.
type callbackFunc func(k.Event, *k.Training) error

func (f callbackFunc) On(e k.Event, t *k.Training) error { return f(e, t) }

func TestDistributedFailures(t *testing.T) {
	lost := errors.New("the disk is full")
	for _, c := range []struct {
		name string
		when k.Event
	}{{"at the beginning", k.TrainBegin}, {"after a batch", k.BatchEnd}, {"after an epoch", k.EpochEnd}, {"at the end", k.TrainEnd}} {
		t.Run(c.name, func(t *testing.T) {
			err := local(t, 3, func(ctx context.Context, comm distributed.Comm) error {
				fails := callbackFunc(func(e k.Event, tr *k.Training) error {
					if e == c.when && comm.Rank() == 1 {
						return lost
					}
					return nil
				})
				_, err := toyModel(t).Fit(ctx, toyData(t, 60, 3), k.Epochs(2), k.Callbacks(fails), k.Distributed(comm, k.Leaves(3)))
				if err == nil || !strings.Contains(err.Error(), lost.Error()) || comm.Rank() != 1 && !strings.Contains(err.Error(), "rank 1") {
					return fmt.Errorf("got %v, want the error of rank 1", err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Callbacks that write files or show progress are called on the first rank only.
func TestDistributedFiles(t *testing.T) {
	data := toyData(t, 60, 3)
	folder := t.TempDir()
	var shown [2]strings.Builder
	err := local(t, 2, func(ctx context.Context, c distributed.Comm) error {
		at := func(name string) string { return filepath.Join(folder, fmt.Sprint(c.Rank()), name) }
		if err := os.MkdirAll(at(""), 0o700); err != nil {
			return err
		}
		_, err := toyModel(t).Fit(ctx, data, k.Epochs(2), k.Distributed(c, k.Leaves(2)), k.Callbacks(
			callbacks.ModelCheckpoint(at("m.safetensors")), callbacks.CSVLogger(at("log.csv")), callbacks.TensorBoard(at("board")), callbacks.Progress(&shown[c.Rank()])))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for rank, want := range []int{3, 0} {
		files, err := os.ReadDir(filepath.Join(folder, fmt.Sprint(rank)))
		if err != nil || len(files) != want || shown[rank].Len() > 0 != (want > 0) {
			t.Errorf("rank %d wrote %v and showed %q (%v), want %d files", rank, files, shown[rank].String(), err, want)
		}
	}
}

// All ranks stop after the same batch, and another number of ranks resumes.
func TestDistributedStopAndResume(t *testing.T) {
	data := toyData(t, 96, 3)
	options := func(c distributed.Comm) []k.FitOption {
		return []k.FitOption{k.BatchSize(16), k.Until(3), k.ValidationSplit(0.25), k.Distributed(c, k.Leaves(6))}
	}
	var want string
	err := local(t, 1, func(ctx context.Context, c distributed.Comm) (err error) {
		m := toyModel(t)
		if _, err = m.Fit(ctx, data, options(c)...); err == nil {
			want = fmt.Sprintf("%x", weightsOf(m))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "m.safetensors")
	err = local(t, 3, func(ctx context.Context, c distributed.Comm) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		m := toyModel(t)
		steps := 0
		stops := callbackFunc(func(e k.Event, tr *k.Training) error {
			if e == k.BatchEnd {
				if steps++; steps == 3 && c.Rank() == 2 {
					cancel()
				}
			}
			return nil
		})
		_, err := m.Fit(ctx, data, append(options(c), k.Callbacks(stops))...)
		if !errors.Is(err, k.ErrInterrupted) || !errors.Is(err, context.Canceled) {
			return fmt.Errorf("got %v, want ErrInterrupted", err)
		}
		if steps != 4 { // that of the next agreement
			return fmt.Errorf("stopped after %d steps, want 4", steps)
		}
		if c.Rank() != 0 {
			return nil
		}
		return m.Save(file, k.WithOptimizer)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, ranks := range []int{1, 2, 6} {
		err := local(t, ranks, func(ctx context.Context, c distributed.Comm) error {
			m, err := k.Load(file)
			if err != nil {
				return err
			}
			if _, err := m.Fit(ctx, data, options(c)...); err != nil {
				return err
			}
			if got := fmt.Sprintf("%x", weightsOf(m)); got != want {
				return errors.New("the weights are not those of an uninterrupted training")
			}
			return nil
		})
		if err != nil {
			t.Errorf("%d ranks: %v", ranks, err)
		}
	}
}

func TestDistributedMistakes(t *testing.T) {
	data := toyData(t, 60, 3)
	for _, c := range []struct {
		name string
		fit  func(ctx context.Context, comm distributed.Comm) error
		want string
	}{
		{"leaves", func(ctx context.Context, comm distributed.Comm) error {
			_, err := toyModel(t).Fit(ctx, data, k.Distributed(comm, k.Leaves(1)))
			return err
		}, "Leaves(1), there are 2 ranks"},
		{"batch", func(ctx context.Context, comm distributed.Comm) error {
			_, err := toyModel(t).Fit(ctx, data, k.BatchSize(4), k.Distributed(comm))
			return err
		}, "batches of 4 samples for 8 leaves"},
		{"unequal options", func(ctx context.Context, comm distributed.Comm) error {
			_, err := toyModel(t).Fit(ctx, data, k.BatchSize(16+16*comm.Rank()), k.Distributed(comm))
			return err
		}, `rank 1 has "batch size: 32", rank 0 has "batch size: 16": the ranks do different things`},
		{"unequal data", func(ctx context.Context, comm distributed.Comm) error {
			_, err := toyModel(t).Fit(ctx, toyData(t, 60+comm.Rank(), 3), k.Distributed(comm))
			return err
		}, `rank 1 has "training samples: 61", rank 0 has "training samples: 60"`},
		{"unequal layers", func(ctx context.Context, comm distributed.Comm) error {
			m := k.Sequential("m", k.Input(toyFeatures), k.Dense(4+comm.Rank()), k.Dense(toyClasses, k.Softmax))
			_, err := compiledModel(t, m, k.Adam(0.01), k.SparseCategoricalCrossentropy).Fit(ctx, data, k.Distributed(comm))
			return err
		}, `rank 1 has "dense (Dense) (batch, 5)`},
		{"unequal losses", func(ctx context.Context, comm distributed.Comm) error {
			m := k.Sequential("m", k.Input(toyFeatures), k.Dense(1))
			_, err := compiledModel(t, m, k.Adam(0.01), []k.Loss{k.MSE, k.MAE}[comm.Rank()]).Fit(ctx, data, k.Distributed(comm))
			return err
		}, "rank 1 has "},
		{"unequal validation", func(ctx context.Context, comm distributed.Comm) error {
			_, err := toyModel(t).Fit(ctx, data, k.Validation(toyData(t, 20+comm.Rank(), 3)), k.Distributed(comm))
			return err
		}, `rank 1 has "validation samples: 21"`},
		{"an epoch trained before", func(ctx context.Context, comm distributed.Comm) error {
			m := toyModel(t)
			if comm.Rank() == 1 {
				if _, err := m.Fit(ctx, data); err != nil {
					return err
				}
			}
			_, err := m.Fit(ctx, data, k.Until(3), k.Distributed(comm))
			return err
		}, `rank 1 has "epochs: 1 to 3", rank 0 has "epochs: 0 to 3"`},
		{"unequal models", func(ctx context.Context, comm distributed.Comm) error {
			m := denseModel(k.Adam(0.01, k.Beta1(0.9-0.1*float64(comm.Rank()))))(t)
			_, err := m.Fit(ctx, data, k.Distributed(comm))
			return err
		}, `rank 1 has "beta_1: 0.8", rank 0 has "beta_1: 0.9"`},
		{"a rank without data", func(ctx context.Context, comm distributed.Comm) error {
			var own k.Samples
			if comm.Rank() == 0 {
				own = data
			}
			_, err := toyModel(t).Fit(ctx, own, k.Distributed(comm))
			return err
		}, "no data"},
		{"stream", func(ctx context.Context, comm distributed.Comm) error {
			s := struct{ k.Stream }{&shards{source: data}}
			_, err := toyModel(t).Fit(ctx, s, k.Distributed(comm))
			return err
		}, "not a ShardedStream"},
		{"a mask of one of several outputs", func(ctx context.Context, comm distributed.Comm) error {
			x := k.Input(7)
			h := k.Embedding(31, 4, k.MaskZero).Apply(x)
			m := compiledModel(t, k.NewModel("m", []*k.Tensor{x}, []*k.Tensor{k.Dense(1, k.Name("each")).Apply(h), k.Dense(1, k.Name("all")).Apply(k.LSTM(3).Apply(h))}), k.Adam(0.01), k.MSE)
			s, err := k.MultiData([]*k.Array{mustArray(t, make([]float32, 32*7), 32, 7)}, []*k.Array{mustArray(t, make([]float32, 32*7), 32, 7, 1), mustArray(t, make([]float32, 32), 32, 1)})
			if err != nil {
				return err
			}
			_, err = m.Fit(ctx, s, k.Distributed(comm))
			return err
		}, `output "each" has a mask, and the model has 2 outputs`},
		{"a callback that stops one rank", func(ctx context.Context, comm distributed.Comm) error {
			_, err := toyModel(t).Fit(ctx, data, k.Epochs(2), k.Distributed(comm), k.Callbacks(callbackFunc(func(e k.Event, tr *k.Training) error {
				if comm.Rank() == 1 {
					tr.Stop()
				}
				return nil
			})))
			return err
		}, `rank 1 has "call: end", rank 0 has "call: training step"`},
		{"a callback that changes the rate on one rank", func(ctx context.Context, comm distributed.Comm) error {
			_, err := toyModel(t).Fit(ctx, data, k.Distributed(comm), k.Callbacks(callbackFunc(func(e k.Event, tr *k.Training) error {
				if comm.Rank() == 1 && e == k.BatchEnd {
					tr.Rate = 0.5
				}
				return nil
			})))
			return err
		}, `rank 1 has "learning rate: 0.5", rank 0 has "learning rate: 0.0`},
		{"a callback that changes weights of one rank", func(ctx context.Context, comm distributed.Comm) error {
			_, err := toyModel(t).Fit(ctx, data, k.Distributed(comm), k.Callbacks(callbackFunc(func(e k.Event, tr *k.Training) error {
				if w := tr.Model.Weights()[0]; comm.Rank() == 1 && e == k.EpochEnd {
					return w.Set(make([]float32, len(w.Values())))
				}
				return nil
			})))
			return err
		}, `rank 1 has "checksum of all weights: `},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := local(t, 2, func(ctx context.Context, comm distributed.Comm) error {
				if err := c.fit(ctx, comm); err == nil || !strings.Contains(err.Error(), c.want) {
					return fmt.Errorf("got %v, want %q", err, c.want)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := toyModel(t).Fit(t.Context(), data, k.Distributed(nil)); err == nil || !strings.Contains(err.Error(), "no Comm") {
		t.Errorf("without a Comm: %v", err)
	}
}
