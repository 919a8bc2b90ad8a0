// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// Predicting long sequences takes little more memory than their copy in the graph.
func TestPredictLongSequences(t *testing.T) {
	const batch, steps, features = 128, 5000, 14
	m := keraslike.Sequential("m", keraslike.Input(steps, features), keraslike.LSTM(64), keraslike.Dense(1))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	rng, values := rand.New(rand.NewPCG(1, 1)), make([]float32, batch*steps*features)
	for i := range values {
		values[i] = rng.Float32()
	}
	x := keraslike.ArrayOf(tensorOf([]int{batch, steps, features}, values))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := m.Predict(x); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	const limit = 200 << 20
	if got := after.TotalAlloc - before.TotalAlloc + 4*batch*steps*features; got > limit {
		t.Errorf("a first prediction of %d sequences allocates %d bytes with its input, want at most %d", batch, got, limit)
	}
}
