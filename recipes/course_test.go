// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
)

// told has the course of a history whose losses are those given.
func toldCourse(t *testing.T, loss, unseen []float64) string {
	t.Helper()
	in, err := keraslike.Column([]float32{1})
	if err != nil {
		t.Fatal(err)
	}
	data, err := keraslike.Data(in, in)
	if err != nil {
		t.Fatal(err)
	}
	m := keraslike.Sequential("m", keraslike.Input(1), keraslike.Dense(1))
	if err := m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError, keraslike.Seed(1)); err != nil {
		t.Fatal(err)
	}
	options := []keraslike.FitOption{keraslike.Epochs(len(loss))}
	if unseen != nil {
		options = append(options, keraslike.Validation(data))
	}
	h, err := m.Fit(t.Context(), data, options...)
	if err != nil {
		t.Fatal(err)
	}
	copy(h.Get("loss"), loss)
	copy(h.Get("val_loss"), unseen)
	return course(h)
}

// TestCourse: the sentence under curves is true of these curves.
func TestCourse(t *testing.T) {
	nan := math.NaN()
	for want, c := range map[string][2][]float64{
		"A single epoch shows no trend yet.":                                                 {{0.5}, {0.4}},
		"The validation loss is still falling in the last epoch.":                            {{5, 4, 3, 2}, {5, 4, 3, 2.5}},
		"The training loss is still falling in the last epoch.":                              {{5, 4, 3, 2}, nil},
		"The validation loss is lowest in the last epoch, but it is hardly falling anymore.": {{5, 4, 3, 2}, {5, 3, 2.0001, 2}},
		"The validation loss is lowest in epoch 2 (0.27) and has risen to 0.73 since, while the training loss kept falling: the network has begun to memorize its training samples.": {{0.5, 0.3, 0.1, 0.05, 0.01}, {0.35, 0.27, 0.4, 0.6, 0.73}},
		"The validation loss is lowest in epoch 3 (0.3) and has hardly moved since.":                                                                                                 {{1, 0.5, 0.3, 0.29, 0.28}, {1, 0.5, 0.3, 0.301, 0.3005}},
		"The validation loss is lowest in epoch 2 (0.3); in the last epoch it is 0.5.":                                                                                               {{1, 0.5, 0.6, 0.7, 0.8}, {1, 0.3, 0.31, 0.301, 0.5}},
		// the validation loss is the lower one still, as with augmented pictures
		"The validation loss is lowest in epoch 2 (0.39); in the last epoch it is 0.45.": {{0.7, 0.6, 0.55, 0.52, 0.5}, {0.6, 0.39, 0.42, 0.44, 0.45}},
		"Both losses are lowest after the first epoch and have risen since.":             {{1, 2, 3}, {1, 2, 3}},
		"The training loss does not move: the network learns nothing.":                   {{84.4, 84.4, 84.4}, nil},
		"The loss is not a number from epoch 2 on: training has diverged.":               {{1, nan, nan}, {1, nan, nan}},
		"The validation loss is not a number in some epochs.":                            {{3, 2, 1}, {1, math.Inf(1), 1}},
	} {
		if got := toldCourse(t, c[0], c[1]); got != want {
			t.Errorf("%v and %v: got\n%s\nwant\n%s", c[0], c[1], got, want)
		}
	}
}

