// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// MaxPooling2D computes the maximum of each channel over windows of size x size cells, which
// do not overlap unless Strides is given.
//
//	input   (batch, height, width, channels)
//	output  (batch, height', width', channels)
//
// With strides s, an axis of length n is reduced to ⌊(n - size)/s⌋ + 1, or to ⌈n/s⌉ with
// SamePadding.
//
// Options:
//
//	Strides                    size
//	ValidPadding, SamePadding  ValidPadding
//	PoolSize                   size
//	Name                       "max_pooling2d", "max_pooling2d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/pooling_layers/max_pooling2d/.
func MaxPooling2D(size int, opts ...PoolOption) Layer { return newPool(2, true, size, opts) }

// AveragePooling2D computes the mean of each channel over windows of size x size cells,
// without the cells that SamePadding adds. Shapes are as in MaxPooling2D.
//
// Options:
//
//	Strides                    size
//	ValidPadding, SamePadding  ValidPadding
//	PoolSize                   size
//	Name                       "average_pooling2d", "average_pooling2d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/pooling_layers/average_pooling2d/.
func AveragePooling2D(size int, opts ...PoolOption) Layer { return newPool(2, false, size, opts) }

// MaxPooling1D computes the maximum of each channel over windows of size steps.
//
//	input   (batch, steps, channels)
//	output  (batch, steps', channels), with steps' as in MaxPooling2D
//
// Options:
//
//	Strides                    size
//	ValidPadding, SamePadding  ValidPadding
//	PoolSize                   size
//	Name                       "max_pooling1d", "max_pooling1d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/pooling_layers/max_pooling1d/.
func MaxPooling1D(size int, opts ...PoolOption) Layer { return newPool(1, true, size, opts) }

// AveragePooling1D computes the mean of each channel over windows of size steps, without the
// steps that SamePadding adds. Shapes are as in MaxPooling1D.
//
// Options:
//
//	Strides                    size
//	ValidPadding, SamePadding  ValidPadding
//	PoolSize                   size
//	Name                       "average_pooling1d", "average_pooling1d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/pooling_layers/average_pooling1d/.
func AveragePooling1D(size int, opts ...PoolOption) Layer { return newPool(1, false, size, opts) }

// MaxPooling3D computes the maximum of each channel over windows of size x size x size cells.
//
//	input   (batch, depth, height, width, channels)
//	output  (batch, depth', height', width', channels), with sizes as in MaxPooling2D
//
// Options:
//
//	Strides                    size
//	ValidPadding, SamePadding  ValidPadding
//	PoolSize                   size
//	Name                       "max_pooling3d", "max_pooling3d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/pooling_layers/max_pooling3d/.
func MaxPooling3D(size int, opts ...PoolOption) Layer { return newPool(3, true, size, opts) }

// AveragePooling3D computes the mean of each channel over windows of size x size x size cells, without
// the cells that SamePadding adds. Shapes are as in MaxPooling3D.
//
// Options:
//
//	Strides                    size
//	ValidPadding, SamePadding  ValidPadding
//	PoolSize                   size
//	Name                       "average_pooling3d", "average_pooling3d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/pooling_layers/average_pooling3d/.
func AveragePooling3D(size int, opts ...PoolOption) Layer { return newPool(3, false, size, opts) }

// PoolSize sets the cells of the window along each spatial axis, (height, width) in two dimensions, instead
// of the size given to the layer's constructor.
func PoolSize(n ...int) PoolOption {
	return poolOption{setting: setPerAxis("PoolSize", n)}
}

type pool struct {
	Axes     int           `json:"axes"`
	Max      bool          `json:"max"`
	PoolSize perAxis       `json:"size" option:"PoolSize"`
	Strides  perAxis       `json:"strides" option:"Strides"`
	Padding  graph.Padding `json:"padding" option:"Padding"`
}

func newPool(axes int, maximum bool, size int, opts []PoolOption) Layer {
	d := &pool{Axes: axes, Max: maximum, PoolSize: perAxis{size}}
	l := newLayer(d, opts)
	if !l.chosen("strides") {
		d.Strides = d.PoolSize
	}
	return l
}

func (d *pool) refuses() []string { return []string{"CausalPadding"} }

var _ = register[pool]("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D")

func (d *pool) Kind() string {
	if d.Max {
		return fmt.Sprintf("MaxPooling%dD", d.Axes)
	}
	return fmt.Sprintf("AveragePooling%dD", d.Axes)
}

func (d *pool) check() error {
	if err := checkAxes(d.Axes, 3); err != nil {
		return err
	}
	if d.Padding == graph.Causal {
		return fmt.Errorf("padding is causal, want valid or same")
	}
	if err := d.PoolSize.check("pool size", d.Axes); err != nil {
		return err // strides that were not set are the same, and need no second error
	}
	return d.Strides.check("strides", d.Axes)
}

// multiplications counts the cells of all windows.
func (d *pool) multiplications(in []Shape, out Shape, _ float64) float64 {
	window := 1.0
	for i := range min(d.Axes, len(in[0])) {
		window *= float64(min(d.PoolSize.at(i), in[0][i]))
	}
	return window * floatSize(out)
}

