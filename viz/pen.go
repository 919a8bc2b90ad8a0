// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"sort"
	"strings"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/draw"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// A pen draws on a page whose origin is the top left corner; all lengths are points (1/72
// inch), and y increases downward.
type pen struct {
	Theme
	c      vg.Canvas
	height float64
	dpi    float64
	vector bool // the page is SVG, whose viewer scales images itself
	// embedded are the images of an SVG, in order.
	embedded []embedded
}

type point struct{ x, y float64 }

// Sizes of text in points.
const (
	titleSize = 11.0
	labelSize = 9.0
	tickSize  = 8.0
)

// widestTitle is the largest width of a title in points.
const widestTitle = 640.0

// A style describes how text is set. The zero value is left-aligned regular text on its
// baseline, in ink, at label size.
type style struct {
	size   float64
	bold   bool
	color  color.NRGBA
	align  float64 // 0: the point is at the left end, 0.5: in the center, 1: at the right end
	middle bool    // the point is at half the height of capitals
	up     bool    // rotated by 90°, reading upward
}

// capHeight of Liberation Sans as a fraction of its size.
const capHeight = 0.716

func (p *pen) at(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(x), Y: vg.Length(p.height - y)}
}

func (p *pen) path(closed bool, pts []point) vg.Path {
	var path vg.Path
	for i, q := range pts {
		if i == 0 {
			path.Move(p.at(q.x, q.y))
		} else {
			path.Line(p.at(q.x, q.y))
		}
	}
	if closed {
		path.Close()
	}
	return path
}

func (p *pen) polygon(c color.Color, pts ...point) {
	p.c.SetColor(c)
	p.c.Fill(p.path(true, pts))
}

func (p *pen) fill(x, y, w, h float64, c color.Color) {
	p.polygon(c, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

func (p *pen) frame(x, y, w, h, width float64, c color.Color) {
	p.stroke(width, c, nil, true, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

// line draws an open line, in pieces: the time to rasterize a path grows with the square
// of how often it crosses a row of pixels.
func (p *pen) line(width float64, c color.Color, pts ...point) {
	const piece = 64
	for ; len(pts) > piece; pts = pts[piece-1:] {
		p.stroke(width, c, nil, false, pts[:piece]...)
	}
	p.stroke(width, c, nil, false, pts...)
}

// dashed draws a thin reference line.
func (p *pen) dashed(pts ...point) {
	p.stroke(0.9, p.Muted, []vg.Length{3, 3}, false, pts...)
}

func (p *pen) stroke(width float64, c color.Color, dashes []vg.Length, closed bool, pts ...point) {
	p.c.SetColor(c)
	p.c.SetLineWidth(vg.Length(width))
	p.c.SetLineDash(dashes, 0)
	p.c.Stroke(p.path(closed, pts))
}

func (p *pen) disc(x, y, r float64, c color.Color) {
	var path vg.Path
	path.Move(p.at(x+r, y))
	path.Arc(p.at(x, y), vg.Length(r), 0, 2*math.Pi)
	path.Close()
	p.c.SetColor(c)
	p.c.Fill(path)
}

// rounded fills a rectangle with corners of radius r.
func (p *pen) rounded(x, y, w, h, r float64, c color.Color) {
	var path vg.Path
	path.Move(p.at(x+r, y))
	for _, corner := range []struct{ cx, cy, start float64 }{
		{x + w - r, y + r, math.Pi / 2},
		{x + w - r, y + h - r, 0},
		{x + r, y + h - r, -math.Pi / 2},
		{x + r, y + r, math.Pi},
	} {
		path.Arc(p.at(corner.cx, corner.cy), vg.Length(r), corner.start, -math.Pi/2)
	}
	path.Close()
	p.c.SetColor(c)
	p.c.Fill(path)
}

// image draws img over the rectangle, aligned to whole pixels so that it is scaled once
// and sharply: smoothly (Catmull-Rom), but with visible pixels if each covers more than 4
// × 4, as in maps of activations.
func (p *pen) image(x, y, w, h float64, img image.Image) {
	px := func(v float64) int { return int(math.Round(v * p.dpi / 72)) }
	pt := func(v int) float64 { return float64(v) * 72 / p.dpi }
	wide, high := max(px(w), 1), max(px(h), 1)
	b := img.Bounds()
	var scaler draw.Scaler = draw.CatmullRom
	sharp := 4*b.Dx() < wide
	if sharp {
		scaler = draw.NearestNeighbor
	}
	width, height := wide, high
	if p.vector {
		width, height = min(wide, b.Dx()), min(high, b.Dy())
	}
	if width != b.Dx() || height != b.Dy() {
		scaled := image.NewNRGBA(image.Rect(0, 0, width, height))
		scaler.Scale(scaled, scaled.Bounds(), img, b, draw.Src, nil)
		img = scaled
	}
	if p.vector {
		p.embedded = append(p.embedded, embed(img, sharp))
		img = image.NewGray(image.Rect(0, 0, 1, 1)) // replaced by the embedded image
	}
	left, bottom := px(x), px(p.height)-px(y)-high
	p.c.DrawImage(vg.Rectangle{
		Min: vg.Point{X: vg.Length(pt(left)), Y: vg.Length(pt(bottom))},
		Max: vg.Point{X: vg.Length(pt(left + wide)), Y: vg.Length(pt(bottom + high))},
	}, img)
}

func (p *pen) text(x, y float64, s style, text string) {
	if text = printable(text); text == "" {
		return
	}
	if s.color == (color.NRGBA{}) {
		s.color = p.Ink
	}
	face := s.face()
	along := -s.align * float64(face.Width(text))
	across := 0.0
	if s.middle {
		across = capHeight * float64(face.Font.Size) / 2
	}
	p.c.SetColor(s.color)
	if !s.up {
		p.c.FillString(face, p.at(x+along, y+across), text)
		return
	}
	p.c.Push()
	p.c.Translate(p.at(x+across, y-along))
	p.c.Rotate(math.Pi / 2)
	p.c.FillString(face, vg.Point{}, text)
	p.c.Pop()
}

// printable removes the characters that XML cannot represent.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// width returns the length of a text in points.
func (s style) width(text string) float64 {
	face := s.face()
	return float64(face.Width(text))
}

// shorten truncates a text that is wider than w and adds an ellipsis.
func shorten(s style, text string, w float64) string {
	const longest = 400 // letters; no figure is that wide
	runes := []rune(text[:min(len(text), 4*longest)])
	runes = runes[:min(len(runes), longest)]
	if len(text) <= len(string(runes)) && s.width(text) <= w {
		return text
	}
	fits := sort.Search(len(runes), func(n int) bool { return s.width(string(runes[:n+1])+"…") > w })
	return string(runes[:fits]) + "…"
}

func (s style) face() font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if s.bold {
		f.Weight = xfont.WeightBold
	}
	if s.size == 0 {
		s.size = labelSize
	}
	return fonts().Lookup(f, vg.Length(s.size))
}

// fonts holds the two faces that figures use, parsed at the first need.
var fonts = sync.OnceValue(func() *font.Cache {
	var faces font.Collection
	for weight, ttf := range map[xfont.Weight][]byte{
		xfont.WeightNormal: liberationsansregular.TTF,
		xfont.WeightBold:   liberationsansbold.TTF,
	} {
		face, err := opentype.Parse(ttf)
		if err != nil {
			panic(fmt.Sprintf("viz: embedded font does not parse: %v", err)) // a broken build
		}
		faces = append(faces, font.Face{
			Font: font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight},
			Face: face,
		})
	}
	return font.NewCache(faces)
})
