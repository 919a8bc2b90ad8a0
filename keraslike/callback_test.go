// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
)

// spoil writes an infinity into the second layer's output, through its bias, before
// the batch after the given one.
func spoil(batches int) keraslike.Callback {
	done := 0
	return keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e != keraslike.BatchEnd {
			return nil
		}
		if done++; done == batches {
			w, err := tr.Model.Weight("second/kernel")
			if err != nil {
				return err
			}
			return w.Update(func(v []float32) { v[0] = 3e38 }) // finite; its products are not
		}
		return nil
	})
}

func TestNotFinite(t *testing.T) {
	model := func() *keraslike.Model {
		m := keraslike.Sequential("m", keraslike.Input(toyFeatures),
			keraslike.Dense(5, keraslike.Softplus, keraslike.BiasInitializer(keraslike.Constant(20)), keraslike.Name("first")),
			keraslike.Dense(4, keraslike.Name("second")), keraslike.Dense(toyClasses, keraslike.Softmax, keraslike.Name("third")))
		if err := m.Compile(keraslike.SGD(0.01), keraslike.SparseCategoricalCrossentropy); err != nil {
			t.Fatal(err)
		}
		return m
	}
	_, err := model().Fit(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(10), keraslike.Callbacks(spoil(2)))
	var bad *keraslike.NotFiniteError
	if !errors.As(err, &bad) || bad.Layer != "second" || bad.What != "activation" || bad.Step != 2 {
		t.Fatalf("got %v, want the activation of layer second after 2 steps", err)
	}
	wantError(t, err, "epoch 1, step 3", `first activation that is not finite is in layer "second"`)

	c := callbacks.TerminateOnNaN()
	m := model()
	h, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(10), keraslike.Epochs(3), keraslike.Callbacks(c, spoil(6)))
	if err != nil || h.Epochs() != 1 || callbacks.FoundNaN(c) == nil || callbacks.FoundNaN(c).Layer != "second" || callbacks.FoundNaN(c).Step != 6 {
		t.Errorf("got %v after %d epochs, found %v; want an ordinary end after one", err, h.Epochs(), callbacks.FoundNaN(c))
	}

	w, _ := m.Weight("first/kernel")
	change(t, w, func(v []float32) { v[0] = float32(math.NaN()) })
	_, err = m.Fit(t.Context(), toyData(t, 40, 1))
	wantError(t, err, `first weight that is not finite is in layer "first"`)

	// A gradient alone: the loss is finite, the derivative of √ at 0 is not.
	root := keraslike.CustomLoss("root", steep)
	g := keraslike.Sequential("g", keraslike.Input(1), keraslike.Dense(1, keraslike.NoBias, keraslike.KernelInitializer(keraslike.Zeros()), keraslike.Name("only")))
	if err := g.Compile(keraslike.SGD(0.1), root); err != nil {
		t.Fatal(err)
	}
	c = callbacks.TerminateOnNaN()
	if _, err := g.Fit(t.Context(), dataOf(t, tensorOf([]int{2, 1}, []float32{1, 2}), tensorOf([]int{2, 1}, []float32{1, 1})), keraslike.Callbacks(c)); err != nil {
		t.Fatal(err)
	}
	if callbacks.FoundNaN(c) == nil || callbacks.FoundNaN(c).What != "gradient" || callbacks.FoundNaN(c).Layer != "only" || g.Weights()[0].Values()[0] != 0 {
		t.Errorf("found %v, weight %v; want the gradient of layer only and no update", callbacks.FoundNaN(c), g.Weights()[0].Values())
	}
}

// spoiling is SGD whose third update makes a weight NaN, as centered RMSprop does where
// rounding makes a variance negative.
type spoiling struct{ keraslike.Optimizer }

func (o spoiling) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	if o.Optimizer.Update(w, g, slots, step, rate); step == 3 {
		w[0] = float32(math.NaN())
	}
}

// The last update of an epoch may make the weights NaN although the loss is finite.
func TestSpoiltByTheLastUpdate(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(1), keraslike.Dense(1, keraslike.Name("only")))
	if err := m.Compile(spoiling{keraslike.SGD(0.1)}, keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	data := dataOf(t, tensorOf([]int{1, 1}, []float32{1}), tensorOf([]int{1, 1}, []float32{0}))
	if _, err := m.Fit(t.Context(), data, keraslike.Epochs(2)); err != nil {
		t.Fatal(err)
	}
	_, err := m.Fit(t.Context(), data)
	var bad *keraslike.NotFiniteError
	if !errors.As(err, &bad) || bad.What != "weight" || bad.Layer != "only" || bad.Step != 3 {
		t.Errorf("got %v, want the weight of layer only after 3 steps", err)
	}
	wantError(t, err, "epoch 1", "has a value of NaN after 3 updates by sgd")
}

