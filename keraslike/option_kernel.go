// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/graph"
)

// Options of layers with a kernel.

// KernelFlag is a KernelOption that turns something on. It is off by default.
type KernelFlag string

// NoBias omits the biases.
const NoBias KernelFlag = "NoBias"

func (f KernelFlag) sets() setting { return set(string(f), true) }
func (KernelFlag) forDense()       {}
func (KernelFlag) forConv()        {}
func (KernelFlag) forRecurrent()   {}
func (KernelFlag) forConvLSTM()    {}
func (KernelFlag) forAttention()   {}

func newKernelOption(option string, value any) KernelOption {
	return kernelOption{setting: set(option, value)}
}

// KernelInitializer sets the initializer of the kernels. The default is GlorotUniform().
func KernelInitializer(i Initializer) KernelOption { return newKernelOption("KernelInitializer", i) }

// BiasInitializer sets the initializer of the biases. The default is Zeros(), except that the
// forget gate of LSTM and of ConvLSTM1D to ConvLSTM3D starts with ones.
func BiasInitializer(i Initializer) KernelOption { return newKernelOption("BiasInitializer", i) }

// KernelRegularizer adds the penalty r of each kernel to the loss:
// KernelRegularizer(L2(1e-3)). For recurrent layers it does not apply to the recurrent
// kernel. By default there is no penalty.
func KernelRegularizer(r Regularizer) KernelOption { return newKernelOption("KernelRegularizer", r) }

// BiasRegularizer adds the penalty r of each bias to the loss. By default there is no
// penalty.
func BiasRegularizer(r Regularizer) KernelOption { return newKernelOption("BiasRegularizer", r) }

// ActivityRegularizer adds the penalty r of the layer's output, divided by the number of
// samples in the batch, to the loss, as Keras does since 3.14. If a layer has several
// outputs, such as final states, the penalties of all of them are added; likewise for the
// projections of MultiHeadAttention and the steps of TimeDistributed. By default there is no
// penalty.
func ActivityRegularizer(r Regularizer) KernelOption {
	return newKernelOption("ActivityRegularizer", r)
}

// KernelConstraint applies c to each kernel after each update. For recurrent layers it does
// not apply to the recurrent kernel. By default there is no constraint.
func KernelConstraint(c Constraint) KernelOption { return newKernelOption("KernelConstraint", c) }

// BiasConstraint applies c to each bias after each update. By default there is no
// constraint.
func BiasConstraint(c Constraint) KernelOption { return newKernelOption("BiasConstraint", c) }

// regularized has the regularizers and constraints of a layer with a kernel, whose
// definition embeds it.
type regularized struct {
	KernelRegularizer   Regularizer `json:"kernel_regularizer" option:"KernelRegularizer"`
	BiasRegularizer     Regularizer `json:"bias_regularizer,omitzero" option:"BiasRegularizer"`
	ActivityRegularizer Regularizer `json:"activity_regularizer,omitzero" option:"ActivityRegularizer"`
	KernelConstraint    Constraint  `json:"kernel_constraint,omitzero" option:"KernelConstraint"`
	BiasConstraint      Constraint  `json:"bias_constraint,omitzero" option:"BiasConstraint"`
}

func (r *regularized) check() error {
	return errors.Join(r.KernelRegularizer.check(), r.BiasRegularizer.check(), r.ActivityRegularizer.check(),
		r.KernelConstraint.check(), r.BiasConstraint.check())
}

// constrain declares the constraints of the weights "kernel" and "bias".
func (r *regularized) constrain(b *Builder) {
	b.Constrain("kernel", r.KernelConstraint)
	b.Constrain("bias", r.BiasConstraint)
}

// penalizeActivity adds the penalty of the output y and returns y.
func (r *regularized) penalizeActivity(s *Scope, y *graph.Node) *graph.Node {
	return r.ActivityRegularizer.penalizeActivity(s, y)
}

// initialized has the initializers of a layer with a kernel, and whether it has a bias.
type initialized struct {
	NoBias            bool        `json:"no_bias,omitempty" option:"NoBias"`
	KernelInitializer Initializer `json:"kernel_initializer" option:"KernelInitializer"`
	BiasInitializer   Initializer `json:"bias_initializer" option:"BiasInitializer"`
}

func newInitialized() initialized {
	return initialized{KernelInitializer: GlorotUniform(), BiasInitializer: Zeros()}
}

// bias returns the weight "bias", nil if the layer has none.
func (i *initialized) bias(s *Scope) *graph.Node {
	if i.NoBias {
		return nil
	}
	return s.Weight("bias")
}

// activated is initialized plus an activation function.
type activated struct {
	Activation ActivationFunc `json:"activation" option:"ActivationFunc"`
	initialized
}

func newActivated() activated { return activated{Linear, newInitialized()} }
