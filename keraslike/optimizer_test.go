// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/reef-dl/reef/internal/golden"
)

// fromArgs is the optimizer of a case: made with defaults, then given the case's
// arguments by the names under which they are saved.
func fromArgs(t *testing.T, a golden.Args) Optimizer {
	t.Helper()
	o := optimizerKinds[strings.ToLower(a.String("optimizer"))]()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, o); err != nil {
		t.Fatal(err)
	}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	return o
}

// registered makes each optimizer of this package with a rate, by name.
func registered(t *testing.T, rate float64, lazy bool) map[string]func() Optimizer {
	makers := map[string]func() Optimizer{}
	for name, make := range optimizerKinds {
		makers[name] = func() Optimizer {
			o := make()
			if err := json.Unmarshal(fmt.Appendf(nil, `{"learning_rate":%g,"lazy_rows":%t}`, rate, lazy), o); err != nil {
				t.Fatal(err)
			}
			return o
		}
	}
	return makers
}

// moving are the row optimizers of this package that change a weight whose gradient is 0.
func moving(t *testing.T, rate float64, lazy bool) map[string]func() Optimizer {
	makers := registered(t, rate, lazy)
	maps.DeleteFunc(makers, func(_ string, make func() Optimizer) bool {
		o, ok := make().(RowOptimizer)
		if !ok {
			return true
		}
		_, _, still := o.Decays()
		return still
	})
	return makers
}

// stepping is a trainer of weights of the given shapes, updated by given gradients.
func stepping(t *testing.T, o Optimizer, shapes ...[]int) *trainer {
	t.Helper()
	var weights []*Weight
	for _, s := range shapes {
		w := &Weight{shape: s}
		if err := w.Set(make([]float32, Shape(s).Size())); err != nil {
			t.Fatal(err)
		}
		weights = append(weights, w)
	}
	trainer, err := newTrainer(o, weights, (*Weight).Path)
	if err != nil {
		t.Fatal(err)
	}
	return trainer
}

// TestEveryOptimizerValue makes five steps with each optimizer and setting, dense
// and, for the same weights, as rows, and compares weights and state with
// testdata/golden/optimizers.json and optimizers_keras.json to 2e-6 of the value; see betaRounding for
// the state. The steps of Muon's iteration are held to 1e-5, as rounding grows in them.
func TestEveryOptimizerValue(t *testing.T) {
	seen := map[string]int{}
	for _, c := range append(golden.Load(t, "optimizers"), golden.Load(t, "optimizers_keras")...) {
		if c.Args.String("optimizer") == "" {
			continue
		}
		for _, sparse := range []bool{false, true} {
			shape := c.Inputs["w0"].Shape
			if sparse && (len(shape) != 2 || shape[0] != 2) {
				continue
			}
			o := fromArgs(t, c.Args)
			seen[o.Name()]++
			trainer := stepping(t, o, shape)
			w := trainer.weights[0].floats()
			copy(w, c.Inputs["w0"].Float32())
			g := c.Inputs["gradients"].Float32()
			var got []float32
			for range 5 {
				trainer.gradients[0] = gradient{values: g[:len(w)]}
				if sparse {
					trainer.gradients[0].rows, trainer.gradients[0].sparse = []int32{0, 1}, true
				}
				if err := trainer.step(o.Rate()); err != nil {
					t.Fatal(err)
				}
				got, g = append(got, w...), g[len(w):]
			}
			tolerance := 2e-6
			if o.Name() == "muon" {
				tolerance = 1e-5
			}
			golden.Close(t, c.Name+": w", got, c.Want["w"], tolerance, tolerance)
			for k, name := range trainer.each[0].Slots() {
				if name == "velocity_max" {
					name = "velocity_hat"
				}
				golden.Close(t, c.Name+": "+name, trainer.slots[0][k], c.Want[name], 2e-5, 1e-6)
			}
		}
	}
	for name := range optimizerKinds {
		if seen[name] < 4 {
			t.Errorf("%s: %d known trajectories, want at least 4", name, seen[name])
		}
	}
}

func TestClippingValues(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "optimizers") {
		if !strings.HasPrefix(c.Name, "clip_") {
			continue
		}
		seen++
		o := SGD(1, ClipValue(c.Args.Float("clipvalue")), ClipNorm(c.Args.Float("clipnorm")), GlobalClipNorm(c.Args.Float("global_clipnorm")))
		trainer := stepping(t, o, c.Inputs["g0"].Shape, c.Inputs["g1"].Shape)
		for i, name := range []string{"g0", "g1"} {
			g := c.Inputs[name].Float32()
			trainer.gradients[i] = gradient{values: slices.Clone(g)}
		}
		if err := trainer.step(1); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"g0", "g1"} {
			moved := trainer.weights[i].Values()
			for k := range moved {
				moved[k] = -moved[k] // w = 0 - 1·g
			}
			golden.Close(t, c.Name+": "+name, moved, c.Want[name], 1e-6, 1e-7)
		}
	}
	if seen != 4 {
		t.Errorf("%d known values, want 4", seen)
	}
}

