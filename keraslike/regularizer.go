// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Regularizer is the penalty L1·Σ |w| + L2·Σ w², and that of OrthogonalRegularizer, which is added to the
// loss in training and in evaluation. The derivative of |w| at 0 is 0. The zero value adds nothing.
// See https://keras.io/api/layers/regularizers/.
type Regularizer struct {
	L1         float64 `json:"l1,omitempty"`
	L2         float64 `json:"l2,omitempty"`
	Orthogonal float64 `json:"orthogonal,omitempty"`
	// Columns makes Orthogonal compare the columns instead of the rows.
	Columns bool `json:"orthogonal_columns,omitempty"`
}

// L1 returns the regularizer factor·Σ |w|. Keras's default factor is 0.01.
func L1(factor float64) Regularizer { return Regularizer{L1: factor} }

// L2 returns the regularizer factor·Σ w². Keras's default factor is 0.01.
func L2(factor float64) Regularizer { return Regularizer{L2: factor} }

// L1L2 returns the regularizer l1·Σ |w| + l2·Σ w².
func L1L2(l1, l2 float64) Regularizer { return Regularizer{L1: l1, L2: l2} }

// OrthogonalRegularizer returns the regularizer factor·mean |cos(a, b)| over all pairs of different
// rows a and b of a matrix, which makes them orthogonal to each other; by OrthogonalColumns it is one of
// the columns. A row of zeros has no angle and counts as orthogonal. The weight, or the activity, must
// have two axes. Keras's default factor is 0.01.
func OrthogonalRegularizer(factor float64, of OrthogonalVectors) Regularizer {
	return Regularizer{Orthogonal: factor, Columns: bool(of)}
}

// OrthogonalVectors is what OrthogonalRegularizer compares.
type OrthogonalVectors bool

// The vectors of a matrix.
const (
	OrthogonalRows    OrthogonalVectors = false // as mode="rows" of Keras, its default
	OrthogonalColumns OrthogonalVectors = true  // as mode="columns"
)

func (r Regularizer) check() error {
	for _, factor := range []float64{r.L1, r.L2, r.Orthogonal} {
		if !(factor >= 0) {
			return fmt.Errorf("regularizer has factor %g, want a finite number of at least 0", factor)
		}
	}
	return nil
}

// fits returns an error if an array of this shape is no matrix.
func (r Regularizer) fits(shape []int) error {
	if r.Orthogonal != 0 && len(shape) != 2 {
		return fmt.Errorf("orthogonal regularizer: the shape is %v, want two axes", shape)
	}
	return nil
}

// suits returns an error if a weight of this shape cannot have the penalty.
func (r Regularizer) suits(shape []int) error {
	if err := r.fits(shape); err != nil || r.Orthogonal == 0 {
		return err
	}
	if n := shape[int(indicator(r.Columns))]; n < 2 {
		return fmt.Errorf("orthogonal regularizer: the shape is %v, want at least two vectors", shape)
	}
	return nil
}

// penalty returns the penalty of one weight or activation, nil if there is none.
func (r Regularizer) penalty(w *graph.Node) (p *graph.Node, err error) {
	var try graph.Try
	add := func(part *graph.Node) {
		if p == nil {
			p = part
		} else {
			p = try.Do(graph.Add(p, part))
		}
	}
	if r.L1 != 0 {
		add(try.Do(graph.L1(w, r.L1)))
	}
	if r.L2 != 0 {
		add(try.Do(graph.L2(w, r.L2)))
	}
	if r.Orthogonal != 0 {
		if err := r.fits(w.Shape()); err != nil {
			return nil, err
		}
		add(r.nonOrthogonality(&try, w))
	}
	return p, try.Err()
}

// nonOrthogonality returns Σ |g_ij| over i ≠ j, of the products g of the vectors of length 1, times the factor
// and divided by the number of ordered pairs. The products g_ii are subtracted as the sum of squares.
func (r Regularizer) nonOrthogonality(try *graph.Try, w *graph.Node) *graph.Node {
	if r.Columns {
		w = try.Do(graph.Transpose(w))
	}
	if try.Err() != nil {
		return nil
	}
	n := float64(w.Shape()[0])
	if n < 2 {
		return try.Do(graph.Scale(try.Do(graph.Sum(w)), 0)) // there are no pairs
	}
	unit := try.Do(graph.L2Normalize(w))
	products := try.Do(graph.MatMul(unit, unit, graph.Transposed(false, true)))
	factor := r.Orthogonal / (n * (n - 1))
	return try.Do(graph.Sub(try.Do(graph.L1(products, factor)), try.Do(graph.L2(unit, factor))))
}
