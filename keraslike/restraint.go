// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// restraints are the regularisers and constraints of a layer; its definition
// embeds them.
type restraints struct {
	KernelRegularizer    Regularizer `json:"kernel_regularizer"`
	RecurrentRegularizer Regularizer `json:"recurrent_regularizer,omitzero"`
	BiasRegularizer      Regularizer `json:"bias_regularizer,omitzero"`
	ActivityRegularizer  Regularizer `json:"activity_regularizer,omitzero"`
	KernelConstraint     Constraint  `json:"kernel_constraint,omitzero"`
	RecurrentConstraint  Constraint  `json:"recurrent_constraint,omitzero"`
	BiasConstraint       Constraint  `json:"bias_constraint,omitzero"`

	kernel, recurrent kernelPenalty // what the regularisers of kernels are the sums of
}

// kernelPenalty holds the two options that add to one regulariser, so that their order does not
// matter: a Regularizer and the factor of KernelL2 or RecurrentL2.
type kernelPenalty struct {
	regularizer Regularizer
	l2          float64
}

func (g kernelPenalty) sum() Regularizer {
	return Regularizer{g.regularizer.L1, g.regularizer.L2 + g.l2}
}

func (s *restraints) setKernelL2(factor float64) {
	s.kernel.l2 = factor
	s.KernelRegularizer = s.kernel.sum()
}

func (s *restraints) setRecurrentL2(factor float64) {
	s.recurrent.l2 = factor
	s.RecurrentRegularizer = s.recurrent.sum()
}

// RestraintOption is an option of layers with a kernel: a regulariser or a
// constraint of one of its weights or of its output.
type RestraintOption func(*restraints)

func (o RestraintOption) applyDense(d *dense)                 { o(&d.restraints) }
func (o RestraintOption) applyConv(d *conv)                   { o(&d.restraints) }
func (o RestraintOption) applyConvTranspose(d *convTranspose) { o(&d.restraints) }
func (o RestraintOption) applyDepthwise(d *depthwise)         { o(&d.restraints) }
func (o RestraintOption) applySeparable(d *separable)         { o(&d.restraints) }
func (o RestraintOption) applyAttention(d *attention)         { o(&d.restraints) }
func (o RestraintOption) applyRecurrent(d *recurrent)         { o(&d.restraints) }

// KernelRegularizer adds r of the kernel to the loss, beside KernelL2 where that is given.
func KernelRegularizer(r Regularizer) RestraintOption {
	return func(s *restraints) {
		s.kernel.regularizer = r
		s.KernelRegularizer = s.kernel.sum()
	}
}

// BiasRegularizer adds r of the bias to the loss.
func BiasRegularizer(r Regularizer) RestraintOption {
	return func(s *restraints) { s.BiasRegularizer = r }
}

// ActivityRegularizer adds r of the layer's output, divided by the number of samples
// in the batch, to the loss, as Keras does since 3.14. Where a layer has several outputs,
// such as last states, each adds its part, and so do the projections of MultiHeadAttention
// and the steps of TimeDistributed.
func ActivityRegularizer(r Regularizer) RestraintOption {
	return func(s *restraints) { s.ActivityRegularizer = r }
}

// KernelConstraint applies c to the kernel after each update.
func KernelConstraint(c Constraint) RestraintOption {
	return func(s *restraints) { s.KernelConstraint = c }
}

// BiasConstraint applies c to the bias after each update.
func BiasConstraint(c Constraint) RestraintOption {
	return func(s *restraints) { s.BiasConstraint = c }
}

// RecurrentRestraint is a restraint of the recurrent kernel.
type RecurrentRestraint func(*restraints)

func (o RecurrentRestraint) applyRecurrent(d *recurrent) { o(&d.restraints) }

// RecurrentRegularizer adds r of the recurrent kernel to the loss, beside RecurrentL2.
func RecurrentRegularizer(r Regularizer) RecurrentRestraint {
	return func(s *restraints) {
		s.recurrent.regularizer = r
		s.RecurrentRegularizer = s.recurrent.sum()
	}
}

// RecurrentConstraint applies c to the recurrent kernel after each update.
func RecurrentConstraint(c Constraint) RecurrentRestraint {
	return func(s *restraints) { s.RecurrentConstraint = c }
}

func (s *restraints) check() error {
	var mistakes []error
	for _, r := range []Regularizer{s.KernelRegularizer, s.RecurrentRegularizer, s.BiasRegularizer, s.ActivityRegularizer} {
		mistakes = append(mistakes, r.check())
	}
	for _, c := range []Constraint{s.KernelConstraint, s.RecurrentConstraint, s.BiasConstraint} {
		mistakes = append(mistakes, c.check())
	}
	return errors.Join(mistakes...)
}

// constrain declares the constraints of weights that have been declared.
func (s *restraints) constrain(b *Builder) {
	b.Constrain("kernel", s.KernelConstraint)
	b.Constrain("recurrent_kernel", s.RecurrentConstraint)
	b.Constrain("bias", s.BiasConstraint)
}

// watch adds the activity's penalty and passes y on.
func (s *restraints) watch(scope *Scope, y *graph.Node) *graph.Node {
	if y != nil {
		scope.AddActivity(scope.Do(s.ActivityRegularizer.penalty(y)))
	}
	return y
}

// Constrain applies c to a declared weight after each update. Without a constraint
// the weight need not be declared.
func (b *Builder) Constrain(name string, c Constraint) {
	if c.IsZero() || b.err != nil {
		return
	}
	for _, w := range b.layer.weights {
		if w.name == b.prefix+name {
			if err := c.fits(w.shape); err != nil {
				b.err = fmt.Errorf("weight %q: %w", name, err)
				return
			}
			w.constraint = bounds{Constraint: c}
			return
		}
	}
	b.err = fmt.Errorf("has a constraint for weight %q, which it did not declare", name)
}
