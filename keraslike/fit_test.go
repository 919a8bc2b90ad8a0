// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

func TestFitLearns(t *testing.T) {
	m := toyModel(t)
	h, err := m.Fit(t.Context(), toyData(t, 300, 1), keraslike.Epochs(12), keraslike.BatchSize(20), keraslike.Validation(toyData(t, 100, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"loss", "accuracy", "val_loss", "val_accuracy"}; !slices.Equal(h.Names(), want) {
		t.Errorf("history has %q, want %q", h.Names(), want)
	}
	if h.Epochs() != 12 || h.Samples != 12*300 || len(h.Seconds) != 12 {
		t.Errorf("history of %d epochs, %d samples, %d times; want 12, 3600, 12", h.Epochs(), h.Samples, len(h.Seconds))
	}
	loss := h.Get("loss")
	accuracy := h.Last("val_accuracy")
	if loss[11] > loss[0]/2 || !(accuracy >= 0.9) {
		t.Errorf("loss went from %g to %g, accuracy on new points is %g: want half the loss and 0.9", loss[0], loss[11], accuracy)
	}
	if !math.IsNaN(h.Last("mae")) || h.Get("mae") != nil {
		t.Error("history has a series that was not measured")
	}
	var csv bytes.Buffer
	if err := h.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(csv.String(), "\n")
	if want := fmt.Sprintf("12,%.9g,", loss[11]); lines[0] != "epoch,loss,accuracy,val_loss,val_accuracy" || len(lines) != 14 || !strings.HasPrefix(lines[12], want) {
		t.Errorf("got CSV\n%swant a line of names and 12 more, the last beginning with %q", csv.String(), want)
	}
}

// The logged loss is the mean over samples, also where the last batch is
// smaller: with a rate of 0 it is what Evaluate gives.
func TestLogsAreMeansOverSamples(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax, keraslike.KernelRegularizer(keraslike.L2(0.01))))
	if err := m.Compile(keraslike.SGD(0), keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy); err != nil {
		t.Fatal(err)
	}
	data := toyData(t, 53, 1)
	for _, batch := range []int{1, 10, 52, 53, 54} {
		h, err := m.Fit(t.Context(), data, keraslike.BatchSize(batch))
		if err != nil {
			t.Fatal(err)
		}
		logs, err := m.Evaluate(t.Context(), data, keraslike.BatchSize(7))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"loss", "accuracy"} {
			trained := h.Last(name)
			if tested, ok := logs.Lookup(name); !ok || math.Abs(trained-tested) > 1e-6 {
				t.Errorf("batches of %d: %s is %g from Fit, %g from Evaluate", batch, name, trained, tested)
			}
		}
	}
}

// TestOrderOfSamples reads the order off the source: shuffled anew in each
// epoch, each sample once, the last share kept for validation before shuffling.
func TestOrderOfSamples(t *testing.T) {
	s := &spy{Source: toyData(t, 25, 1)}
	m := toyModel(t)
	if _, err := m.Fit(t.Context(), s, keraslike.Epochs(2), keraslike.BatchSize(8), keraslike.ValidationSplit(0.25)); err != nil {
		t.Fatal(err)
	}
	// Keras trains on floor(25·0.75) = 18 samples: batches of 8, 8, 2 and, to validate, 7.
	reads := s.take()
	sizes := make([]int, len(reads))
	for i, r := range reads {
		sizes[i] = len(r)
	}
	if want := []int{8, 8, 2, 7, 8, 8, 2, 7}; !slices.Equal(sizes, want) {
		t.Fatalf("batches of %v, want %v", sizes, want)
	}
	var orders [][]int
	for e := range 2 {
		order := slices.Concat(reads[4*e : 4*e+3]...)
		orders = append(orders, order)
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, upTo(18)) {
			t.Errorf("epoch %d trains on %v, want each of 0 to 17 once", e+1, sorted)
		}
		if want := upTo(25)[18:]; !slices.Equal(reads[4*e+3], want) {
			t.Errorf("epoch %d validates on %v, want %v", e+1, reads[4*e+3], want)
		}
	}
	if slices.Equal(orders[0], orders[1]) || slices.IsSorted(orders[0]) {
		t.Errorf("epochs in the orders %v and %v, want two random ones", orders[0], orders[1])
	}

	again := &spy{Source: toyData(t, 18, 1)}
	if _, err := toyModel(t).Fit(t.Context(), again, keraslike.Epochs(2), keraslike.BatchSize(18)); err != nil {
		t.Fatal(err)
	}
	if got := again.take(); !slices.Equal(got[0], orders[0]) || !slices.Equal(got[1], orders[1]) {
		t.Errorf("a model of the same seed takes the orders %v, want %v", got, orders)
	}
	if _, err := toyModel(t).Fit(t.Context(), again, keraslike.Epochs(2), keraslike.BatchSize(18), keraslike.KeepOrder); err != nil {
		t.Fatal(err)
	}
	for _, order := range again.take() {
		if !slices.Equal(order, upTo(18)) {
			t.Errorf("KeepOrder: got %v", order)
		}
	}
}

