// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"slices"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// Keras 3.15 gives for inputs of 2
//
//	sorted(set(layers.AlphaDropout(0.3)(np.full((4, 50), 2.0, "float32"), training=True).numpy().ravel()))
func TestAlphaDropout(t *testing.T) {
	m := k.Sequential("m", k.Input(500), k.AlphaDropout(0.3))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	x, err := k.NewArray(slices.Repeat([]float32{2}, 40*500), 40, 500)
	if err != nil {
		t.Fatal(err)
	}
	dropped := 0
	for _, v := range sampled(t, m, x, k.TrainingMode(1)) {
		switch {
		case math.Abs(float64(v)+1.0595481395721436) < 1e-6:
			dropped++
		case math.Abs(float64(v)-2.175997257232666) > 1e-6:
			t.Fatalf("an output is %g", v)
		}
	}
	if share := float64(dropped) / (40 * 500); math.Abs(share-0.3) > 0.015 { // 4.6 standard deviations
		t.Errorf("%g of the elements are dropped, want 0.3", share)
	}
}

// NoiseShape drops together what has a length of 1, and nothing else.
func TestNoiseShape(t *testing.T) {
	x, err := k.NewArray(slices.Repeat([]float32{1}, 50*4*6), 50, 4, 6)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		layer k.Layer
		same  [2]bool // along the steps, the channels
	}{
		"elements": {k.Dropout(0.4, k.NoiseShape(4, k.Any)), [2]bool{}},
		"channels": {k.Dropout(0.4, k.NoiseShape(1, k.Any)), [2]bool{true, false}},
		"steps":    {k.Dropout(0.4, k.NoiseShape(k.Any, 1)), [2]bool{false, true}},
		"samples":  {k.Dropout(0.4, k.NoiseShape(1, 1)), [2]bool{true, true}},
		"alpha":    {k.AlphaDropout(0.4, k.NoiseShape(1, 6)), [2]bool{true, false}},
	} {
		m := k.Sequential("m", k.Input(4, 6), c.layer)
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
		y := sampled(t, m, x, k.TrainingMode(3))
		along := [2]bool{true, true}
		sum := 0.0
		for i, v := range y {
			step, channel := i/6%4, i%6
			along[0] = along[0] && v == y[i-6*step]
			along[1] = along[1] && v == y[i-channel]
			sum += float64(v)
		}
		if along != c.same || y[0] == y[24] && slices.Equal(y[:24], y[24:48]) && slices.Equal(y[:24], y[48:72]) && slices.Equal(y[:24], y[72:96]) {
			t.Errorf("%s: equal along steps and channels %v, want %v, and samples differ", what, along, c.same)
		}
		if mean := sum / float64(len(y)); what == "elements" && math.Abs(mean-1) > 0.1 {
			t.Errorf("%s: the mean is %g, want 1", what, mean)
		}
	}
	for want, l := range map[string]k.Layer{
		`Dropout "dropout": NoiseShape is (1), the input has shape (batch, 4, 6): want 1, Any or the length of each axis`: k.Dropout(0.1, k.NoiseShape(1)),
		`AlphaDropout "alpha_dropout": NoiseShape is (2, 6)`:                                                              k.AlphaDropout(0.1, k.NoiseShape(2, 6)),
		`AlphaDropout "alpha_dropout": rate is 1, want 0 <= rate < 1`:                                                     k.AlphaDropout(1),
	} {
		wantError(t, k.Sequential("m", k.Input(4, 6), l).Build(1), want)
	}
}
