// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
)

// A HeatMap shows a table of numbers as colours, with a colour bar. A NaN
// is left blank.
type HeatMap struct {
	Title          string
	Values         [][]float64 // rows, the first at the top; all of one length
	Rows, Cols     []string    // names at the left and below; nil for none
	XLabel, YLabel string
	Map            ColorMap                  // the zero value stands for Viridis
	Min, Max       float64                   // the ends of the map; both 0: the ends of the values
	Bar            string                    // what the colours mean, with the unit
	Cell           func(row, col int) string // the text in a cell; nil for none
	Alt            string                    // "" for one made from the title and the range
}

// Cell sizes in points, and the number of cells above which they are drawn as
// one picture in place of single squares. A map without names and texts always is.
const (
	tableWidth  = 430.0
	largestCell = 58.0
	manyCells   = 4096
)

// Figure checks the table and lays it out.
func (h HeatMap) Figure() (*Figure, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	if h.Min == 0 && h.Max == 0 {
		h.Min, h.Max = h.valueRange()
	}
	rows, cols := len(h.Values), len(h.Values[0])
	cell := math.Min(largestCell, tableWidth/float64(max(rows, cols)))
	tick := style{size: math.Min(tickSize, math.Max(cell*0.8, 5))}

	rowNames, colNames := widest(tick, h.Rows), widest(tick, h.Cols)
	const margin = 10
	left, top := margin+rowNames+5, float64(margin)
	if h.YLabel != "" {
		left += labelSize + 6
	}
	if h.Title != "" {
		top += titleSize + 9
	}
	below := 0.0
	turned := colNames > cell-3
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
	w, tall := float64(cols)*cell, float64(rows)*cell
	alt := h.Alt
	if alt == "" {
		alt = fmt.Sprintf("%s: heat map of %d rows and %d columns, values from %s to %s.",
			h.Title, rows, cols, significant(h.Min, 3), significant(h.Max, 3))
	}
	return &Figure{
		Alt:    alt,
		width:  math.Max(left+w+12+bar.width()+margin, 2*margin+style{size: titleSize, bold: true}.width(h.Title)),
		height: top + math.Max(tall, 80) + below + margin,
		draw: func(p *pen) {
			p.text(margin, margin+titleSize, style{size: titleSize, bold: true}, h.Title)
			h.cells(p, left, top, cell)
			tick.colour = p.Muted
			for i, name := range every(h.Rows, cell, tick.size+1) {
				t := tick
				t.align, t.middle = 1, true
				p.text(left-5, top+(float64(i)+0.5)*cell, t, name)
			}
			for i, name := range every(h.Cols, cell, tick.size+1) {
				x := left + (float64(i)+0.5)*cell
				t := tick
				if turned {
					t.align, t.middle, t.up = 1, true, true
					p.text(x, top+tall+5, t, name)
				} else {
					t.align = 0.5
					p.text(x, top+tall+4+tick.size, t, name)
				}
			}
			p.text(left+w/2, top+tall+below, style{colour: p.Muted, align: 0.5}, h.XLabel)
			p.text(margin+labelSize*0.8, top+tall/2, style{colour: p.Muted, align: 0.5, up: true}, h.YLabel)
			bar.draw(p, left+w+12, top, math.Max(tall, 80))
		},
	}, nil
}

func (h HeatMap) cells(p *pen, left, top, cell float64) {
	rows, cols := len(h.Values), len(h.Values[0])
	if picture := h.Rows == nil && h.Cols == nil && h.Cell == nil; picture || rows*cols > manyCells {
		img := image.NewNRGBA(image.Rect(0, 0, cols, rows))
		for r, row := range h.Values {
			for c, v := range row {
				if !math.IsNaN(v) {
					img.SetNRGBA(c, r, h.colour(v))
				}
			}
		}
		p.image(left, top, float64(cols)*cell, float64(rows)*cell, img)
		return
	}
	gap := math.Min(1, cell/20)
	text := style{size: math.Min(labelSize, cell*0.31), align: 0.5, middle: true}
	for r, row := range h.Values {
		for c, v := range row {
			if math.IsNaN(v) {
				continue
			}
			x, y := left+float64(c)*cell, top+float64(r)*cell
			colour := h.colour(v)
			p.fill(x, y, cell-gap, cell-gap, colour)
			if h.Cell != nil {
				text.colour = legible(colour)
				p.text(x+(cell-gap)/2, y+(cell-gap)/2, text, h.Cell(r, c))
			}
		}
	}
}

func (h HeatMap) colour(v float64) color.NRGBA {
	return h.Map.At((v - h.Min) / (h.Max - h.Min))
}

func (h HeatMap) colorBar() colorBar {
	return colorBar{h.Map, numberAxis(h.Bar, h.Min, h.Max, 0, 5)}
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
		for c, v := range row {
			if math.IsInf(v, 0) {
				errs = append(errs, fmt.Errorf("%s: value at row %d, column %d is %v", h.Title, r, c, v))
			}
		}
	}
	if h.Rows != nil && len(h.Rows) != len(h.Values) {
		errs = append(errs, fmt.Errorf("%s: %d rows, %d row names", h.Title, len(h.Values), len(h.Rows)))
	}
	if h.Cols != nil && len(h.Cols) != cols {
		errs = append(errs, fmt.Errorf("%s: %d columns, %d column names", h.Title, cols, len(h.Cols)))
	}
	if h.Min > h.Max || math.IsNaN(h.Min) || math.IsNaN(h.Max) {
		errs = append(errs, fmt.Errorf("%s: range %v to %v", h.Title, h.Min, h.Max))
	}
	return errors.Join(errs...)
}

// valueRange returns the ends of the values, a little apart where all are equal.
func (h HeatMap) valueRange() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, row := range h.Values {
		for _, v := range row {
			if !math.IsNaN(v) {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	if lo > hi {
		return 0, 1
	}
	if lo == hi {
		return lo, lo + 1
	}
	return lo, hi
}

func widest(s style, names []string) float64 {
	w := 0.0
	for _, name := range names {
		w = math.Max(w, s.width(name))
	}
	return w
}

// every leaves names out, evenly, where a cell is lower than a line of text.
func every(names []string, cell, line float64) []string {
	step := int(math.Ceil(line / cell))
	kept := make([]string, len(names))
	for i := 0; i < len(names); i += step {
		kept[i] = names[i]
	}
	return kept
}
