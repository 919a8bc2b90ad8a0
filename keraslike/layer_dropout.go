// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Dropout sets each element to 0 with probability rate while the model trains
// and scales the others by 1/(1-rate); otherwise it passes its input on
// (Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html).
//
// Input and output shape: any, the same. The rate is at least 0 and below 1.
// See https://keras.io/api/layers/regularization_layers/dropout/.
func Dropout(rate float64, opts ...LayerOption) Layer {
	d := &dropout{Rate: rate}
	return newLayer(d, &d.common, opts)
}

type dropout struct {
	common
	passesMask
	Rate float64 `json:"rate"`
}

func (d *dropout) Kind() string { return "Dropout" }

func (d *dropout) check() error {
	if !(d.Rate >= 0 && d.Rate < 1) {
		return fmt.Errorf("rate is %g, want 0 <= rate < 1", d.Rate)
	}
	return nil
}

func (d *dropout) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *dropout) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if !s.Training() {
		return in[0]
	}
	rng, stream := s.Random(0)
	return s.Do(graph.Dropout(in[0], d.Rate, rng, stream))
}
