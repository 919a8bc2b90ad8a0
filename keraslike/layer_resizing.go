// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// frontFirst is embedded by preparers that run in the front if they can, since the pictures there may
// have any size, and in the graph otherwise.
type frontFirst struct{}

func (frontFirst) prefersFront() {}

// Resizing resizes pictures of any size to one size. A pixel of the result lies between at most four
// pixels of the picture, so that shrinking by much leaves pixels out.
//
//	input   (batch, rows, columns, channels), whose rows and columns may be Any
//	output  (batch, height, width, channels)
//
// On the inputs of a model it runs before the network, so that the samples of a batch may differ in
// size; elsewhere it is part of the network.
//
//	model := keraslike.Sequential("pictures",
//		keraslike.Input(keraslike.Any, keraslike.Any, 3),
//		keraslike.Resizing(96, 96),
//		keraslike.Rescaling(1.0/255, 0),
//		...
//
// Options:
//
//	Interpolation      BilinearInterpolation
//	FillValue          0
//	CropToAspectRatio  off
//	PadToAspectRatio   off
//	Name               "resizing", "resizing_1" and so on
//	Trainable          true
//
// See https://keras.io/api/layers/preprocessing_layers/image_preprocessing/resizing/.
func Resizing(height, width int, opts ...PreprocessingOption) Layer {
	return newLayer(&resizing{Height: height, Width: width, Interpolation: BilinearInterpolation}, opts)
}

type resizing struct {
	frontFirst
	Height            int           `json:"height"`
	Width             int           `json:"width"`
	Interpolation     Interpolation `json:"interpolation" option:"Interpolation"`
	CropToAspectRatio bool          `json:"crop_to_aspect_ratio,omitempty" option:"CropToAspectRatio"`
	PadToAspectRatio  bool          `json:"pad_to_aspect_ratio,omitempty" option:"PadToAspectRatio"`
	FillValue         float64       `json:"fill_value,omitempty" option:"FillValue"`
}

var _ = register[resizing]("Resizing")

func (d *resizing) Kind() string { return "Resizing" }

func (d *resizing) check() error {
	switch {
	case d.Interpolation != BilinearInterpolation && d.Interpolation != NearestInterpolation:
		return fmt.Errorf("Interpolation is %q, want BilinearInterpolation or NearestInterpolation", string(d.Interpolation))
	case d.CropToAspectRatio && d.PadToAspectRatio:
		return errors.New("got both CropToAspectRatio and PadToAspectRatio, want one of them")
	case d.FillValue != 0 && !d.PadToAspectRatio:
		return errors.New("got FillValue without PadToAspectRatio")
	}
	return checkSize(d.Height, d.Width)
}

func (d *resizing) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := pictureInput(in)
	if err != nil {
		return nil, err
	}
	return Shape{d.Height, d.Width, x[2]}, nil
}

func (d *resizing) prepare(p *preparation, in []*value, out *value) error {
	from := pictureOf(in[0])
	out.resize(d.Height, d.Width, from.channels)
	to := pictureOf(out)
	switch {
	case d.CropToAspectRatio:
		top, left, h, w := from.aspectCrop(d.Height, d.Width)
		part := p.picture(h, w, from.channels)
		part.copyFrom(from, top, left)
		from = part
	case d.PadToAspectRatio:
		rows, cols := from.aspectMargins(d.Height, d.Width)
		whole := p.picture(from.height+2*rows, from.width+2*cols, from.channels)
		for i := range whole.pixels {
			whole.pixels[i] = float32(d.FillValue)
		}
		for y := range from.height {
			n := from.width * from.channels
			copy(whole.pixels[((y+rows)*whole.width+cols)*from.channels:], from.pixels[y*n:(y+1)*n])
		}
		from = whole
	}
	to.resized(from, d.Interpolation)
	return nil
}

// picture is memory for a picture while a layer runs.
func (p *preparation) picture(height, width, channels int) picture {
	n := height * width * channels
	p.pixels = slices.Grow(p.pixels[:0], n)[:n]
	return picture{height, width, channels, p.pixels}
}

func (d *resizing) multiplications(in []Shape, _ Shape, _ float64) float64 {
	h, w, c := float64(in[0][0]), float64(in[0][1]), float64(in[0][2])
	return c * (h*w*float64(d.Height) + float64(d.Height)*w*float64(d.Width))
}

