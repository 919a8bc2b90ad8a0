// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// TestStoppedSaysWhatHappened: a report tells of the epochs that were trained and
// not of a last epoch, a final model and a test that did not happen.
func TestStoppedSaysWhatHappened(t *testing.T) {
	stopAt := func(epoch int) (context.Context, k.Callback) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		return ctx, k.CallbackFunc(func(e k.Event, t *k.Training) error {
			if e == k.BatchEnd && t.Epoch == epoch {
				cancel()
			}
			return nil
		})
	}
	html := func(r *Report) string {
		var b strings.Builder
		if err := r.WriteHTML(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	ctx, progress := stopAt(3)
	r, err := MNIST(ctx, Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 60, Seed: 1, Progress: progress})
	if !errors.Is(err, k.ErrInterrupted) || r.Epochs != 2 || r.Planned != 60 || len(r.Notes) != 0 {
		t.Errorf("%d of %d epochs, notes %q, error %v", r.Epochs, r.Planned, r.Notes, err)
	}
	if p := html(r); !strings.Contains(p, "2 of 60 epochs on 2,000 samples") || !strings.Contains(p, "It was stopped early: epoch 3,") {
		t.Errorf("the HTML report does not say how far the training came: %s", r.trainedFor()+r.early())
	}
	ctx, progress = stopAt(2)
	if r, err = IMDB(ctx, Options{Data: datasets.From{Source: datasets.Sample}, Variant: "plain", Seed: 1, Progress: progress}); !errors.Is(err, k.ErrInterrupted) {
		t.Fatal(err)
	}
	if slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "trained from scratch") }) {
		t.Errorf("the notes tell of a final model that never was: %q", r.Notes)
	}
	whole, err := MNIST(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 1, Seed: 1})
	if err != nil || whole.Planned != 0 || whole.Stopped != "" || len(whole.Notes) != 0 {
		t.Errorf("one epoch: %q, planned %d, stopped %q (%v)", whole.Notes, whole.Planned, whole.Stopped, err)
	}
	if p := html(whole); !strings.Contains(p, "1 epoch on 2,000 samples") || strings.Contains(p, "1 epochs") {
		t.Error("a plural of one")
	}
}

// TestDirections: which way a figure is better depends on the whole name, not on letters
// that it happens to contain.
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
