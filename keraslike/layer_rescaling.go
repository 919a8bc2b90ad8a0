// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// Rescaling is y = scale·x + offset: Rescaling(1.0/255, 0) brings bytes to 0..1.
// Input and output shape: any, the same.
// See https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/.
func Rescaling(scale, offset float64, opts ...LayerOption) Layer {
	d := &rescaling{Scale: scale, Offset: offset}
	return newLayer(d, &d.common, opts)
}

type rescaling struct {
	common
	passesMask
	Scale  float64 `json:"scale"`
	Offset float64 `json:"offset"`
}

func (d *rescaling) Kind() string { return "Rescaling" }

func (d *rescaling) check() error {
	if sum := d.Scale + d.Offset; math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fmt.Errorf("scale is %g and offset %g, want finite numbers", d.Scale, d.Offset)
	}
	return nil
}

func (d *rescaling) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *rescaling) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Affine(in[0], d.Scale, d.Offset))
}
