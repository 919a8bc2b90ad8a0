// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path"

	"github.com/reef-dl/reef/datasets/internal/picture"
)

// The sample of cats and dogs is drawn by the program, since the photographs may
// not be passed on. A cat has a round head with pointed ears standing up and
// whiskers; a dog has a long head with hanging ears and a muzzle. Coat, size, place,
// tilt, light and background are drawn at random and the ears may be half hidden, so
// that no single pixel or color tells them apart.

// drawingSize is the height and width of a drawing.
const drawingSize = 160

// drawings lists the made-up files of the sample.
func drawings() map[string][]imageFile {
	parts := map[string][]imageFile{}
	for part, each := range map[string]int{"train": 200, "validation": 100, "test": 100} {
		for class, name := range [2]string{"cat", "dog"} {
			for i := range each {
				parts[part] = append(parts[part], imageFile{fmt.Sprintf("%s/%ss/%s.%d", part, name, name, i), class, i})
			}
		}
	}
	return parts
}

// loadDrawing draws the image of a made-up file: its name is the seed.
func loadDrawing(name string, to picture.Size) (*picture.RGB, error) {
	seed := uint64(14695981039346656037) // FNV-1a, which is the same everywhere
	for _, b := range []byte(name) {
		seed = (seed ^ uint64(b)) * 1099511628211
	}
	dog := path.Base(path.Dir(name)) == "dogs"
	return to.Apply(drawAnimal(rand.New(rand.NewPCG(seed, 0)), dog)), nil
}

// rgb is red, green, blue, each 0..1.
type rgb [3]float64

func (c rgb) mix(d rgb, share float64) rgb {
	for k := range c {
		c[k] += share * (d[k] - c[k])
	}
	return c
}

// shape is a part of the animal: inside is positive in it, in units of the head.
type shape struct {
	inside func(x, y float64) float64
	fill   rgb
}

// ellipse has its center at (cx, cy) and the radii rx and ry.
func ellipse(cx, cy, rx, ry float64) func(x, y float64) float64 {
	return func(x, y float64) float64 {
		dx, dy := (x-cx)/rx, (y-cy)/ry
		return 1 - dx*dx - dy*dy
	}
}

// triangle has its tip at (tx, ty) and its base on y = by from x = ax to bx.
func triangle(tx, ty, ax, bx, by float64) func(x, y float64) float64 {
	return func(x, y float64) float64 {
		share := (y - ty) / (by - ty) // 0 at the tip, 1 at the base
		if share < 0 || share > 1 {
			return -1
		}
		left, right := tx+share*(ax-tx), tx+share*(bx-tx)
		return min(x-left, right-x) * 4
	}
}

// drawer draws the random numbers of a drawing.
type drawer struct{ *rand.Rand }

func (d drawer) between(lo, hi float64) float64 { return lo + (hi-lo)*d.Float64() }

func (d drawer) color() rgb { return rgb{d.Float64(), d.Float64(), d.Float64()} }

// drawAnimal draws a cat or a dog. The order of the random numbers is fixed: it decides
// every pixel.
func drawAnimal(rng *rand.Rand, dog bool) *picture.RGB {
	d := drawer{rng}
	head := drawHead(d, dog)
	view := drawPose(d)
	backdrop := drawBackdrop(d)
	bright := d.between(0.65, 1.15)
	front := drawObstacle(d)
	p := &picture.RGB{Height: drawingSize, Width: drawingSize, Pix: make([]uint8, 0, 3*drawingSize*drawingSize)}
	for y := range drawingSize {
		for x := range drawingSize {
			x, y := float64(x), float64(y)
			c := front.over(x, y, view.head(head, x, y, backdrop.at(x, y)))
			for k := range c {
				p.Pix = append(p.Pix, uint8(255*min(max(c[k]*bright+0.06*rng.NormFloat64(), 0), 1)))
			}
		}
	}
	return p
}

