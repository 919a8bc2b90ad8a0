// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// history are all series of some calls of Fit, in sequence.
func history(all ...*keraslike.History) (text string) {
	series := map[string][]float64{}
	var names []string
	for _, h := range all {
		for _, name := range h.Names() {
			if series[name] == nil {
				names = append(names, name)
			}
			series[name] = append(series[name], h.Get(name)...)
		}
	}
	for _, name := range names {
		text += fmt.Sprintln(name, series[name])
	}
	return text
}

// TestResumeWithCallbacks interrupts a training after each number of batches and resumes, in
// the same process or from a file, and compares everything with a training that was not
// interrupted: weights, the optimizer's state, what was logged, where it stopped. The runs
// are those of callbacks whose next decision depends on the epochs before.
func TestResumeWithCallbacks(t *testing.T) {
	const perEpoch, epochs = 5, 6
	data := toyData(t, 40, 1)
	everyMetric := []keraslike.CompileOption{
		keraslike.Accuracy, keraslike.SparseTopKCategoricalAccuracy(2), keraslike.ConfusionMatrix, keraslike.SparseCategoricalCrossentropy,
	}
	for name, c := range map[string]struct {
		callbacks func(dir string) []keraslike.Callback
		options   []keraslike.FitOption
		optimizer func() keraslike.Optimizer
	}{
		"none": {callbacks: func(string) []keraslike.Callback { return nil }},
		"restore best of a rising loss": {callbacks: func(string) []keraslike.Callback {
			return []keraslike.Callback{callbacks.EarlyStopping("loss", callbacks.Max, callbacks.Patience(9), callbacks.RestoreBest)}
		}},
		"patience": {callbacks: func(string) []keraslike.Callback {
			return []keraslike.Callback{callbacks.EarlyStopping("val_accuracy", callbacks.Patience(2), callbacks.RestoreBest)}
		}, options: []keraslike.FitOption{keraslike.ValidationSplit(0.25)}},
		"patience, minimum": {callbacks: func(string) []keraslike.Callback {
			return []keraslike.Callback{callbacks.EarlyStopping("val_loss", callbacks.Max, callbacks.Patience(3), callbacks.RestoreBest)}
		}, options: []keraslike.FitOption{keraslike.Validation(toyData(t, 13, 2))}},
		"plateau": {callbacks: func(string) []keraslike.Callback {
			return []keraslike.Callback{callbacks.ReduceLROnPlateau("loss", callbacks.MinDelta(0.05), callbacks.Patience(1), callbacks.Cooldown(1), callbacks.Factor(0.5))}
		}},
		"checkpoint first": {callbacks: func(dir string) []keraslike.Callback {
			return []keraslike.Callback{
				callbacks.ModelCheckpoint(filepath.Join(dir, "c{epoch}-{batch}"), callbacks.EveryBatches(2)),
				callbacks.ReduceLROnPlateau("loss", callbacks.MinDelta(1), callbacks.Patience(1), callbacks.Factor(0.5)),
				callbacks.LearningRateScheduler(func(epoch int, _ float64) float64 { return 0.05 / float64(epoch) }),
			}
		}},
		"averages and a schedule": {callbacks: func(string) []keraslike.Callback {
			return []keraslike.Callback{callbacks.EarlyStopping("loss", callbacks.Patience(3))}
		}, optimizer: func() keraslike.Optimizer {
			return keraslike.Adam(0.02, keraslike.AverageWeights(0.9), keraslike.AccumulateGradients(3), keraslike.WithSchedule(keraslike.ExponentialDecay{Steps: 3, Rate: 0.9}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			fresh := func() *keraslike.Model {
				o := keraslike.Adam(0.05)
				if c.optimizer != nil {
					o = c.optimizer()
				}
				m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(8, keraslike.ReLU), keraslike.Dropout(0.2),
					keraslike.BatchNormalization(), keraslike.Dense(toyClasses, keraslike.Softmax))
				if err := m.Compile(o, keraslike.SparseCategoricalCrossentropy, append(everyMetric, keraslike.Seed(3))...); err != nil {
					t.Fatal(err)
				}
				return m
			}
			size := 8
			if name == "patience" {
				size = 6 // 30 samples
			}
			fit := func(m *keraslike.Model, ctx context.Context, callbacks []keraslike.Callback) (*keraslike.History, error) {
				return m.Fit(ctx, data, append(c.options, keraslike.Until(epochs), keraslike.BatchSize(size), keraslike.Callbacks(callbacks...))...)
			}
			unbroken := fresh()
			whole, err := fit(unbroken, t.Context(), c.callbacks(t.TempDir()))
			if err != nil {
				t.Fatal(err)
			}
			want, _ := saved(t, unbroken, keraslike.WithOptimizer)
			for _, batches := range []int{1, 4, 5, 7, 10, 13, 15, 19, 20, 24} { // multiples of 5 are ends of epochs
				if batches >= perEpoch*whole.Epochs() {
					break
				}
				for _, way := range []string{"same callbacks", "new callbacks", "file"} {
					dir, m := t.TempDir(), fresh()
					ctx, cancel := context.WithCancel(t.Context())
					callbacks := c.callbacks(dir)
					count := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
						if e == keraslike.BatchEnd && (tr.Epoch-1)*perEpoch+tr.Step == batches {
							cancel()
						}
						if e == keraslike.TrainEnd && !tr.Interrupted {
							return errors.New("TrainEnd does not see the interruption")
						}
						return nil
					})
					first, err := fit(m, ctx, append(slices.Clone(callbacks), count))
					if !errors.Is(err, keraslike.ErrInterrupted) {
						t.Fatalf("after %d batches: got %v, want ErrInterrupted", batches, err)
					}
					switch way {
					case "new callbacks":
						callbacks = c.callbacks(dir)
					case "file":
						_, path := saved(t, m, keraslike.WithOptimizer)
						m, callbacks = loaded(t, path), c.callbacks(dir)
					}
					if at := m.Progress(); at.Batches != batches || at.Epochs*perEpoch*size+at.Samples != batches*size {
						t.Errorf("after %d batches: progress is %+v", batches, at)
					}
					second, err := fit(m, t.Context(), callbacks)
					if err != nil {
						t.Fatal(err)
					}
					if got, _ := saved(t, m, keraslike.WithOptimizer); !slices.Equal(got, want) {
						t.Errorf("%s after %d batches: other bytes than without a break", way, batches)
					}
					if got := history(first, second); got != history(whole) {
						t.Errorf("%s after %d batches: history is\n%swant\n%s", way, batches, got, history(whole))
					}
					if first.Samples+second.Samples != whole.Samples {
						t.Errorf("%s after %d batches: %d and %d samples, want %d", way, batches, first.Samples, second.Samples, whole.Samples)
					}
				}
			}
		})
	}
}

