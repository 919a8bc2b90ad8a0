// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image/color"
	"math"

	"github.com/reef-dl/reef/internal/text"
)

// A spot is a square, half a point wide, of one group's color.
type spot struct{ x, y, group int }

// A Point of an embedding map. Points with a coordinate that is NaN or Inf are omitted.
type Point struct {
	X, Y  float64
	Group int    // index of the group; -1 for the color of the axes
	Label string // a label next to the point; "" for none
}

// EmbeddingMap draws points without ticks, since distances matter and coordinates do not.
// groups are the names in the legend; nil for none. Labels are omitted where they would
// cover a point or another label; earlier points have priority. Axis labels may be empty,
// or name a component: "first component (32% of the variance)".
func EmbeddingMap(title, xLabel, yLabel string, points []Point, groups []string) (*Figure, error) {
	if len(points) == 0 {
		return nil, fmt.Errorf("%s: no point", title)
	}
	m := embeddingMap{title: title, xLabel: xLabel, yLabel: yLabel, groups: groups}
	labels := 0
	for i, pt := range points {
		if pt.Group < -1 || groups != nil && pt.Group >= len(groups) {
			return nil, fmt.Errorf("%s: point %d is of group %d, there are %d", title, i, pt.Group, len(groups))
		}
		if !finite(pt.X) || !finite(pt.Y) {
			continue
		}
		m.points = append(m.points, pt)
		if pt.Label != "" {
			labels++
		}
	}
	m.x, m.y = m.axes()
	alt := fmt.Sprintf("%s: map of %s", title, text.Count(len(m.points), "point"))
	if len(groups) > 0 {
		alt += " in " + text.Count(len(groups), "group")
	}
	if labels > 0 {
		alt += fmt.Sprintf(", %d with a label", labels)
	}
	note := ""
	if omitted := len(points) - len(m.points); omitted > 0 {
		note = fmt.Sprintf("%s with a NaN or infinite coordinate omitted.", text.Count(omitted, "point"))
	}
	return &Figure{Alt: alt + ".", Note: note, width: mapWidth, height: mapHeight, draw: m.draw}, nil
}

// The size of an embedding map and the distance of its contents from the edge.
const mapWidth, mapHeight, mapMargin = 460.0, 430.0, 10.0

// embeddingMap has the points of a figure that are drawn, all of them finite.
type embeddingMap struct {
	title, xLabel, yLabel string
	points                []Point
	groups                []string
	x, y                  axis
}

// axes cover the points.
func (m embeddingMap) axes() (x, y axis) {
	xlo, xhi, ylo, yhi := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, pt := range m.points {
		xlo, xhi = math.Min(xlo, pt.X), math.Max(xhi, pt.X)
		ylo, yhi = math.Min(ylo, pt.Y), math.Max(yhi, pt.Y)
	}
	return numberAxis("", xlo, xhi, 0, 5), numberAxis("", ylo, yhi, 0, 5)
}

func (m embeddingMap) draw(p *pen) {
	const right = mapWidth - mapMargin
	heading := style{size: titleSize, bold: true}
	p.text(mapMargin, mapMargin+titleSize, heading, shorten(heading, m.title, right-mapMargin))
	top := groupLegend(p, mapMargin, mapMargin+titleSize+8, right-mapMargin, m.groups)
	left, bottom := mapMargin, mapHeight-mapMargin
	if m.xLabel != "" {
		bottom -= labelSize + 5
		p.text(mapWidth/2, mapHeight-mapMargin-2, style{color: p.Muted, align: 0.5}, shorten(style{}, m.xLabel, right-mapMargin))
	}
	if m.yLabel != "" {
		left += labelSize + 5
		p.text(mapMargin+labelSize*0.8, (top+bottom)/2, style{color: p.Muted, align: 0.5, up: true}, shorten(style{}, m.yLabel, bottom-top))
	}
	p.frame(left, top, right-left, bottom-top, 0.8, p.Grid)
	const inset = 16
	at := make([]point, len(m.points))
	for i, pt := range m.points {
		at[i] = point{
			left + inset + m.x.scale(pt.X)*(right-left-2*inset),
			bottom - inset - m.y.scale(pt.Y)*(bottom-top-2*inset),
		}
	}
	r := math.Max(1.2, 2.8-float64(len(m.points))/800)
	m.discs(p, at, r)
	if len(m.points) == 0 {
		p.text((left+right)/2, (top+bottom)/2, style{color: p.Muted, align: 0.5, middle: true}, "no finite value")
	}
	placeLabels(p, m.points, at, r, left, right)
}

