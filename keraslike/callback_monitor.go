// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"strings"
)

// Mode says which way a monitored number is better.
type Mode string

// The modes. Auto asks the model's own series, with or without "val_" before their names:
// losses, errors and metrics that are losses are better when smaller, the other metrics of
// this package when larger, whatever the outputs are called. As in Keras it is an error
// for other numbers, as a metric of one's own or one that a callback adds, unless their
// whole name is that of a metric of this package.
const (
	Auto Mode = "auto"
	Min  Mode = "min"
	Max  Mode = "max"
)

// Patience is the number of epochs without an improvement that are waited for.
type Patience int

// MinDelta is how much a number has to change to count as an improvement.
type MinDelta float64

// monitor follows one of the logs.
type monitor struct {
	name     string
	mode     Mode
	minDelta float64
	larger   bool // is better, by the mode
	best     float64
	seen     bool
	mistake  error // in the options
}

// begin checks the settings and finds out which way is better.
func (m *monitor) begin(callback string, t *Training) error {
	switch {
	case m.mistake != nil:
		return fmt.Errorf("%s: %w", callback, m.mistake)
	case m.name == "":
		return fmt.Errorf("%s: nothing to monitor, want a name such as %q", callback, "val_loss")
	case m.mode != "" && m.mode != Auto && m.mode != Min && m.mode != Max:
		return fmt.Errorf("%s: mode %q is unknown, want auto, min or max", callback, m.mode)
	case !(m.minDelta >= 0):
		return fmt.Errorf("%s: min delta is %g, want at least 0", callback, m.minDelta)
	}
	mode := m.mode
	if mode != Min && mode != Max {
		mode = t.direction(m.name)
	}
	if mode == Auto {
		return fmt.Errorf("%s: whether a larger or a smaller %q is better is not known: the model measures %q; say Min or Max", callback, m.name, t.series())
	}
	m.larger = mode == Max
	return nil
}

// forget forgets what was best.
func (m *monitor) forget() { m.best, m.seen = math.NaN(), false }

func (m *monitor) value(callback string, logs Logs) (float64, error) {
	v, ok := logs.Get(m.name)
	if ok {
		return v, nil
	}
	var names []string
	for _, l := range logs {
		names = append(names, l.Name)
	}
	return 0, fmt.Errorf("%s: there is no %q to monitor, the logs have %q", callback, m.name, names)
}

// better reports whether v improves on the number b.
func (m *monitor) better(v, b float64) bool {
	if m.larger {
		return v-m.minDelta > b
	}
	return v+m.minDelta < b
}

// improves takes v for the best where it is.
func (m *monitor) improves(v float64) bool {
	if math.IsNaN(v) || m.seen && !m.better(v, m.best) {
		return false
	}
	m.best, m.seen = v, true
	return true
}

// direction is which way a number of the logs is better, Auto where nobody knows.
func (t *Training) direction(name string) Mode {
	bare := strings.TrimPrefix(name, "val_")
	g := t.scores.goal(name)
	if g == unknownSeries {
		g = t.scores.goal(bare)
	}
	if g == unknownSeries {
		g = goalOfName(bare)
	}
	switch g {
	case minimize:
		return Min
	case maximize:
		return Max
	}
	return Auto
}

// series are the names of what the model measures while it trains.
func (t *Training) series() []string { return t.scores.series() }