func TestCallbackEvents(t *testing.T) {
	names := map[keraslike.Event]string{keraslike.TrainBegin: "train(", keraslike.EpochBegin: "epoch(", keraslike.BatchEnd: "b", keraslike.EpochEnd: ")", keraslike.TrainEnd: ")"}
	var events strings.Builder
	first := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		events.WriteString(names[e])
		_, loss := tr.Logs.Lookup("loss")
		_, val := tr.Logs.Lookup("val_accuracy")
		switch e {
		case keraslike.BatchEnd:
			if !loss || val || tr.Steps != 3 || tr.Total != 20 || tr.Samples != min(20, 8*tr.Step) || tr.Elapsed <= 0 {
				t.Errorf("after a batch: %+v", tr)
			}
		case keraslike.EpochEnd:
			if !loss || !val || tr.Step != 3 || tr.Samples != 20 || tr.Epochs != 5 {
				t.Errorf("after an epoch: %+v", tr)
			}
		case keraslike.EpochBegin:
			if len(tr.Logs) != 0 || tr.Step != 0 || tr.Samples != 0 {
				t.Errorf("at the beginning of an epoch: %+v", tr)
			}
		}
		return nil
	})
	second := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		events.WriteString("'")
		if e == keraslike.BatchEnd && tr.Epoch == 2 && tr.Step == 1 {
			tr.Stop() // after the epoch that runs
		}
		return nil
	})
	h, err := toyModel(t).Fit(t.Context(), toyData(t, 20, 1), keraslike.Epochs(5), keraslike.BatchSize(8), keraslike.Validation(toyData(t, 9, 2)),
		keraslike.Callbacks(first), keraslike.Callbacks(second))
	if err != nil {
		t.Fatal(err)
	}
	if want := "train('epoch('b'b'b')'epoch('b'b'b')')'"; events.String() != want {
		t.Errorf("events are %s, want %s", events.String(), want)
	}
	if h.Epochs() != 2 {
		t.Errorf("%d epochs after Stop in the second", h.Epochs())
	}
}

func TestCallbackErrorEndsTraining(t *testing.T) {
	mine := errors.New("the display is on fire")
	h, err := toyModel(t).Fit(t.Context(), toyData(t, 20, 1), keraslike.Epochs(5), keraslike.Callbacks(keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e == keraslike.EpochEnd && tr.Epoch == 2 {
			return mine
		}
		return nil
	})))
	if !errors.Is(err, mine) || h.Epochs() != 2 {
		t.Errorf("got %v after %d epochs, want the callback's error after 2", err, h.Epochs())
	}
}

// A callback sets the rate of the next update.
func TestCallbackChangesRate(t *testing.T) {
	m := toyModel(t)
	before := weightsOf(m)
	if _, err := m.Fit(t.Context(), toyData(t, 20, 1), keraslike.Epochs(2), keraslike.Callbacks(keraslike.CallbackFunc(func(_ keraslike.Event, tr *keraslike.Training) error {
		tr.Rate = 0
		return nil
	}))); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, weightsOf(m)) {
		t.Error("weights moved at a rate of 0")
	}
}

// TestCancel stops a training in its second epoch: the batch is finished and
// the weights hold its update, those of a training that ends there by itself.
func TestCancel(t *testing.T) {
	const batch = 8
	data := toyData(t, 20, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	ended := false
	stopped := toyModel(t)
	h, err := stopped.Fit(ctx, data, keraslike.Epochs(5), keraslike.BatchSize(batch), keraslike.Callbacks(keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e == keraslike.BatchEnd && tr.Epoch == 2 && tr.Step == 2 {
			cancel(cause)
		}
		ended = ended || e == keraslike.TrainEnd
		return nil
	})))
	if !errors.Is(err, keraslike.ErrInterrupted) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want ErrInterrupted and context.Canceled", err)
	}
	wantError(t, err, "epoch 2, after step 2 of 3")
	if h.Epochs() != 1 || h.Samples != 20+2*batch || !ended {
		t.Errorf("%d epochs, %d samples, TrainEnd %v; want 1, %d, true", h.Epochs(), h.Samples, ended, 20+2*batch)
	}

	before := weightsOf(stopped)
	h, err = stopped.Fit(ctx, data)
	wantError(t, err, "interrupted before it began: context canceled")
	if !errors.Is(err, keraslike.ErrInterrupted) || h.Samples != 0 || !slices.Equal(weightsOf(stopped), before) {
		t.Errorf("a context that was canceled before: %v after %d samples, want ErrInterrupted after none", err, h.Samples)
	}

	enough := errors.New("two steps")
	whole := toyModel(t)
	_, err = whole.Fit(t.Context(), data, keraslike.Epochs(5), keraslike.BatchSize(batch), keraslike.Callbacks(keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e == keraslike.BatchEnd && tr.Epoch == 2 && tr.Step == 2 {
			return enough
		}
		return nil
	})))
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(stopped), weightsOf(whole)) {
		t.Error("the weights do not hold the update of the batch that ran")
	}
}

