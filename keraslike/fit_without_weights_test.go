// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// TestFitWithoutWeights: a model that has no weights has a loss and metrics, and nothing to train. The loss is
// ((2·1 - 1)² + (2·2 - 1)² + (2·3 - 1)²)/3.
func TestFitWithoutWeights(t *testing.T) {
	for name, layer := range map[string]k.Layer{
		"no weights":  k.Rescaling(2, 0),
		"states only": k.BatchNormalization(k.NoCenter, k.NoScale, k.Momentum(1), k.Epsilon(1e-12)),
	} {
		m := k.Sequential("m", k.Input(1), layer)
		if err := m.Compile(k.Adam(0.1, k.ClipNorm(1)), k.MSE, k.MAE); err != nil {
			t.Fatal(err)
		}
		data, err := k.Data(mustArray(t, []float32{1, 2, 3}, 3, 1), mustArray(t, []float32{1, 1, 1}, 3, 1))
		if err != nil {
			t.Fatal(err)
		}
		h, err := m.Fit(context.Background(), data, k.Epochs(2), k.BatchSize(3))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := [2]float64{35.0 / 3, 3}
		if name == "states only" { // (x - 2)/√(2/3): -1.2247, 0, 1.2247
			want = [2]float64{(2.2247*2.2247 + 1 + 0.2247*0.2247) / 3, (2.2247 + 1 + 0.2247) / 3}
		}
		for i, series := range []string{"loss", "mae"} {
			if got := h.Last(series); math.Abs(got-want[i]) > 1e-3 {
				t.Errorf("%s: %s is %v, want %v", name, series, got, want[i])
			}
		}
	}
}
