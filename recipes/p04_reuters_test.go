// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"testing"

	"github.com/reef-dl/reef/datasets"
)

// TestSparseLabelsAreTheSame: class numbers and vectors of classes teach the same
// model, to rounding.
func TestSparseLabelsAreTheSame(t *testing.T) {
	var losses [][]float64
	for _, v := range []string{"onehot", "sparse"} {
		r, err := Reuters(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Variant: v, Epochs: 2, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, r.History.Get("loss"))
	}
	for i := range losses[0] {
		if d := losses[0][i] - losses[1][i]; d > 1e-4 || d < -1e-4 {
			t.Errorf("epoch %d: losses %g and %g", i+1, losses[0][i], losses[1][i])
		}
	}
}
