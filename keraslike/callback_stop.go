// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// EarlyStopping ends a training when a number of the logs, such as "val_loss", has
// not improved for some epochs.
//
// Options: Patience (0), MinDelta (0), a Mode (Auto), Baseline, StartFrom (0),
// RestoreBest. See https://keras.io/api/callbacks/early_stopping/.
func EarlyStopping(monitored string, opts ...EarlyStoppingOption) *Stopping {
	s := &Stopping{monitor: monitor{name: monitored}}
	for _, o := range given(opts, &s.mistake) {
		o.applyEarlyStopping(s)
	}
	return s
}

// EarlyStoppingOption is an option of EarlyStopping.
type EarlyStoppingOption interface{ applyEarlyStopping(*Stopping) }

// Baseline is a number that has to be improved on within the patience.
type Baseline float64

// StartFrom is the number of epochs before EarlyStopping looks at the logs.
type StartFrom int

// RestoreBest gives the model the weights of its best epoch when training ends. When it is
// interrupted, the model keeps those it has, with which it can go on; the best ones are
// kept for then, and saved WithOptimizer.
type RestoreBest struct{}

func (n Patience) applyEarlyStopping(s *Stopping)  { s.patience = int(n) }
func (d MinDelta) applyEarlyStopping(s *Stopping)  { s.minDelta = float64(d) }
func (m Mode) applyEarlyStopping(s *Stopping)      { s.mode = m }
func (b Baseline) applyEarlyStopping(s *Stopping)  { v := float64(b); s.baseline = &v }
func (n StartFrom) applyEarlyStopping(s *Stopping) { s.from = int(n) }
func (RestoreBest) applyEarlyStopping(s *Stopping) { s.restore = true }

// Stopping is what EarlyStopping makes.
type Stopping struct {
	monitor
	patience, from int
	baseline       *float64
	restore        bool
	wait           int
	bestEpoch      int
	weights        [][]float32
	stopped        int
}

// Stopped is the epoch after which training was stopped, 0 when it was not; Best
// is the best epoch.
func (s *Stopping) Stopped() int { return s.stopped }

// Best is the epoch with the best number, from 1; 0 before any.
func (s *Stopping) Best() int { return s.bestEpoch }

// On follows the epochs.
func (s *Stopping) On(e Event, t *Training) error {
	switch e {
	case TrainBegin:
		if s.patience < 0 || s.from < 0 {
			return fmt.Errorf("early stopping: patience is %d from epoch %d, want at least 0", s.patience, s.from)
		}
		s.wait, s.bestEpoch, s.stopped, s.weights = 0, 0, 0, nil
		s.forget()
		return s.begin("early stopping", t)
	case EpochEnd:
		return s.epochEnd(t)
	case TrainEnd:
		if t.Interrupted {
			return nil
		}
		for i, w := range s.weights {
			copy(t.Model.weights[i].Value(), w)
		}
	}
	return nil
}

func (s *Stopping) epochEnd(t *Training) error {
	v, err := s.value("early stopping", t.Logs)
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

func (s *Stopping) remember() recollection {
	return recollection{ID: fmt.Sprintf("early stopping of %q", s.name), monitored: s.monitored(), Wait: s.wait, Epoch: s.bestEpoch, weights: s.weights}
}

func (s *Stopping) recall(m recollection) error {
	s.wait, s.bestEpoch, s.weights = m.Wait, m.Epoch, m.weights
	if !s.restore {
		s.weights = nil
	}
	return s.monitor.recall(m.monitored)
}

// keep copies all weights.
func (s *Stopping) keep(m *Model) {
	if s.weights == nil {
		s.weights = make([][]float32, len(m.weights))
	}
	for i, w := range m.weights {
		s.weights[i] = append(s.weights[i][:0], w.Value()...)
	}
}
