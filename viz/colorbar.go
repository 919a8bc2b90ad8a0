// SPDX-License-Identifier: Apache-2.0

package viz

// A colorBar shows which number a color of the map stands for.
type colorBar struct {
	m    ColorMap
	axis axis
}

const barWidth = 10.0

// width returns the space that the bar needs with its numbers and its label.
func (b colorBar) width() float64 {
	w := barWidth + 6
	widest := 0.0
	for _, t := range b.axis.ticks {
		widest = max(widest, style{size: tickSize}.width(t.text))
	}
	w += widest
	if b.axis.label != "" {
		w += 5 + labelSize
	}
	return w
}

func (b colorBar) draw(p *pen, x, y, h float64) {
	const slices = 128
	for i := range slices {
		// each slice overlaps the next a little to hide the seam
		top := y + h*float64(i)/slices
		p.fill(x, top, barWidth, min(h/slices+0.5, y+h-top), b.m.At(1-(float64(i)+0.5)/slices))
	}
	for _, t := range b.axis.ticks {
		at := y + h*(1-b.axis.scale(t.at))
		p.line(0.8, p.Muted, point{x + barWidth, at}, point{x + barWidth + 3, at})
		p.text(x+barWidth+5, at, style{size: tickSize, color: p.Muted, middle: true}, t.text)
	}
	p.text(x+b.width()-1, y+h/2, style{color: p.Muted, align: 0.5, up: true}, b.axis.label)
}
