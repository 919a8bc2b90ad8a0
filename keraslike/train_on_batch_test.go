// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

// TrainOnBatch measures a batch before its update as Evaluate does, with metrics, weights and several
// outputs, and returns the outputs.
func TestTrainOnBatchResult(t *testing.T) {
	x, labels := blobs(12, 6)
	m := compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(8, k.Tanh), k.Dense(toyClasses, k.Softmax)), k.SGD(0.1), k.SparseCategoricalCrossentropy,
		k.Accuracy, k.WeightedMetrics(k.NamedMetric("weighted", k.SparseCategoricalAccuracy)), k.ConfusionMatrix)
	weights := []float32{1, 2, 0, 1, 1, 1, 3, 1, 1, 1, 1, 0.5}
	data, err := k.Weighted(dataOf(t, x, labels), weights)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		want, err := m.Evaluate(t.Context(), data, k.BatchSize(12))
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Predict(k.ArrayOf(x))
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.TrainOnBatchOf([]graph.Value{x}, []graph.Value{labels}, weights)
		if err != nil {
			t.Fatal(err)
		}
		if got.Loss() != got.Logs.Get("loss") || len(got.Logs) != len(want) || len(got.Outputs) != 1 {
			t.Fatalf("got %v and %d outputs, want %v", got.Logs, len(got.Outputs), want)
		}
		for i, log := range want {
			if got.Logs[i].Name != log.Name || !near(got.Logs[i].Value, log.Value, 1e-6) {
				t.Errorf("%v, want %v", got.Logs[i], log)
			}
		}
		for i, v := range out.Values() {
			if math.Abs(float64(got.Outputs[0][i]-v)) > 1e-6 {
				t.Fatalf("output %d is %v, want %v", i, got.Outputs[0][i], v)
			}
		}
	}
	if n := testing.AllocsPerRun(20, func() {
		if _, err := m.TrainOnBatch(x, labels); err != nil {
			t.Fatal(err)
		}
	}); n > 4 { // the arguments
		t.Errorf("a step with metrics allocates %v times", n)
	}
}

func TestSetLearningRate(t *testing.T) {
	x, labels := blobs(12, 6)
	step := func(m *k.Model) []float32 {
		before := weightsOf(m)
		if _, err := m.TrainOnBatch(x, labels); err != nil {
			t.Fatal(err)
		}
		after := weightsOf(m)
		for i := range after {
			after[i] -= before[i]
		}
		return after
	}
	compiled := func(o k.Optimizer) *k.Model {
		return compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(toyClasses, k.Softmax)), o, k.SparseCategoricalCrossentropy)
	}
	a, b := compiled(k.SGD(0.5)), compiled(k.SGD(0.125))
	if err := a.SetLearningRate(0.125); err != nil {
		t.Fatal(err)
	}
	if rate := a.Progress().Rate; rate != 0.125 || !slices.Equal(step(a), step(b)) {
		t.Errorf("the rate is %v, or the steps differ", rate)
	}
	path := filepath.Join(t.TempDir(), "m")
	if err := a.Save(path, k.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	if loaded, err := k.Load(path); err != nil || loaded.Progress().Rate != 0.125 {
		t.Errorf("the loaded model has another rate (%v)", err)
	}
	wantError(t, a.SetLearningRate(-1), "set learning rate: learning rate is -1")
	wantError(t, k.Sequential("m", k.Input(1), k.Dense(1)).SetLearningRate(1), "set learning rate", k.ErrNotCompiled.Error())
	wantError(t, compiled(k.SGD(0.1, k.WithSchedule(k.ExponentialDecay{Steps: 1, Rate: 0.5}))).SetLearningRate(1), "the optimizer has the schedule exponential_decay")
	_, err := a.Fit(t.Context(), dataOf(t, x, labels), k.Callbacks(k.CallbackFunc(func(k.Event, *k.Training) error { return a.SetLearningRate(1) })))
	wantError(t, err, "set learning rate", "callbacks set Training.Rate")
}

// A function as a schedule sets the rates, and is found again by WithCustomSchedule.
func TestScheduleFunc(t *testing.T) {
	half := k.ScheduleFunc("half", func(initial float64, step int) float64 { return initial / float64(1+step) })
	x, labels := blobs(12, 6)
	m := compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(toyClasses, k.Softmax)), k.SGD(0.5, k.WithSchedule(half)), k.SparseCategoricalCrossentropy)
	for want := 0.5; want > 0.1; want = 0.5 / (0.5/want + 1) {
		if rate := m.Progress().Rate; !near(rate, want, 1e-9) {
			t.Errorf("the rate is %v, want %v", rate, want)
		}
		if _, err := m.TrainOnBatch(x, labels); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "m")
	if err := m.Save(path, k.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	_, err := k.Load(path)
	wantError(t, err, `schedule "half": unknown; pass WithCustomSchedule(...)`)
	if loaded, err := k.Load(path, k.WithCustomSchedule(half)); err != nil || loaded.Progress().Rate != m.Progress().Rate {
		t.Errorf("the loaded model has another rate (%v)", err)
	}
	_, err = k.Load(path, k.WithCustomSchedule(nil))
	wantError(t, err, "WithCustomSchedule of nil")
	wantError(t, k.Sequential("m", k.Input(1), k.Dense(1)).Compile(k.SGD(1, k.WithSchedule(k.ScheduleFunc("", nil))), k.MSE), "want a name and a function")
}

