// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// restorable returns a compiled model with dropout and state of its own.
func restorable(t *testing.T, units int, rate float64) *keraslike.Model {
	t.Helper()
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(units, keraslike.ReLU), keraslike.Dropout(0.2),
		keraslike.BatchNormalization(), keraslike.Dense(toyClasses, keraslike.Softmax))
	if err := m.Compile(keraslike.Adam(rate), keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy, keraslike.Seed(3)); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRestore interrupts a training in its second epoch and continues it in another model of
// the same program, which ends like one that was not interrupted, as does a model that shares
// its weights.
func TestRestore(t *testing.T) {
	data := toyData(t, 40, 1)
	fit := func(m *keraslike.Model, ctx context.Context, c ...keraslike.Callback) (*keraslike.History, error) {
		return m.Fit(ctx, data, keraslike.Until(4), keraslike.BatchSize(8), keraslike.Callbacks(c...))
	}
	unbroken := restorable(t, 8, 0.05)
	whole, err := fit(unbroken, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	broken := restorable(t, 8, 0.05)
	first, err := fit(broken, ctx, keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e == keraslike.BatchEnd && tr.Epoch == 2 && tr.Step == 3 {
			cancel()
		}
		return nil
	}))
	if !errors.Is(err, keraslike.ErrInterrupted) {
		t.Fatal(err)
	}
	_, path := saved(t, broken, keraslike.WithOptimizer)

	m := restorable(t, 8, 0.05)
	part, err := m.SubModel("dense")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fit(m, t.Context()); err != nil { // Restore replaces what was trained
		t.Fatal(err)
	}
	if err := m.Restore(path); err != nil {
		t.Fatal(err)
	}
	if m.Progress() != broken.Progress() {
		t.Errorf("progress is %+v, want %+v", m.Progress(), broken.Progress())
	}
	second, err := fit(m, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, _ := saved(t, m, keraslike.WithOptimizer)
	if want, _ := saved(t, unbroken, keraslike.WithOptimizer); !bytes.Equal(got, want) {
		t.Error("the model has other bytes than without a break")
	}
	if !slices.Equal(part.Weights()[0].Values(), unbroken.Weights()[0].Values()) {
		t.Error("a model that shares the weights has others")
	}
	if err := first.Append(second); err != nil || history(first) != history(whole) || first.Samples != whole.Samples {
		t.Errorf("the history is %v, want %v (%v)", first, whole, err)
	}
}

// TestRestoreMistakes: the error names the file and what is wrong with it.
func TestRestoreMistakes(t *testing.T) {
	m := restorable(t, 8, 0.05)
	if _, err := m.Fit(t.Context(), toyData(t, 40, 1)); err != nil {
		t.Fatal(err)
	}
	_, good := saved(t, m, keraslike.WithOptimizer)
	_, bare := saved(t, m)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, restorable(t, 9, 0.05).Restore(good), "restore model \"m\": "+good, "of other layers")
	wantError(t, restorable(t, 8, 0.06).Restore(good), "was compiled with ", "0.05", "want the model's settings", "0.06")
	wantError(t, m.Restore(bare), bare, "WithOptimizer")
	wantError(t, m.Restore(text), "restore model", "text")
	wantError(t, m.Restore(filepath.Join(t.TempDir(), "absent")), "absent")
	plain := keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(1))
	if err := plain.Restore(good); !errors.Is(err, keraslike.ErrNotCompiled) {
		t.Errorf("got %v, want ErrNotCompiled", err)
	}
	inside := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e == keraslike.BatchEnd {
			return tr.Model.Restore(good)
		}
		return nil
	})
	_, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.Callbacks(inside))
	wantError(t, err, "a call of Fit on this model is still running")
}
