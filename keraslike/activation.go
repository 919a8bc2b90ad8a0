// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// ActivationFunc is an activation function, named as in Keras. It is an option of Dense, the
// convolution layers and the recurrent layers: Dense(512, ReLU). The default is Linear, for
// recurrent layers Tanh. Formulas: https://keras.io/api/layers/activations/.
type ActivationFunc string

// The activation functions.
const (
	Linear      ActivationFunc = "linear"       // x
	ReLU        ActivationFunc = "relu"         // max(x, 0)
	ReLU6       ActivationFunc = "relu6"        // min(max(x, 0), 6)
	ELU         ActivationFunc = "elu"          // x for x > 0, else exp(x) - 1
	SELU        ActivationFunc = "selu"         // 1.0507·(x for x > 0, else 1.6733·(exp(x) - 1))
	GELU        ActivationFunc = "gelu"         // x·Φ(x), with the error function
	SiLU        ActivationFunc = "silu"         // x·sigmoid(x), also called swish
	Mish        ActivationFunc = "mish"         // x·tanh(softplus(x))
	Softplus    ActivationFunc = "softplus"     // log(1 + exp(x))
	Softsign    ActivationFunc = "softsign"     // x/(1 + |x|)
	Sigmoid     ActivationFunc = "sigmoid"      // 1/(1 + exp(-x))
	LogSigmoid  ActivationFunc = "log_sigmoid"  // log(sigmoid(x))
	HardSigmoid ActivationFunc = "hard_sigmoid" // relu6(x + 3)/6
	HardSiLU    ActivationFunc = "hard_silu"    // x·hard_sigmoid(x)
	Tanh        ActivationFunc = "tanh"
	Exponential ActivationFunc = "exponential" // exp(x)
	Softmax     ActivationFunc = "softmax"     // exp(x_j)/Σ_k exp(x_k) along the last axis
	LogSoftmax  ActivationFunc = "log_softmax" // log(softmax(x)) along the last axis

	CELU          ActivationFunc = "celu"           // x for x > 0, else α·(exp(x/α) - 1), α = 1
	SquarePlus    ActivationFunc = "squareplus"     // (x + √(x² + 4))/2
	HardTanh      ActivationFunc = "hard_tanh"      // min(max(x, -1), 1)
	TanhShrink    ActivationFunc = "tanh_shrink"    // x - tanh(x)
	SoftShrink    ActivationFunc = "soft_shrink"    // x - 0.5 for x > 0.5, x + 0.5 for x < -0.5, else 0
	HardShrink    ActivationFunc = "hard_shrink"    // x for |x| > 0.5, else 0
	Cutoff        ActivationFunc = "threshold"      // x for x > 0, else 0; Activation has options for both
	SparsePlus    ActivationFunc = "sparse_plus"    // 0 for x <= -1, x for x >= 1, else (x + 1)²/4
	SparseSigmoid ActivationFunc = "sparse_sigmoid" // 0 for x <= -1, 1 for x >= 1, else (x + 1)/2
	Sparsemax     ActivationFunc = "sparsemax"      // max(x - τ, 0) along the last axis, with the τ for which it sums to 1
	GLU           ActivationFunc = "glu"            // a·sigmoid(b), a and b the halves of the last axis; for Activation only
)

func (f ActivationFunc) sets() setting {
	return setting{option: "ActivationFunc", field: "Activation", value: f}
}
func (ActivationFunc) forDense()     {}
func (ActivationFunc) forConv()      {}
func (ActivationFunc) forRecurrent() {}
func (ActivationFunc) forConvLSTM()  {}

func (f ActivationFunc) check() error {
	if f == GLU {
		return fmt.Errorf("%s halves an axis, which only Activation can do", f)
	}
	if f == Softmax || f == LogSoftmax || composed[f].apply != nil {
		return nil
	}
	if _, err := f.elementwise(); err != nil {
		return fmt.Errorf("%w, or %q or %q", err, Softmax, LogSoftmax)
	}
	return nil
}

// elementwise returns the graph's activation of that name, an error for Softmax and
// LogSoftmax.
func (f ActivationFunc) elementwise() (graph.Activation, error) {
	if f == "" {
		f = Linear
	}
	kind, err := graph.ParseActivation(string(f))
	return graph.Act(kind), err
}

func (f ActivationFunc) apply(x *graph.Node) (*graph.Node, error) {
	switch f {
	case Softmax:
		return graph.Softmax(x)
	case LogSoftmax:
		return graph.LogSoftmax(x)
	}
	if one := composed[f]; one.apply != nil && !one.plain {
		return f.compose(x, activationConstants{})
	}
	act, err := f.elementwise()
	if err != nil {
		return nil, err
	}
	return graph.Activate(x, act)
}

// fused returns the activation that can be fused into an op, and the one that has to follow
// it. Softmax and sigmoid follow, so that losses can use the logits.
func (f ActivationFunc) fused() (graph.Activation, ActivationFunc) {
	if f == Softmax || f == LogSoftmax || f == Sigmoid {
		return graph.Act(graph.Linear), f
	}
	act, err := f.elementwise()
	if err != nil {
		return graph.Act(graph.Linear), f
	}
	return act, Linear
}
