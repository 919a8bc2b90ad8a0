// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// TestHistoryJSON: what was written is read back exactly, but for what JSON does not have.
func TestHistoryJSON(t *testing.T) {
	m := restorable(t, 8, 0.05)
	h, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.Epochs(3), keraslike.ValidationSplit(0.25))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back keraslike.History
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if history(&back) != history(h) || !slices.Equal(back.Names(), h.Names()) || !slices.Equal(back.Seconds, h.Seconds) || back.Samples != h.Samples {
		t.Errorf("read %v, want %v", &back, h)
	}
	h.Get("loss")[1] = math.Inf(1)
	if text, err = json.Marshal(h); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &back); err != nil || !math.IsNaN(back.Get("loss")[1]) {
		t.Errorf("infinity is read as %v (%v), want NaN", back.Get("loss"), err)
	}
	for _, wrong := range []string{
		`[]`, `{"first_epoch": -1}`, `{"samples": -1}`, `{"seconds": [1], "series": []}`, `{"unknown": 1}`,
		`{"first_epoch": 1, "seconds": [1], "series": [{"name": "loss", "values": [1, 2]}]}`,
		`{"first_epoch": 1, "seconds": [1], "series": [{"name": "loss", "values": [1]}, {"name": "loss", "values": [1]}]}`,
	} {
		if err := json.Unmarshal([]byte(wrong), &back); err == nil {
			t.Errorf("%s was read", wrong)
		}
	}
}

// TestHistoryAppend: epochs follow each other, with the same series.
func TestHistoryAppend(t *testing.T) {
	read := func(text string) *keraslike.History {
		var h keraslike.History
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Fatal(err)
		}
		return &h
	}
	one := `{"first_epoch": 1, "seconds": [2], "samples": 5, "series": [{"name": "loss", "values": [3]}]}`
	two := `{"first_epoch": 2, "seconds": [4], "samples": 6, "series": [{"name": "loss", "values": [1]}]}`
	other := `{"first_epoch": 2, "seconds": [4], "samples": 6, "series": [{"name": "mae", "values": [1]}]}`
	h := &keraslike.History{}
	for _, next := range []*keraslike.History{nil, read(one), {Samples: 7}, read(two)} {
		if err := h.Append(next); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(h.Get("loss"), []float64{3, 1}) || !slices.Equal(h.Seconds, []float64{2, 4}) || h.Samples != 18 {
		t.Errorf("got %v with %d samples", h, h.Samples)
	}
	wantError(t, h.Append(read(two)), "history: epoch 2 does not continue epoch 2")
	wantError(t, read(one).Append(read(other)), `series ["mae"] do not continue ["loss"]`)
}
