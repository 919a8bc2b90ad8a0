// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// A Line is a series of values. An X or Y that is NaN or Inf leaves a gap.
type Line struct {
	Name string
	X    []float64 // nil: 0, 1, 2, ...
	Y    []float64
}

// Lines draws lines over common axes. Labels carry the unit in parentheses, as in
// "temperature (°C)".
func Lines(title, xLabel, yLabel string, lines ...Line) (*Figure, error) {
	ls, err := prepare(title, lines)
	if err != nil {
		return nil, err
	}
	xlo, xhi := extent(ls, func(l line) []float64 { return l.x })
	ylo, yhi := extent(ls, func(l line) []float64 { return l.y })
	ch := chart{title: title, x: numberAxis(xLabel, xlo, xhi, 0, 7), y: numberAxis(yLabel, ylo, yhi, 0.05, 5), lines: ls}
	return ch.figure(fmt.Sprintf("Line chart of %s over %s: %s.", yLabel, xLabel, describe(ls))), nil
}

// figure gives a chart the size of a column.
func (ch chart) figure(alt string) *Figure {
	const w, h, margin = 460, 280, 10
	return &Figure{Alt: alt, width: w, height: h, draw: func(p *pen) {
		ch.draw(p, margin, margin, w-2*margin, h-2*margin)
	}}
}

// prepare checks the lines and gives each its color.
func prepare(title string, lines []Line) ([]line, error) {
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s: no line to draw", title)
	}
	var ls []line
	var errs []error
	for i, l := range lines {
		x := l.X
		if x == nil {
			x = make([]float64, len(l.Y))
			for j := range x {
				x[j] = float64(j)
			}
		}
		if len(x) != len(l.Y) {
			errs = append(errs, fmt.Errorf("%s: line %q has %d x and %d y", title, l.Name, len(x), len(l.Y)))
		}
		ls = append(ls, line{name: l.Name, x: x, y: l.Y, series: i})
	}
	return ls, errors.Join(errs...)
}

// extent returns the smallest and the largest finite value of all lines, +Inf and −Inf if
// there is none.
func extent(ls []line, values func(line) []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, l := range ls {
		for _, v := range values(l) {
			if finite(v) {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	return lo, hi
}

// describe says where each of the first lines starts and ends.
func describe(ls []line) string {
	var parts []string
	for i, l := range ls {
		if i == mostNamed {
			parts = append(parts, fmt.Sprintf("and %s more", text.Thousands(len(ls)-i)))
			break
		}
		first, last := math.NaN(), math.NaN()
		for _, v := range l.y {
			if finite(v) {
				if !finite(first) {
					first = v
				}
				last = v
			}
		}
		if !finite(first) {
			parts = append(parts, strings.TrimSpace(l.name+" without a finite value"))
			continue
		}
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s from %s to %s", l.name, significant(first, 3), significant(last, 3))))
	}
	return strings.Join(parts, ", ")
}
