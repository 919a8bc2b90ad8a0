// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRMSpropOfRows: without momentum an update of some rows is in every bit the update
// of all with zeros for the others, for rows that come, stay away and come again, and
// whenever the state is looked at.
func TestRMSpropOfRows(t *testing.T) {
	const height, width, steps = 40, 75, 300
	for name, o := range map[string]Optimizer{"plain": RMSprop(0.1), "centered": RMSprop(0.1, Centered{}, Rho(0.99))} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			sparse, dense := stepping(t, o, []int{height, width}), stepping(t, o, []int{height, width})
			copy(sparse.free[0].Value(), dense.free[0].Value())
			for step := range steps {
				all := make([]float32, height*width)
				var some []float32
				var rows []int32
				for r := range height {
					if rng.IntN(1+r) != 0 { // row 0 each time, the last ones rarely
						continue
					}
					rows = append(rows, int32(r))
					for c := range width {
						v := float32(rng.NormFloat64())
						all[r*width+c] = v
						some = append(some, v)
					}
				}
				for m, g := range map[*Model]gradient{sparse: {some, rows, true}, dense: {values: all}} {
					m.compiled.steps++
					m.compiled.grads[0] = g
					if err := m.apply(o.Rate()); err != nil {
						t.Fatal(err)
					}
				}
				if !slices.Equal(sparse.free[0].Value(), dense.free[0].Value()) {
					t.Fatalf("step %d: rows and all give different weights", step+1)
				}
				if rng.IntN(50) != 0 && step < steps-1 {
					continue
				}
				want := dense.state()
				for k, s := range sparse.state() {
					if !slices.Equal(s.values, want[k].values) {
						t.Fatalf("step %d: rows and all give different %s", step+1, s.name)
					}
				}
			}
		})
	}
}
