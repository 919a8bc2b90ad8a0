// SPDX-License-Identifier: Apache-2.0

package callbacks_test

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
)

// scripted fits a model whose monitored numbers are given: a callback before c puts
// them into the logs as "score".
func scripted(t *testing.T, scores []float64, c keraslike.Callback) (*keraslike.Model, *keraslike.History, []float64) {
	t.Helper()
	m := toyModel(t)
	var rates []float64
	script := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		switch e {
		case keraslike.EpochBegin:
			rates = append(rates, tr.Rate)
		case keraslike.EpochEnd:
			tr.Logs = append(tr.Logs, keraslike.Log{Name: "score", Value: scores[tr.Epoch-1]})
		}
		return nil
	})
	h, err := m.Fit(t.Context(), blobs(40, 1), keraslike.Epochs(len(scores)), keraslike.BatchSize(20), keraslike.Callbacks(script, c))
	if err != nil {
		t.Fatal(err)
	}
	return m, h, rates
}

// The epochs follow Keras's rule: wait is counted from the last improvement by more
// than MinDelta and training stops when it reaches the patience.
func TestEarlyStopping(t *testing.T) {
	for name, c := range map[string]struct {
		stopping      keraslike.Callback
		scores        []float64
		epochs, best  int
		stoppedBefore bool
	}{
		"no patience":     {callbacks.EarlyStopping("score", callbacks.Min), []float64{3, 2, 2, 1}, 3, 2, true},
		"patience":        {callbacks.EarlyStopping("score", callbacks.Min, callbacks.Patience(2)), []float64{3, 4, 2, 5, 2, 1}, 5, 3, true},
		"never":           {callbacks.EarlyStopping("score", callbacks.Min, callbacks.Patience(2)), []float64{5, 4, 4, 3}, 4, 4, false},
		"min delta":       {callbacks.EarlyStopping("score", callbacks.Min, callbacks.Patience(2), callbacks.MinDelta(0.5)), []float64{3, 2.8, 2.6, 0}, 3, 1, true},
		"max":             {callbacks.EarlyStopping("score", callbacks.Max, callbacks.Patience(1)), []float64{1, 2, 1.5, 9}, 3, 2, true},
		"baseline":        {callbacks.EarlyStopping("score", callbacks.Min, callbacks.Patience(2), callbacks.Baseline(1)), []float64{3, 2, 2.5, 0}, 3, 2, true},
		"later":           {callbacks.EarlyStopping("score", callbacks.Min, callbacks.StartFrom(3)), []float64{1, 5, 4, 3, 4, 1}, 5, 4, true},
		"no number":       {callbacks.EarlyStopping("score", callbacks.Min, callbacks.Patience(1)), []float64{2, math.NaN(), 1}, 2, 1, true},
		"first no number": {callbacks.EarlyStopping("score", callbacks.Min, callbacks.Patience(2)), []float64{math.NaN(), 3, 2}, 3, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, h, _ := scripted(t, c.scores, c.stopping)
			if h.Epochs() != c.epochs || callbacks.BestEpoch(c.stopping) != c.best || (callbacks.StoppedEpoch(c.stopping) > 0) != c.stoppedBefore {
				t.Errorf("%d epochs, best %d, stopped after %d; want %d and %d", h.Epochs(), callbacks.BestEpoch(c.stopping), callbacks.StoppedEpoch(c.stopping), c.epochs, c.best)
			}
		})
	}
}

func TestEarlyStoppingRestoresBest(t *testing.T) {
	m, _, _ := scripted(t, []float64{3, 1, 2, 2, 2}, callbacks.EarlyStopping("score", callbacks.Min, callbacks.Patience(2), callbacks.RestoreBest))
	after2 := toyModel(t)
	if _, err := after2.Fit(t.Context(), blobs(40, 1), keraslike.Epochs(2), keraslike.BatchSize(20)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(m), weightsOf(after2)) {
		t.Error("the weights are not those after the best epoch, the second")
	}
}

func TestReduceLROnPlateau(t *testing.T) {
	scores := []float64{5, 5, 5, 5, 5, 5, 4, 4, 4}
	_, _, rates := scripted(t, scores, callbacks.ReduceLROnPlateau("score", callbacks.Min, callbacks.Factor(0.5), callbacks.Patience(2), callbacks.Cooldown(2), callbacks.MinRate(0.003)))
	// Two epochs without improvement (2, 3), two of cool-down, of which the last counts again (5), 6; then 8, cooled, bounded.
	want := []float64{0.01, 0.01, 0.01, 0.005, 0.005, 0.005, 0.003, 0.003, 0.003}
	for i := range want {
		if math.Abs(rates[i]-want[i]) > 1e-12 {
			t.Fatalf("rates %v, want %v", rates, want)
		}
	}
}

