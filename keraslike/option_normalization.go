// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/graph"
)

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
	// RMSScaling makes LayerNormalization omit the mean and the offset: y = γ·x/√(v + ε), with the
	// variance v, as Keras's rms_scaling does. RMSNormalization divides by the root of the mean square.
	RMSScaling NormalizationFlag = "RMSScaling"
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

// GammaInitializer sets the initializer of the factor γ of BatchNormalization, LayerNormalization and
// GroupNormalization; the default is Ones().
func GammaInitializer(i Initializer) NormalizationOption {
	return newNormalizationOption("GammaInitializer", i)
}

// BetaInitializer sets the initializer of the offset β of BatchNormalization, LayerNormalization and
// GroupNormalization; the default is Zeros().
func BetaInitializer(i Initializer) NormalizationOption {
	return newNormalizationOption("BetaInitializer", i)
}

// GammaRegularizer adds the penalty r of the factor γ to the loss. By default there is no penalty.
func GammaRegularizer(r Regularizer) NormalizationOption {
	return newNormalizationOption("GammaRegularizer", r)
}

// BetaRegularizer adds the penalty r of the offset β to the loss. By default there is no penalty.
func BetaRegularizer(r Regularizer) NormalizationOption {
	return newNormalizationOption("BetaRegularizer", r)
}

// GammaConstraint applies c to the factor γ after each update. By default there is no constraint.
func GammaConstraint(c Constraint) NormalizationOption {
	return newNormalizationOption("GammaConstraint", c)
}

// BetaConstraint applies c to the offset β after each update. By default there is no constraint.
func BetaConstraint(c Constraint) NormalizationOption {
	return newNormalizationOption("BetaConstraint", c)
}

type normalizationOption struct {
	setting
	normalizationMark
}

func newNormalizationOption(name string, value any) NormalizationOption {
	return normalizationOption{setting: set(name, value)}
}

// scaledAndCentered has the settings of the weights gamma and beta of a layer, whose definition
// embeds it.
type scaledAndCentered struct {
	NoScale          bool         `json:"no_scale,omitempty" option:"NoScale"`
	NoCenter         bool         `json:"no_center,omitempty" option:"NoCenter"`
	GammaInitializer *Initializer `json:"gamma_initializer,omitempty" option:"GammaInitializer"` // nil for Ones
	BetaInitializer  *Initializer `json:"beta_initializer,omitempty" option:"BetaInitializer"`   // nil for Zeros
	GammaRegularizer Regularizer  `json:"gamma_regularizer,omitzero" option:"GammaRegularizer"`
	BetaRegularizer  Regularizer  `json:"beta_regularizer,omitzero" option:"BetaRegularizer"`
	GammaConstraint  Constraint   `json:"gamma_constraint,omitzero" option:"GammaConstraint"`
	BetaConstraint   Constraint   `json:"beta_constraint,omitzero" option:"BetaConstraint"`
}

// check also refuses settings of a weight that is omitted.
func (d *scaledAndCentered) check() error {
	var mistake error
	switch {
	case d.NoScale && (d.GammaInitializer != nil || d.GammaRegularizer != (Regularizer{}) || !d.GammaConstraint.IsZero()):
		mistake = errors.New("got NoScale and a setting of gamma, which is omitted")
	case d.NoCenter && d.hasBetaSettings():
		mistake = errors.New("got NoCenter and a setting of beta, which is omitted")
	}
	return errors.Join(mistake, d.GammaRegularizer.check(), d.BetaRegularizer.check(), d.GammaConstraint.check(), d.BetaConstraint.check())
}

func (d *scaledAndCentered) hasBetaSettings() bool {
	return d.BetaInitializer != nil || d.BetaRegularizer != (Regularizer{}) || !d.BetaConstraint.IsZero()
}

// declare declares the weights gamma and beta, except those that are omitted.
func (d *scaledAndCentered) declare(b *Builder, shape ...int) {
	if !d.NoScale {
		b.Weight("gamma", initializerOr(d.GammaInitializer, Ones()), d.GammaRegularizer, shape...)
		b.Constrain("gamma", d.GammaConstraint)
	}
	if !d.NoCenter {
		b.Weight("beta", initializerOr(d.BetaInitializer, Zeros()), d.BetaRegularizer, shape...)
		b.Constrain("beta", d.BetaConstraint)
	}
}

// initializerOr returns the initializer of an option that may be missing.
func initializerOr(i *Initializer, other Initializer) Initializer {
	if i == nil {
		return other
	}
	return *i
}

// weights returns the weights gamma and beta, nil for those that are omitted.
func (d *scaledAndCentered) weights(s *Scope) (gamma, beta *graph.Node) {
	if !d.NoScale {
		gamma = s.Weight("gamma")
	}
	if !d.NoCenter {
		beta = s.Weight("beta")
	}
	return gamma, beta
}
