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
	return newPadOrCrop(&padOrCrop{Axes: 1, Margins: [][2]int{{before, after}}}, opts)
}

// ZeroPadding2D adds rows and columns of zeros around an image: (batch, height,
// width, channels) becomes (batch, top+height+bottom, left+width+right, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/zero_padding2d/.
func ZeroPadding2D(top, bottom, left, right int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 2, Margins: [][2]int{{top, bottom}, {left, right}}}, opts)
}

// ZeroPadding3D adds zeros around a volume: (batch, depth, height, width, channels) becomes
// (batch, front+depth+back, top+height+bottom, left+width+right, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/zero_padding3d/.
func ZeroPadding3D(front, back, top, bottom, left, right int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 3, Margins: [][2]int{{front, back}, {top, bottom}, {left, right}}}, opts)
}

// Cropping1D removes steps from both ends of a sequence: (batch, steps,
// channels) becomes (batch, steps-before-after, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/cropping1d/.
func Cropping1D(before, after int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 1, Crop: true, Margins: [][2]int{{before, after}}}, opts)
}

// Cropping2D removes rows and columns from the edges of an image: (batch,
// height, width, channels) becomes (batch, height-top-bottom, width-left-right,
// channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/cropping2d/.
func Cropping2D(top, bottom, left, right int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 2, Crop: true, Margins: [][2]int{{top, bottom}, {left, right}}}, opts)
}

// Cropping3D removes cells from the faces of a volume: (batch, depth, height, width, channels)
// becomes (batch, depth-front-back, height-top-bottom, width-left-right, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/cropping3d/.
func Cropping3D(front, back, top, bottom, left, right int, opts ...LayerOption) Layer {
	return newPadOrCrop(&padOrCrop{Axes: 3, Crop: true, Margins: [][2]int{{front, back}, {top, bottom}, {left, right}}}, opts)
}

func newPadOrCrop(d *padOrCrop, opts []LayerOption) Layer { return newLayer(d, opts) }

type padOrCrop struct {
	Axes    int      `json:"axes"`
	Crop    bool     `json:"crop"`
	Margins [][2]int `json:"margins"` // before and after each spatial axis
}

var _ = register[padOrCrop]("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D")

func (d *padOrCrop) Kind() string {
	if d.Crop {
		return fmt.Sprintf("Cropping%dD", d.Axes)
	}
	return fmt.Sprintf("ZeroPadding%dD", d.Axes)
}

func (d *padOrCrop) check() error {
	if err := checkAxes(d.Axes, 3); err != nil {
		return err
	}
	if len(d.Margins) != d.Axes {
		return fmt.Errorf("%d margins, want one for each of the %d spatial axes", len(d.Margins), d.Axes)
	}
	for _, m := range d.Margins {
		if min(m[0], m[1]) < 0 {
			return fmt.Errorf("margins are %v, want at least 0", d.Margins)
		}
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
	for i, m := range d.Margins {
		if out[i] += sign * (m[0] + m[1]); out[i] < 1 {
			return nil, fmt.Errorf("input has shape %v, of which nothing is left", x)
		}
	}
	return out, nil
}

func (d *padOrCrop) Forward(s *Scope, in []*graph.Node) *graph.Node {
	var widths []graph.PadWidth
	var kept []graph.Range
	for i, m := range d.Margins {
		widths = append(widths, graph.PadWidth{Axis: i + 1, Before: m[0], After: m[1]})
		kept = append(kept, graph.At(i+1, m[0], in[0].Shape()[i+1]-m[1]))
	}
	if d.Crop {
		return s.Do(graph.Slice(in[0], kept...))
	}
	return s.Do(graph.Pad(in[0], graph.PadZeros, widths...))
}

// UpSampling1D repeats every step size times: (batch, steps, channels) becomes
// (batch, steps·size, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/up_sampling1d/.
func UpSampling1D(size int, opts ...LayerOption) Layer {
	return newLayer(&upSampling{Axes: 1, Size: perAxis{size}}, opts)
}

// UpSampling2D enlarges a picture height x width times: (batch, h, w, channels) becomes
// (batch, h·height, w·width, channels). By default it repeats every pixel; BilinearInterpolation and
// BicubicInterpolation compute pixel i of an axis from those about (i+½)/factor - ½, where a pixel beyond
// the edge is that of the edge.
//
// Options:
//
//	Interpolation  NearestInterpolation
//	Name           "up_sampling2d", "up_sampling2d_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/reshaping_layers/up_sampling2d/.
func UpSampling2D(height, width int, opts ...PreprocessingOption) Layer {
	return newLayer(&upSampling{Axes: 2, Size: perAxis{height, width}}, opts)
}

// UpSampling3D repeats every cell depth x height x width times:
// (batch, d, h, w, channels) becomes (batch, d·depth, h·height, w·width, channels).
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/up_sampling3d/.
func UpSampling3D(depth, height, width int, opts ...LayerOption) Layer {
	return newLayer(&upSampling{Axes: 3, Size: perAxis{depth, height, width}}, opts)
}

type upSampling struct {
	Axes int     `json:"axes"`
	Size perAxis `json:"size"`

	Interpolation Interpolation `json:"interpolation,omitempty" option:"Interpolation"` // "" for nearest
}

func (d *upSampling) refuses() []string {
	if d.Axes != 2 {
		return []string{"Interpolation"}
	}
	return nil
}

var _ = register[upSampling]("UpSampling1D", "UpSampling2D", "UpSampling3D")

func (d *upSampling) Kind() string { return fmt.Sprintf("UpSampling%dD", d.Axes) }

func (d *upSampling) check() error {
	if err := checkAxes(d.Axes, 3); err != nil {
		return err
	}
	if _, known := resizeMethods[d.Interpolation]; !known || d.Axes != 2 && d.Interpolation != "" {
		return fmt.Errorf("Interpolation is %q, want NearestInterpolation, BilinearInterpolation or BicubicInterpolation", string(d.Interpolation))
	}
	return d.Size.check("size", d.Axes)
}

// resizeMethods are the methods of interpolations.
var resizeMethods = map[Interpolation]graph.Interpolation{
	"": graph.Nearest, NearestInterpolation: graph.Nearest, BilinearInterpolation: graph.Bilinear, BicubicInterpolation: graph.Bicubic,
}

func (d *upSampling) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	out := append(Shape{}, x...)
	for i := range d.Axes {
		out[i] *= d.Size.at(i)
	}
	return out, nil
}

func (d *upSampling) Forward(s *Scope, in []*graph.Node) *graph.Node {
	y := in[0]
	switch d.Axes {
	case 1:
		return s.Do(graph.Repeat(y, d.Size.at(0), 1))
	case 2:
		if how := resizeMethods[d.Interpolation]; how != graph.Nearest && y != nil {
			return s.Do(graph.Resize(y, y.Shape()[1]*d.Size.at(0), y.Shape()[2]*d.Size.at(1), how))
		}
		return s.Do(graph.Upsample(y, d.Size.at(0), d.Size.at(1)))
	}
	for i := range d.Axes {
		y = s.Do(graph.Repeat(y, d.Size.at(i), i+1))
	}
	return y
}
