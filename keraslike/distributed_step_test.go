// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"slices"
	"testing"

	"github.com/reef-dl/reef/keraslike/distributed"
)

// A step of distributed training allocates nothing after its first one, with dense gradients and
// those of an embedding, even and uneven leaves, with and without synchronized layers.
func TestDistributedStepAllocatesNothing(t *testing.T) {
	for i, leaves := range []int{4, 3, 4, 3} {
		layers := []Part{Input(5), Embedding(7, 3), GlobalAveragePooling1D(), Dense(4, ReLU), Dense(2, Softmax)}
		if i >= 2 {
			layers = slices.Insert(layers, 3, Part(BatchNormalization(Synchronized)))
		}
		m := Sequential("m", layers...)
		if err := m.Compile(RMSprop(0.01), SparseCategoricalCrossentropy, Accuracy); err != nil {
			t.Fatal(err)
		}
		f := &fit{m: m, epochs: 1, batch: 8}
		Distributed(distributed.Single(), Leaves(leaves)).applyFit(f)
		if err := f.together(t.Context(), nil, func() error { return f.prepare(&idSource{40}) }); err != nil {
			t.Fatal(err)
		}
		step := func() {
			if f.state.Samples == 40 {
				f.state.Samples = 0
				f.train.begin(nil)
			}
			if more, err := f.advance(t.Context()); !more || err != nil {
				t.Fatal(more, err)
			}
		}
		for range 6 {
			step()
		}
		if n := testing.AllocsPerRun(20, step); n > 0 {
			t.Errorf("%d leaves: %v allocations in a step", leaves, n)
		}
	}
}