func TestWeightAverageValues(t *testing.T) {
	for _, c := range golden.Load(t, "optimizers") {
		if c.Name != "ema" {
			continue
		}
		trainer := stepping(t, SGD(1, AverageWeights(c.Args.Float("ema_momentum"))), c.Inputs["w0"].Shape)
		copy(trainer.weights[0].floats(), c.Inputs["w0"].Float32())
		want, w := c.Inputs["w"].Float32(), trainer.weights[0].floats()
		var got []float32
		for len(want) > 0 {
			g := make([]float32, len(w))
			for k := range g {
				g[k] = w[k] - want[k] // leads to the next weights
			}
			trainer.gradients[0] = gradient{values: g}
			if err := trainer.step(1); err != nil {
				t.Fatal(err)
			}
			got, want = append(got, trainer.averages[0]...), want[len(w):]
		}
		golden.Close(t, "average", got, c.Want["average"], 2e-6, 1e-6)
		return
	}
	t.Error("no known values")
}

// Three batches accumulated are one update by their mean, for dense and for sparse
// gradients; a row that no batch has touched stays.
func TestAccumulation(t *testing.T) {
	trainer := stepping(t, SGD(1, AccumulateGradients(3)), []int{2}, []int{3, 2})
	for i := range 3 {
		trainer.gradients[0] = gradient{values: []float32{float32(i), 3}}
		trainer.gradients[1] = gradient{values: []float32{1, 2}, rows: []int32{int32(2 * (i % 2))}, sparse: true}
		if err := trainer.step(1); err != nil {
			t.Fatal(err)
		}
		if i < 2 && trainer.weights[0].Values()[1] != 0 {
			t.Errorf("updated after %d batches", i+1)
		}
	}
	third := float32(1) / 3
	if got := trainer.weights[0].Values(); got[0] != -1 || got[1] != -3 {
		t.Errorf("dense weights %v, want [-1 -3]", got)
	}
	if got, want := trainer.weights[1].Values(), []float32{-2 * third, -4 * third, 0, 0, -third, -2 * third}; !slices.Equal(got, want) {
		t.Errorf("sparse weights %v, want %v", got, want)
	}
}

