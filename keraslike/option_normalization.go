// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// Options of the normalization layers.

// NormalizationFlag is a NormalizationOption that turns something on. All flags are off by
// default.
type NormalizationFlag string

// The flags of normalization layers.
const (
	// NoScale omits the factor γ of BatchNormalization, LayerNormalization and
	// GroupNormalization.
	NoScale NormalizationFlag = "NoScale"
	// NoCenter omits the offset β of BatchNormalization, LayerNormalization and
	// GroupNormalization.
	NoCenter NormalizationFlag = "NoCenter"
	// Synchronized makes BatchNormalization use the mean and variance of the whole batch in a distributed training,
	// instead of those of each of its Leaves. It changes nothing in other trainings.
	Synchronized NormalizationFlag = "Synchronized"
	// AllAxes makes Normalization use one mean and one variance for all elements.
	AllAxes NormalizationFlag = "AllAxes"
)

func (f NormalizationFlag) sets() setting {
	s := set(string(f), true)
	if f == AllAxes {
		s.choice = "axis"
	}
	return s
}

func (NormalizationFlag) forNormalization() {}

func (v Momentum) sets() setting   { return set("Momentum", float64(v)) }
func (Momentum) forNormalization() {}

func (v Epsilon) sets() setting   { return set("Epsilon", float64(v)) }
func (Epsilon) forNormalization() {}

// scaleAndCenter declares the weights gamma and beta, except those that are omitted.
func (b *Builder) scaleAndCenter(noScale, noCenter bool, shape ...int) {
	if !noScale {
		b.Weight("gamma", Ones(), Regularizer{}, shape...)
	}
	if !noCenter {
		b.Weight("beta", Zeros(), Regularizer{}, shape...)
	}
}

// scaleAndCenter returns the weights gamma and beta, nil for those that are omitted.
func (s *Scope) scaleAndCenter(noScale, noCenter bool) (gamma, beta *graph.Node) {
	if !noScale {
		gamma = s.Weight("gamma")
	}
	if !noCenter {
		beta = s.Weight("beta")
	}
	return gamma, beta
}