// discs draws the points. Of very many, it omits those that would cover one of their color.
func (m embeddingMap) discs(p *pen, at []point, r float64) {
	drawn := map[spot]bool{}
	for i, pt := range m.points {
		s := spot{int(2 * at[i].x), int(2 * at[i].y), pt.Group}
		if len(m.points) > 20_000 && drawn[s] {
			continue
		}
		drawn[s] = true
		c := p.Muted
		if pt.Group >= 0 {
			c = groupColor(p, pt.Group)
		}
		p.disc(at[i].x, at[i].y, r, c)
	}
}

// groupColor is the theme's series, then the same colors half way to the paper.
func groupColor(p *pen, group int) color.NRGBA {
	c := p.series(group)
	if group >= len(p.Series) {
		c = mix(c, p.Paper, 0.45)
	}
	return c
}

func groupLegend(p *pen, x, y, w float64, groups []string) float64 {
	at := x
	s := style{size: tickSize, color: p.Muted, middle: true}
	for i, name := range groups {
		name = shorten(s, name, w-10)
		wide := 10 + s.width(name)
		if at > x && at+wide > x+w {
			at, y = x, y+tickSize+5
		}
		if i == 2*mostNamed {
			p.text(at, y+tickSize/2, s, fmt.Sprintf("and %s more", text.Thousands(len(groups)-i)))
			break
		}
		p.disc(at+3, y+tickSize/2, 3, groupColor(p, i))
		p.text(at+9, y+tickSize/2, s, name)
		at += wide + 10
	}
	if len(groups) > 0 {
		y += tickSize + 8
	}
	return y
}

// placeLabels writes each label to the right of its point, or to the left, above or below
// it, where it first fits within the frame and covers no point and no earlier label.
func placeLabels(p *pen, points []Point, at []point, r, left, right float64) {
	s := style{size: tickSize, color: p.Ink}
	taken := boxes{}
	for _, q := range at {
		taken.add([4]float64{q.x - r, q.y - r, q.x + r, q.y + r})
	}
	fits := func(b [4]float64) bool { return b[0] >= left && b[2] <= right && !taken.hit(b) }
	tried := 0
	for i, pt := range points {
		if pt.Label == "" || tried == mostLabels {
			continue
		}
		tried++
		label := shorten(s, pt.Label, 160)
		w, half := s.width(label), tickSize*capHeight/2
		for _, o := range []point{{r + 2, half}, {-r - 2 - w, half}, {-w / 2, -r - 2}, {-w / 2, r + 3 + 2*half}} {
			x, y := at[i].x+o.x, at[i].y+o.y
			if box := [4]float64{x - 1, y - 2*half - 1, x + w + 1, y + 1}; fits(box) {
				p.text(x, y, s, label)
				taken.add(box)
				break
			}
		}
	}
}

// mostLabels is how many labels are tried; only a few hundred fit.
const mostLabels = 5000

// boxes are rectangles (left, top, right, bottom), indexed by the cells of a grid that
// they touch, so that a query checks neighbors only. A full cell takes no more.
type boxes map[[2]int][][4]float64

const boxCell = 12.0

func (b boxes) cells(r [4]float64, do func(cell [2]int) bool) bool {
	for x := int(math.Floor(r[0] / boxCell)); x <= int(math.Floor(r[2]/boxCell)); x++ {
		for y := int(math.Floor(r[1] / boxCell)); y <= int(math.Floor(r[3]/boxCell)); y++ {
			if do([2]int{x, y}) {
				return true
			}
		}
	}
	return false
}

func (b boxes) add(r [4]float64) {
	const full = 400
	b.cells(r, func(cell [2]int) bool {
		if len(b[cell]) < full {
			b[cell] = append(b[cell], r)
		}
		return false
	})
}

func (b boxes) hit(r [4]float64) bool {
	return b.cells(r, func(cell [2]int) bool {
		for _, t := range b[cell] {
			if r[0] < t[2] && t[0] < r[2] && r[1] < t[3] && t[1] < r[3] {
				return true
			}
		}
		return false
	})
}