// TestResumeFromCheckpoint resumes from every file that ModelCheckpoint wrote, as after a
// power failure: callbacks remember what they had seen, and the end is that of the run
// that wrote them. With Epochs alone they start a new run.
func TestResumeFromCheckpoint(t *testing.T) {
	data, dir := toyData(t, 40, 1), t.TempDir()
	newCallbacks := func(path string) (keraslike.Callback, keraslike.FitOption) {
		s := callbacks.EarlyStopping("loss", callbacks.Max, callbacks.Patience(3), callbacks.RestoreBest)
		return s, keraslike.Callbacks(
			callbacks.ModelCheckpoint(filepath.Join(path, "{epoch}-{batch}.st"), callbacks.EveryBatches(1)),
			s, callbacks.ReduceLROnPlateau("accuracy", callbacks.Patience(1), callbacks.Factor(0.5)),
		)
	}
	whole := toyModel(t)
	stopping, with := newCallbacks(dir)
	if _, err := whole.Fit(t.Context(), data, keraslike.Until(9), keraslike.BatchSize(16), with); err != nil {
		t.Fatal(err)
	}
	if callbacks.StoppedEpoch(stopping) != 4 || callbacks.BestEpoch(stopping) != 1 {
		t.Fatalf("stopped after %d, best %d, want 4 and 1: this test has lost its point", callbacks.StoppedEpoch(stopping), callbacks.BestEpoch(stopping))
	}
	want, _ := saved(t, whole, keraslike.WithOptimizer)
	for epoch := 1; epoch <= 4; epoch++ {
		for batch := 1; batch <= 3 && epoch*batch < 12; batch++ { // the last file is that of a run that is over
			m := loaded(t, filepath.Join(dir, fmt.Sprintf("%d-%d.st", epoch, batch)))
			_, with := newCallbacks(t.TempDir())
			if _, err := m.Fit(t.Context(), data, keraslike.Until(9), keraslike.BatchSize(16), with); err != nil {
				t.Fatal(err)
			}
			if got, _ := saved(t, m, keraslike.WithOptimizer); !slices.Equal(got, want) {
				t.Errorf("from batch %d of epoch %d: other bytes than the run that wrote it", batch, epoch)
			}
		}
	}
	m := loaded(t, filepath.Join(dir, "3-3.st"))
	s, with := newCallbacks(t.TempDir())
	if _, err := m.Fit(t.Context(), data, keraslike.Epochs(9), keraslike.BatchSize(16), with); err != nil {
		t.Fatal(err)
	}
	if callbacks.StoppedEpoch(s) != 4 {
		t.Errorf("a new run stopped after %d epochs, want 4", callbacks.StoppedEpoch(s))
	}
}