// TestStoppedSaysWhatHappened: a report speaks of the epochs that were trained and
// not of a last epoch, a final model and a test that never were.
func TestStoppedSaysWhatHappened(t *testing.T) {
	stopAt := func(epoch int) (context.Context, keraslike.Callback) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		return ctx, keraslike.CallbackFunc(func(e keraslike.Event, t *keraslike.Training) error {
			if e == keraslike.BatchEnd && t.Epoch == epoch {
				cancel()
			}
			return nil
		})
	}
	page := func(r *Report) string {
		var b strings.Builder
		if err := r.WriteHTML(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	ctx, progress := stopAt(3)
	r, err := MNIST(ctx, Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 60, Seed: 1, Progress: progress})
	if !errors.Is(err, keraslike.ErrInterrupted) || r.Epochs != 2 || r.Planned != 60 || len(r.Notes) != 0 {
		t.Errorf("%d of %d epochs, notes %q, error %v", r.Epochs, r.Planned, r.Notes, err)
	}
	if p := page(r); !strings.Contains(p, "2 of 60 epochs on 2,000 samples") || !strings.Contains(p, "It was stopped early: epoch 3,") {
		t.Errorf("the page does not say how far the training came: %s", r.trainedFor()+r.early())
	}
	ctx, progress = stopAt(2)
	if r, err = IMDB(ctx, Options{Data: datasets.From{Source: datasets.Sample}, Variant: "plain", Seed: 1, Progress: progress}); !errors.Is(err, keraslike.ErrInterrupted) {
		t.Fatal(err)
	}
	if slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "trained anew") }) {
		t.Errorf("the notes tell of a final model that never was: %q", r.Notes)
	}
	whole, err := MNIST(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 1, Seed: 1})
	if err != nil || whole.Planned != 0 || whole.Stopped != "" || len(whole.Notes) != 0 {
		t.Errorf("one epoch: %q, planned %d, stopped %q (%v)", whole.Notes, whole.Planned, whole.Stopped, err)
	}
	if p := page(whole); !strings.Contains(p, "1 epoch on 2,000 samples") || strings.Contains(p, "1 epochs") {
		t.Error("a plural of one")
	}
}

// TestDivergedReport: a loss that is no number stands in the page and in the JSON.
func TestDivergedReport(t *testing.T) {
	r, err := MNIST(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"loss", "accuracy"} {
		r.History.Get(name)[1] = math.NaN()
		r.Metrics[name] = math.NaN()
	}
	dir := t.TempDir()
	if _, err := r.Save(dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil || !strings.Contains(string(b), `"loss": null`) {
		t.Errorf("result.json: %s (%v)", b, err)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil || !math.IsNaN(back.Metrics["loss"]) || back.Metrics["test_accuracy"] != r.Metrics["test_accuracy"] {
		t.Errorf("read back %v (%v)", back.Metrics, err)
	}
	if page, _ := os.ReadFile(filepath.Join(dir, "report.html")); !strings.Contains(string(page), "training has diverged") || !strings.Contains(string(page), "not a number") {
		t.Error("the page does not say so")
	}
}

// TestEarlierRuns: what another run left in a folder moves out of the way, and nothing
// else does.
func TestEarlierRuns(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	save := func(r *Report) {
		t.Helper()
		if _, err := r.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	there := func(want bool, names ...string) {
		t.Helper()
		for _, n := range names {
			if _, err := os.Stat(filepath.Join(dir, n)); (err == nil) != want {
				t.Errorf("%s: there is %v, want %v", n, err == nil, want)
			}
		}
	}
	o := Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 1, Seed: 1}
	story, err := IMDB(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	save(story)
	there(true, "report.html", "overfit/model.safetensors", "dropout/report.html", "overfitting.png")
	fewer := join(story.Variants[:2])
	save(fewer)
	there(true, "overfit/model.safetensors", "plain/report.html", "earlier/dropout/report.html", "earlier/l2/model.safetensors", "earlier/overfitting.svg")
	there(false, "dropout", "l2", "overfitting.png", "earlier/overfit", "earlier/report.html")
	save(story.Variants[2])
	there(true, "model.safetensors", "report.html", "earlier/overfit/model.safetensors", "earlier/report.html", "earlier/result.json")
	there(false, "overfit", "plain")
	save(story.Variants[2])
	there(true, "model.safetensors", "earlier/report.html")
	there(false, "earlier/model.safetensors")
	if b, err := os.ReadFile(mine); err != nil || string(b) != "mine" {
		t.Errorf("a file of the user's: %q (%v)", b, err)
	}
	hostile := filepath.Join(dir, "result.json")
	if err := os.WriteFile(hostile, []byte(`{"recipe": "x", "variants": [{"variant": "../.."}, {"variant": ".."}], "pictures": [{"name": "../../a"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	save(story.Variants[2])
	there(true, "notes.txt", "model.safetensors")
}
