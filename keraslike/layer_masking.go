// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// Masking masks the steps of a sequence whose features all equal value, and sets them to 0.
// Layers that support masks skip these steps.
//
//	input, output  (batch, steps, ..., features), the same shape
//
// Keras's default value is 0.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/core_layers/masking/.
func Masking(value float64, opts ...LayerOption) Layer {
	return newLayer(&masking{Value: value}, opts)
}

type masking struct {
	Value float64 `json:"mask_value"`
}

var _ = register[masking]("Masking")

func (d *masking) Kind() string { return "Masking" }

func (d *masking) check() error {
	if math.IsNaN(d.Value) || math.IsInf(d.Value, 0) {
		return fmt.Errorf("value is %v, want a finite number", d.Value)
	}
	return nil
}

func (d *masking) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if len(in[0]) < 2 {
		return nil, fmt.Errorf("input has shape %v, want (batch, steps, features)", in[0])
	}
	return in[0], nil
}

func (d *masking) Forward(s *Scope, in []*graph.Node) *graph.Node {
	mask := s.Do(graph.MaskOfRows(in[0], d.Value))
	s.SetMask(0, mask)
	return s.Do(graph.MaskSteps(in[0], mask))
}