func TestLearningRateScheduler(t *testing.T) {
	_, _, rates := scripted(t, make([]float64, 3), callbacks.LearningRateScheduler(func(epoch int, rate float64) float64 { return rate / float64(epoch) }))
	if want := []float64{0.01, 0.01, 0.005}; !slices.Equal(rates, want) { // each epoch's is set behind the script
		t.Errorf("rates before the callback %v, want %v", rates, want)
	}
}

func TestModelCheckpoint(t *testing.T) {
	dir := t.TempDir()
	m, _, _ := scripted(t, []float64{3, 1, 2}, callbacks.ModelCheckpoint(filepath.Join(dir, "{epoch}-{score}.safetensors"), callbacks.SaveBestOnly("score"), callbacks.Min))
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if want := []string{"1-3.0000.safetensors", "2-1.0000.safetensors"}; !slices.Equal(names, want) {
		t.Fatalf("files %q, want %q", names, want)
	}
	loaded, err := keraslike.Load(filepath.Join(dir, names[1]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loaded.Fit(t.Context(), blobs(40, 1), keraslike.BatchSize(20)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(loaded), weightsOf(m)) {
		t.Error("the third epoch from the checkpoint leads elsewhere than the run that it was taken from")
	}
	// Also from within an epoch.
	path := filepath.Join(dir, "batch.safetensors")
	whole := toyModel(t)
	for i, target := range []*keraslike.Model{whole, toyModel(t)} {
		checkpoint := callbacks.ModelCheckpoint(path, callbacks.EveryBatches(3))
		stop := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
			if i == 1 && e == keraslike.BatchEnd && tr.Step == 4 {
				return errors.New("the power fails")
			}
			return nil
		})
		_, err := target.Fit(t.Context(), blobs(40, 1), keraslike.BatchSize(8), keraslike.Callbacks(checkpoint, stop))
		if (err != nil) != (i == 1) {
			t.Fatal(err)
		}
	}
	resumed, err := keraslike.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resumed.Fit(t.Context(), blobs(40, 1), keraslike.BatchSize(8)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(resumed), weightsOf(whole)) {
		t.Error("the rest of the epoch from the third batch leads elsewhere")
	}
}

func TestCSVLogger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.csv")
	_, h, _ := scripted(t, []float64{3, 0.5}, callbacks.CSVLogger(path))
	scripted(t, []float64{7}, callbacks.CSVLogger(path, callbacks.Append))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 4 || lines[0] != "epoch,loss,accuracy,score" || !strings.HasSuffix(lines[2], ",0.5") || !strings.HasPrefix(lines[3], "1,") {
		t.Errorf("log of %d epochs is\n%s", h.Epochs(), text)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestTensorBoard(t *testing.T) {
	clock := callbacks.Clock(func() time.Time { return time.Unix(1700000000, 0) })
	var files [2][]byte
	for i := range files {
		dir := filepath.Join(t.TempDir(), "run")
		scripted(t, []float64{3, 0.5}, callbacks.TensorBoard(dir, clock, callbacks.Histograms(2)))
		found, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
		if err != nil || len(found) != 1 {
			t.Fatalf("event files %q, %v", found, err)
		}
		if files[i], err = os.ReadFile(found[0]); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(files[0], files[1]) {
		t.Error("the same training and clock give different event files")
	}
	for _, tag := range []string{"epoch_loss", "epoch_score", "epoch_learning_rate", "dense_1/kernel"} {
		if !strings.Contains(string(files[0]), tag) {
			t.Errorf("the event file lacks %q", tag)
		}
	}
}

func TestCallbackMistakes(t *testing.T) {
	data := blobs(20, 1)
	for _, c := range []struct {
		callback keraslike.Callback
		want     string
	}{
		{callbacks.EarlyStopping("val_loss"), `no "val_loss" to monitor, the logs have ["loss" "accuracy"]`},
		{callbacks.EarlyStopping(""), "nothing to monitor"},
		{callbacks.EarlyStopping("loss", callbacks.Patience(-1)), "patience is -1"},
		{callbacks.EarlyStopping("loss", callbacks.StartFrom(-1)), "starts from epoch -1"},
		{callbacks.EarlyStopping("loss", callbacks.Min, callbacks.Max), "got both modes max and min"},
		{callbacks.EarlyStopping("loss", callbacks.Max, callbacks.Min), "got both modes max and min"},
		{callbacks.ModelCheckpoint("m", callbacks.Min), "mode min is given without SaveBestOnly"},
		{callbacks.TensorBoard(t.TempDir(), callbacks.Histograms(-1)), "histograms after every -1 epochs"},
		{callbacks.EarlyStopping("loss", callbacks.Mode("up")), `mode "up" is unknown`},
		{callbacks.ReduceLROnPlateau("loss", callbacks.Factor(1)), "factor 1"},
		{callbacks.ModelCheckpoint(""), "want a path"},
		{callbacks.LearningRateScheduler(nil), "the function is nil"},
		{callbacks.LearningRateScheduler(func(int, float64) float64 { return math.NaN() }), "rate NaN for epoch 1"},
		{callbacks.CSVLogger(filepath.Join(t.TempDir(), "nowhere", "log.csv")), "nowhere"},
	} {
		_, err := toyModel(t).Fit(t.Context(), data, keraslike.Callbacks(c.callback))
		wantError(t, err, c.want)
	}
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax))
	if err := m.Compile(keraslike.SGD(0.1, keraslike.WithSchedule(keraslike.ExponentialDecay{Steps: 1, Rate: 0.5})), keraslike.SparseCategoricalCrossentropy); err != nil {
		t.Fatal(err)
	}
	_, err := m.Fit(t.Context(), data, keraslike.Callbacks(callbacks.ReduceLROnPlateau("loss")))
	wantError(t, err, "schedule exponential_decay sets the learning rate")
}

