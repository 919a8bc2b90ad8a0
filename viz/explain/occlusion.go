// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/viz"
)

// Occlusion hides one square after another and measures how much the score drops (Zeiler
// and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014). It
// needs no gradient. The map has the image's size; the value of a pixel is the mean drop
// over all squares that cover it.
type Occlusion struct {
	Size   int       // side of the square in pixels, 0 for a sixth of the shorter side
	Stride int       // distance between squares, 0 for half a side
	Fill   []float32 // value of hidden pixels, by channel; nil for the image's mean
}

// squaresAtOnce limits the memory that one call to Scores takes.
const squaresAtOnce = 16

var _ Method = Occlusion{}

// Explain returns the map.
func (e Occlusion) Explain(ctx context.Context, m Model, image viz.Volume, class int) (viz.Volume, error) {
	out, err := e.explain(ctx, m, image, class)
	if err != nil {
		return viz.Volume{}, fmt.Errorf("occlusion: %w", err)
	}
	return out, nil
}

func (e Occlusion) explain(ctx context.Context, m Model, image viz.Volume, class int) (out viz.Volume, err error) {
	if err := image.Check(); err != nil {
		return out, fmt.Errorf("image: %w", err)
	}
	if e, err = e.withDefaults(image); err != nil {
		return out, err
	}
	whole, err := classScores(ctx, m, []viz.Volume{image}, class)
	if err != nil {
		return out, err
	}
	drops, covered := make([]float64, image.Height*image.Width), make([]float64, image.Height*image.Width)
	squares := e.squares(image)
	for len(squares) > 0 {
		some := squares[:min(squaresAtOnce, len(squares))]
		squares = squares[len(some):]
		hidden := make([]viz.Volume, len(some))
		for i, s := range some {
			hidden[i] = hide(image, s, e.Size, e.Fill)
		}
		scores, err := classScores(ctx, m, hidden, class)
		if err != nil {
			return out, err
		}
		for i, s := range some {
			for y := s.top; y < s.top+e.Size; y++ {
				for x := s.left; x < s.left+e.Size; x++ {
					drops[y*image.Width+x] += whole[0] - scores[i]
					covered[y*image.Width+x]++
				}
			}
		}
	}
	out = heat(image.Height, image.Width)
	for p := range out.Values {
		out.Values[p] = float32(drops[p] / covered[p])
	}
	return out, nil
}

// withDefaults fills in what is not set and checks the rest.
func (e Occlusion) withDefaults(image viz.Volume) (Occlusion, error) {
	shorter := min(image.Height, image.Width)
	if e.Size == 0 {
		e.Size = max(1, shorter/6)
	}
	if e.Stride == 0 {
		e.Stride = max(1, e.Size/2)
	}
	if e.Size < 1 || e.Stride < 1 || e.Stride > e.Size || e.Size > shorter {
		return e, fmt.Errorf("squares of %d every %d pixels on an image of %d × %d", e.Size, e.Stride, image.Height, image.Width)
	}
	if e.Fill == nil {
		e.Fill = mean(image)
	}
	if len(e.Fill) != image.Channels {
		return e, fmt.Errorf("fill has %d values, the image %d channels", len(e.Fill), image.Channels)
	}
	return e, nil
}

// classScores returns the score of a class for each image.
func classScores(ctx context.Context, m Model, images []viz.Volume, class int) ([]float64, error) {
	rows, err := m.Scores(ctx, images)
	if err != nil {
		return nil, err
	}
	if len(rows) != len(images) {
		return nil, fmt.Errorf("%d images have %d rows of scores", len(images), len(rows))
	}
	scores := make([]float64, len(rows))
	for i, row := range rows {
		if class < 0 || class >= len(row) {
			return nil, fmt.Errorf("class %d of %d", class, len(row))
		}
		scores[i] = row[class]
	}
	return scores, nil
}

// A square is given by its upper left corner.
type square struct{ top, left int }

// squares are the squares of an image, row by row.
func (e Occlusion) squares(image viz.Volume) (all []square) {
	for _, top := range corners(image.Height, e.Size, e.Stride) {
		for _, left := range corners(image.Width, e.Size, e.Stride) {
			all = append(all, square{top, left})
		}
	}
	return all
}

// corners spaces squares along a side such that they cover all of it.
func corners(side, size, stride int) []int {
	var at []int
	for p := 0; p+size < side; p += stride {
		at = append(at, p)
	}
	return append(at, side-size)
}

// hide returns the image with one square filled.
func hide(image viz.Volume, s square, size int, fill []float32) viz.Volume {
	out := image
	out.Values = slices.Clone(image.Values)
	for y := s.top; y < s.top+size; y++ {
		for x := s.left; x < s.left+size; x++ {
			copy(out.Values[(y*image.Width+x)*image.Channels:], fill)
		}
	}
	return out
}

// mean returns the mean of each channel.
func mean(image viz.Volume) []float32 {
	sums := make([]float64, image.Channels)
	for i, v := range image.Values {
		sums[i%image.Channels] += float64(v)
	}
	out := make([]float32, image.Channels)
	for c := range out {
		out[c] = float32(sums[c] / float64(image.Height*image.Width))
	}
	return out
}
