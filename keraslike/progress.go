// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Progress is the progress of training, which Save stores WithOptimizer.
type Progress struct {
	// Epochs is the number of epochs trained, over all calls of Fit.
	Epochs int
	// Samples is the number of samples trained on in the epoch that was interrupted, 0
	// between two epochs.
	Samples int
	// Batches is the number of batches since Compile, Updates the number of optimizer
	// updates, which is smaller if gradients are accumulated.
	Batches, Updates int
	// Rate is the learning rate of the next update.
	Rate float64
}

// Progress returns the progress of training. Without Compile only Epochs is set.
func (m *Model) Progress() Progress {
	p := Progress{Epochs: m.epochs, Samples: m.position}
	if t := m.trainer; t != nil {
		p.Batches, p.Updates = t.steps, t.updates()
		if m.compiled.phases != nil {
			p.Batches /= m.compiled.phases[0].times
		}
		p.Rate, _ = t.scheduled(t.rate) // a schedule that fails says so when it is used
	}
	return p
}

// interruption is the state that Fit needs to resume an earlier Fit, in addition to the state
// of the optimizer.
type interruption struct {
	// Stopped is set where the context was canceled.
	Stopped bool `json:"interrupted,omitempty"`
	// Pending is set where an epoch has had all its batches and not its validation yet.
	Pending bool `json:"pending,omitempty"`
	// Sums are those of the epoch's loss and metrics.
	Sums      []byte           `json:"sums,omitempty"`
	Callbacks []callbackRecord `json:"callbacks,omitempty"`
}

// interrupter is a running training that can return its state.
type interrupter interface {
	interruption() (interruption, error)
}

// callbackRecord is the state of a callback as it is saved: numbers as text, since JSON has
// no infinity, and weights as tensors beside it.
type callbackRecord struct {
	Key        string            `json:"callback"`
	Counts     map[string]int    `json:"counts,omitempty"`
	Numbers    map[string]string `json:"numbers,omitempty"`
	HasWeights bool              `json:"weights,omitempty"` // whether the file has them
	weights    [][]float32
}

// check rejects counts out of range and NaN.
func (r callbackRecord) check() error {
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		if n := r.Counts[name]; n < 0 || n > maxCount {
			return fmt.Errorf("callback %s: %s %d: want 0 to %d", r.Key, name, n, maxCount)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Numbers)) {
		if v, err := strconv.ParseFloat(r.Numbers[name], 64); err != nil || math.IsNaN(v) {
			return fmt.Errorf("callback %s: %s is %q, want a number", r.Key, name, r.Numbers[name])
		}
	}
	return nil
}
