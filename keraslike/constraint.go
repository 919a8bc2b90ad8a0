// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
)

// Constraint restricts the values of a weight. It is applied after every update; the zero
// value does nothing. Norms are Euclidean norms over the constraint's axes; 1e-7 is added to
// a norm before dividing by it.
// See https://keras.io/api/layers/constraints/.
type Constraint struct {
	Kind string  `json:"kind"`
	Min  float64 `json:"min_value,omitempty"`
	Max  float64 `json:"max_value,omitempty"`
	Rate float64 `json:"rate,omitempty"`
	Axes []int   `json:"axes,omitempty"`
}

// MaxNorm scales weights down to a norm of at most limit. The norm is taken over the given
// axes. The default, axis 0, constrains each unit of a Dense layer; for the filters of a
// Conv2D layer use axes 0, 1, 2.
func MaxNorm(limit float64, axes ...int) Constraint {
	return Constraint{Kind: "max_norm", Max: limit, Axes: axesOrFirst(axes)}
}

// UnitNorm scales weights to a norm of 1, with axes as in MaxNorm.
func UnitNorm(axes ...int) Constraint { return Constraint{Kind: "unit_norm", Axes: axesOrFirst(axes)} }

// MinMaxNorm moves the norm of weights toward the nearest norm in [low, high], by the
// fraction rate of the distance, with axes as in MaxNorm.
func MinMaxNorm(low, high, rate float64, axes ...int) Constraint {
	return Constraint{Kind: "min_max_norm", Min: low, Max: high, Rate: rate, Axes: axesOrFirst(axes)}
}

// NonNeg sets negative weights to 0.
func NonNeg() Constraint { return Constraint{Kind: "non_neg"} }

func axesOrFirst(axes []int) []int {
	if len(axes) == 0 {
		return []int{0}
	}
	return axes
}

// IsZero reports whether there is no constraint.
func (c Constraint) IsZero() bool { return c.Kind == "" }

func (c Constraint) check() error {
	switch {
	case !slices.Contains([]string{"", "max_norm", "unit_norm", "min_max_norm", "non_neg"}, c.Kind):
		return fmt.Errorf("constraint %q: unknown", c.Kind)
	case !(c.Min >= 0 && c.Max >= 0 && c.Min <= max(c.Max, c.Min)) || c.Kind == "min_max_norm" && c.Min > c.Max:
		return fmt.Errorf("constraint %s has bounds %g and %g, want 0 <= low <= high", c.Kind, c.Min, c.Max)
	case c.Kind == "min_max_norm" && !(c.Rate > 0 && c.Rate <= 1):
		return fmt.Errorf("constraint %s has rate %g, want 0 < rate <= 1", c.Kind, c.Rate)
	}
	return nil
}

// fits returns an error if a weight of this shape does not have the constraint's axes.
func (c Constraint) fits(shape []int) error {
	for _, a := range c.Axes {
		if a < 0 || a >= len(shape) {
			return fmt.Errorf("constraint %s has axis %d, the shape is %v", c.Kind, a, shape)
		}
	}
	return nil
}

// boundConstraint is a constraint prepared for a weight of one shape. Elements that differ only along
// the constraint's axes share a norm; their indices are a start plus each offset.
type boundConstraint struct {
	Constraint
	firsts, group []int
}

func (c Constraint) bind(shape []int) boundConstraint {
	b := boundConstraint{Constraint: c, firsts: []int{0}, group: []int{0}}
	if c.Kind == "" || c.Kind == "non_neg" {
		return b
	}
	stride := Shape(shape).Size()
	for axis, n := range shape {
		stride /= n
		to := &b.firsts
		if slices.Contains(c.Axes, axis) {
			to = &b.group
		}
		*to = addAxis(*to, n, stride)
	}
	return b
}

// apply applies the constraint to w.
func (b *boundConstraint) apply(w []float32) {
	switch b.Kind {
	case "":
		return
	case "non_neg":
		for i, v := range w {
			w[i] = max(v, 0)
		}
		return
	}
	for _, at := range b.firsts {
		var squares float64
		for _, o := range b.group {
			squares += float64(w[at+o]) * float64(w[at+o])
		}
		norm := math.Sqrt(squares)
		factor := float32(b.targetNorm(norm) / (1e-7 + norm))
		for _, o := range b.group {
			w[at+o] *= factor
		}
	}
}

// targetNorm returns the norm to which weights with the given norm are scaled.
func (c Constraint) targetNorm(norm float64) float64 {
	switch c.Kind {
	case "max_norm":
		return min(norm, c.Max)
	case "min_max_norm":
		return c.Rate*min(max(norm, c.Min), c.Max) + (1-c.Rate)*norm
	}
	return 1
}

// addAxis repeats offsets along another axis.
func addAxis(offsets []int, n, stride int) []int {
	out := make([]int, 0, n*len(offsets))
	for _, o := range offsets {
		for i := range n {
			out = append(out, o+i*stride)
		}
	}
	return out
}
