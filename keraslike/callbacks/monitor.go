// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/keraslike"
)

// MonitorOption is an option of EarlyStopping and ReduceLROnPlateau.
type MonitorOption interface {
	EarlyStoppingOption
	ReduceLROnPlateauOption
}

type monitorSetting func(*monitor)

func (set monitorSetting) applyEarlyStopping(s *earlyStopping) { set(&s.monitor) }
func (set monitorSetting) applyReduceLROnPlateau(p *plateau)   { set(&p.monitor) }

// Patience is the number of epochs without an improvement that are tolerated.
func Patience(epochs int) MonitorOption {
	return monitorSetting(func(m *monitor) { m.patience = epochs })
}

// MinDelta is the smallest change of the monitored number that counts as an improvement.
func MinDelta(delta float64) MonitorOption {
	return monitorSetting(func(m *monitor) { m.minDelta = delta })
}

// Mode says which way the monitored number is better. It is an option of EarlyStopping,
// ReduceLROnPlateau and ModelCheckpoint.
type Mode string

// The modes. Auto, the default, asks the model: its losses, errors and metrics that are
// losses are better when smaller, the other metrics of package keraslike when larger, in
// training and validation alike, whatever the outputs are called. As in Keras it is an
// error for other numbers, such as those of a metric of one's own or those that a callback
// adds, unless they are named as a metric of package keraslike.
const (
	Auto Mode = "auto"
	Min  Mode = "min"
	Max  Mode = "max"
)

func (m Mode) applyEarlyStopping(s *earlyStopping) { s.setMode(m) }
func (m Mode) applyReduceLROnPlateau(p *plateau)   { p.setMode(m) }
func (m Mode) applyModelCheckpoint(c *checkpoint)  { c.setMode(m) }

// monitor follows one of the logs.
type monitor struct {
	name     string
	mode     Mode // empty for Auto
	patience int
	minDelta float64
	larger   bool // is better, by the mode
	best     float64
	seen     bool
	mistake  error // in the options
}

func (m *monitor) setMode(mode Mode) {
	if m.mode != "" && m.mode != mode {
		m.mistake = fmt.Errorf("got both modes %s and %s, want one of them", min(m.mode, mode), max(m.mode, mode))
	}
	m.mode = mode
}

// begin checks the settings and finds out which way is better.
func (m *monitor) begin(t *keraslike.Training) error {
	names := t.LogNames()
	switch {
	case m.mistake != nil:
		return m.mistake
	case m.name == "":
		return fmt.Errorf("nothing to monitor, want a name such as %q", "val_loss")
	case m.mode != "" && m.mode != Auto && m.mode != Min && m.mode != Max:
		return fmt.Errorf("mode %q is unknown, want auto, min or max", m.mode)
	case m.patience < 0:
		return fmt.Errorf("patience is %d, want at least 0", m.patience)
	case !(m.minDelta >= 0):
		return fmt.Errorf("min delta is %g, want at least 0", m.minDelta)
	case names != nil && !slices.Contains(names, m.name):
		return m.missing(names)
	}
	m.larger = m.mode == Max
	if m.mode == Min || m.mode == Max {
		return nil
	}
	var known bool
	if m.larger, known = t.LargerIsBetter(m.name); !known {
		return fmt.Errorf("whether a larger or a smaller %q is better is not known: the model measures %q; say Min or Max", m.name, t.Series())
	}
	return nil
}

func (m *monitor) missing(names []string) error {
	return fmt.Errorf("there is no %q to monitor, the logs have %q", m.name, names)
}

// forget forgets what was best.
func (m *monitor) forget() { m.best, m.seen = math.NaN(), false }

func (m *monitor) value(logs keraslike.Logs) (float64, error) {
	if v, ok := logs.Lookup(m.name); ok {
		return v, nil
	}
	return 0, m.missing(namesOf(logs))
}

// better reports whether v improves on the number b.
func (m *monitor) better(v, b float64) bool {
	if m.larger {
		return v-m.minDelta > b
	}
	return v+m.minDelta < b
}

// improves reports whether v is the best so far, and remembers it if so.
func (m *monitor) improves(v float64) bool {
	if math.IsNaN(v) || m.seen && !m.better(v, m.best) {
		return false
	}
	m.best, m.seen = v, true
	return true
}

const bestNumber = "best" // in saved states

func (m *monitor) state() keraslike.CallbackState {
	if !m.seen {
		return keraslike.CallbackState{}
	}
	return keraslike.CallbackState{Numbers: map[string]float64{bestNumber: m.best}}
}

func (m *monitor) setState(s keraslike.CallbackState) {
	if best, ok := s.Numbers[bestNumber]; ok {
		m.best, m.seen = best, true
	}
}
