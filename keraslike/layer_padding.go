// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// ZeroPadding1D adds steps of zeros before and after a sequence:
// (batch, steps, channels) becomes (batch, before+steps+after, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/zero_padding1d/.
func ZeroPadding1D(before, after int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 1, Left: before, Right: after}, opts)
}

// ZeroPadding2D adds rows and columns of zeros around an image: (batch, height,
// width, channels) becomes (batch, top+height+bottom, left+width+right, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/zero_padding2d/.
func ZeroPadding2D(top, bottom, left, right int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 2, Top: top, Bottom: bottom, Left: left, Right: right}, opts)
}

// Cropping1D removes steps from both ends of a sequence: (batch, steps,
// channels) becomes (batch, steps-before-after, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/cropping1d/.
func Cropping1D(before, after int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 1, Crop: true, Left: before, Right: after}, opts)
}

// Cropping2D removes rows and columns from the edges of an image: (batch,
// height, width, channels) becomes (batch, height-top-bottom, width-left-right,
// channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/cropping2d/.
func Cropping2D(top, bottom, left, right int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 2, Crop: true, Top: top, Bottom: bottom, Left: left, Right: right}, opts)
}

func newPadOrCrop(d *padOrCrop, opts []LayerOption) Layer { return newLayer(d, opts) }

type padOrCrop struct {
	Axes   int  `json:"axes"`
	Crop   bool `json:"crop"`
	Top    int  `json:"top"`
	Bottom int  `json:"bottom"`
	Left   int  `json:"left"`
	Right  int  `json:"right"`
}

var _ = register[padOrCrop]("ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D")

func (d *padOrCrop) Kind() string {
	if d.Crop {
		return fmt.Sprintf("Cropping%dD", d.Axes)
	}
	return fmt.Sprintf("ZeroPadding%dD", d.Axes)
}

func (d *padOrCrop) check() error {
	switch {
	case d.Axes != 1 && d.Axes != 2:
		return fmt.Errorf("%d spatial axes, want 1 or 2", d.Axes)
	case min(d.Top, d.Bottom, d.Left, d.Right) < 0:
		return fmt.Errorf("margins are %d, %d, %d, %d, want at least 0", d.Top, d.Bottom, d.Left, d.Right)
	}
	return nil
}

func (d *padOrCrop) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
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
		return nil, fmt.Errorf("input has shape %v, of which nothing is left", x)
	}
	return out, nil
}

func (d *padOrCrop) Forward(s *Scope, in []*graph.Node) *graph.Node {
	widths := []graph.PadWidth{{Axis: d.Axes, Before: d.Left, After: d.Right}}
	if d.Axes == 2 {
		widths = append(widths, graph.PadWidth{Axis: 1, Before: d.Top, After: d.Bottom})
	}
	if !d.Crop {
		return s.Do(graph.Pad(in[0], graph.PadZeros, widths...))
	}
	var kept []graph.Range
	for _, w := range widths {
		kept = append(kept, graph.At(w.Axis, w.Before, in[0].Shape()[w.Axis]-w.After))
	}
	return s.Do(graph.Slice(in[0], kept...))
}

// UpSampling1D repeats every step size times: (batch, steps, channels) becomes
// (batch, steps·size, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/up_sampling1d/.
func UpSampling1D(size int, opts ...LayerOption) Layer {
	return newLayer(&upSampling{Axes: 1, Size: [2]int{1, size}}, opts)
}

// UpSampling2D repeats every pixel height x width times (nearest neighbor):
// (batch, h, w, channels) becomes (batch, h·height, w·width, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/up_sampling2d/.
func UpSampling2D(height, width int, opts ...LayerOption) Layer {
	return newLayer(&upSampling{Axes: 2, Size: [2]int{height, width}}, opts)
}

type upSampling struct {
	Axes int    `json:"axes"`
	Size [2]int `json:"size"`
}

var _ = register[upSampling]("UpSampling1D", "UpSampling2D")

func (d *upSampling) Kind() string { return fmt.Sprintf("UpSampling%dD", d.Axes) }

func (d *upSampling) check() error {
	switch {
	case d.Axes != 1 && d.Axes != 2:
		return fmt.Errorf("%d spatial axes, want 1 or 2", d.Axes)
	case d.Size[0] < 1 || d.Size[1] < 1:
		return fmt.Errorf("size is %v, want positive numbers", d.Size[2-d.Axes:])
	}
	return nil
}

func (d *upSampling) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	out := append(Shape{}, x...)
	for i := range d.Axes {
		out[i] *= d.Size[2-d.Axes+i]
	}
	return out, nil
}

func (d *upSampling) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if d.Axes == 1 {
		return s.Do(graph.Repeat(in[0], d.Size[1], 1))
	}
	return s.Do(graph.Upsample(in[0], d.Size[0], d.Size[1]))
}
