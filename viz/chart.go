// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/text"
)

// A chart is a set of lines over a pair of axes, with a legend above.
type chart struct {
	title  string
	x, y   axis
	lines  []line
	beyond string // describes what lies outside the axes; "" if nothing does
}

// mostNamed is how many lines a legend and an alt text name; with more, a chart no longer
// distinguishes them.
const mostNamed = 24

type line struct {
	name   string
	x, y   []float64
	series int  // which color of the theme
	dots   bool // mark each value
	guide  bool // a thin dashed line in gray, for reference
}

// draw fills the rectangle (x, y, w, h) with the chart.
func (ch chart) draw(p *pen, x, y, w, h float64) {
	top := y
	if ch.title != "" {
		top += titleSize
		p.text(x, top, style{size: titleSize, bold: true}, shorten(style{size: titleSize, bold: true}, ch.title, w))
		top += 7
	}
	top = ch.legend(p, x, top, w)

	tickStyle := style{size: tickSize, color: p.Muted}
	widest := 0.0
	for _, t := range ch.y.ticks {
		widest = math.Max(widest, tickStyle.width(t.text))
	}
	left := x + widest + 6
	if ch.y.label != "" {
		left += labelSize + 6
	}
	bottom := y + h - tickSize - 7
	if ch.x.label != "" {
		bottom -= labelSize + 5
	}
	right := x + w - 6
	px := func(v float64) float64 { return left + ch.x.scale(v)*(right-left) }
	py := func(v float64) float64 { return bottom - ch.y.scale(v)*(bottom-top) }

	for _, t := range ch.y.ticks {
		p.line(0.6, p.Grid, point{left, py(t.at)}, point{right, py(t.at)})
		p.text(left-5, py(t.at), style{size: tickSize, color: p.Muted, align: 1, middle: true}, t.text)
	}
	p.line(0.8, p.Muted, point{left, bottom}, point{right, bottom})
	for _, t := range ch.x.ticks {
		p.line(0.8, p.Muted, point{px(t.at), bottom}, point{px(t.at), bottom + 3})
		p.text(px(t.at), bottom+5+tickSize*0.8, style{size: tickSize, color: p.Muted, align: 0.5}, t.text)
	}
	p.text((left+right)/2, y+h-2, style{color: p.Muted, align: 0.5}, shorten(style{}, ch.x.label, right-left))
	p.text(x+labelSize*0.8, (top+bottom)/2, style{color: p.Muted, align: 0.5, up: true}, shorten(style{}, ch.y.label, bottom-top))

	drawn := false
	for _, l := range ch.lines {
		drawn = ch.plot(p, l, right-left, px, py) || drawn
	}
	if ch.beyond != "" {
		note := style{size: tickSize, color: p.Muted, align: 1}
		p.text(right, top+tickSize, note, shorten(note, "not shown: "+ch.beyond, right-left))
	}
	if !drawn {
		p.text((left+right)/2, (top+bottom)/2, style{color: p.Muted, align: 0.5, middle: true}, "no finite value")
	}
}

// legend writes the names of the lines in one row, or more where they do not
// fit, and returns the y at which the plot begins. One line without a name
// needs none.
func (ch chart) legend(p *pen, x, y, w float64) float64 {
	at, named, rows := x, 0, 1
	s := style{size: tickSize, color: p.Muted}
	for i, l := range ch.lines {
		if l.name == "" {
			continue
		}
		name := shorten(s, l.name, w-20)
		wide := 20 + s.width(name)
		if named > 0 && at+wide > x+w {
			at, y, rows = x, y+tickSize+5, rows+1
		}
		mid := y + tickSize/2
		if named == mostNamed || rows > mostLegend {
			p.text(at, mid, style{size: tickSize, color: p.Muted, middle: true}, fmt.Sprintf("and %s more", text.Thousands(len(ch.lines)-i)))
			named++
			break
		}
		if l.guide {
			p.dashed(point{at, mid}, point{at + 14, mid})
		} else {
			p.line(1.6, p.series(l.series), point{at, mid}, point{at + 14, mid})
			if l.dots {
				p.disc(at+7, mid, 2.2, p.series(l.series))
			}
		}
		p.text(at+18, mid, style{size: tickSize, color: p.Muted, middle: true}, name)
		at += wide + 12
		named++
	}
	if named > 0 {
		y += tickSize + 9
	}
	return y + 2
}

