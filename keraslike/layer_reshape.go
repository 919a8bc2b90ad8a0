// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Reshape gives the elements of a sample, in row-major order, another shape.
//
//	input   (batch, ...)
//	output  (batch, shape...)
//
// One axis of shape may be -1: it gets what is left. Nothing is copied.
// See https://keras.io/api/layers/reshaping_layers/reshape/.
func Reshape(shape []int, opts ...LayerOption) Layer {
	d := &reshape{Target: slices.Clone(shape)}
	return newLayer(d, &d.common, opts)
}

type reshape struct {
	common
	Target Shape `json:"target_shape"`
}

func (d *reshape) Kind() string { return "Reshape" }

func (d *reshape) check() error {
	free := 0
	for _, n := range d.Target {
		if n == -1 {
			free++
		} else if n < 1 {
			return fmt.Errorf("target shape is %v, want positive axes and at most one of -1", []int(d.Target))
		}
	}
	if free > 1 {
		return fmt.Errorf("target shape is %v, want at most one axis of -1", []int(d.Target))
	}
	return nil
}

func (d *reshape) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	return d.to(in[0])
}

// to is the output's shape, with a number in place of -1.
func (d *reshape) to(in Shape) (Shape, error) {
	out, total := slices.Clone(d.Target), in.Size()
	if i := slices.Index(out, -1); i >= 0 {
		out[i] = 1
		out[i] = max(1, total/out.Size())
	}
	if out.Size() != total {
		return nil, fmt.Errorf("input has shape %v with %d elements a sample, which do not fit the target shape %v", in, total, []int(d.Target))
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

// Permute reorders the axes of a sample: axis i of the output is axis dims[i]
// of the input. Axes are counted from 1, the batch being axis 0: Permute([]int{2, 1})
// turns (batch, steps, channels) into (batch, channels, steps).
//
//	input   (batch, n_1, n_2, ...), up to five axes
//	output  (batch, n_dims[0], n_dims[1], ...)
//
// See https://keras.io/api/layers/reshaping_layers/permute/.
func Permute(dims []int, opts ...LayerOption) Layer {
	d := &permute{Dims: slices.Clone(dims)}
	return newLayer(d, &d.common, opts)
}

type permute struct {
	common
	Dims []int `json:"dims"`
}

func (d *permute) Kind() string { return "Permute" }

func (d *permute) check() error {
	sorted := slices.Clone(d.Dims)
	slices.Sort(sorted)
	for i, n := range sorted {
		if n != i+1 {
			return fmt.Errorf("dims are %v, want each of 1 to %d once", d.Dims, len(d.Dims))
		}
	}
	if n := len(d.Dims); n < 1 || n > 5 {
		return fmt.Errorf("dims are %v, want one to five axes", d.Dims)
	}
	return nil
}

func (d *permute) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	if len(in[0]) != len(d.Dims) {
		return nil, fmt.Errorf("input has shape %v, dims %v name %d axes", in[0], d.Dims, len(d.Dims))
	}
	out := make(Shape, len(d.Dims))
	for i, axis := range d.Dims {
		out[i] = in[0][axis-1]
	}
	return out, nil
}

func (d *permute) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Permute(in[0], append([]int{0}, d.Dims...)...))
}

// RepeatVector repeats a vector n times along a new axis of steps.
//
//	input   (batch, features)
//	output  (batch, n, features)
//
// See https://keras.io/api/layers/reshaping_layers/repeat_vector/.
func RepeatVector(n int, opts ...LayerOption) Layer {
	d := &repeatVector{N: n}
	return newLayer(d, &d.common, opts)
}

type repeatVector struct {
	common
	N int `json:"n"`
}

func (d *repeatVector) Kind() string { return "RepeatVector" }

func (d *repeatVector) check() error {
	if d.N < 1 {
		return fmt.Errorf("n is %d, want a positive number", d.N)
	}
	return nil
}

func (d *repeatVector) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	if len(in[0]) != 1 {
		return nil, fmt.Errorf("input has shape %v, want (batch, features)", in[0])
	}
	return Shape{d.N, in[0][0]}, nil
}

func (d *repeatVector) Forward(s *Scope, in []*graph.Node) *graph.Node {
	shape := in[0].Shape()
	return s.Do(graph.RepeatElements(s.Do(graph.Reshape(in[0], shape[0], 1, shape[1])), 1, d.N))
}