// steep is p scaled up and down again so that its value stays finite and its gradient
// does not: 1e30·(1e30·p)/1e30 has the gradient 1e30·1e30/1e30.
func steep(p, _ *graph.Node) (*graph.Node, error) {
	var err error
	for _, factor := range []float64{1e-30, 1e30, 1e30} {
		if err == nil {
			p, err = graph.Scale(p, factor)
		}
	}
	return p, err
}

// A callback must not train or compile the model that is trained, at any event;
// afterwards both are as free as before. Evaluating, saving and single batches are its own.
func TestOwnModelInCallback(t *testing.T) {
	data := toyData(t, 20, 1)
	for name, do := range map[string]func(m *keraslike.Model) error{
		"fit: ":     func(m *keraslike.Model) error { _, err := m.Fit(t.Context(), data); return err },
		"compile: ": func(m *keraslike.Model) error { return m.Compile(keraslike.SGD(0.5), keraslike.MeanSquaredError) },
	} {
		for _, at := range []keraslike.Event{keraslike.TrainBegin, keraslike.EpochBegin, keraslike.BatchEnd, keraslike.EpochEnd, keraslike.TrainEnd} {
			m := toyModel(t)
			meddle := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
				if e != at {
					return nil
				}
				return do(tr.Model)
			})
			_, err := m.Fit(t.Context(), data, keraslike.Callbacks(meddle))
			wantError(t, err, name+"a call of Fit on this model is still running")
			look := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
				_, err := tr.Model.Evaluate(t.Context(), data)
				return err
			})
			if _, err := m.Fit(t.Context(), data, keraslike.Callbacks(look)); err != nil {
				t.Errorf("%safterwards: %v", name, err)
			}
		}
	}
}

// moody is a callback of a user with everything that one may have.
type moody struct {
	calls *[]string // what happened, in order
	name  string
	last  bool
	fails bool // at the end of the first epoch
	state keraslike.CallbackState
}

func (c *moody) say(what string) { *c.calls = append(*c.calls, c.name+" "+what) }

func (c *moody) On(e keraslike.Event, t *keraslike.Training) error {
	c.say([]string{"begins", "epoch", "batch", "epoch ends", "ends"}[e])
	if e == keraslike.EpochEnd && c.fails {
		return errors.New(c.name + " fails")
	}
	return nil
}

func (c *moody) RunsLast() bool                 { return c.last }
func (c *moody) AddsLogs() []string             { return []string{c.name} }
func (c *moody) Finish(err error)               { c.say(fmt.Sprintf("finishes: %v", err)) }
func (c *moody) StateKey() string               { return c.name }
func (c *moody) State() keraslike.CallbackState { return c.state }

func (c *moody) SetState(s keraslike.CallbackState) error {
	c.say("resumes")
	c.state = s
	return nil
}

// TestOrderOfCallbacks: those that run last come last at every event; where another one
// fails they are called if they were given before it; all are called when Fit ends.
func TestOrderOfCallbacks(t *testing.T) {
	fit := func(callbacks ...keraslike.Callback) error {
		_, err := toyModel(t).Fit(t.Context(), toyData(t, 20, 1), keraslike.Callbacks(callbacks...))
		return err
	}
	var calls []string
	a, b := &moody{calls: &calls, name: "a", last: true}, &moody{calls: &calls, name: "b"}
	if err := fit(a, b); err != nil {
		t.Fatal(err)
	}
	if want := []string{"b begins", "a begins", "b epoch", "a epoch", "b batch", "a batch", "b epoch ends", "a epoch ends", "b ends", "a ends", "a finishes: <nil>", "b finishes: <nil>"}; !slices.Equal(calls, want) {
		t.Errorf("got %q, want %q", calls, want)
	}
	calls, b.fails = nil, true
	c := &moody{calls: &calls, name: "c", last: true}
	wantError(t, fit(a, b, c), "fit: b fails")
	if want := []string{"b epoch ends", "a epoch ends", "a finishes: fit: b fails", "b finishes: fit: b fails", "c finishes: fit: b fails"}; !slices.Equal(calls[len(calls)-5:], want) {
		t.Errorf("got %q, want %q at the end", calls, want)
	}
	calls = nil
	_ = fit(a, nil)
	_, err := toyModel(t).Fit(t.Context(), toyData(t, 20, 1), keraslike.Epochs(0), keraslike.Callbacks(a))
	if err == nil || len(calls) > 0 {
		t.Errorf("a Fit that does not begin says %q", calls)
	}
}