// A number that does not exist is reported before the first batch where every callback
// tells which numbers it adds; a callback that adds it makes it one to monitor.
func TestMonitoredBeforeTraining(t *testing.T) {
	for name, c := range map[string]keraslike.Callback{
		"early stopping: ":    callbacks.EarlyStopping("val_loss"),
		"reduce on plateau: ": callbacks.ReduceLROnPlateau("val_loss", callbacks.Min),
		"checkpoint: ":        callbacks.ModelCheckpoint(filepath.Join(t.TempDir(), "m"), callbacks.SaveBestOnly("val_loss")),
	} {
		m := toyModel(t)
		_, err := m.Fit(t.Context(), blobs(40, 1), keraslike.Callbacks(c, callbacks.Progress(io.Discard)))
		wantError(t, err, name+`there is no "val_loss" to monitor, the logs have ["loss" "accuracy"]`)
		if done := m.Progress().Batches; done != 0 {
			t.Errorf("%safter %d batches", name, done)
		}
		if _, err := m.Fit(t.Context(), blobs(40, 1), keraslike.ValidationSplit(0.5), keraslike.Callbacks(c)); err != nil {
			t.Error(err)
		}
	}
	s := callbacks.EarlyStopping("score", callbacks.Max)
	if _, err := toyModel(t).Fit(t.Context(), blobs(40, 1), keraslike.Callbacks(scorer{}, s)); err != nil || callbacks.BestEpoch(s) != 1 {
		t.Errorf("best epoch %d, %v; want 1", callbacks.BestEpoch(s), err)
	}
	_, err := toyModel(t).Fit(t.Context(), blobs(40, 1), keraslike.Callbacks(scorer{}, callbacks.EarlyStopping("points", callbacks.Max)))
	wantError(t, err, `no "points" to monitor, the logs have ["loss" "accuracy" "score"]`)
}

// scorer adds a number to the logs, and says so.
type scorer struct{}

func (scorer) AddsLogs() []string { return []string{"score"} }

func (scorer) On(e keraslike.Event, t *keraslike.Training) error {
	if e == keraslike.EpochEnd {
		t.Logs = append(t.Logs, keraslike.Log{Name: "score", Value: 1})
	}
	return nil
}

// A training that fails leaves an event file that is closed and holds the epochs before.
func TestTensorBoardAfterFailure(t *testing.T) {
	dir := t.TempDir()
	fails := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e == keraslike.EpochBegin && tr.Epoch == 2 {
			return errors.New("the power fails")
		}
		return nil
	})
	board := callbacks.TensorBoard(dir)
	for range 2 { // it can be used again
		_, err := toyModel(t).Fit(t.Context(), blobs(20, 1), keraslike.Epochs(3), keraslike.Callbacks(board, fails))
		wantError(t, err, "the power fails")
	}
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("event files %q, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(text), "epoch_loss") {
		t.Errorf("the event file has %q, %v", text, err)
	}
}
