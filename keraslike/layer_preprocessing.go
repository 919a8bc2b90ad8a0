// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// Rescaling computes y = scale·x + offset: Rescaling(1.0/255, 0) scales bytes to [0, 1]. The
// output has the shape of the input, which may be any.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/.
func Rescaling(scale, offset float64, opts ...LayerOption) Layer {
	return newLayer(&rescaling{Scale: scale, Offset: offset}, opts)
}

type rescaling struct {
	passesMask
	Scale  float64 `json:"scale"`
	Offset float64 `json:"offset"`
}

var _ = register[rescaling]("Rescaling")

func (d *rescaling) Kind() string { return "Rescaling" }

func (d *rescaling) check() error {
	if sum := d.Scale + d.Offset; math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fmt.Errorf("scale is %g and offset %g, want finite numbers", d.Scale, d.Offset)
	}
	return nil
}

func (d *rescaling) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *rescaling) prepare(_ *preparation, in []*value, out *value) error {
	y := out.resize(in[0].shape...)
	scale, offset := float32(d.Scale), float32(d.Offset)
	for i, v := range in[0].numbers {
		y[i] = scale*v + offset
	}
	return nil
}

func (d *rescaling) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Affine(in[0], d.Scale, d.Offset))
}
