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

// Explain returns the map.
func (e Occlusion) Explain(ctx context.Context, m Model, image viz.Volume, class int) (viz.Volume, error) {
	if err := image.Check(); err != nil {
		return viz.Volume{}, fmt.Errorf("occlusion: image: %w", err)
	}
	size, stride := e.Size, e.Stride
	if size == 0 {
		size = max(1, min(image.Height, image.Width)/6)
	}
	if stride == 0 {
		stride = max(1, size/2)
	}
	if size < 1 || stride < 1 || stride > size || size > min(image.Height, image.Width) {
		return viz.Volume{}, fmt.Errorf("occlusion: squares of %d every %d pixels on an image of %d × %d",
			size, stride, image.Height, image.Width)
	}
	fill := e.Fill
	if fill == nil {
		fill = mean(image)
	}
	if len(fill) != image.Channels {
		return viz.Volume{}, fmt.Errorf("occlusion: fill has %d values, the image %d channels", len(fill), image.Channels)
	}
	score := func(images []viz.Volume) ([]float64, error) {
		rows, err := m.Scores(ctx, images)
		if err != nil {
			return nil, fmt.Errorf("occlusion: %w", err)
		}
		if len(rows) != len(images) {
			return nil, fmt.Errorf("occlusion: %d images have %d rows of scores", len(images), len(rows))
		}
		scores := make([]float64, len(rows))
		for i, row := range rows {
			if class < 0 || class >= len(row) {
				return nil, fmt.Errorf("occlusion: class %d of %d", class, len(row))
			}
			scores[i] = row[class]
		}
		return scores, nil
	}
	whole, err := score([]viz.Volume{image})
	if err != nil {
		return viz.Volume{}, err
	}

	falls, covered := make([]float64, image.Height*image.Width), make([]float64, image.Height*image.Width)
	tops, lefts := corners(image.Height, size, stride), corners(image.Width, size, stride)
	squares := len(tops) * len(lefts)
	for from := 0; from < squares; from += squaresAtOnce {
		to := min(from+squaresAtOnce, squares)
		var hidden []viz.Volume
		for s := from; s < to; s++ {
			hidden = append(hidden, hide(image, tops[s/len(lefts)], lefts[s%len(lefts)], size, fill))
		}
		scores, err := score(hidden)
		if err != nil {
			return viz.Volume{}, err
		}
		for i, v := range scores {
			top, left := tops[(from+i)/len(lefts)], lefts[(from+i)%len(lefts)]
			for y := top; y < top+size; y++ {
				for x := left; x < left+size; x++ {
					falls[y*image.Width+x] += whole[0] - v
					covered[y*image.Width+x]++
				}
			}
		}
	}
	out := heat(image.Height, image.Width)
	for p := range out.Values {
		out.Values[p] = float32(falls[p] / covered[p])
	}
	return out, nil
}

// corners spaces squares along a side such that they cover all of it.
func corners(side, size, stride int) []int {
	var at []int
	for p := 0; p+size < side; p += stride {
		at = append(at, p)
	}
	return append(at, side-size)
}

func hide(image viz.Volume, top, left, size int, fill []float32) viz.Volume {
	out := image
	out.Values = slices.Clone(image.Values)
	for y := top; y < top+size; y++ {
		for x := left; x < left+size; x++ {
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