// TestUntil: Until continues from the number of epochs that the model was trained for.
func TestUntil(t *testing.T) {
	data := toyData(t, 40, 1)
	whole := toyModel(t)
	if _, err := whole.Fit(t.Context(), data, keraslike.Epochs(4)); err != nil {
		t.Fatal(err)
	}
	want, path := saved(t, whole, keraslike.WithOptimizer)
	if p := whole.Progress(); p != (keraslike.Progress{Epochs: 4, Batches: 8, Updates: 8, Rate: 0.01}) {
		t.Errorf("progress is %+v", p)
	}
	m := toyModel(t)
	for i, until := range []int{1, 3, 2, 4, 4} {
		h, err := m.Fit(t.Context(), data, keraslike.Until(until))
		if err != nil {
			t.Fatal(err)
		}
		var csv strings.Builder
		if err := h.WriteCSV(&csv); err != nil {
			t.Fatal(err)
		}
		if wanted := []int{1, 2, 0, 1, 0}[i]; h.Epochs() != wanted || wanted > 0 && !strings.Contains(csv.String(), fmt.Sprintf("\n%d,", until)) {
			t.Errorf("until %d: %d epochs, want %d, with their numbers in\n%s", until, h.Epochs(), wanted, csv.String())
		}
		_, at := saved(t, m, keraslike.WithOptimizer)
		m = loaded(t, at)
	}
	if got, _ := saved(t, m, keraslike.WithOptimizer); !slices.Equal(got, want) {
		t.Error("up to 1, 3 and 4 epochs give other bytes than 4 epochs")
	}
	m = loaded(t, path)
	for name, options := range map[string][]keraslike.FitOption{
		"Until(6) is given beside Epochs":  {keraslike.Until(6), keraslike.Epochs(2)},
		"Until(7) is given beside Epochs":  {keraslike.InitialEpoch(4), keraslike.Until(7)},
		"until -1 epochs, want at least 1": {keraslike.Until(-1)},
	} {
		_, err := m.Fit(t.Context(), data, options...)
		wantError(t, err, name)
	}
}

