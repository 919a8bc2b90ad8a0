// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Reshape changes the shape of each sample, keeping its elements in row-major order.
//
//	input   (batch, ...)
//	output  (batch, shape...)
//
// One axis of shape may be -1: its length is inferred. Nothing is copied.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/reshape/.
func Reshape(shape []int, opts ...LayerOption) Layer {
	return newLayer(&reshape{Target: slices.Clone(shape)}, opts)
}

type reshape struct {
	Target Shape `json:"target_shape"`
}

var _ = register[reshape]("Reshape")

func (d *reshape) Kind() string { return "Reshape" }

func (d *reshape) check() error {
	free := 0
	for _, n := range d.Target {
		if n == -1 {
			free++
		} else if n < 1 {
			return fmt.Errorf("target shape is %v, want positive axes and at most one -1", []int(d.Target))
		}
	}
	if free > 1 {
		return fmt.Errorf("target shape is %v, want at most one -1", []int(d.Target))
	}
	return nil
}

func (d *reshape) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return d.to(in[0])
}

// to returns the output's shape, with the inferred length instead of -1.
func (d *reshape) to(in Shape) (Shape, error) {
	out, total := slices.Clone(d.Target), in.Size()
	if i := slices.Index(out, -1); i >= 0 {
		out[i] = 1
		out[i] = max(1, total/out.Size())
	}
	if out.Size() != total {
		return nil, fmt.Errorf("input has shape %v with %d elements per sample, which do not fit the target shape %v", in, total, []int(d.Target))
	}
	return out, nil
}

func (d *reshape) Forward(s *Scope, in []*graph.Node) *graph.Node {
	shape := in[0].Shape()
	to, err := d.to(Shape(shape[1:]))
	if err != nil {
		return s.Do(nil, err)
	}
	return s.Do(graph.Reshape(in[0], to.withBatch(shape[0])...))
}

// Permute reorders the axes of each sample. Axes are counted from 1, the batch being axis 0:
// Permute([]int{2, 1}) changes (batch, steps, channels) to (batch, channels, steps).
//
//	input   (batch, n_1, n_2, ...), up to five axes
//	output  (batch, n_dims[0], n_dims[1], ...)
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/permute/.
func Permute(dims []int, opts ...LayerOption) Layer {
	return newLayer(&permute{Dims: slices.Clone(dims)}, opts)
}

type permute struct {
	Dims []int `json:"dims"`
}

var _ = register[permute]("Permute")

func (d *permute) Kind() string { return "Permute" }

func (d *permute) check() error {
	sorted := slices.Clone(d.Dims)
	slices.Sort(sorted)
	for i, n := range sorted {
		if n != i+1 {
			return fmt.Errorf("dims are %v, want each number from 1 to %d once", d.Dims, len(d.Dims))
		}
	}
	if n := len(d.Dims); n < 1 || n > 5 {
		return fmt.Errorf("dims are %v, want one to five axes", d.Dims)
	}
	return nil
}

func (d *permute) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if len(in[0]) != len(d.Dims) {
		return nil, fmt.Errorf("input has shape %v, dims %v have %d axes", in[0], d.Dims, len(d.Dims))
	}
	out := make(Shape, len(d.Dims))
	for i, axis := range d.Dims {
		out[i] = in[0][axis-1]
	}
	return out, nil
}

func (d *permute) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Transpose(in[0], append([]int{0}, d.Dims...)...))
}

// RepeatVector repeats a vector n times along a new axis of steps.
//
//	input   (batch, features)
//	output  (batch, n, features)
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/repeat_vector/.
func RepeatVector(n int, opts ...LayerOption) Layer {
	return newLayer(&repeatVector{N: n}, opts)
}

type repeatVector struct {
	N int `json:"n"`
}

var _ = register[repeatVector]("RepeatVector")

func (d *repeatVector) Kind() string { return "RepeatVector" }

func (d *repeatVector) check() error {
	if d.N < 1 {
		return fmt.Errorf("n is %d, want a positive number", d.N)
	}
	return nil
}

func (d *repeatVector) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if len(in[0]) != 1 {
		return nil, fmt.Errorf("input has shape %v, want (batch, features)", in[0])
	}
	return Shape{d.N, in[0][0]}, nil
}

func (d *repeatVector) Forward(s *Scope, in []*graph.Node) *graph.Node {
	shape := in[0].Shape()
	return s.Do(graph.Repeat(s.Do(graph.Reshape(in[0], shape[0], 1, shape[1])), d.N, 1))
}

// Flatten joins all axes of a sample into one, in row-major order.
//
//	input   (batch, a, b, ...)
//	output  (batch, a·b·...)
//
// Nothing is copied.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/reshaping_layers/flatten/.
func Flatten(opts ...LayerOption) Layer {
	return newLayer(&flatten{}, opts)
}

type flatten struct{}

var _ = register[flatten]("Flatten")

func (d *flatten) Kind() string { return "Flatten" }

func (d *flatten) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return Shape{in[0].Size()}, nil
}

func (d *flatten) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Flatten(in[0]))
}
