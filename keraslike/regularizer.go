// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Regularizer is the penalty L1·Σ |w| + L2·Σ w², which is added to the loss in training and
// in evaluation. The derivative of |w| at 0 is 0. The zero value adds nothing.
// See https://keras.io/api/layers/regularizers/.
type Regularizer struct {
	L1 float64 `json:"l1,omitempty"`
	L2 float64 `json:"l2,omitempty"`
}

// L1 returns the regularizer factor·Σ |w|. Keras's default factor is 0.01.
func L1(factor float64) Regularizer { return Regularizer{L1: factor} }

// L2 returns the regularizer factor·Σ w². Keras's default factor is 0.01.
func L2(factor float64) Regularizer { return Regularizer{L2: factor} }

// L1L2 returns the regularizer l1·Σ |w| + l2·Σ w².
func L1L2(l1, l2 float64) Regularizer { return Regularizer{l1, l2} }

func (r Regularizer) check() error {
	for _, factor := range []float64{r.L1, r.L2} {
		if !(factor >= 0) {
			return fmt.Errorf("regularizer has factor %g, want a finite number of at least 0", factor)
		}
	}
	return nil
}

// penalty returns the penalty of one weight or activation, nil if there is none.
func (r Regularizer) penalty(w *graph.Node) (p *graph.Node, err error) {
	if r.L1 != 0 {
		if p, err = graph.L1(w, r.L1); err != nil || r.L2 == 0 {
			return p, err
		}
	}
	if r.L2 == 0 {
		return nil, nil
	}
	q, err := graph.L2(w, r.L2)
	if err != nil || p == nil {
		return q, err
	}
	return graph.Add(p, q)
}

// penalizeActivity adds the penalty of a layer's output to the loss and returns the output.
func (r Regularizer) penalizeActivity(s *Scope, y *graph.Node) *graph.Node {
	if y != nil {
		s.AddActivity(s.Do(r.penalty(y)))
	}
	return y
}
