// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"time"
)

// TimeSeries draws lines over time, such as a measured temperature and its prediction.
// Each line has one value for each time; its X is not used. Times must not decrease. The
// label carries the unit: "temperature (°C)".
func TimeSeries(title, yLabel string, times []time.Time, lines ...Line) (*Figure, error) {
	if len(times) == 0 {
		return nil, fmt.Errorf("%s: no time", title)
	}
	x := make([]float64, len(times))
	for i, t := range times {
		if i > 0 && t.Before(times[i-1]) {
			return nil, fmt.Errorf("%s: time %d (%v) is before its predecessor (%v)", title, i, t, times[i-1])
		}
		x[i] = seconds(times[0], t)
	}
	shared := make([]Line, len(lines))
	for i, l := range lines {
		shared[i] = Line{Name: l.Name, X: x, Y: l.Y}
	}
	ls, err := prepare(title, shared)
	if err != nil {
		return nil, err
	}
	lo, hi := extent(ls, func(l line) []float64 { return l.y })
	first, last := times[0], times[len(times)-1]
	ch := chart{title: title, x: timeAxis(first, last), y: numberAxis(yLabel, lo, hi, 0.05, 5), lines: ls}
	return ch.figure(fmt.Sprintf("%s from %s to %s: %s.", yLabel,
		first.Format("2 January 2006 15:04"), last.Format("2 January 2006 15:04"), describe(ls))), nil
}

// seconds is the time between two moments. A Duration would overflow after 292 years.
func seconds(from, to time.Time) float64 {
	return float64(to.Unix()) - float64(from.Unix()) + float64(to.Nanosecond()-from.Nanosecond())*1e-9
}

// A span is a distance between ticks, how to reach the next one, and how to format it.
type span struct {
	length time.Duration
	floor  func(time.Time) time.Time
	next   func(time.Time) time.Time
	layout string
}

const day = 24 * time.Hour

func hours(n int, layout string) span {
	return span{
		length: time.Duration(n) * time.Hour,
		floor: func(t time.Time) time.Time {
			return time.Date(t.Year(), t.Month(), t.Day(), t.Hour()/n*n, 0, 0, 0, t.Location())
		},
		next:   func(t time.Time) time.Time { return t.Add(time.Duration(n) * time.Hour) },
		layout: layout,
	}
}

func days(n int) span {
	return span{
		length: time.Duration(n) * day,
		floor: func(t time.Time) time.Time {
			return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
		},
		next:   func(t time.Time) time.Time { return t.AddDate(0, 0, n) },
		layout: "2 Jan",
	}
}

func months(n int, layout string) span {
	return span{
		length: time.Duration(n) * 30 * day,
		floor: func(t time.Time) time.Time {
			return time.Date(t.Year(), (t.Month()-1)/time.Month(n)*time.Month(n)+1, 1, 0, 0, 0, 0, t.Location())
		},
		next:   func(t time.Time) time.Time { return t.AddDate(0, n, 0) },
		layout: layout,
	}
}

var spans = []span{
	hours(1, "15:04"), hours(3, "15:04"), hours(6, "2 Jan 15:04"), hours(12, "2 Jan 15:04"),
	days(1), days(2), days(7), days(14),
	months(1, "Jan 2006"), months(3, "Jan 2006"), months(12, "2006"), months(24, "2006"), months(60, "2006"),
}

// timeAxis marks round times, at most seven of them; below an hour it marks only both
// ends.
func timeAxis(first, last time.Time) axis {
	a := axis{max: seconds(first, last)}
	if a.max < 1e-9 {
		a.max = 1
	}
	a.label = first.Format("2 January 2006")
	if to := last.Format("2 January 2006"); to != a.label {
		a.label += " to " + to
	}
	for _, s := range spans {
		if a.max > 7*s.length.Seconds() {
			continue
		}
		t := s.floor(first)
		for range 16 { // an upper bound, except for years beyond all calendars
			if t.After(last) {
				break
			}
			if !t.Before(first) {
				a.ticks = append(a.ticks, tick{seconds(first, t), t.Format(s.layout)})
			}
			t = s.next(t)
		}
		break
	}
	if len(a.ticks) < 2 {
		a.ticks = []tick{{0, first.Format("15:04:05")}, {a.max, last.Format("15:04:05")}}
	}
	return a
}
