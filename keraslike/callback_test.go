// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"errors"
	"math"
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
			w.Value()[0] = 3e38 // finite; its products are not
		}
		return nil
	})
}

func TestNotFinite(t *testing.T) {
	model := func() *keraslike.Model {
		m := keraslike.Sequential("m", keraslike.Input(toyFeatures),
			keraslike.Dense(5, keraslike.Softplus, keraslike.BiasInit(keraslike.Constant(20)), keraslike.Name("first")),
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
	if err != nil || h.Epochs() != 1 || c.Found() == nil || c.Found().Layer != "second" || c.Found().Step != 6 {
		t.Errorf("got %v after %d epochs, found %v; want an ordinary end after one", err, h.Epochs(), c.Found())
	}

	w, _ := m.Weight("first/kernel")
	w.Value()[0] = float32(math.NaN())
	_, err = m.Fit(t.Context(), toyData(t, 40, 1))
	wantError(t, err, `first weight that is not finite is in layer "first"`)

	// A gradient alone: the loss is finite, the derivative of √ at 0 is not.
	root := keraslike.LossOf("root", steep)
	g := keraslike.Sequential("g", keraslike.Input(1), keraslike.Dense(1, keraslike.NoBias{}, keraslike.KernelInit(keraslike.Zeros()), keraslike.Name("only")))
	if err := g.Compile(keraslike.SGD(0.1), root); err != nil {
		t.Fatal(err)
	}
	c = callbacks.TerminateOnNaN()
	if _, err := g.Fit(t.Context(), dataOf(t, tensorOf([]int{2, 1}, []float32{1, 2}), tensorOf([]int{2, 1}, []float32{1, 1})), keraslike.Callbacks(c)); err != nil {
		t.Fatal(err)
	}
	if c.Found() == nil || c.Found().What != "gradient" || c.Found().Layer != "only" || g.Weights()[0].Value()[0] != 0 {
		t.Errorf("found %v, weight %v; want the gradient of layer only and no update", c.Found(), g.Weights()[0].Value())
	}
}

// spoiling is SGD whose third update gives a weight no number, as centered RMSprop does where
// rounding makes a variance negative.
type spoiling struct{ keraslike.Optimizer }

func (o spoiling) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	if o.Optimizer.Update(w, g, slots, step, rate); step == 3 {
		w[0] = float32(math.NaN())
	}
}

// The last update of an epoch may spoil the weights behind a loss that is finite.
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

// A callback that trains or compiles the model that is trained is refused, at every event;
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