// drawHead lists the parts of the head from back to front.
func drawHead(d drawer, dog bool) []shape {
	coats := []rgb{{0.85, 0.55, 0.25}, {0.25, 0.22, 0.2}, {0.9, 0.88, 0.82}, {0.55, 0.5, 0.48}, {0.6, 0.4, 0.22}}
	coat := coats[d.IntN(len(coats))].mix(d.color(), 0.25)
	dark := coat.mix(rgb{}, d.between(0.2, 0.5))
	light := coat.mix(rgb{1, 1, 1}, d.between(0.2, 0.5))
	var shapes []shape
	if dog {
		shapes = dogHead(d.between(0.1, 0.5), coat, dark, light)
	} else {
		shapes = catHead(d.between(-1.35, -1.0), coat, dark, light)
	}
	iris := d.color().mix(rgb{0.6, 0.7, 0.2}, 0.6)
	for _, x := range []float64{-0.3, 0.3} {
		shapes = append(shapes, shape{ellipse(x, -0.12, 0.13, 0.12), iris}, shape{ellipse(x, -0.12, 0.06, 0.09), black})
	}
	return shapes
}

var black = rgb{0.05, 0.05, 0.08}

// dogHead is a long head with a muzzle and ears that hang down by drop.
func dogHead(drop float64, coat, dark, light rgb) []shape {
	return []shape{
		{ellipse(0, 0, 0.62, 0.85), coat},
		{ellipse(-0.68, -0.05+drop, 0.24, 0.55), dark},
		{ellipse(0.68, -0.05+drop, 0.24, 0.55), dark},
		{ellipse(0, 0.5, 0.38, 0.34), light},
		{ellipse(0, 0.36, 0.15, 0.1), black},
	}
}

// catHead is a round head with whiskers and pointed ears that end at y = tip.
func catHead(tip float64, coat, dark, light rgb) []shape {
	shapes := []shape{
		{triangle(-0.62, tip, -0.82, -0.12, -0.3), dark},
		{triangle(0.62, tip, 0.12, 0.82, -0.3), dark},
		{ellipse(0, 0, 0.82, 0.72), coat},
		{ellipse(0, 0.32, 0.25, 0.16), light},
		{triangle(0, 0.34, -0.09, 0.09, 0.22), black},
	}
	for side := -1.0; side <= 1; side += 2 {
		for _, slope := range []float64{-0.12, 0.06, 0.22} {
			shapes = append(shapes, shape{whisker(side, slope), light})
		}
	}
	return shapes
}

// whisker is a line on one side of the head.
func whisker(side, slope float64) func(x, y float64) float64 {
	return func(x, y float64) float64 {
		x *= side
		if x < 0.2 || x > 1.05 {
			return -1
		}
		return 0.025 - math.Abs(y-0.3-slope*(x-0.2))
	}
}

// pose is where the head is, how large and how tilted.
type pose struct{ scale, x, y, sin, cos float64 }

func drawPose(d drawer) pose {
	p := pose{scale: d.between(0.2, 0.36) * drawingSize}
	p.x, p.y = d.between(0.35, 0.65)*drawingSize, d.between(0.38, 0.62)*drawingSize
	p.sin, p.cos = math.Sincos(d.between(-0.5, 0.5))
	return p
}

// head is the color at a pixel, in front of what lies behind the head.
func (p pose) head(shapes []shape, x, y float64, c rgb) rgb {
	dx, dy := (x-p.x)/p.scale, (y-p.y)/p.scale
	u, v := p.cos*dx+p.sin*dy, -p.sin*dx+p.cos*dy
	if u*u+v*v >= 2.5 { // no part of the animal is further out
		return c
	}
	for _, s := range shapes {
		if s.inside(u, v) > 0 {
			c = s.fill
		}
	}
	return c
}

// backdrop is a gradient from sky to ground with waves in it.
type backdrop struct {
	sky, ground           rgb
	wave, depth, sin, cos float64
}

func drawBackdrop(d drawer) backdrop {
	b := backdrop{sky: d.color(), ground: d.color(), wave: d.between(0.03, 0.25)}
	b.sin, b.cos = math.Sincos(d.between(0, math.Pi))
	b.depth = d.between(0, 0.25)
	return b
}

func (b backdrop) at(x, y float64) rgb {
	c := b.sky.mix(b.ground, y/drawingSize)
	return c.mix(rgb{}, b.depth*(1+math.Sin(b.wave*(b.cos*x+b.sin*y))))
}

// obstacle is a disk in front of a part of the animal.
type obstacle struct {
	x, y, radius float64
	fill         rgb
}

func drawObstacle(d drawer) obstacle {
	return obstacle{
		x: d.between(0, drawingSize), y: d.between(0, drawingSize),
		radius: d.between(0.05, 0.22) * drawingSize, fill: d.color(),
	}
}

func (o obstacle) over(x, y float64, c rgb) rgb {
	if math.Hypot(x-o.x, y-o.y) < o.radius {
		return o.fill
	}
	return c
}