// Weight decay leaves the excluded weights alone, Muon updates those of AdamFor as Adam, and a text that is
// part of no path is an error that names it.
func TestPathsOfOptimizers(t *testing.T) {
	x, labels := blobs(12, 6)
	compile := func(o k.Optimizer) (*k.Model, error) {
		m := k.Sequential("m", k.Input(toyFeatures), k.Dense(8, k.Name("hidden"), k.BiasInitializer(k.Ones())), k.Dense(toyClasses, k.Softmax, k.Name("output")))
		return m, m.Compile(o, k.SparseCategoricalCrossentropy, k.Seed(4))
	}
	trained := func(o k.Optimizer) map[string][]float32 {
		m, err := compile(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.TrainOnBatch(x, labels); err != nil {
			t.Fatal(err)
		}
		all := map[string][]float32{}
		for _, w := range m.Weights() {
			all[w.Path()] = w.Values()
		}
		return all
	}
	equal := func(a, b map[string][]float32) (paths []string) {
		for path, v := range a {
			if slices.Equal(v, b[path]) {
				paths = append(paths, path)
			}
		}
		slices.Sort(paths)
		return paths
	}
	plain, decayed := trained(k.SGD(0.1)), trained(k.SGD(0.1, k.WeightDecay(0.5)))
	part := trained(k.SGD(0.1, k.WeightDecay(0.5), k.ExcludeFromWeightDecay("bias", "output")))
	if got := equal(plain, part); !slices.Equal(got, []string{"hidden/bias", "output/bias", "output/kernel"}) {
		t.Errorf("%v do not decay", got)
	}
	if got := equal(decayed, part); !slices.Contains(got, "hidden/kernel") || slices.Contains(got, "hidden/bias") {
		t.Errorf("%v decay", got)
	}
	adam := trained(k.AdamW(0.01))
	if got := equal(adam, trained(k.Muon(0.01))); !slices.Equal(got, []string{"hidden/bias", "output/bias"}) {
		t.Errorf("%v are updated as Adam", got)
	}
	if got := equal(adam, trained(k.Muon(0.01, k.AdamFor("output/")))); !slices.Equal(got, []string{"hidden/bias", "output/bias", "output/kernel"}) {
		t.Errorf("%v are updated as Adam", got)
	}
	for _, c := range []struct {
		o    k.Optimizer
		want string
	}{
		{k.AdamW(0.1, k.ExcludeFromWeightDecay("bias", "gama")), `optimizer adamw: ExcludeFromWeightDecay: no weight that is trained has "gama" in its path, paths are hidden/kernel`},
		{k.AdamW(0.1, k.ExcludeFromWeightDecay("")), "ExcludeFromWeightDecay: a text is empty"},
		{k.Adam(0.1, k.ExcludeFromWeightDecay("bias")), "ExcludeFromWeightDecay: there is no WeightDecay"},
		{k.Muon(0.1, k.AdamFor("outptu")), `optimizer muon: AdamFor: no weight that is trained has "outptu" in its path`},
		{k.Adam(0.1, k.OverwriteWeights(3)), "OverwriteWeights without AverageWeights"},
		{k.Adam(0.1, k.OverwriteWeights(-3), k.AverageWeights(0.5)), "OverwriteWeights is -3 batches"},
		{k.Muon(0.1, k.MuonSteps(0)), "0 steps of Muon, want 1 to 100"},
		{k.Ftrl(0.1, k.LearningRatePower(0.5)), "learning rate power is 0.5, want -10 to 0"},
		{k.Ftrl(0.1, k.L1Strength(-1)), "L1 strength is -1"},
		{k.Adafactor(0.1, k.ClipThreshold(0)), "clip threshold is 0"},
		{k.Adafactor(0.1, k.Beta2Decay(0.8)), "beta_2 decay is 0.8"},
		{k.ScheduleFreeAdamW(0.1, k.Beta1(0)), "beta_1 is 0, want a number above 0"},
		{k.ScheduleFreeAdamW(0.1, k.WarmupSteps(-1)), "warm-up takes -1 updates"},
		{k.Lamb(0.1, k.LazyRows), "LazyRows does not fit"},
	} {
		_, err := compile(c.o)
		wantError(t, err, c.want)
	}
}