// TestFinish: Finish is called exactly once, however Fit ends.
func TestFinish(t *testing.T) {
	for name, c := range map[string]struct {
		do   func()
		want string
	}{
		"panic":  {func() { panic("no") }, "panic: no"},
		"goexit": {runtime.Goexit, "fit was aborted"},
	} {
		var calls []string
		finisher := &moody{calls: &calls, name: "f"}
		rude := keraslike.CallbackFunc(func(e keraslike.Event, _ *keraslike.Training) error {
			if e == keraslike.BatchEnd {
				calls = nil
				c.do()
			}
			return nil
		})
		done := make(chan bool)
		go func() {
			defer close(done)
			_, _ = toyModel(t).Fit(t.Context(), toyData(t, 20, 1), keraslike.Callbacks(finisher, rude))
		}()
		<-done
		if len(calls) != 1 {
			t.Fatalf("%s: got %q, want one call", name, calls)
		}
		wantError(t, errors.New(calls[0]), "f finishes: ", c.want)
	}
}

// TestStatefulCallback: the state of a user's callback is resumed in the same process and
// from a file, by its key, and any mistake in it is an error that names it.
func TestStatefulCallback(t *testing.T) {
	interrupted := func(c *moody, at int) (*keraslike.Model, error) {
		m := toyModel(t)
		ctx, cancel := context.WithCancel(t.Context())
		stop := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
			if e == keraslike.BatchEnd && tr.Step == at {
				cancel()
			}
			return nil
		})
		_, err := m.Fit(ctx, toyData(t, 40, 1), keraslike.Until(2), keraslike.BatchSize(16), keraslike.Callbacks(c, stop))
		return m, err
	}
	copies := [][]float32{}
	for i, w := range toyModel(t).Weights() {
		copies = append(copies, slices.Repeat([]float32{float32(i)}, len(w.Values())))
	}
	state := keraslike.CallbackState{
		Counts:  map[string]int{"none": 0, "most": 1 << 30},
		Numbers: map[string]float64{"third": 1. / 3, "most": math.Inf(1), "least": math.Inf(-1), "tiny": math.SmallestNonzeroFloat64},
		Weights: copies,
	}
	for _, way := range []string{"same process", "file"} {
		var calls []string
		m, err := interrupted(&moody{calls: &calls, name: "mine", state: state}, 2)
		if !errors.Is(err, keraslike.ErrInterrupted) {
			t.Fatal(err)
		}
		if way == "file" {
			content, path := saved(t, m, keraslike.WithOptimizer)
			m = loaded(t, path)
			if again, _ := saved(t, m, keraslike.WithOptimizer); !slices.Equal(again, content) {
				t.Error("saved, loaded and saved again the bytes are others")
			}
		}
		calls = nil
		other, mine := &moody{calls: &calls, name: "other"}, &moody{calls: &calls, name: "mine"}
		if _, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.Until(2), keraslike.BatchSize(16), keraslike.Callbacks(other, mine)); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(mine.state.Counts, state.Counts) || !maps.Equal(mine.state.Numbers, state.Numbers) || !reflect.DeepEqual(mine.state.Weights, copies) || other.state.Counts != nil {
			t.Errorf("%s: resumed with %v and %v, want %v for mine only", way, mine.state, other.state, state)
		}
		if want := []string{"other begins", "mine begins", "mine resumes"}; !slices.Equal(calls[:3], want) {
			t.Errorf("%s: got %q, want %q first", way, calls, want)
		}
	}
	for want, wrong := range map[string]keraslike.CallbackState{
		"callback mine: waited -1: want 0 to 1073741824":            {Counts: map[string]int{"waited": -1}},
		`callback mine: best is "NaN", want a number`:               {Numbers: map[string]float64{"best": math.NaN()}},
		"callback mine: its state has weights other than the model": {Weights: copies[1:]},
	} {
		var calls []string
		m, err := interrupted(&moody{calls: &calls, name: "mine", state: wrong}, 2)
		wantError(t, err, want)
		if !errors.Is(err, keraslike.ErrInterrupted) {
			t.Errorf("%v is not ErrInterrupted", err)
		}
		if _, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.Until(2), keraslike.BatchSize(16)); err != nil {
			t.Errorf("the model cannot be trained further: %v", err)
		}
		save := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
			if e == keraslike.BatchEnd {
				return tr.Model.Save(t.TempDir()+"/m", keraslike.WithOptimizer)
			}
			return nil
		})
		_, err = m.Fit(t.Context(), toyData(t, 40, 1), keraslike.Callbacks(&moody{calls: &calls, name: "mine", state: wrong}, save))
		wantError(t, err, "save model", want)
	}
	var calls []string
	m, _ := interrupted(&moody{calls: &calls, name: "mine"}, 2)
	if _, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.Until(2), keraslike.BatchSize(16), keraslike.Callbacks(forgetful{"mine"})); err == nil || err.Error() != "fit: mine: not this one" {
		t.Errorf("got %v, want the error of SetState", err)
	}
}

