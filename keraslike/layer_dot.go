// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Dot sums the products of two inputs along one axis of each, sample by sample:
// Dot(2, 2).Of(a, b) is c_ij = Σ_k a_ik·b_jk. Axes are counted from 1, the batch
// being axis 0; -1 is the last.
//
//	inputs  (batch, n) and (batch, n)         output  (batch, 1)
//	        (batch, p, n) and (batch, q, n)           (batch, p, q)
//	        (batch, p, n) and (batch, n)              (batch, p), and the other way round
//
// Options: Normalized (the cosine instead), Name.
// See https://keras.io/api/layers/merging_layers/dot/.
func Dot(axisA, axisB int, opts ...DotOption) Layer {
	d := &dot{Axes: [2]int{axisA, axisB}}
	for _, o := range given(opts, &d.mistake) {
		o.applyDot(d)
	}
	return &layer{name: d.name, def: d}
}

// DotOption is an option of Dot.
type DotOption interface{ applyDot(*dot) }

// Normalized scales the vectors to length 1 first, so that Dot gives cosines.
type Normalized struct{}

func (Normalized) applyDot(d *dot) { d.Normalize = true }
func (n Name) applyDot(d *dot)     { d.name = string(n) }

type dot struct {
	common
	Axes      [2]int `json:"axes"`
	Normalize bool   `json:"normalize,omitempty"`
}

func (d *dot) Kind() string { return "Dot" }

func (d *dot) Build(_ *Builder, in []Shape) (Shape, error) {
	if len(in) != 2 {
		return nil, fmt.Errorf("got %d inputs, want 2", len(in))
	}
	var out Shape
	var n [2]int
	for i, x := range in {
		if len(x) != 1 && len(x) != 2 {
			return nil, fmt.Errorf("input %d has shape %v, want (batch, n) or (batch, p, n)", i, x)
		}
		axis, err := axisOf(d.Axes[i], x)
		if err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		if n[i] = x[axis]; len(x) == 2 {
			out = append(out, x[1-axis])
		}
	}
	if n[0] != n[1] {
		return nil, fmt.Errorf("inputs have shapes %v and %v, which differ in the axes %d and %d: %d and %d", in[0], in[1], d.Axes[0], d.Axes[1], n[0], n[1])
	}
	if len(out) == 0 {
		out = Shape{1}
	}
	return out, nil
}

func (d *dot) Forward(s *Scope, in []*graph.Node) *graph.Node {
	a, transA, p := d.matrix(s, in, 0)
	b, transB, q := d.matrix(s, in, 1)
	y := s.Do(graph.BatchMatMul(a, b, transA, !transB))
	out := []int{in[0].Shape()[0]}
	if len(in[0].Shape()) == 3 {
		out = append(out, p)
	}
	if len(in[1].Shape()) == 3 || len(out) == 1 {
		out = append(out, q)
	}
	return s.Do(graph.Reshape(y, out...))
}

// matrix is an input as (batch, rows, n), or transposed as it lies there.
func (d *dot) matrix(s *Scope, in []*graph.Node, i int) (x *graph.Node, trans bool, rows int) {
	x = in[i]
	shape := x.Shape()
	axis, err := axisOf(d.Axes[i], Shape(shape[1:]))
	if err != nil {
		return s.Do(nil, err), false, 0
	}
	if rows = 1; len(shape) == 2 {
		x = s.Do(graph.Reshape(x, shape[0], 1, shape[1]))
	} else if rows, trans = shape[2-axis], axis == 0; trans && d.Normalize {
		x, trans = s.Do(graph.Permute(x, 0, 2, 1)), false
	}
	if d.Normalize {
		x = s.Do(graph.L2Normalize(x))
	}
	return x, trans, rows
}