func (d *pool) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	out := append(Shape{}, x...)
	for i := range d.Axes {
		if out[i], err = graph.OutputSize(x[i], d.PoolSize.at(i), d.Strides.at(i), 1, d.Padding); err != nil {
			return nil, fmt.Errorf("input has shape %v: %w", x, err)
		}
	}
	return out, nil
}

func (d *pool) Forward(s *Scope, in []*graph.Node) *graph.Node {
	spec := graph.PoolSpec{Size: d.PoolSize.array(d.Axes), Stride: d.Strides.array(d.Axes), Padding: d.Padding}
	if d.Max {
		return s.Do(graph.MaxPool(in[0], spec))
	}
	return s.Do(graph.AvgPool(in[0], spec))
}

// GlobalMaxPooling1D computes the maximum of each channel over all steps:
// (batch, steps, channels) becomes (batch, channels).
//
// Options:
//
//	KeepDims   off
//	Name       "global_max_pooling1d", "global_max_pooling1d_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/pooling_layers/global_max_pooling1d/.
func GlobalMaxPooling1D(opts ...PoolOption) Layer { return newGlobalPool(1, true, opts) }

// GlobalMaxPooling2D computes the maximum of each channel over the image:
// (batch, height, width, channels) becomes (batch, channels).
//
// Options:
//
//	KeepDims   off
//	Name       "global_max_pooling2d", "global_max_pooling2d_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/pooling_layers/global_max_pooling2d/.
func GlobalMaxPooling2D(opts ...PoolOption) Layer { return newGlobalPool(2, true, opts) }

// GlobalAveragePooling1D computes the mean of each channel over all steps that are not
// masked: (batch, steps, channels) becomes (batch, channels). If all steps are masked, the
// mean is 0.
//
// Options:
//
//	KeepDims   off
//	Name       "global_average_pooling1d", "global_average_pooling1d_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/pooling_layers/global_average_pooling1d/.
func GlobalAveragePooling1D(opts ...PoolOption) Layer { return newGlobalPool(1, false, opts) }

// GlobalAveragePooling2D computes the mean of each channel over the image:
// (batch, height, width, channels) becomes (batch, channels).
//
// Options:
//
//	KeepDims   off
//	Name       "global_average_pooling2d", "global_average_pooling2d_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/pooling_layers/global_average_pooling2d/.
func GlobalAveragePooling2D(opts ...PoolOption) Layer { return newGlobalPool(2, false, opts) }

// GlobalMaxPooling3D computes the maximum of each channel over the volume:
// (batch, depth, height, width, channels) becomes (batch, channels).
//
// Options:
//
//	KeepDims   off
//	Name       "global_max_pooling3d", "global_max_pooling3d_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/pooling_layers/global_max_pooling3d/.
func GlobalMaxPooling3D(opts ...PoolOption) Layer { return newGlobalPool(3, true, opts) }

// GlobalAveragePooling3D computes the mean of each channel over the volume:
// (batch, depth, height, width, channels) becomes (batch, channels).
//
// Options:
//
//	KeepDims   off
//	Name       "global_average_pooling3d", "global_average_pooling3d_1" and so on
//	Trainable  true
//
// See https://keras.io/api/layers/pooling_layers/global_average_pooling3d/.
func GlobalAveragePooling3D(opts ...PoolOption) Layer { return newGlobalPool(3, false, opts) }

// PoolFlag is a PoolOption that turns something on. All flags are off by default.
type PoolFlag string

// KeepDims makes a global pooling layer keep the axes that it reduces, with length 1.
const KeepDims PoolFlag = "KeepDims"

func (f PoolFlag) sets() setting { return set(string(f), true) }
func (PoolFlag) forPool()        {}

func newGlobalPool(axes int, maximum bool, opts []PoolOption) Layer {
	return newLayer(&globalPool{Axes: axes, Max: maximum}, opts)
}

type globalPool struct {
	Axes     int  `json:"axes"`
	Max      bool `json:"max"`
	KeepDims bool `json:"keepdims,omitempty" option:"KeepDims"`
}

var _ = register[globalPool](
	"GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D",
	"GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
)

func (d *globalPool) Kind() string {
	if d.Max {
		return fmt.Sprintf("GlobalMaxPooling%dD", d.Axes)
	}
	return fmt.Sprintf("GlobalAveragePooling%dD", d.Axes)
}

func (d *globalPool) check() error {
	return checkAxes(d.Axes, 3)
}

func (d *globalPool) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	if d.KeepDims {
		return append(slices.Repeat(Shape{1}, d.Axes), x[d.Axes]), nil
	}
	return Shape{x[d.Axes]}, nil
}

func (d *globalPool) Forward(s *Scope, in []*graph.Node) *graph.Node {
	y := d.pool(s, in)
	if y == nil || !d.KeepDims {
		return y
	}
	shape := y.Shape()
	return s.Do(graph.Reshape(y, append(append([]int{shape[0]}, slices.Repeat([]int{1}, d.Axes)...), shape[1])...))
}

// pool returns the pooled channels.
func (d *globalPool) pool(s *Scope, in []*graph.Node) *graph.Node {
	if d.Max {
		return s.Do(graph.GlobalMaxPool(in[0]))
	}
	if mask := s.Mask(0); mask != nil && d.Axes == 1 {
		return s.Do(graph.MaskedAvgPool(in[0], mask))
	}
	return s.Do(graph.GlobalAvgPool(in[0]))
}
