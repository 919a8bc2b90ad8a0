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
	k "github.com/reef-dl/reef/keraslike"
)

// TestVariantsThatFail: what was trained before a model diverges, or cannot be built, is
// reported and saved, and so is the history of the one that diverged.
func TestVariantsThatFail(t *testing.T) {
	mine := errors.New("no such data")
	data, err := datasets.InMemory([]datasets.Array{{Shape: []int{1}, Data: []float32{1, 2, 3, 4}}}, []datasets.Array{{Shape: []int{1}, Data: []float32{2, 4, 6, 8}}})
	if err != nil {
		t.Fatal(err)
	}
	train := func(optimizers ...k.Optimizer) (*Report, []string, error) {
		var lines []string
		next := 0
		variants := []string{"first", "second", "third"}
		o, err := Options{Seed: 1, Say: func(line string) { lines = append(lines, line) }}.check("line", variants)
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.each("line", variants, func(v string) (*Report, error) {
			if next++; next > len(optimizers) {
				return nil, mine
			}
			model := k.Sequential(v, k.Input(1), k.Dense(1))
			if err := model.Compile(optimizers[next-1], k.MeanSquaredError, k.Seed(o.Seed)); err != nil {
				return nil, err
			}
			r := &Report{Recipe: "line", Variant: v, Model: model, TrainSamples: data.Len(), Epochs: o.epochs(100), Batch: o.batch(4, data.Len(), 0)}
			if err := r.begin(o, datasets.Origin{}); err != nil {
				return r.stopped(err)
			}
			history, err := model.Fit(context.Background(), data, k.Epochs(r.Epochs), k.BatchSize(r.Batch), k.Callbacks(o.Progress))
			if r.trained(history); err != nil {
				return r.stopped(err)
			}
			return r, nil
		})
		return r, lines, err
	}
	good, bad := k.SGD(0.01), k.SGD(1e6)
	for _, c := range []struct {
		optimizers []k.Optimizer
		is         func(error) bool
		trained    int
		stopped    string
		lines      string
		files      []string
	}{
		{[]k.Optimizer{good, bad, good}, diverged, 2, "; not started: third", "model 1 of 3, first:,model 2 of 3, second:", []string{"result.json", "report.html", "first/model.safetensors", "second/report.html", "second/history.csv"}},
		{[]k.Optimizer{good, good, bad}, diverged, 3, "third: ", "model 1 of 3, first:,model 2 of 3, second:,model 3 of 3, third:", []string{"result.json", "third/report.html"}},
		{[]k.Optimizer{bad}, diverged, 1, "; not started: second, third", "model 1 of 3, first:", []string{"result.json", "report.html"}},
		{[]k.Optimizer{good, good}, func(err error) bool { return errors.Is(err, mine) }, 2, "third: no such data", "model 1 of 3, first:,model 2 of 3, second:,model 3 of 3, third:", []string{"result.json", "first/model.safetensors", "second/model.safetensors"}},
	} {
		r, lines, err := train(c.optimizers...)
		if err == nil || !c.is(err) || r == nil {
			t.Errorf("%d models: report %v, error %v", len(c.optimizers), r, err)
			continue
		}
		if n := max(1, len(r.Variants)); n != c.trained || !strings.Contains(r.Stopped, c.stopped) {
			t.Errorf("%d models trained, stopped %q; want %d and %q", n, r.Stopped, c.trained, c.stopped)
		}
		if got := strings.Join(lines, ","); got != c.lines {
			t.Errorf("lines %q, want %q", got, c.lines)
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
	if r, _, err := train(); r != nil || !errors.Is(err, mine) {
		t.Errorf("nothing trained: report %v, error %v", r, err)
	}
}

func diverged(err error) bool {
	var e *k.NotFiniteError
	return errors.As(err, &e)
}