// forgetful is a callback that rejects its state.
type forgetful struct{ name string }

func (f forgetful) On(keraslike.Event, *keraslike.Training) error { return nil }
func (f forgetful) StateKey() string                              { return f.name }
func (f forgetful) State() keraslike.CallbackState                { return keraslike.CallbackState{} }
func (f forgetful) SetState(keraslike.CallbackState) error        { return errors.New("not this one") }

// unimpressed is a NotFiniteHandler that ends training with an error of its own, or with
// the one that was found.
type unimpressed struct{ own error }

func (unimpressed) On(keraslike.Event, *keraslike.Training) error { return nil }
func (u unimpressed) HandleNotFinite(found *keraslike.NotFiniteError) error {
	if u.own != nil {
		return u.own
	}
	return found
}

func TestNotFiniteHandler(t *testing.T) {
	own, bad := errors.New("I give up"), &keraslike.NotFiniteError{}
	for _, c := range []struct {
		own  error
		want []string
	}{{own, []string{"epoch 1, step 2", "I give up"}}, {nil, []string{"epoch 1, step 2"}}} {
		m := toyModel(t)
		spoils := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
			if e == keraslike.BatchEnd {
				return tr.Model.Weights()[0].Update(func(v []float32) { v[0] = float32(math.NaN()) })
			}
			return nil
		})
		_, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.Callbacks(spoils, unimpressed{c.own}, callbacks.TerminateOnNaN()))
		wantError(t, err, c.want...)
		if !errors.As(err, &bad) || c.own != nil && !errors.Is(err, own) {
			t.Errorf("got %v, want both errors", err)
		}
	}
}

// TestTrainingTells: what a callback can ask.
func TestTrainingTells(t *testing.T) {
	var empty keraslike.Training
	if larger, known := empty.LargerIsBetter("val_accuracy"); !larger || !known || empty.Series() != nil || empty.LogNames() != nil || empty.Schedule() != nil {
		t.Error("a Training of no model says more than what names tell")
	}
	var series, names []string
	var schedule keraslike.Schedule
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax))
	decay := keraslike.ExponentialDecay{Steps: 1, Rate: 0.5}
	if err := m.Compile(keraslike.SGD(0.1, keraslike.WithSchedule(decay)), keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy); err != nil {
		t.Fatal(err)
	}
	var calls []string
	asks := &moody{calls: &calls, name: "mood"}
	look := keraslike.CallbackFunc(func(_ keraslike.Event, tr *keraslike.Training) error {
		series, names, schedule = tr.Series(), tr.LogNames(), tr.Schedule()
		return nil
	})
	for _, with := range [][]keraslike.Callback{{asks, announced{look}}, {asks, look}} {
		if _, err := m.Fit(t.Context(), toyData(t, 20, 1), keraslike.ValidationSplit(0.5), keraslike.Callbacks(with...)); err != nil {
			t.Fatal(err)
		}
		want := []string{"loss", "accuracy", "val_loss", "val_accuracy", "mood"}
		if _, all := with[1].(announced); !all {
			want = nil
		}
		if !slices.Equal(series, []string{"loss", "accuracy"}) || !slices.Equal(names, want) || schedule != decay {
			t.Errorf("series %q, logs %q, schedule %v; want logs %q", series, names, schedule, want)
		}
	}
}

// announced is a callback that says that it adds no logs.
type announced struct{ keraslike.Callback }

func (announced) AddsLogs() []string { return nil }