// Forward resizes each axis by a product with the weights of its taps.
func (d *resizing) Forward(s *Scope, in []*graph.Node) *graph.Node {
	shape := in[0].Shape()
	from := picture{shape[1], shape[2], shape[3], nil}
	x := in[0]
	switch {
	case d.CropToAspectRatio:
		top, left, h, w := from.aspectCrop(d.Height, d.Width)
		if h < from.height || w < from.width {
			x = s.Do(graph.Slice(x, graph.At(1, top, top+h), graph.At(2, left, left+w)))
		}
		from.height, from.width = h, w
	case d.PadToAspectRatio:
		rows, cols := from.aspectMargins(d.Height, d.Width)
		if rows+cols > 0 {
			x = s.Do(graph.PadValue(x, d.FillValue, graph.PadWidth{Axis: 1, Before: rows, After: rows}, graph.PadWidth{Axis: 2, Before: cols, After: cols}))
		}
		from.height, from.width = from.height+2*rows, from.width+2*cols
	}
	x = d.resizeAxis(s, x, 1, from.height, d.Height)
	return d.resizeAxis(s, x, 2, from.width, d.Width)
}

// resizeAxis resizes axis 1 or 2 of n pixels to m.
func (d *resizing) resizeAxis(s *Scope, x *graph.Node, axis, n, m int) *graph.Node {
	if n == m || x == nil {
		return x
	}
	weights := make([]float32, n*m)
	for i, t := range resizedAxis(n, m, d.Interpolation) {
		weights[t.at*m+i] += 1 - t.weight
		weights[t.next*m+i] += t.weight
	}
	product := s.constant(fmt.Sprintf("%s of %d to %d", d.Interpolation, n, m), weights, n, m)
	last, back := axesLast(s, x, axis)
	if last == nil || product == nil {
		return nil
	}
	shape := last.Shape().Clone()
	rows := s.Do(graph.Reshape(last, Shape(shape[:3]).Size(), n))
	return back(s.Do(graph.Reshape(s.Do(graph.MatMul(rows, product)), shape[0], shape[1], shape[2], m)))
}

// constant returns a constant, one node for each name.
func (s *Scope) constant(name string, values []float32, shape ...int) *graph.Node {
	n, ok := s.constants[name]
	if need := 4 * floatSize(shape); !ok && need > float64(s.maxMemory) {
		return s.Do(nil, fmt.Errorf("%s: %w (Limits.Memory)", name, &graph.MemoryError{Need: need, Limit: s.maxMemory}))
	}
	if !ok {
		if n = s.input(name, shape...); n != nil {
			s.Do(n, graph.Let(n, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))))
		}
		s.constants[name] = n
	}
	return n
}

// CenterCrop cuts a part of height x width pixels out of the middle of a picture. A picture that is
// smaller is resized as by Resizing with CropToAspectRatio.
//
//	input   (batch, rows, columns, channels), whose rows and columns may be Any
//	output  (batch, height, width, channels)
//
// On the inputs of a model it runs before the network, so that the samples of a batch may differ in
// size; elsewhere it is part of the network.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/preprocessing_layers/image_preprocessing/center_crop/.
func CenterCrop(height, width int, opts ...LayerOption) Layer {
	return newLayer(&centerCrop{Height: height, Width: width}, opts)
}

type centerCrop struct {
	frontFirst
	Height int `json:"height"`
	Width  int `json:"width"`
}

var _ = register[centerCrop]("CenterCrop")

func (d *centerCrop) Kind() string { return "CenterCrop" }

func (d *centerCrop) check() error { return checkSize(d.Height, d.Width) }

func (d *centerCrop) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := pictureInput(in)
	if err != nil {
		return nil, err
	}
	return Shape{d.Height, d.Width, x[2]}, nil
}

// resizes is what becomes of smaller pictures.
func (d *centerCrop) resizes() *resizing {
	return &resizing{Height: d.Height, Width: d.Width, Interpolation: BilinearInterpolation, CropToAspectRatio: true}
}

func (d *centerCrop) multiplications(in []Shape, out Shape, each float64) float64 {
	if in[0][0] >= d.Height && in[0][1] >= d.Width {
		return 0
	}
	return d.resizes().multiplications(in, out, each)
}

func (d *centerCrop) prepare(p *preparation, in []*value, out *value) error {
	from := pictureOf(in[0])
	if from.height < d.Height || from.width < d.Width {
		return d.resizes().prepare(p, in, out)
	}
	out.resize(d.Height, d.Width, from.channels)
	pictureOf(out).copyFrom(from, (from.height-d.Height)/2, (from.width-d.Width)/2)
	return nil
}

func (d *centerCrop) Forward(s *Scope, in []*graph.Node) *graph.Node {
	h, w := in[0].Shape()[1], in[0].Shape()[2]
	if h < d.Height || w < d.Width {
		return d.resizes().Forward(s, in)
	}
	top, left := (h-d.Height)/2, (w-d.Width)/2
	return s.Do(graph.Slice(in[0], graph.At(1, top, top+d.Height), graph.At(2, left, left+d.Width)))
}