func TestScheduleValues(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range golden.Load(t, "schedules") {
		a := c.Args
		initial := a.Float("initial_learning_rate")
		var s Schedule
		switch a.String("schedule") {
		case "ExponentialDecay":
			s = ExponentialDecay{a.Int("decay_steps"), a.Float("decay_rate"), a.Bool("staircase")}
		case "InverseTimeDecay":
			s = InverseTimeDecay{a.Int("decay_steps"), a.Float("decay_rate"), a.Bool("staircase")}
		case "PolynomialDecay":
			p := PolynomialDecay{a.Int("decay_steps"), 0.0001, a.Float("power"), a.Bool("cycle")}
			if a["end_learning_rate"] != nil {
				p.End = a.Float("end_learning_rate")
			}
			s = p
		case "PiecewiseConstantDecay":
			p := PiecewiseConstantDecay{Boundaries: a.Ints("boundaries")}
			for _, v := range a["values"].([]any) {
				p.Factors = append(p.Factors, v.(float64))
			}
			s, initial = p, 1
		case "CosineDecay":
			d := CosineDecay{Steps: a.Int("decay_steps"), Alpha: a.Float("alpha"), Warmup: a.Int("warmup_steps")}
			if a["warmup_target"] != nil {
				d.WarmupFrom, initial = initial, a.Float("warmup_target")
			}
			s = d
		case "CosineDecayRestarts":
			s = CosineDecayRestarts{a.Int("first_decay_steps"), a.Float("t_mul"), a.Float("m_mul"), a.Float("alpha")}
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		seen[s.Name()] = true
		// As it is saved with an optimizer and read again.
		text, err := json.Marshal(SGD(initial, WithSchedule(s)))
		if err != nil {
			t.Fatal(err)
		}
		read := SGD(0)
		if err := json.Unmarshal(text, read); err != nil {
			t.Fatal(err)
		}
		var got []float64
		for _, step := range c.Inputs["step"].Data {
			got = append(got, commonOf(read).Schedule.At(read.Rate(), int(step)))
		}
		golden.Close(t, c.Name, got, c.Want["rate"], 1e-12, 1e-15)
	}
	if len(seen) != len(scheduleKinds) {
		t.Errorf("%d schedules have known values, want %d", len(seen), len(scheduleKinds))
	}
}

// TestSolver compares Gorgonia's plain solver with SGD: one rule, one result.
func TestSolver(t *testing.T) {
	run := func(o Optimizer) []float32 {
		m := Sequential("m", Input(5), Embedding(7, 3), Flatten(), Dense(2, Softmax))
		if err := m.Compile(o, SparseCategoricalCrossentropy, Seed(2)); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Fit(t.Context(), &idSource{20}, Epochs(3), BatchSize(4)); err != nil {
			t.Fatal(err)
		}
		var all []float32
		for _, w := range m.Weights() {
			all = append(all, w.Values()...)
		}
		return all
	}
	want := run(SGD(0.1))
	got := run(FromSolver(gorgonia.NewVanillaSolver(gorgonia.WithLearnRate(0.1))))
	for i := range want {
		if d := got[i] - want[i]; d > 1e-6 || d < -1e-6 {
			t.Fatalf("weight %d is %v by the solver, %v by SGD", i, got[i], want[i])
		}
	}
}

// idSource has n samples of 5 ids below 7, with one of 2 classes.
type idSource struct{ n int }

func (s *idSource) Len() int                          { return s.n }
func (s *idSource) Shapes() (inputs, targets [][]int) { return [][]int{{5}}, [][]int{{}} }
func (s *idSource) Read(indices []int, in, target [][]float32) error {
	for i, j := range indices {
		for k := range 5 {
			in[0][i*5+k] = float32((j*3 + k*k) % 7)
		}
		if target != nil {
			target[0][i] = float32(j % 2)
		}
	}
	return nil
}

func TestOptimizerMistakes(t *testing.T) {
	for _, c := range []struct {
		o    Optimizer
		want string
	}{
		{SGD(0.1, ClipNorm(-1)), "clip norm is -1"},
		{Adam(0.1, ClipNorm(1), ClipValue(1)), "want at most one"},
		{Adamax(0.1, Beta1(1)), "beta_1 is 1"},
		{Adagrad(0.1, InitialAccumulator(-1)), "initial accumulator is -1"},
		{Adadelta(0.1, AverageWeights(1)), "momentum of the weights' average is 1"},
		{Nadam(0.1, AccumulateGradients(-2)), "-2 batches"},
		{RMSprop(0.1, WithSchedule(ExponentialDecay{Rate: 0.5})), "schedule exponential_decay: steps is 0"},
		{SGD(0.1, WithSchedule(PiecewiseConstantDecay{Boundaries: []int{2, 1}, Factors: []float64{1, 2, 3}})), "want an ascending order"},
		{FromSolver(nil), "the solver is nil"},
	} {
		if err := c.o.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v lacks %q", err, c.want)
		}
	}
}

// A step allocates nothing with any of the settings, sparse gradients included.
func TestSettingsAllocateNothing(t *testing.T) {
	optimizers := map[string]Optimizer{
		"clip":       AdamW(1e-3, GlobalClipNorm(0.1), AverageWeights(0.99)),
		"accumulate": Nadam(1e-3, AccumulateGradients(2), ClipNorm(0.1)),
		"schedule":   Adagrad(1e-2, ClipValue(0.1), WithSchedule(CosineDecayRestarts{Steps: 5})),
		"momentum":   SGD(1e-2, Momentum(0.9)),
		"lazy":       Adam(1e-3, LazyRows),
		"user's":     plainRows{Adam(1e-3)},
	}
	for name, make := range registered(t, 1e-3, false) {
		optimizers[name] = make()
	}
	for name, o := range optimizers {
		m := Sequential("m", Input(5), Embedding(7, 3), Flatten(), Dense(8, ReLU, KernelConstraint(MaxNorm(1)), KernelRegularizer(L1L2(1e-3, 1e-3))), Dense(2, Softmax))
		if err := m.Compile(o, SparseCategoricalCrossentropy.With(FromLogits), WeightedMetrics(Accuracy, SparseTopKCategoricalAccuracy(1)), ConfusionMatrix); err != nil {
			t.Fatal(err)
		}
		f := &fit{m: m, epochs: 1, batch: 10, classWeights: ClassWeights{1: 2}}
		if err := f.prepare(&idSource{40}); err != nil {
			t.Fatal(err)
		}
		step := func() {
			if f.train.position >= 40 {
				f.train.begin(nil)
			}
			if _, err := f.advance(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 4 {
			step()
		}
		if n := testing.AllocsPerRun(40, step); n != 0 {
			t.Errorf("%s: a step allocates %v times, want 0", name, n)
		}
	}
}
