// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Progress is where the training of a model stands, which Save keeps WithOptimizer.
type Progress struct {
	// Epochs is the number of epochs trained, over all calls of Fit.
	Epochs int
	// Samples is the number of samples trained on in the epoch that was interrupted, 0
	// between two epochs.
	Samples int
	// Batches counts those trained on since Compile, Updates what the optimizer has made of
	// them: fewer where gradients accumulate.
	Batches, Updates int
	// Rate is the learning rate of the next update.
	Rate float64
}

// Progress is where training stands; a model that is not compiled has only its epochs.
func (m *Model) Progress() Progress {
	p := Progress{Epochs: m.epochs, Samples: m.position}
	if t := m.trainer; t != nil {
		p.Batches, p.Updates = t.steps, t.updates()
		p.Rate, _ = t.scheduled(t.rate) // a schedule that fails says so when it is used
	}
	return p
}

// interruption is what training keeps between two calls of Fit of which the second resumes
// the first, beside the optimizer's state.
type interruption struct {
	// Stopped is set where the context was canceled.
	Stopped bool `json:"interrupted,omitempty"`
	// Pending is set where an epoch has had all its batches and not its validation yet.
	Pending bool `json:"pending,omitempty"`
	// Sums are those of the epoch's loss and metrics.
	Sums      []byte           `json:"sums,omitempty"`
	Callbacks []callbackRecord `json:"callbacks,omitempty"`
}

// interrupter is what runs a training and knows what an interruption would leave of it.
type interrupter interface {
	interruption() (interruption, error)
}

// callbackRecord is the state of a callback as it is saved: numbers as text, since JSON has
// no infinity, and weights as tensors beside it.
type callbackRecord struct {
	Key     string            `json:"callback"`
	Counts  map[string]int    `json:"counts,omitempty"`
	Numbers map[string]string `json:"numbers,omitempty"`
	Kept    bool              `json:"weights,omitempty"` // whether the file has them
	weights [][]float32
}

// mostCounted is the most steps and epochs that a file may have done: so many that no
// training gets there, and far enough from where counting ends.
const mostCounted = 1 << 30

// check reports what no state may have.
func (r callbackRecord) check() error {
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		if n := r.Counts[name]; n < 0 || n > mostCounted {
			return fmt.Errorf("callback %s: %s %d: want 0 to %d", r.Key, name, n, mostCounted)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Numbers)) {
		if v, err := strconv.ParseFloat(r.Numbers[name], 64); err != nil || math.IsNaN(v) {
			return fmt.Errorf("callback %s: %s is %q, want a number", r.Key, name, r.Numbers[name])
		}
	}
	return nil
}
