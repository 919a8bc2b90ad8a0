// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// The sample of cats and dogs is drawn by the program, since the photographs may
// not be passed on. A cat has a round head with pointed ears standing up and
// whiskers; a dog has a long head with hanging ears and a muzzle. Coat, size, place,
// tilt, light and background are drawn at random and the ears may be half hidden, so
// that no single pixel or colour tells them apart.

// drawingSize is height and width of a drawing.
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

// loadDrawing draws the picture of a made-up file: its name is the seed.
func loadDrawing(name string, to sizing) (*picture, error) {
	seed := uint64(14695981039346656037) // FNV-1a, which is the same everywhere
	for _, b := range []byte(name) {
		seed = (seed ^ uint64(b)) * 1099511628211
	}
	dog := false
	for _, part := range []string{"train/dogs/", "validation/dogs/", "test/dogs/"} {
		dog = dog || len(name) > len(part) && name[:len(part)] == part
	}
	return to.of(drawAnimal(rand.New(rand.NewPCG(seed, 0)), dog)), nil
}

// colour is red, green, blue, each 0..1.
type colour [3]float64

func (c colour) mix(d colour, share float64) colour {
	for k := range c {
		c[k] += share * (d[k] - c[k])
	}
	return c
}

// shape is a part of the animal: inside is above zero, in units of the head.
type shape struct {
	inside func(x, y float64) float64
	fill   colour
}

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

func drawAnimal(rng *rand.Rand, dog bool) *picture {
	random := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
	tint := func() colour { return colour{rng.Float64(), rng.Float64(), rng.Float64()} }
	coats := []colour{{0.85, 0.55, 0.25}, {0.25, 0.22, 0.2}, {0.9, 0.88, 0.82}, {0.55, 0.5, 0.48}, {0.6, 0.4, 0.22}}
	coat := coats[rng.IntN(len(coats))].mix(tint(), 0.25)
	dark := coat.mix(colour{}, random(0.2, 0.5))
	light := coat.mix(colour{1, 1, 1}, random(0.2, 0.5))
	black := colour{0.05, 0.05, 0.08}
	var shapes []shape
	add := func(inside func(x, y float64) float64, c colour) { shapes = append(shapes, shape{inside, c}) }
	if dog {
		drop := random(0.1, 0.5) // how far the ears hang
		add(ellipse(0, 0, 0.62, 0.85), coat)
		add(ellipse(-0.68, -0.05+drop, 0.24, 0.55), dark)
		add(ellipse(0.68, -0.05+drop, 0.24, 0.55), dark)
		add(ellipse(0, 0.5, 0.38, 0.34), light)
		add(ellipse(0, 0.36, 0.15, 0.1), black)
	} else {
		tip := random(-1.35, -1.0)
		add(triangle(-0.62, tip, -0.82, -0.12, -0.3), dark)
		add(triangle(0.62, tip, 0.12, 0.82, -0.3), dark)
		add(ellipse(0, 0, 0.82, 0.72), coat)
		add(ellipse(0, 0.32, 0.25, 0.16), light)
		add(triangle(0, 0.34, -0.09, 0.09, 0.22), black)
		for side := -1.0; side <= 1; side += 2 {
			for _, slope := range []float64{-0.12, 0.06, 0.22} {
				add(func(x, y float64) float64 {
					x *= side
					if x < 0.2 || x > 1.05 {
						return -1
					}
					return 0.025 - math.Abs(y-0.3-slope*(x-0.2))
				}, light)
			}
		}
	}
	eye := tint().mix(colour{0.6, 0.7, 0.2}, 0.6)
	for _, x := range []float64{-0.3, 0.3} {
		add(ellipse(x, -0.12, 0.13, 0.12), eye)
		add(ellipse(x, -0.12, 0.06, 0.09), black)
	}
	// Where the head is, how large and how tilted.
	scale := random(0.2, 0.36) * drawingSize
	cx, cy := random(0.35, 0.65)*drawingSize, random(0.38, 0.62)*drawingSize
	sin, cos := math.Sincos(random(-0.5, 0.5))
	sky, ground := tint(), tint()
	wave, turn, depth := random(0.03, 0.25), random(0, math.Pi), random(0, 0.25)
	ws, wc := math.Sincos(turn)
	bright := random(0.65, 1.15)
	// Something in front of a part of it.
	bx, by, br := random(0, drawingSize), random(0, drawingSize), random(0.05, 0.22)*drawingSize
	thing := tint()
	p := &picture{drawingSize, drawingSize, make([]uint8, 0, 3*drawingSize*drawingSize)}
	for y := range drawingSize {
		for x := range drawingSize {
			c := sky.mix(ground, float64(y)/drawingSize)
			c = c.mix(colour{}, depth*(1+math.Sin(wave*(wc*float64(x)+ws*float64(y)))))
			dx, dy := (float64(x)-cx)/scale, (float64(y)-cy)/scale
			u, v := cos*dx+sin*dy, -sin*dx+cos*dy
			if u*u+v*v < 2.5 { // no part of the animal is further out
				for _, s := range shapes {
					if s.inside(u, v) > 0 {
						c = s.fill
					}
				}
			}
			if math.Hypot(float64(x)-bx, float64(y)-by) < br {
				c = thing
			}
			for k := range c {
				p.rgb = append(p.rgb, uint8(255*clamp01(c[k]*bright+0.06*rng.NormFloat64())))
			}
		}
	}
	return p
}
