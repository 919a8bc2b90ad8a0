// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"maps"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// BenchmarkOptimizer is the update of a dense layer of 784 inputs and 512 units by every optimizer.
func BenchmarkOptimizer(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(optimizerKinds)) {
		b.Run(name, func(b *testing.B) {
			rng := newRand(1, "data")
			var weights []*Weight
			gradients := []gradient{}
			for _, shape := range [][]int{{784, 512}, {512}} {
				w := &Weight{shape: shape}
				g := make([]float32, Shape(shape).Size())
				kerneltest.Normal(rng, g)
				if err := w.Set(g); err != nil {
					b.Fatal(err)
				}
				weights, gradients = append(weights, w), append(gradients, gradient{values: g})
			}
			t, err := newTrainer(optimizerKinds[name](), weights, (*Weight).Path)
			if err != nil {
				b.Fatal(err)
			}
			copy(t.gradients, gradients)
			b.ReportAllocs()
			for b.Loop() {
				if err := t.step(1e-3); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(784*512+512)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mweights/s")
		})
	}
}
