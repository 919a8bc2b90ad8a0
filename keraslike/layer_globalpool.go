// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// GlobalMaxPooling1D is the maximum of each channel over all steps:
// (batch, steps, channels) becomes (batch, channels).
// See https://keras.io/api/layers/pooling_layers/global_max_pooling1d/.
func GlobalMaxPooling1D(opts ...LayerOption) Layer { return newGlobalPool(1, true, opts) }

// GlobalMaxPooling2D is the maximum of each channel over the image:
// (batch, height, width, channels) becomes (batch, channels).
// See https://keras.io/api/layers/pooling_layers/global_max_pooling2d/.
func GlobalMaxPooling2D(opts ...LayerOption) Layer { return newGlobalPool(2, true, opts) }

// GlobalAveragePooling1D is the mean of each channel over all steps, or over those
// that a mask leaves; where it leaves none the mean is 0.
// See https://keras.io/api/layers/pooling_layers/global_average_pooling1d/.
func GlobalAveragePooling1D(opts ...LayerOption) Layer { return newGlobalPool(1, false, opts) }

// GlobalAveragePooling2D is the mean of each channel over the image.
// See https://keras.io/api/layers/pooling_layers/global_average_pooling2d/.
func GlobalAveragePooling2D(opts ...LayerOption) Layer { return newGlobalPool(2, false, opts) }

func newGlobalPool(axes int, maximum bool, opts []LayerOption) Layer {
	d := &globalPool{Axes: axes, Max: maximum}
	return newLayer(d, &d.common, opts)
}

type globalPool struct {
	common
	Axes int  `json:"axes"`
	Max  bool `json:"max"`
}

func (d *globalPool) Kind() string {
	if d.Max {
		return fmt.Sprintf("GlobalMaxPooling%dD", d.Axes)
	}
	return fmt.Sprintf("GlobalAveragePooling%dD", d.Axes)
}

func (d *globalPool) check() error {
	if d.Axes != 1 && d.Axes != 2 {
		return fmt.Errorf("%d spatial axes, want 1 or 2", d.Axes)
	}
	return nil
}

func (d *globalPool) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := image(in, d.Axes)
	if err != nil {
		return nil, err
	}
	return Shape{x[d.Axes]}, nil
}

func (d *globalPool) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if d.Max {
		return s.Do(graph.GlobalMaxPool(in[0]))
	}
	if mask := s.Mask(0); mask != nil && d.Axes == 1 {
		return s.Do(graph.MaskedAvgPool(in[0], mask))
	}
	return s.Do(graph.GlobalAvgPool(in[0]))
}
