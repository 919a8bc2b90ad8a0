// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// ZeroPadding1D puts steps of zeros in front of and behind a series:
// (batch, steps, channels) becomes (batch, before+steps+after, channels).
// See https://keras.io/api/layers/reshaping_layers/zero_padding1d/.
func ZeroPadding1D(before, after int, opts ...LayerOption) Layer {
	return newMargins(&margins{Axes: 1, Left: before, Right: after}, opts)
}

// ZeroPadding2D puts rows and columns of zeros around an image: (batch, height,
// width, channels) becomes (batch, top+height+bottom, left+width+right, channels).
// See https://keras.io/api/layers/reshaping_layers/zero_padding2d/.
func ZeroPadding2D(top, bottom, left, right int, opts ...LayerOption) Layer {
	return newMargins(&margins{Axes: 2, Top: top, Bottom: bottom, Left: left, Right: right}, opts)
}

// Cropping1D takes steps away from both ends of a series: (batch, steps,
// channels) becomes (batch, steps-before-after, channels).
// See https://keras.io/api/layers/reshaping_layers/cropping1d/.
func Cropping1D(before, after int, opts ...LayerOption) Layer {
	return newMargins(&margins{Axes: 1, Crop: true, Left: before, Right: after}, opts)
}

// Cropping2D takes rows and columns away from the edges of an image: (batch,
// height, width, channels) becomes (batch, height-top-bottom, width-left-right,
// channels). See https://keras.io/api/layers/reshaping_layers/cropping2d/.
func Cropping2D(top, bottom, left, right int, opts ...LayerOption) Layer {
	return newMargins(&margins{Axes: 2, Crop: true, Top: top, Bottom: bottom, Left: left, Right: right}, opts)
}

func newMargins(d *margins, opts []LayerOption) Layer { return newLayer(d, &d.common, opts) }

type margins struct {
	common
	Axes   int  `json:"axes"`
	Crop   bool `json:"crop"`
	Top    int  `json:"top"`
	Bottom int  `json:"bottom"`
	Left   int  `json:"left"`
	Right  int  `json:"right"`
}

func (d *margins) Kind() string {
	if d.Crop {
		return fmt.Sprintf("Cropping%dD", d.Axes)
	}
	return fmt.Sprintf("ZeroPadding%dD", d.Axes)
}

func (d *margins) check() error {
	switch {
	case d.Axes != 1 && d.Axes != 2:
		return fmt.Errorf("%d spatial axes, want 1 or 2", d.Axes)
	case min(d.Top, d.Bottom, d.Left, d.Right) < 0:
		return fmt.Errorf("margins are %d, %d, %d, %d, want none negative", d.Top, d.Bottom, d.Left, d.Right)
	}
	return nil
}

func (d *margins) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := image(in, d.Axes)
	if err != nil {
		return nil, err
	}
	sign := 1
	if d.Crop {
		sign = -1
	}
	out := append(Shape{}, x...)
	out[d.Axes-1] += sign * (d.Left + d.Right)
	if d.Axes == 2 {
		out[0] += sign * (d.Top + d.Bottom)
	}
	if out[0] < 1 || out[d.Axes-1] < 1 {
		return nil, fmt.Errorf("input has shape %v, nothing is left of it", x)
	}
	return out, nil
}

func (d *margins) Forward(s *Scope, in []*graph.Node) *graph.Node {
	m := graph.PadWidths{Top: d.Top, Bottom: d.Bottom, Left: d.Left, Right: d.Right}
	if d.Crop {
		return s.Do(graph.Crop(in[0], m))
	}
	return s.Do(graph.Pad(in[0], m))
}
