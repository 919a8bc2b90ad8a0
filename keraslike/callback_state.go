// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// StatefulCallback is a Callback whose decisions depend on the epochs before. Fit hands its
// state to the Fit that resumes an interrupted training, and Save keeps it in the file
// WithOptimizer, so that a resumed training ends as one without a break.
type StatefulCallback interface {
	Callback
	// StateKey identifies the state among those of a training's callbacks, for example by
	// what the callback does and which number it monitors. The state goes to the first
	// callback with the same key.
	StateKey() string
	// State is called where Fit is interrupted, and when the model is saved during Fit.
	State() CallbackState
	// SetState is called after TrainBegin where training is resumed. The state's maps and
	// arrays are the callback's from then on.
	SetState(CallbackState) error
}

// CallbackState is what a StatefulCallback remembers.
type CallbackState struct {
	Counts  map[string]int     // by name, from 0 to 2^30, such as epochs waited for
	Numbers map[string]float64 // by name, possibly infinite but not NaN, such as the best loss
	// Weights holds a copy of the values of each of Model.Weights, in their order; nil for
	// none. The callback may overwrite the arrays at later events of a training, but not
	// after it.
	Weights [][]float32
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

// record asks a callback for its state.
func record(c StatefulCallback, weights []*Weight) (r callbackRecord, err error) {
	var state CallbackState
	if r.Key, err = stateKey(c); err != nil {
		return r, err
	}
	if err := guard("callback", c, "State", func() error { state = c.State(); return nil }); err != nil {
		return r, err
	}
	r.Counts, r.weights = maps.Clone(state.Counts), state.Weights
	for name, v := range state.Numbers {
		if r.Numbers == nil {
			r.Numbers = map[string]string{}
		}
		r.Numbers[name] = strconv.FormatFloat(v, 'g', -1, 64)
	}
	if r.weights != nil && !slices.EqualFunc(r.weights, weights, func(v []float32, w *Weight) bool { return len(v) == len(w.Value()) }) {
		return r, fmt.Errorf("callback %s: its state has weights other than the model's, want the values of each of Model.Weights", r.Key)
	}
	return r, r.check()
}

func stateKey(c StatefulCallback) (key string, err error) {
	err = guard("callback", c, "StateKey", func() error { key = c.StateKey(); return nil })
	return key, err
}

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

// state is the record, which has been checked, as the callback knows it.
func (r callbackRecord) state() CallbackState {
	s := CallbackState{Counts: maps.Clone(r.Counts), Weights: r.weights}
	for name, text := range r.Numbers {
		if s.Numbers == nil {
			s.Numbers = map[string]float64{}
		}
		s.Numbers[name], _ = strconv.ParseFloat(text, 64)
	}
	return s
}

// restoreCallbacks gives callbacks the states that an interrupted run has left.
func (f *fit) restoreCallbacks() error {
	left := slices.Clone(f.left)
	for _, c := range f.callbacks {
		c, ok := c.(StatefulCallback)
		if !ok {
			continue
		}
		key, err := stateKey(c)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(left, func(r callbackRecord) bool { return r.Key == key })
		if i < 0 {
			continue
		}
		if err := guard("callback", c, "SetState", func() error { return c.SetState(left[i].state()) }); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		left = slices.Delete(left, i, i+1)
	}
	return nil
}

// keptWeights are the weights that callbacks have kept, as they are saved.
func (m *Model) keptWeights(callbacks []callbackRecord) (list []stateArray) {
	for i := range callbacks {
		r := &callbacks[i]
		r.Kept = r.weights != nil
		for j, w := range m.weights[:len(r.weights)] {
			list = append(list, stateArray{m.keptName(i, w), w.shape, r.weights[j]})
		}
	}
	return list
}

// keptName is the name in files of a weight that the i-th callback has kept.
func (m *Model) keptName(i int, w *Weight) string {
	return fmt.Sprintf("%s%d/%s", keptPrefix, i, m.paths[w])
}

const keptPrefix = "optimizer/callback "
