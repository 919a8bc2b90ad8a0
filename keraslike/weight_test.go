// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
)

// versions returns the versions of all weights.
func versions(m *Model) (list []uint64) {
	for _, w := range m.weights {
		list = append(list, w.version.Load())
	}
	return list
}

// Everything that writes a weight is counted in its version, and nothing else is.
func TestWeightVersions(t *testing.T) {
	m := Sequential("m", Input(3), Dense(4, Trainable(false)), BatchNormalization(), Dense(2, KernelConstraint(MaxNorm(1))))
	step := func() error {
		_, err := m.TrainOnBatch(filledTensor([]float32{1, 2, 3, 4, 5, 6}, 2, 3), filledTensor([]float32{1, 2, 3, 4}, 2, 2))
		return err
	}
	x, err := NewArray([]float32{1, 2, 3}, 1, 3)
	y, err2 := NewArray([]float32{1, 2}, 1, 2)
	data, err3 := Data(x, y)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "m")
	all := []int{0, 1, 2, 3, 4, 5, 6, 7}
	for _, c := range []struct {
		name    string
		do      func() error
		written []int
	}{
		{"Build", func() error { return m.Build(1) }, all},
		{"Build again", func() error { return m.Build(2) }, nil},
		{"Compile", func() error { return m.Compile(SGD(0.1, AverageWeights(0.9)), MeanSquaredError) }, nil},
		{"a step, by which the first layer is frozen", step, []int{2, 3, 4, 5, 6, 7}},
		{"Predict", func() error { _, err := m.Predict(x); return err }, nil},
		{"Evaluate", func() error { _, err := m.Evaluate(t.Context(), data); return err }, nil},
		{"Values", func() error { clear(m.weights[0].Values()); return nil }, nil},
		{"Set", func() error { return m.weights[1].Set([]float32{1, 2, 3, 4}) }, []int{1}},
		{"Set of a wrong size", func() error {
			if m.weights[1].Set([]float32{1}) == nil {
				return errors.New("accepted")
			}
			return nil
		}, nil},
		{"Update", func() error { return m.weights[0].Update(func(v []float32) { v[0]++ }) }, []int{0}},
		{"UpdateWeights", func() error { return UpdateWeights(m.weights[:3], func(_ int, v []float32) { v[0]++ }) }, []int{0, 1, 2}},
		{"a panic during an update", func() error {
			var caught *PanicError
			if err := m.weights[0].Update(func([]float32) { panic("no") }); !errors.As(err, &caught) {
				return errors.Join(errors.New("want a PanicError"), err)
			}
			return nil
		}, []int{0}},
		{"the averages of training", func() error { return m.trainer.useAverages() }, []int{2, 3, 6, 7}},
		{"Save", func() error { return m.Save(file) }, nil},
	} {
		before := versions(m)
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for i, v := range versions(m) {
			if want := slices.Contains(c.written, i); v > before[i] != want {
				t.Errorf("%s: version of %s from %d to %d, written is %v", c.name, m.weights[i].path, before[i], v, want)
			}
		}
	}
	loaded, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(versions(loaded), 0) {
		t.Errorf("versions after Load are %v, want none 0", versions(loaded))
	}
}

// Layers of several models have the locks of all, in one order in each of them.
func TestWeightLocks(t *testing.T) {
	a, b, c := Dense(2, Name("a")), Dense(2, Name("b")), Dense(2, Name("c"))
	first, second := Sequential("first", Input(2), a), Sequential("second", Input(2), b)
	both := Sequential("both", Input(2), b, c, a)
	if len(first.locks) != 1 || len(second.locks) != 1 || first.locks[0] == second.locks[0] {
		t.Fatal("want one lock for each of two models")
	}
	own := c.core().weights[0].lock
	if want := (weightLocks{first.locks[0], second.locks[0], own}); !slices.Equal(both.locks, want) || own != c.core().weights[1].lock {
		t.Errorf("locks %v, want %v", both.locks, want)
	}
	part, err := both.SubModel("c")
	if err != nil {
		t.Fatal(err)
	}
	if want := (weightLocks{second.locks[0], own}); !slices.Equal(part.locks, want) {
		t.Errorf("locks of a part %v, want %v", part.locks, want)
	}
}
