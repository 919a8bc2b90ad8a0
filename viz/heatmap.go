// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
)

// A HeatMap shows a table of numbers as colors, with a color bar. NaN and Inf are left
// blank.
type HeatMap struct {
	Title          string
	Values         [][]float64 // rows, the first at the top; all of one length
	Rows, Cols     []string    // names on the left and below; nil for none
	XLabel, YLabel string
	Map            ColorMap                  // the zero value is Viridis
	Min, Max       float64                   // the ends of the map; both 0 means those of the values
	Bar            string                    // what the colors mean, with the unit
	Cell           func(row, col int) string // the text in a cell; nil for none
	Alt            string                    // "" generates one from the title and the range
}

// Cell sizes in points, and the number of cells above which they are drawn as
// one picture instead of single squares. A map without names and texts always is.
const (
	tableWidth  = 430.0
	largestCell = 58.0
	manyCells   = 4096
	thinnest    = 24.0 // a table of one row or column, however long it is
)

// Figure validates the table and lays it out.
func (h HeatMap) Figure() (*Figure, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	if h.Min == 0 && h.Max == 0 {
		h.Min, h.Max = h.valueRange()
	}
	rows, cols := len(h.Values), len(h.Values[0])
	h.Min, h.Max = widen(h.Min, h.Max)
	cell := math.Min(largestCell, tableWidth/float64(max(rows, cols)))
	wide, high := math.Max(cell, thinnest/float64(cols)), math.Max(cell, thinnest/float64(rows))
	tick := style{size: math.Min(tickSize, math.Max(cell*0.8, 5))}
	names := [2][]cellName{every(tick, h.Rows, high), every(tick, h.Cols, wide)}

	rowNames, colNames := widest(tick, names[0]), widest(tick, names[1])
	const margin = 10
	left, top := margin+rowNames+5, float64(margin)
	if h.YLabel != "" {
		left += labelSize + 6
	}
	if h.Title != "" {
		top += titleSize + 9
	}
	below := 0.0
	turned := colNames > wide-3
	switch {
	case h.Cols == nil:
	case turned:
		below += colNames + 6
	default:
		below += tick.size + 6
	}
	if h.XLabel != "" {
		below += labelSize + 5
	}
	bar := h.colorBar()
	w, tall := float64(cols)*wide, float64(rows)*high
	title := style{size: titleSize, bold: true}
	h.Title = shorten(title, h.Title, widestTitle)
	alt := h.Alt
	if alt == "" {
		alt = fmt.Sprintf("%s: heat map of %d rows and %d columns, values from %s to %s.",
			h.Title, rows, cols, significant(h.Min, 3), significant(h.Max, 3))
	}
	return &Figure{
		Alt:    alt,
		width:  math.Max(left+w+12+bar.width()+margin, 2*margin+title.width(h.Title)),
		height: top + math.Max(tall, 80) + below + margin,
		draw: func(p *pen) {
			p.text(margin, margin+titleSize, title, h.Title)
			h.cells(p, left, top, wide, high)
			tick.color = p.Muted
			for _, n := range names[0] {
				t := tick
				t.align, t.middle = 1, true
				p.text(left-5, top+(float64(n.at)+0.5)*high, t, n.text)
			}
			for _, n := range names[1] {
				x := left + (float64(n.at)+0.5)*wide
				t := tick
				if turned {
					t.align, t.middle, t.up = 1, true, true
					p.text(x, top+tall+5, t, n.text)
				} else {
					t.align = 0.5
					p.text(x, top+tall+4+tick.size, t, n.text)
				}
			}
			p.text(left+w/2, top+tall+below, style{color: p.Muted, align: 0.5}, shorten(style{}, h.XLabel, widestTitle))
			p.text(margin+labelSize*0.8, top+tall/2, style{color: p.Muted, align: 0.5, up: true}, shorten(style{}, h.YLabel, math.Max(tall, 80)))
			bar.draw(p, left+w+12, top, math.Max(tall, 80))
		},
	}, nil
}

