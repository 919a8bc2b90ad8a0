// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// trendOf returns the trend of a history with these losses.
func trendOf(t *testing.T, loss, unseen []float64) string {
	t.Helper()
	in, err := k.Column([]float32{1})
	if err != nil {
		t.Fatal(err)
	}
	data, err := k.Data(in, in)
	if err != nil {
		t.Fatal(err)
	}
	m := k.Sequential("m", k.Input(1), k.Dense(1))
	if err := m.Compile(k.SGD(0.1), k.MeanSquaredError, k.Seed(1)); err != nil {
		t.Fatal(err)
	}
	options := []k.FitOption{k.Epochs(len(loss))}
	if unseen != nil {
		options = append(options, k.Validation(data))
	}
	h, err := m.Fit(t.Context(), data, options...)
	if err != nil {
		t.Fatal(err)
	}
	copy(h.Get("loss"), loss)
	copy(h.Get("val_loss"), unseen)
	return trend(h)
}

// TestTrend: the sentence under the curves is true of them.
func TestTrend(t *testing.T) {
	nan := math.NaN()
	for want, c := range map[string][2][]float64{
		"A single epoch shows no trend yet.":                                                 {{0.5}, {0.4}},
		"The validation loss is still falling in the last epoch.":                            {{5, 4, 3, 2}, {5, 4, 3, 2.5}},
		"The training loss is still falling in the last epoch.":                              {{5, 4, 3, 2}, nil},
		"The validation loss is lowest in the last epoch, but it is hardly falling anymore.": {{5, 4, 3, 2}, {5, 3, 2.0001, 2}},
		"The validation loss is lowest in epoch 2 (0.27) and has risen to 0.73 since, while the training loss kept falling: the network has begun to memorize its training samples.": {{0.5, 0.3, 0.1, 0.05, 0.01}, {0.35, 0.27, 0.4, 0.6, 0.73}},
		"The validation loss is lowest in epoch 3 (0.3) and has hardly moved since.":                                                                                                 {{1, 0.5, 0.3, 0.29, 0.28}, {1, 0.5, 0.3, 0.301, 0.3005}},
		"The validation loss is lowest in epoch 2 (0.3); in the last epoch it is 0.5.":                                                                                               {{1, 0.5, 0.6, 0.7, 0.8}, {1, 0.3, 0.31, 0.301, 0.5}},
		// the validation loss is the lower one still, as with augmented pictures
		"The validation loss is lowest in epoch 2 (0.39); in the last epoch it is 0.45.": {{0.7, 0.6, 0.55, 0.52, 0.5}, {0.6, 0.39, 0.42, 0.44, 0.45}},
		"Both losses are lowest after the first epoch and have risen since.":             {{1, 2, 3}, {1, 2, 3}},
		"The training loss does not move: the network learns nothing.":                   {{84.4, 84.4, 84.4}, nil},
		"The loss is not a number from epoch 2 on: training has diverged.":               {{1, nan, nan}, {1, nan, nan}},
		"The validation loss is not a number in some epochs.":                            {{3, 2, 1}, {1, math.Inf(1), 1}},
	} {
		if got := trendOf(t, c[0], c[1]); got != want {
			t.Errorf("%v and %v: got\n%s\nwant\n%s", c[0], c[1], got, want)
		}
	}
}