// TestResumeStream interrupts trainings on streams: one that can begin again gives the rest
// of its epoch, read ahead or not, and one that cannot is read on.
func TestResumeStream(t *testing.T) {
	for name, stream := range map[string]func() keraslike.Samples{
		"begins again": func() keraslike.Samples { return resettable{flowing{&again{counted{Source: toyData(t, 40, 1)}}}} },
		"begins again, ahead": func() keraslike.Samples {
			return resettable{flowing{&again{counted{Source: toyData(t, 40, 1), ahead: 3}}}}
		},
		"without an end": func() keraslike.Samples { return flowing{&counted{Source: toyData(t, 40, 1), endless: true}} },
	} {
		options := []keraslike.FitOption{keraslike.BatchSize(7), keraslike.Until(3)}
		perEpoch := 6
		if name == "without an end" {
			perEpoch = 4
			options = append(options, keraslike.StepsPerEpoch(perEpoch))
		}
		whole := toyModel(t)
		h, err := whole.Fit(t.Context(), stream(), options...)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := saved(t, whole, keraslike.WithOptimizer)
		for batches := 1; batches < 2*perEpoch+2; batches++ {
			m, s, done := toyModel(t), stream(), 0
			ctx, cancel := context.WithCancel(t.Context())
			count := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
				if e == keraslike.BatchEnd {
					if done++; done == batches {
						cancel()
					}
				}
				return nil
			})
			first, err := m.Fit(ctx, s, append(options, keraslike.Callbacks(count))...)
			if !errors.Is(err, keraslike.ErrInterrupted) {
				t.Fatalf("%s, after %d batches: %v", name, batches, err)
			}
			if name != "without an end" {
				_, path := saved(t, m, keraslike.WithOptimizer)
				m, s = loaded(t, path), stream()
			}
			second, err := m.Fit(t.Context(), s, options...)
			if err != nil {
				t.Fatalf("%s, after %d batches: %v", name, batches, err)
			}
			if got, _ := saved(t, m, keraslike.WithOptimizer); !slices.Equal(got, want) || history(first, second) != history(h) {
				t.Errorf("%s, after %d batches: other bytes or history than without a break", name, batches)
			}
		}
	}
}

// TestLoadInterruptedMistakes changes what a file says of an interrupted run.
func TestLoadInterruptedMistakes(t *testing.T) {
	m, done := toyModel(t), 0
	ctx, cancel := context.WithCancel(t.Context())
	stop := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e == keraslike.BatchEnd {
			if done++; done == 4 {
				cancel()
			}
		}
		return nil
	})
	if _, err := m.Fit(ctx, toyData(t, 40, 1), keraslike.Until(3), keraslike.BatchSize(16), keraslike.Callbacks(stop, callbacks.EarlyStopping("loss", callbacks.RestoreBest))); !errors.Is(err, keraslike.ErrInterrupted) {
		t.Fatal(err)
	}
	content, path := saved(t, m, keraslike.WithOptimizer)
	if again, _ := saved(t, loaded(t, path), keraslike.WithOptimizer); !slices.Equal(again, content) {
		t.Error("saved, loaded and saved again the bytes are others")
	}
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, c := range map[string]struct{ old, new, want string }{
		"sums":       {`"sums":"`, `"sums":"AAAA`, "bytes of sums of the interrupted epoch"},
		"epoch":      {`"best epoch":1`, `"best epoch":-1`, "best epoch -1: want 0 to"},
		"best":       {`"best":"`, `"best":"x`, `best is "x`},
		"pending":    {`"position":16`, `"position":0,"pending":true`, "an epoch is over and has had no samples"},
		"no weights": {`"weights":true`, `"weights":true},{"callback":"more","weights":true`, `has no tensor "optimizer/callback 1/`},
		"forgotten":  {`"weights":true`, `"weights":false`, `holds tensor "optimizer/callback 0/`},
	} {
		var tensors []safetensors.Tensor
		for _, name := range file.Names() {
			shape, data, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			tensors = append(tensors, safetensors.Tensor{Name: name, Shape: shape, Data: data})
		}
		meta := maps.Clone(file.Metadata())
		if !strings.Contains(meta["reef.compile"], c.old) {
			t.Fatalf("%s lacks %q: this case has lost its point", meta["reef.compile"], c.old)
		}
		meta["reef.compile"] = strings.Replace(meta["reef.compile"], c.old, c.new, 1)
		changed := filepath.Join(t.TempDir(), "changed.safetensors")
		if err := safetensors.WriteFile(changed, tensors, meta); err != nil {
			t.Fatal(err)
		}
		if _, err := keraslike.Load(changed); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v lacks %q", name, err, c.want)
		}
	}
}
