// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image"
	"math"

	"github.com/reef-dl/reef/internal/text"
)

// A View is an image with a caption.
type View struct {
	Image   image.Image
	Caption string
}

// Gallery draws many images in cells of one size, perRow in a row (0 for 8), such as the
// patterns that a layer's filters respond to, or one image augmented in several ways.
// Captions may be empty.
func Gallery(title string, views []View, perRow int) (*Figure, error) {
	if len(views) == 0 {
		return nil, fmt.Errorf("%s: no image", title)
	}
	caption := 0.0
	for i, v := range views {
		if err := checkPicture(v.Image); err != nil {
			return nil, fmt.Errorf("%s: image %d %w", title, i, err)
		}
		if v.Caption != "" {
			caption = tickSize + 6
		}
	}
	if perRow <= 0 {
		perRow = 8
	}
	perRow = min(perRow, len(views), mostPerRow)
	heading := style{size: titleSize, bold: true}
	title = shorten(heading, title, widestTitle)
	rows := (len(views) + perRow - 1) / perRow
	const margin, gap = 10.0, 5.0
	cell := math.Min(110, (640+gap)/float64(perRow)-gap)
	tallest := 0.0
	for _, v := range views {
		_, h := fit(v.Image.Bounds(), cell, cell)
		tallest = math.Max(tallest, h)
	}
	top := margin + titleSize + 9
	return &Figure{
		Alt: fmt.Sprintf("%s: %s.", title, text.Count(len(views), "picture")),
		width: math.Max(2*margin+float64(perRow)*(cell+gap)-gap,
			2*margin+heading.width(title)),
		height: top + float64(rows)*(tallest+caption+gap) - gap + margin,
		draw: func(p *pen) {
			p.text(margin, margin+titleSize, heading, title)
			text := style{size: tickSize, color: p.Muted, align: 0.5}
			for i, v := range views {
				x := margin + float64(i%perRow)*(cell+gap)
				y := top + float64(i/perRow)*(tallest+caption+gap)
				w, h := fit(v.Image.Bounds(), cell, cell)
				p.image(x+(cell-w)/2, y+(tallest-h)/2, w, h, v.Image)
				p.text(x+cell/2, y+tallest+tickSize+1, text, shorten(text, v.Caption, cell))
			}
		},
	}, nil
}

// SideBySide draws images of any sizes in one row at equal height, such as a photo and
// the heat maps that explain it. If bar is not "", a color bar of map m is drawn on the
// right, with bar as its label and "low" and "high" at its ends ("against" and "for" for
// Diverging).
func SideBySide(title string, m ColorMap, bar string, views ...View) (*Figure, error) {
	if len(views) == 0 {
		return nil, fmt.Errorf("%s: no image", title)
	}
	const margin, gap, most = 10.0, 12.0, 620.0
	ratios := 0.0 // width of all pictures at height 1
	for i, v := range views {
		if err := checkPicture(v.Image); err != nil {
			return nil, fmt.Errorf("%s: image %d %w", title, i, err)
		}
		ratios += ratio(v.Image)
	}
	heading := style{size: titleSize, bold: true}
	title = shorten(heading, title, widestTitle)
	bar = shorten(style{}, bar, 200)
	tall := math.Max(math.Min(240, (most-gap*float64(len(views)-1))/ratios), 24)
	top := margin + titleSize + 9
	wide := margin + ratios*tall + gap*float64(len(views)-1) + margin
	scale := colorBar{m, axis{label: bar, max: 1, ticks: []tick{{0, "low"}, {1, "high"}}}}
	if m.name == Diverging.name {
		scale.axis.ticks = []tick{{0, "against"}, {0.5, "0"}, {1, "for"}}
	}
	if bar != "" {
		wide += gap + scale.width()
	}
	alt := title + ":"
	for _, v := range views {
		alt += " " + v.Caption + ";"
	}
	return &Figure{
		Alt:    alt[:len(alt)-1] + ".",
		width:  math.Max(wide, 2*margin+heading.width(title)),
		height: top + tall + labelSize + 8 + margin,
		draw: func(p *pen) {
			p.text(margin, margin+titleSize, heading, title)
			x := margin
			for _, v := range views {
				w := tall * ratio(v.Image)
				p.image(x, top, w, tall, v.Image)
				caption := style{color: p.Muted, align: 0.5}
				p.text(x+w/2, top+tall+labelSize+5, caption, shorten(caption, v.Caption, w))
				x += w + gap
			}
			if bar != "" {
				scale.draw(p, x, top, tall)
			}
		},
	}, nil
}

// ratio is width by height as a picture is drawn: strips are made wider.
func ratio(img image.Image) float64 {
	b := img.Bounds()
	return math.Min(math.Max(float64(b.Dx())/float64(b.Dy()), 0.1), 10)
}
