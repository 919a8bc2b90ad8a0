// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// StatefulCallback is a Callback whose decisions depend on earlier epochs. Its state is passed
// to the Fit that resumes an interrupted one, and Save stores it WithOptimizer, so that a
// resumed training ends like an uninterrupted one.
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

// CallbackState is the state of a StatefulCallback.
type CallbackState struct {
	Counts  map[string]int     // by name, from 0 to 2^30, such as epochs waited for
	Numbers map[string]float64 // by name, possibly infinite but not NaN, such as the best loss
	// Weights holds a copy of the values of each of Model.Weights, in their order; nil for
	// none. The callback may overwrite the arrays at later events of a training, but not
	// after it.
	Weights [][]float32
}

// newCallbackRecord returns the state of a callback as it is saved.
func newCallbackRecord(c StatefulCallback, weights []*Weight) (r callbackRecord, err error) {
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
	if r.weights != nil && !slices.EqualFunc(r.weights, weights, func(v []float32, w *Weight) bool { return len(v) == w.size() }) {
		return r, fmt.Errorf("callback %s: its state has weights other than the model's, want the values of each of Model.Weights", r.Key)
	}
	return r, r.check()
}

func stateKey(c StatefulCallback) (key string, err error) {
	err = guard("callback", c, "StateKey", func() error { key = c.StateKey(); return nil })
	return key, err
}

// callbackStateOf converts a checked record to the state of the callback.
func callbackStateOf(r callbackRecord) CallbackState {
	s := CallbackState{Counts: maps.Clone(r.Counts), Weights: r.weights}
	for name, text := range r.Numbers {
		if s.Numbers == nil {
			s.Numbers = map[string]float64{}
		}
		s.Numbers[name], _ = strconv.ParseFloat(text, 64)
	}
	return s
}
