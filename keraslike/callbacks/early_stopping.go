// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"fmt"

	"github.com/reef-dl/reef/keraslike"
)

// EarlyStopping ends training when a series of the logs, such as "val_loss", has not
// improved for some epochs.
//
// Options and their defaults:
//
//	Patience(0)      epochs without improvement that are tolerated
//	MinDelta(0)      smallest change that counts as an improvement
//	Auto, Min, Max   which values are better (Auto)
//	Baseline         value that must be improved on within the patience (none)
//	StartFrom(0)     epochs at the beginning that are ignored
//	RestoreBest      restore the weights of the best epoch at the end (off)
//
// StoppedEpoch and BestEpoch return afterward what happened. Each Fit starts from scratch,
// unless it resumes an interrupted one.
// See https://keras.io/api/callbacks/early_stopping/.
func EarlyStopping(monitored string, opts ...EarlyStoppingOption) keraslike.Callback {
	s := &earlyStopping{monitor: monitor{name: monitored}}
	for _, o := range given(opts, &s.mistake) {
		o.applyEarlyStopping(s)
	}
	return s
}

// EarlyStoppingOption is an option of EarlyStopping.
type EarlyStoppingOption interface{ applyEarlyStopping(*earlyStopping) }

type stoppingSetting func(*earlyStopping)

func (set stoppingSetting) applyEarlyStopping(s *earlyStopping) { set(s) }

// Baseline is a value that the monitored series must improve on within the patience.
func Baseline(v float64) EarlyStoppingOption {
	return stoppingSetting(func(s *earlyStopping) { s.baseline = &v })
}

// StartFrom is the number of epochs at the beginning that EarlyStopping ignores.
func StartFrom(epochs int) EarlyStoppingOption {
	return stoppingSetting(func(s *earlyStopping) { s.from = epochs })
}

// RestoreBest restores the weights of the best epoch when training ends. When training is
// interrupted, the model keeps its current weights so that it can be resumed; the best
// weights are kept for later, and saved with keraslike.WithOptimizer.
const RestoreBest restoreBest = true

type restoreBest bool

func (on restoreBest) applyEarlyStopping(s *earlyStopping) { s.restore = bool(on) }

type earlyStopping struct {
	monitor
	noLogs
	from      int
	baseline  *float64
	restore   bool
	wait      int
	bestEpoch int
	weights   [][]float32
	stopped   int
}

// StoppedEpoch returns the epoch, counted from 1, after which EarlyStopping ended the last Fit.
// It is 0 if EarlyStopping did not end it, and for other callbacks.
func StoppedEpoch(c keraslike.Callback) int {
	if s, ok := c.(*earlyStopping); ok {
		return s.stopped
	}
	return 0
}

// BestEpoch returns the epoch, counted from 1, with the best value in the last Fit. It is 0
// before the first epoch, and for callbacks other than EarlyStopping.
func BestEpoch(c keraslike.Callback) int {
	if s, ok := c.(*earlyStopping); ok {
		return s.bestEpoch
	}
	return 0
}

// On follows the epochs.
func (s *earlyStopping) On(e keraslike.Event, t *keraslike.Training) (err error) {
	switch e {
	case keraslike.TrainBegin:
		s.wait, s.bestEpoch, s.stopped, s.weights = 0, 0, 0, nil
		s.forget()
		if err = s.begin(t); err == nil && s.from < 0 {
			err = fmt.Errorf("starts from epoch %d, want at least 0", s.from)
		}
	case keraslike.EpochEnd:
		err = s.epochEnd(t)
	case keraslike.TrainEnd:
		if t.Interrupted || s.weights == nil {
			return nil
		}
		err = keraslike.UpdateWeights(t.Model.Weights(), func(i int, values []float32) { copy(values, s.weights[i]) })
	}
	if err != nil {
		err = fmt.Errorf("early stopping: %w", err)
	}
	return err
}

func (s *earlyStopping) epochEnd(t *keraslike.Training) error {
	v, err := s.value(t.Logs)
	if err != nil || t.Epoch <= s.from {
		return err
	}
	s.wait++
	if s.improves(v) {
		s.bestEpoch = t.Epoch
		if s.restore {
			s.keep(t.Model)
		}
		if s.baseline == nil || s.better(v, *s.baseline) {
			s.wait = 0
		}
		return nil
	}
	if s.wait >= s.patience && t.Epoch > 1 {
		s.stopped = t.Epoch
		t.Stop()
	}
	return nil
}

// keep copies all weights.
func (s *earlyStopping) keep(m *keraslike.Model) {
	if s.weights == nil {
		s.weights = make([][]float32, len(m.Weights()))
	}
	for i, w := range m.Weights() {
		s.weights[i] = w.Values()
	}
}

const (
	epochsWaited = "epochs waited" // in saved states
	bestEpoch    = "best epoch"
)

// StateKey names the monitored series.
func (s *earlyStopping) StateKey() string { return fmt.Sprintf("early stopping of %q", s.name) }

// State returns the best value, its epoch and weights, and the epochs waited since.
func (s *earlyStopping) State() keraslike.CallbackState {
	state := s.monitor.state()
	state.Counts = map[string]int{epochsWaited: s.wait, bestEpoch: s.bestEpoch}
	state.Weights = s.weights
	return state
}

// SetState restores what State returned.
func (s *earlyStopping) SetState(state keraslike.CallbackState) error {
	s.wait, s.bestEpoch = state.Counts[epochsWaited], state.Counts[bestEpoch]
	if s.restore {
		s.weights = state.Weights
	}
	s.setState(state)
	return nil
}
