// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/text"
)

// A MemoryPlan is the memory of a program over its steps: each buffer is a bar from the step
// that writes it to the last one that reads it, at its place in memory.
type MemoryPlan struct {
	Title   string
	Steps   []PlanStep
	Buffers []PlanBuffer
	Bytes   int // of the memory
	Naive   int // the bytes that all values would take side by side; 0 to omit it
}

// A PlanStep is a step of a program. Those of one kind have bars of the same color.
type PlanStep struct {
	Name string
	Kind int
}

// A PlanBuffer is [Offset, Offset+Bytes) of the memory, from the step First, counted from 0, that
// writes it to the step Last. A Last behind the last step means that the value is a result.
type PlanBuffer struct {
	Offset, Bytes, First, Last int
}

// Figure draws the plan with steps from left to right and memory from bottom to top. Kinds are
// the names of the kinds of steps, in the legend.
func (m MemoryPlan) Figure(kinds ...string) (*Figure, error) {
	if len(m.Steps) == 0 {
		return nil, fmt.Errorf("%s: the plan has no step", m.Title)
	}
	for i, b := range m.Buffers {
		if b.First < 0 || b.First >= len(m.Steps) || b.Last < b.First || b.Offset < 0 || b.Bytes < 0 || b.Offset+b.Bytes > m.Bytes {
			return nil, fmt.Errorf("%s: buffer %d, %+v, is not within %s and %s", m.Title, i, b, text.Count(len(m.Steps), "step"), text.Count(m.Bytes, "byte"))
		}
	}
	const (
		margin, plot, mostNames = 12.0, 210.0, 60
		nameWidth               = 150.0
	)
	name := style{size: tickSize, color: Light.Muted}
	unit, suffix := byteUnit(m.Bytes)
	memory := numberAxis(fmt.Sprintf("memory (%s)", suffix), 0, math.Max(float64(m.Bytes), 1)/unit, 0, 5)
	left := margin + labelSize*1.4
	widest := 0.0
	for _, t := range memory.ticks {
		widest = math.Max(widest, name.width(t.text))
	}
	left += widest + 8
	column := 16.0
	if len(m.Steps) > mostNames {
		column = math.Max(2, 16.0*mostNames/float64(len(m.Steps)))
	}
	wide := math.Max(column*float64(len(m.Steps)), 260)
	column = wide / float64(len(m.Steps))
	under := labelSize + 8
	if len(m.Steps) <= mostNames {
		for _, s := range m.Steps {
			under = math.Max(under, 8+name.width(shorten(name, s.Name, nameWidth)))
		}
	}
	title := style{size: titleSize, bold: true}
	top := margin + titleSize + 10 + tickSize + 12
	saved := byteCount(m.Bytes)
	if m.Naive > 0 {
		saved = fmt.Sprintf("values of %s in %s of memory", byteCount(m.Naive), saved)
	}
	return &Figure{
		Alt:   fmt.Sprintf("%s: memory plan of %s with %s: %s.", m.Title, text.Count(len(m.Steps), "step"), text.Count(len(m.Buffers), "buffer"), saved),
		width: math.Max(left+wide+margin, 2*margin+title.width(m.Title)), height: top + plot + under + margin,
		draw: func(p *pen) {
			p.text(margin, margin+titleSize, title, m.Title)
			at := left
			muted := style{size: tickSize, color: p.Muted, middle: true}
			mid := margin + titleSize + 12 + tickSize/2
			for i, kind := range kinds {
				p.fill(at, mid-3.5, 10, 7, mix(p.Paper, p.series(i), 0.55))
				p.text(at+14, mid, muted, kind)
				at += 14 + muted.width(kind) + 12
			}
			p.text(at, mid, muted, saved)
			y := func(bytes float64) float64 { return top + plot*(1-memory.scale(bytes/unit)) }
			for _, t := range memory.ticks {
				ty := top + plot*(1-memory.scale(t.at))
				p.line(0.6, p.Grid, point{left, ty}, point{left + wide, ty})
				p.text(left-5, ty, style{size: tickSize, color: p.Muted, align: 1, middle: true}, t.text)
			}
			p.text(margin+labelSize*0.8, top+plot/2, style{color: p.Muted, align: 0.5, up: true}, memory.label)
			for _, b := range m.Buffers {
				last := min(b.Last+1, len(m.Steps))
				x0, x1 := left+column*float64(b.First), left+column*float64(last)
				y0, y1 := y(float64(b.Offset)), y(float64(b.Offset+b.Bytes))
				high := math.Max(y0-y1, 0.8)
				c := p.series(max(m.Steps[b.First].Kind, 0))
				p.fill(x0+0.5, y0-high, x1-x0-1, high, mix(p.Paper, c, 0.55))
				p.frame(x0+0.5, y0-high, x1-x0-1, high, 0.6, c)
				label := style{size: tickSize, color: p.Ink, middle: true}
				if high > tickSize+2 && x1-x0 > 24 {
					p.text(x0+4, (y0+y0-high)/2, label, shorten(label, m.Steps[b.First].Name, x1-x0-8))
				}
			}
			p.line(0.8, p.Muted, point{left, top + plot}, point{left + wide, top + plot})
			if len(m.Steps) > mostNames {
				p.text(left+wide/2, top+plot+labelSize+4, style{color: p.Muted, align: 0.5}, text.Count(len(m.Steps), "step"))
				return
			}
			for i, s := range m.Steps {
				short := shorten(name, s.Name, nameWidth)
				x := left + column*(float64(i)+0.5)
				p.line(0.8, p.Muted, point{x, top + plot}, point{x, top + plot + 3})
				p.text(x, top+plot+6, style{size: tickSize, color: p.Muted, align: 1, middle: true, up: true}, short)
			}
		},
	}, nil
}

// byteUnit returns the unit in which a number of bytes is shown.
func byteUnit(n int) (size float64, name string) {
	for _, u := range []struct {
		size float64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if float64(n) >= u.size {
			return u.size, u.name
		}
	}
	return 1, "bytes"
}

func byteCount(n int) string {
	size, name := byteUnit(n)
	if size == 1 {
		return text.Count(n, "byte")
	}
	return fmt.Sprintf("%.3g %s", float64(n)/size, name)
}