// mostLegend is the number of rows that a legend may take from the plot.
const mostLegend = 5

// farOff is a height above or below every plot.
const farOff = 1e9

// plot draws a line where its values are finite and reports whether any is.
func (ch chart) plot(p *pen, l line, width float64, px, py func(float64) float64) bool {
	if l.guide {
		pts := make([]point, len(l.x))
		for i := range pts {
			pts[i] = point{px(l.x[i]), py(l.y[i])}
		}
		p.dashed(pts...)
		return true
	}
	xs, ys := thin(l.x, l.y, int(4*width))
	there := func(i int) bool { return i >= 0 && i < len(xs) && finite(xs[i]) && finite(ys[i]) }
	bottom, top := py(ch.y.min), py(ch.y.max)
	var run []point // of finite values; a gap starts a new one
	flush := func() {
		for _, part := range clip(run, top, bottom) {
			p.line(1.5, p.series(l.series), part...)
		}
		run = run[:0]
	}
	drawn := false
	for i := range xs {
		if there(i) {
			// A height that is infinite on paper has no point where the line leaves the plot.
			run = append(run, point{px(xs[i]), min(max(py(ys[i]), -farOff), farOff)})
			drawn = true
		} else {
			flush()
		}
	}
	flush()
	for i := range xs {
		alone := there(i) && !there(i-1) && !there(i+1)
		if y := ys[i]; y < ch.y.min || y > ch.y.max {
			continue
		}
		if alone || l.dots && there(i) {
			p.disc(px(xs[i]), py(ys[i]), 2.2, p.series(l.series))
		}
	}
	return drawn
}

// clip returns the pieces of a line between two heights.
func clip(line []point, top, bottom float64) (parts [][]point) {
	var part []point
	end := func() {
		if len(part) > 1 {
			parts = append(parts, part)
		}
		part = nil
	}
	at := func(a, b point, y float64) point { return point{a.x + (b.x-a.x)*(y-a.y)/(b.y-a.y), y} }
	for i := range line {
		if i == 0 {
			continue
		}
		a, b := line[i-1], line[i]
		if a.y < top && b.y < top || a.y > bottom && b.y > bottom {
			end()
			continue
		}
		from, to := a, b
		for _, edge := range []float64{top, bottom} {
			out := func(q point) bool { return edge == top && q.y < top || edge == bottom && q.y > bottom }
			if out(a) {
				from = at(a, b, edge)
			}
			if out(b) {
				to = at(a, b, edge)
			}
		}
		if part == nil {
			part = append(part, from)
		}
		part = append(part, to)
		if to != b {
			end()
		}
	}
	end()
	return parts
}

// thin keeps the smallest and the largest value of each of n/2 intervals, so that half a
// million points look as they would in full but in a small file.
func thin(x, y []float64, n int) ([]float64, []float64) {
	if len(x) <= n || n < 2 {
		return x, y
	}
	var tx, ty []float64
	buckets := n / 2
	for b := range buckets {
		from, to := share(len(x), buckets, b)
		lo, hi := from, from
		for i := from; i < to; i++ {
			if !finite(y[i]) || !finite(x[i]) {
				continue
			}
			if y[i] < y[lo] || !finite(y[lo]) || !finite(x[lo]) {
				lo = i
			}
			if y[i] > y[hi] || !finite(y[hi]) || !finite(x[hi]) {
				hi = i
			}
		}
		first, second := min(lo, hi), max(lo, hi)
		tx, ty = append(tx, x[first]), append(ty, y[first])
		if second != first {
			tx, ty = append(tx, x[second]), append(ty, y[second])
		}
	}
	return tx, ty
}

// share returns the bounds of part i when n values are divided into the given number of
// parts. It computes in 64 bits, since the products may overflow 32.
func share(n, parts, i int) (from, to int) {
	return int(int64(n) * int64(i) / int64(parts)), int(int64(n) * int64(i+1) / int64(parts))
}
