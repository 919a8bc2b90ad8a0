// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
)

// TestStoryThatFails: what was trained before a model diverges, or cannot be built, is
// reported and saved, and so is the course of the one that diverged.
func TestStoryThatFails(t *testing.T) {
	mine := errors.New("no such data")
	data, err := datasets.InMemory([]datasets.Array{{Shape: []int{1}, Data: []float32{1, 2, 3, 4}}}, []datasets.Array{{Shape: []int{1}, Data: []float32{2, 4, 6, 8}}})
	if err != nil {
		t.Fatal(err)
	}
	story := func(optimizers ...keraslike.Optimizer) (*Report, []string, error) {
		var said []string
		next := 0
		variants := []string{"first", "second", "third"}
		o := Options{Seed: 1, Say: func(line string) { said = append(said, line) }}
		r, err := o.story(context.Background(), "line", variants, func(v string) (training, error) {
			if next++; next > len(optimizers) {
				return training{}, mine
			}
			return training{
				model:     keraslike.Sequential(v, keraslike.Input(1), keraslike.Dense(1)),
				optimizer: optimizers[next-1], loss: keraslike.MeanSquaredError, train: data, epochs: 100, batch: 4,
			}, nil
		})
		return r, said, err
	}
	good, bad := keraslike.SGD(0.01), keraslike.SGD(1e6)
	for _, c := range []struct {
		optimizers []keraslike.Optimizer
		is         func(error) bool
		trained    int
		stopped    string
		said       string
		files      []string
	}{
		{[]keraslike.Optimizer{good, bad, good}, diverged, 2, "; not started: third", "model 1 of 3, first:,model 2 of 3, second:", []string{"result.json", "report.html", "first/model.safetensors", "second/report.html", "second/history.csv"}},
		{[]keraslike.Optimizer{good, good, bad}, diverged, 3, "third: ", "model 1 of 3, first:,model 2 of 3, second:,model 3 of 3, third:", []string{"result.json", "third/report.html"}},
		{[]keraslike.Optimizer{bad}, diverged, 1, "; not started: second, third", "model 1 of 3, first:", []string{"result.json", "report.html"}},
		{[]keraslike.Optimizer{good, good}, func(err error) bool { return errors.Is(err, mine) }, 2, "third: no such data", "model 1 of 3, first:,model 2 of 3, second:,model 3 of 3, third:", []string{"result.json", "first/model.safetensors", "second/model.safetensors"}},
	} {
		r, said, err := story(c.optimizers...)
		if err == nil || !c.is(err) || r == nil {
			t.Errorf("%d models: report %v, error %v", len(c.optimizers), r, err)
			continue
		}
		if n := max(1, len(r.Variants)); n != c.trained || !strings.Contains(r.Stopped, c.stopped) {
			t.Errorf("%d models trained, stopped %q; want %d and %q", n, r.Stopped, c.trained, c.stopped)
		}
		if got := strings.Join(said, ","); got != c.said {
			t.Errorf("said %q, want %q", got, c.said)
		}
		dir := t.TempDir()
		if _, err := r.Save(dir); err != nil && !strings.Contains(err.Error(), "not finite") {
			t.Error(err)
		}
		for _, f := range c.files {
			if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
				t.Error(err)
			}
		}
	}
	if r, _, err := story(); r != nil || !errors.Is(err, mine) {
		t.Errorf("nothing trained: report %v, error %v", r, err)
	}
}

func diverged(err error) bool {
	var e *keraslike.NotFiniteError
	return errors.As(err, &e)
}

// TestDirections: which way a figure is better is known of the figure, not by letters
// that its name happens to have.
func TestDirections(t *testing.T) {
	for name, want := range map[string][2]bool{ // smaller is better, neither is
		"loss": {true, false}, "holdout/test_mae": {true, false}, "gap_mae": {true, false}, "best_val_celsius": {true, false}, "part_test_rmse": {true, false},
		"test_accuracy": {false, false}, "plain/best_val_accuracy": {false, false}, "gru/gain_over_naive": {false, false},
		"naive_test_mae": {false, true}, "top1": {false, true}, "inaccuracy": {false, true},
	} {
		if smaller, neutral := direction(name); [2]bool{smaller, neutral} != want {
			t.Errorf("%s: smaller is better: %t, neither: %t", name, smaller, neutral)
		}
	}
}