func TestEvaluateChangesNothing(t *testing.T) {
	data := toyData(t, 40, 1)
	train := func(between func(m *keraslike.Model)) []float32 {
		m := toyModel(t)
		for range 2 {
			if _, err := m.Fit(t.Context(), data, keraslike.BatchSize(16)); err != nil {
				t.Fatal(err)
			}
			between(m)
		}
		return weightsOf(m)
	}
	want := train(func(*keraslike.Model) {})
	got := train(func(m *keraslike.Model) {
		first, err := m.Evaluate(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := m.Evaluate(t.Context(), data)
		if err != nil || !slices.Equal(first, again) {
			t.Errorf("Evaluate gave %v, then %v (%v): dropout is on?", first, again, err)
		}
		if _, err := m.PredictSource(t.Context(), data); err != nil {
			t.Fatal(err)
		}
	})
	if !slices.Equal(got, want) {
		t.Error("Evaluate and Predict between two epochs change the training")
	}
}

// TestDropoutOnlyInTraining trains ones·w at rate 0 after a dropout of 1/2:
// the training loss sees sums other than the plain one, Evaluate and Predict do not.
func TestDropoutOnlyInTraining(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(64), keraslike.Dropout(0.5), keraslike.Dense(1, keraslike.KernelInitializer(keraslike.Ones()), keraslike.NoBias))
	if err := m.Compile(keraslike.SGD(0), keraslike.MeanAbsoluteError); err != nil {
		t.Fatal(err)
	}
	ones, want := make([]float32, 10*64), make([]float32, 10)
	for i := range ones {
		ones[i], want[i/64] = 1, 64
	}
	x := tensorOf([]int{10, 64}, ones)
	data := dataOf(t, x, tensorOf([]int{10, 1}, want))
	h, err := m.Fit(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if loss := h.Last("loss"); loss < 1 { // mean |2·Binomial(64, ½) - 64| is 6.4
		t.Errorf("training loss is %g: no dropout", loss)
	}
	logs, err := m.Evaluate(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	y, err := m.Predict(keraslike.ArrayOf(x))
	if err != nil {
		t.Fatal(err)
	}
	if loss := logs.Get("loss"); loss != 0 || !slices.Equal(y.Values(), want) {
		t.Errorf("loss is %g, predictions are %v: dropout outside training", loss, y.Values())
	}
}

func TestFitMistakes(t *testing.T) {
	data := toyData(t, 20, 1)
	for name, c := range map[string]struct {
		options []keraslike.FitOption
		data    keraslike.Source
		want    string
	}{
		"epochs":     {[]keraslike.FitOption{keraslike.Epochs(0)}, data, "0 epochs, want at least 1"},
		"batch":      {[]keraslike.FitOption{keraslike.BatchSize(-1)}, data, "batches of -1 samples, want at least 1"},
		"split":      {[]keraslike.FitOption{keraslike.ValidationSplit(1)}, data, "validation split is 1, want 0 <= split < 1"},
		"split nan":  {[]keraslike.FitOption{keraslike.ValidationSplit(math.NaN())}, data, "validation split is NaN"},
		"tiny split": {[]keraslike.FitOption{keraslike.ValidationSplit(0.99)}, data, "20 samples, 0 to train on"},
		"no share":   {[]keraslike.FitOption{keraslike.ValidationSplit(1e-20)}, data, "20 samples, none to validate on"},
		"both":       {[]keraslike.FitOption{keraslike.ValidationSplit(0.5), keraslike.Validation(data)}, data, "both validation data and a validation split"},
		"nil":        {nil, nil, "no data"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := toyModel(t).Fit(t.Context(), c.data, c.options...)
			wantError(t, err, "fit: ", c.want)
		})
	}
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(1))
	if _, err := m.Fit(t.Context(), data); !errors.Is(err, keraslike.ErrNotCompiled) {
		t.Errorf("Fit before Compile: got %v", err)
	}
	if _, err := m.Evaluate(t.Context(), data); !errors.Is(err, keraslike.ErrNotCompiled) {
		t.Errorf("Evaluate before Compile: got %v", err)
	}
	if _, err := m.Predict(keraslike.ArrayOf(tensorOf([]int{1, toyFeatures}, make([]float32, toyFeatures)))); err == nil {
		t.Error("Predict before Build: no error")
	}
}

// A rate that is much too large ends with an error, before the weights are
// numbers no more.
func TestDivergence(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(1))
	if err := m.Compile(keraslike.SGD(1e5), keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	_, err := m.Fit(t.Context(), toyData(t, 20, 1), keraslike.Epochs(100))
	wantError(t, err, "fit: epoch ", "the loss is ", "a smaller learning rate than 100000 may help")
}
