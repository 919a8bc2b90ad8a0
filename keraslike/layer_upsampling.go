// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// UpSampling1D repeats every step size times: (batch, steps, channels) becomes
// (batch, steps·size, channels).
// See https://keras.io/api/layers/reshaping_layers/up_sampling1d/.
func UpSampling1D(size int, opts ...LayerOption) Layer {
	d := &upSampling{Axes: 1, Size: [2]int{1, size}}
	return newLayer(d, &d.common, opts)
}

// UpSampling2D repeats every pixel height x width times (nearest neighbour):
// (batch, h, w, channels) becomes (batch, h·height, w·width, channels).
// See https://keras.io/api/layers/reshaping_layers/up_sampling2d/.
func UpSampling2D(height, width int, opts ...LayerOption) Layer {
	d := &upSampling{Axes: 2, Size: [2]int{height, width}}
	return newLayer(d, &d.common, opts)
}

type upSampling struct {
	common
	Axes int    `json:"axes"`
	Size [2]int `json:"size"`
}

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
	x, err := image(in, d.Axes)
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
		return s.Do(graph.RepeatElements(in[0], 1, d.Size[1]))
	}
	return s.Do(graph.Upsample(in[0], d.Size[0], d.Size[1]))
}