func (h HeatMap) cells(p *pen, left, top, wide, high float64) {
	rows, cols := len(h.Values), len(h.Values[0])
	if picture := h.Rows == nil && h.Cols == nil && h.Cell == nil; picture || rows*cols > manyCells {
		img := image.NewNRGBA(image.Rect(0, 0, cols, rows))
		levels := evenColors(h.Map)
		scale := axis{min: h.Min, max: h.Max}
		for r, row := range h.Values {
			for c, v := range row {
				if finite(v) {
					t := math.Min(math.Max(scale.scale(v), 0), 1)
					img.SetNRGBA(c, r, levels[int(t*float64(len(levels)-1)+0.5)])
				}
			}
		}
		p.image(left, top, float64(cols)*wide, float64(rows)*high, img)
		return
	}
	cell := math.Min(wide, high)
	gap := math.Min(1, cell/20)
	text := style{size: math.Min(labelSize, cell*0.31), align: 0.5, middle: true}
	for r, row := range h.Values {
		for c, v := range row {
			if !finite(v) {
				continue
			}
			x, y := left+float64(c)*wide, top+float64(r)*high
			color := h.color(v)
			p.fill(x, y, wide-gap, high-gap, color)
			if h.Cell != nil {
				text.color = legible(color)
				p.text(x+(wide-gap)/2, y+(high-gap)/2, text, shorten(text, h.Cell(r, c), wide-gap))
			}
		}
	}
}

// evenColors are steps along a map finer than any screen shows.
func evenColors(m ColorMap) (c [1024]color.NRGBA) {
	for i := range c {
		c[i] = m.At(float64(i) / float64(len(c)-1))
	}
	return c
}

func (h HeatMap) color(v float64) color.NRGBA {
	return h.Map.At(axis{min: h.Min, max: h.Max}.scale(v))
}

func (h HeatMap) colorBar() colorBar {
	return colorBar{h.Map, numberAxis(shorten(style{}, h.Bar, 240), h.Min, h.Max, 0, 5)}
}

func (h HeatMap) check() error {
	if len(h.Values) == 0 || len(h.Values[0]) == 0 {
		return fmt.Errorf("%s: no value to draw", h.Title)
	}
	var errs []error
	cols := len(h.Values[0])
	for r, row := range h.Values {
		if len(row) != cols {
			errs = append(errs, fmt.Errorf("%s: row %d has %d values, row 0 has %d", h.Title, r, len(row), cols))
		}
	}
	if h.Rows != nil && len(h.Rows) != len(h.Values) {
		errs = append(errs, fmt.Errorf("%s: %d rows, %d row names", h.Title, len(h.Values), len(h.Rows)))
	}
	if h.Cols != nil && len(h.Cols) != cols {
		errs = append(errs, fmt.Errorf("%s: %d columns, %d column names", h.Title, cols, len(h.Cols)))
	}
	if !(h.Min <= h.Max) || !finite(h.Min) || !finite(h.Max) {
		errs = append(errs, fmt.Errorf("%s: range %v to %v", h.Title, h.Min, h.Max))
	}
	return errors.Join(errs...)
}

// valueRange returns the smallest and the largest finite value.
func (h HeatMap) valueRange() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, row := range h.Values {
		for _, v := range row {
			if finite(v) {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	if lo > hi {
		return 0, 1
	}
	if lo == hi {
		return lo, inside(lo + math.Max(1, math.Abs(lo)*0.1))
	}
	return lo, hi
}

func widest(s style, names []cellName) float64 {
	w := 0.0
	for _, n := range names {
		w = math.Max(w, s.width(n.text))
	}
	return w
}

// A cellName is the name of a row or a column.
type cellName struct {
	at   int
	text string
}

// every keeps every n-th name where a cell is smaller than a line of text, and shortens
// names that are too long.
func every(s style, names []string, cell float64) (kept []cellName) {
	step := int(math.Ceil((s.size + 1) / cell))
	for i := 0; i < len(names); i += step {
		kept = append(kept, cellName{i, shorten(s, names[i], 170)})
	}
	return kept
}
