// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// MaxPooling2D is the maximum of each channel over square windows of size x
// size cells, side by side unless Strides says otherwise.
//
//	input   (batch, height, width, channels)
//	output  (batch, height', width', channels), an axis of n cells being ⌊(n - size)/s⌋ + 1 long, ⌈n/s⌉ with SamePadding
//
// Options: Strides, Strides2D, PoolSize, SamePadding, Name.
// See https://keras.io/api/layers/pooling_layers/max_pooling2d/.
func MaxPooling2D(size int, opts ...PoolOption) Layer {
	return newPool(&pool{Axes: 2, Max: true, Size: [2]int{size, size}}, opts)
}

// AveragePooling2D is the mean of each channel over windows; cells added by
// SamePadding do not count. Shapes and options are MaxPooling2D's.
// See https://keras.io/api/layers/pooling_layers/average_pooling2d/.
func AveragePooling2D(size int, opts ...PoolOption) Layer {
	return newPool(&pool{Axes: 2, Size: [2]int{size, size}}, opts)
}

// MaxPooling1D is the maximum of each channel over windows in time:
// (batch, steps, channels) becomes (batch, steps', channels). Options are
// MaxPooling2D's. See https://keras.io/api/layers/pooling_layers/max_pooling1d/.
func MaxPooling1D(size int, opts ...PoolOption) Layer {
	return newPool(&pool{Axes: 1, Max: true, Size: [2]int{1, size}}, opts)
}

// AveragePooling1D is the mean of each channel over windows in time.
// See https://keras.io/api/layers/pooling_layers/average_pooling1d/.
func AveragePooling1D(size int, opts ...PoolOption) Layer {
	return newPool(&pool{Axes: 1, Size: [2]int{1, size}}, opts)
}

// PoolOption is an option of the poolings over windows.
type PoolOption interface{ applyPool(*pool) }

type pool struct {
	common
	Axes    int           `json:"axes"`
	Max     bool          `json:"max"`
	Size    [2]int        `json:"size"`
	Strides [2]int        `json:"strides"`
	Padding graph.Padding `json:"padding"`
}

func newPool(d *pool, opts []PoolOption) Layer {
	for _, o := range given(opts, &d.mistake) {
		o.applyPool(d)
	}
	if !d.chosen("strides") {
		d.Strides = d.Size
	}
	return &layer{name: d.name, def: d}
}

func (d *pool) Kind() string {
	if d.Max {
		return fmt.Sprintf("MaxPooling%dD", d.Axes)
	}
	return fmt.Sprintf("AveragePooling%dD", d.Axes)
}

func (d *pool) check() error {
	switch {
	case d.Axes != 1 && d.Axes != 2:
		return fmt.Errorf("%d spatial axes, want 1 or 2", d.Axes)
	case d.Size[0] < 1 || d.Size[1] < 1:
		return fmt.Errorf("pool size is %v, want positive numbers", d.Size)
	case d.Strides[0] < 1 || d.Strides[1] < 1:
		return fmt.Errorf("strides is %v, want positive numbers", d.Strides)
	case d.Padding == graph.Causal:
		return fmt.Errorf("padding is causal, want valid or same")
	}
	return nil
}

func (d *pool) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := image(in, d.Axes)
	if err != nil {
		return nil, err
	}
	out := append(Shape{}, x...)
	for i := range d.Axes {
		k := 2 - d.Axes + i
		if out[i], err = graph.OutputSize(x[i], d.Size[k], d.Strides[k], 1, d.Padding); err != nil {
			return nil, fmt.Errorf("input has shape %v: %w", x, err)
		}
	}
	return out, nil
}

func (d *pool) Forward(s *Scope, in []*graph.Node) *graph.Node {
	spec := graph.PoolSpec{Size: d.Size, Stride: d.Strides, Padding: d.Padding}
	if d.Max {
		return s.Do(graph.MaxPool(in[0], spec))
	}
	return s.Do(graph.AvgPool(in[0], spec))
}
