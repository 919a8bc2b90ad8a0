// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"slices"
	"syscall"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// TestLoadBytesOfReadOnlyMemory trains each optimizer on a model whose file lies in memory that
// must not be written: one write would end this process.
func TestLoadBytesOfReadOnlyMemory(t *testing.T) {
	x, _ := blobs(5, 1)
	for name, makeOptimizer := range keraslike.Optimizers() {
		m := keraslike.Sequential("m", keraslike.Input(toyFeatures),
			keraslike.Dense(8, keraslike.ReLU, keraslike.KernelConstraint(keraslike.MaxNorm(0.5))),
			keraslike.BatchNormalization(), keraslike.Dense(toyClasses, keraslike.Softmax))
		if err := m.Compile(makeOptimizer(), keraslike.SparseCategoricalCrossentropy); err != nil {
			t.Fatal(err)
		}
		content, _ := saved(t, m, keraslike.WithOptimizer)
		memory, err := syscall.Mmap(-1, 0, len(content), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		copy(memory, content)
		if err := syscall.Mprotect(memory, syscall.PROT_READ); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second model reads what the first has left
			loaded, err := keraslike.LoadBytes(memory)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := predict(t, loaded, x), predict(t, m, x); !slices.Equal(got, want) {
				t.Errorf("%s: predicts %v, want %v", name, got, want)
			}
			if _, err := loaded.Fit(t.Context(), toyData(t, 20, 1), keraslike.Epochs(1), keraslike.BatchSize(8)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			again, _ := saved(t, loaded, keraslike.WithOptimizer)
			if slices.Equal(again, content) {
				t.Errorf("%s: training changed nothing", name)
			}
		}
		if err := syscall.Munmap(memory); err != nil {
			t.Fatal(err)
		}
	}
}
