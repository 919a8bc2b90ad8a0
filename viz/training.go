// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// A Metric is one quantity after each epoch, in order, on the training data and, if there
// is any, on the validation data.
type Metric struct {
	Name       string
	Unit       string // "°C", "%"; may be empty
	Training   []float64
	Validation []float64
}

// Training draws one panel for each metric, two in a row: training and validation over
// the epochs, with the last values in the legend. Epochs count from 1. A NaN or Inf
// leaves a gap. The title may be empty.
//
// If the first epochs would flatten all others into a line, the panel omits them and says
// so, as does the figure's Note. An axis of shares ends at 0 and 1.
func Training(title string, metrics ...Metric) (*Figure, error) {
	if len(metrics) == 0 {
		return nil, fmt.Errorf("%s: no metric to draw", title)
	}
	var charts []chart
	var alts, notes []string
	var errs []error
	for _, m := range metrics {
		ch, err := m.chart()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", title, err))
			continue
		}
		charts = append(charts, ch)
		alts = append(alts, fmt.Sprintf("%s: %s", m.Name, describe(ch.lines)))
		if ch.beyond != "" {
			notes = append(notes, fmt.Sprintf("The panel for %s omits %s.", m.Name, ch.beyond))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	const w, h, margin, gap = 330, 230, 12, 22
	header := 0
	if title != "" {
		header = 28
	}
	cols := min(len(charts), 2)
	rows := (len(charts) + cols - 1) / cols
	return &Figure{
		Alt:    fmt.Sprintf("Training curves over %s. %s.", text.Count(len(metrics[0].Training), "epoch"), strings.Join(alts, ". ")),
		Note:   strings.Join(notes, " "),
		width:  float64(2*margin + cols*w + (cols-1)*gap),
		height: float64(2*margin + header + rows*h + (rows-1)*gap),
		draw: func(p *pen) {
			head := style{size: titleSize + 1, bold: true}
			p.text(margin, margin+titleSize+1, head, shorten(head, title, float64(cols*w+(cols-1)*gap)))
			for i, ch := range charts {
				ch.draw(p, float64(margin+i%cols*(w+gap)), float64(margin+header+i/cols*(h+gap)), w, h)
			}
		},
	}, nil
}

func (m Metric) chart() (chart, error) {
	if len(m.Training) == 0 {
		return chart{}, fmt.Errorf("metric %q has no training value", m.Name)
	}
	if n := len(m.Validation); n != 0 && n != len(m.Training) {
		return chart{}, fmt.Errorf("metric %q has %d training and %d validation values", m.Name, len(m.Training), n)
	}
	epochs := make([]float64, len(m.Training))
	for i := range epochs {
		epochs[i] = float64(i + 1)
	}
	var ls []line
	add := func(name string, y []float64) {
		if len(y) == 0 {
			return
		}
		name += " " + strings.TrimSpace(significant(y[len(y)-1], 4)+" "+m.Unit)
		ls = append(ls, line{name: name, x: epochs, y: y, series: len(ls), dots: len(epochs) <= 30})
	}
	add("training", m.Training)
	add("validation", m.Validation)
	label := m.Name
	if m.Unit != "" {
		label += " (" + m.Unit + ")"
	}
	lo, hi := extent(ls, func(l line) []float64 { return l.y })
	first := steep(ls)
	ch := chart{x: countAxis("epoch", 1, len(epochs), 8), lines: ls}
	ch.y = numberAxis(label, lo, hi, 0.06, 5)
	if first > 0 {
		from, to := extent(ls, func(l line) []float64 { return l.y[first:] })
		ch.y = numberAxis(label, from, to, 0.06, 5)
		ch.beyond = m.beyond(ls, first, ch.y)
	}
	ch.y.shares(lo, hi)
	return ch, nil
}

// steep is the number of first epochs, at most one in four, that take so much of the
// range that the others have less than a fifth of it.
func steep(ls []line) int {
	spread := func(from int) float64 {
		lo, hi := extent(ls, func(l line) []float64 { return l.y[from:] })
		return hi/2 - lo/2
	}
	first := 0
	for whole := spread(0); first+1 <= len(ls[0].y)/4; first++ {
		rest := spread(first + 1)
		if !(rest >= 0 && 5*rest < whole) {
			break
		}
		whole = rest
	}
	return first
}

// beyond describes the values of the first epochs that the axis omits.
func (m Metric) beyond(ls []line, first int, y axis) string {
	var epochs []string
	for e := range first {
		var values []string
		for i, name := range []string{"training", "validation"}[:len(ls)] {
			if v := ls[i].y[e]; finite(v) && (v < y.min || v > y.max) {
				values = append(values, strings.TrimSpace(name+" "+significant(v, 4)+" "+m.Unit))
			}
		}
		if len(values) > 0 {
			epochs = append(epochs, fmt.Sprintf("epoch %d (%s)", e+1, strings.Join(values, ", ")))
		}
	}
	if n := len(epochs); n > 2 {
		epochs = []string{epochs[0], "… " + epochs[n-1]}
	}
	return strings.Join(epochs, ", ")
}

// shares ends an axis at 0 and at 1 where no value lies beyond.
func (a *axis) shares(lo, hi float64) {
	if lo >= 0 {
		a.min = math.Max(a.min, 0)
	}
	if hi <= 1 {
		a.max = math.Min(a.max, 1)
	}
	a.ticks = slices.DeleteFunc(a.ticks, func(t tick) bool { return t.at < a.min || t.at > a.max*(1+1e-9) })
}
