// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// LeakyReLU is y = x for x > 0, else slope·x.
//
// Input and output shape: any, the same. Options: NegativeSlope (default 0.3),
// Name. See https://keras.io/api/layers/activation_layers/leaky_relu/.
func LeakyReLU(opts ...LeakyReLUOption) Layer {
	d := &leakyReLU{Slope: 0.3}
	for _, o := range given(opts, &d.mistake) {
		o.applyLeakyReLU(d)
	}
	return &layer{name: d.name, def: d}
}

// LeakyReLUOption is an option of LeakyReLU.
type LeakyReLUOption interface{ applyLeakyReLU(*leakyReLU) }

// NegativeSlope is LeakyReLU's derivative below 0.
type NegativeSlope float64

func (v NegativeSlope) applyLeakyReLU(d *leakyReLU) { d.Slope = float64(v) }
func (n Name) applyLeakyReLU(d *leakyReLU)          { d.name = string(n) }

type leakyReLU struct {
	common
	passesMask
	Slope float64 `json:"negative_slope"`
}

func (d *leakyReLU) Kind() string { return "LeakyReLU" }

func (d *leakyReLU) check() error {
	if !(d.Slope >= 0) || math.IsInf(d.Slope, 1) {
		return fmt.Errorf("negative slope is %g, want a finite number of at least 0", d.Slope)
	}
	return nil
}

func (d *leakyReLU) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *leakyReLU) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Activate(in[0], graph.ActAlpha(graph.LeakyReLU, d.Slope)))
}
