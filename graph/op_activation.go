// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// Activation is an element-wise function with its parameter. Act returns one with the
// default parameter, ActAlpha sets the parameter of LeakyReLU and ELU.
type Activation struct {
	kind  ActivationKind
	alpha float64
}

// ActivationKind identifies an element-wise activation function. Its String is the Keras
// name (https://keras.io/api/layers/activations/).
type ActivationKind = kernel.Activation

// The element-wise activations. Softmax, which works on whole rows, is a separate op.
const (
	Linear      = kernel.Linear      // x
	ReLU        = kernel.ReLU        // max(x, 0); derivative 0 at 0
	ReLU6       = kernel.ReLU6       // min(max(x, 0), 6)
	LeakyReLU   = kernel.LeakyReLU   // x > 0: x, else alpha·x; alpha 0.2
	ELU         = kernel.ELU         // x > 0: x, else alpha·(exp(x) - 1); alpha 1
	SELU        = kernel.SELU        // 1.0507·(x > 0: x, else 1.6733·(exp(x) - 1)), Klambauer et al. 2017
	GELU        = kernel.GELU        // x·Φ(x), Hendrycks & Gimpel 2016
	GELUTanh    = kernel.GELUTanh    // tanh approximation of GELU
	SiLU        = kernel.SiLU        // x·sigmoid(x), also called swish
	Mish        = kernel.Mish        // x·tanh(softplus(x)), Misra 2019
	Softplus    = kernel.Softplus    // log(1 + exp(x))
	Softsign    = kernel.Softsign    // x/(1 + |x|)
	Sigmoid     = kernel.Sigmoid     // 1/(1 + exp(-x))
	LogSigmoid  = kernel.LogSigmoid  // log(sigmoid(x))
	HardSigmoid = kernel.HardSigmoid // relu6(x + 3)/6
	HardSiLU    = kernel.HardSiLU    // x·relu6(x + 3)/6
	Tanh        = kernel.Tanh
	Exponential = kernel.Exponential // exp(x)
)

// ParseActivation returns the activation with the given Keras name.
func ParseActivation(name string) (ActivationKind, error) { return kernel.ParseActivation(name) }

// Act returns the activation with its default parameter.
func Act(kind ActivationKind) Activation {
	switch kind {
	case LeakyReLU:
		return Activation{kind, 0.2}
	case ELU:
		return Activation{kind, 1}
	}
	return Activation{kind: kind}
}

// ActAlpha returns LeakyReLU with negative slope alpha or ELU with scale alpha.
func ActAlpha(kind ActivationKind, alpha float64) Activation { return Activation{kind, alpha} }

// Kind returns the function without its parameter.
func (a Activation) Kind() ActivationKind { return a.kind }

// Alpha returns the negative slope of LeakyReLU or the scale of ELU, 0 for the others.
func (a Activation) Alpha() float64 { return a.alpha }

// FromOutput reports whether the derivative can be computed from the output alone, so
// that another op can apply the function in place. For ELU this requires alpha > 0.
func (a Activation) FromOutput() bool {
	if (a.kind == ELU || a.kind == LeakyReLU) && a.alpha <= 0 {
		return false
	}
	return a.kind.FromOutput()
}

// String returns the name, with the parameter if there is one.
func (a Activation) String() string {
	if a.kind == LeakyReLU || a.kind == ELU {
		return fmt.Sprintf("%v(%g)", a.kind, a.alpha)
	}
	return a.kind.String()
}

// Activate returns y = act(x), element-wise. For Linear it returns x itself.
func Activate(x *Node, act Activation) (*Node, error) {
	if act.kind == Linear && x != nil {
		return x, nil
	}
	rank := rankOf(x)
	return apply(&op{
		name: act.String(),
		in:   []int{rank}, out: rank,
		shape: sameShape,
		run:   forDtypes(runActivate[float32](act), runActivate[float64](act)),
		diff:  []bool{true},
		grad: func(in Nodes, y, dy *Node) (Nodes, error) {
			if !act.FromOutput() {
				y = in[0]
			}
			dx, err := activateGrad(act, y, dy)
			return Nodes{dx}, err
		},
		inPlaceOf: 1,
		kind:      act,
		expr:      steps1(elementwise.Step{Op: elementwise.Activate, Act: act.kind, X: act.alpha}),
	}, x)
}

func runActivate[T kernel.Float](act Activation) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Activate(c.out, c.in[0], act.kind, T(act.alpha))
		return nil
	}
}

// activateGrad returns dx = dy·act'(x), where s is y if act.FromOutput and x otherwise.
func activateGrad(act Activation, s, dy *Node) (*Node, error) {
	if act.kind == Linear {
		return dy, nil
	}
	rank := rankOf(s)
	return apply(&op{
		name: act.String() + "_grad",
		in:   []int{rank, rank}, out: rank,
		shape:     allSame,
		run:       forDtypes(runActivateGrad[float32](act), runActivateGrad[float64](act)),
		formula:   activateGradFormula(act),
		inPlaceOf: 2,
		expr:      elementwise.New(elementwise.ActivateGrad.In(), elementwise.Step{Op: elementwise.ActivateGrad, A: 0, B: 1, Act: act.kind, X: act.alpha}),
	}, s, dy)
}

func runActivateGrad[T kernel.Float](act Activation) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.ActivateGrad(c.out, c.in[0], c.in[1], act.kind, T(act.alpha))
		return nil
	}
}

// applyActivated returns y = act(op(x, w, b)), where b may be nil. build makes the op with
// act fused into it; if act' cannot be computed from y, act is applied by a separate op.
func applyActivated(x, w, b *Node, act Activation, build func(act Activation, bias bool) *op) (*Node, error) {
	fused := act
	if !act.FromOutput() {
		fused = Act(Linear)
	}
	inputs := Nodes{x, w}
	if b != nil {
		inputs = append(inputs, b)
	}
	y, err := apply(build(fused, b != nil), inputs...)
	if err != nil || fused == act {
		return y, err
	}
	return Activate(y, act)
}

// Softmax returns y_j = exp(x_j)/Σ_k exp(x_k) along the last axis or that of SoftmaxAxis, of all elements
// or those of SoftmaxMask. The maximum is subtracted first, so exp does not overflow.
func Softmax(x *Node, options ...SoftmaxOption) (*Node, error) {
	return softmaxWith("softmax", x, options, false, softmaxRows)
}

func softmaxRows(x *Node) (*Node, error) {
	return applyRows(rowsOp("softmax", rankOf(x), forDtypes(runRows(kernel.Softmax[float32]), runRows(kernel.Softmax[float64])),
		forDtypes(runRowsGrad(kernel.SoftmaxGrad[float32]), runRowsGrad(kernel.SoftmaxGrad[float64])),
		func(try *Try, y, dy *Node) *Node { // y·(dy - Σ dy·y)
			shared := try.Do(Sum(try.Do(Mul(dy, y)), Axes(-1), KeepDims()))
			return try.Do(Mul(y, try.Do(Sub(dy, shared))))
		}), x)
}

// LogSoftmax returns y_j = x_j - log Σ_k exp(x_k); axis and mask are those of Softmax.
func LogSoftmax(x *Node, options ...SoftmaxOption) (*Node, error) {
	return softmaxWith("log_softmax", x, options, true, logSoftmaxRows)
}

func logSoftmaxRows(x *Node) (*Node, error) { return applyRows(logSoftmaxOp(rankOf(x)), x) }

func logSoftmaxOp(rank int) *op {
	return rowsOp("log_softmax", rank, forDtypes(runRows(kernel.LogSoftmax[float32]), runRows(kernel.LogSoftmax[float64])),
		forDtypes(runRowsGrad(kernel.LogSoftmaxGrad[float32]), runRowsGrad(kernel.LogSoftmaxGrad[float64])),
		func(try *Try, y, dy *Node) *Node { // dy - exp(y)·Σ dy
			total := try.Do(Sum(dy, Axes(-1), KeepDims()))
			return try.Do(Sub(dy, try.Do(Mul(try.Do(Exp(y)), total))))
		})
}

// rowsOp applies to each row (along the last axis) a function whose gradient can be
// computed from its output: by back, and as an expression by formula.
func rowsOp(name string, rank int, run, back runner, formula func(try *Try, y, dy *Node) *Node) *op {
	return &op{
		name: name,
		in:   []int{rank}, out: rank,
		shape: sameShape,
		run:   run,
		diff:  []bool{true},
		grad: func(_ Nodes, y, dy *Node) (Nodes, error) {
			dx, err := apply(&op{
				name: name + "_grad",
				in:   []int{rank, rank}, out: rank,
				shape: allSame,
				run:   back,
				formula: func(in Nodes) (*Node, error) {
					var try Try
					return formula(&try, in[0], in[1]), try.Err()
				},
			}, y, dy)
			return Nodes{dx}, err
		},
	}
}

func applyRows(o *op, x *Node) (*Node, error) {
	if x != nil && rankOf(x) == 0 {
		return nil, &OpError{Op: o.name, Shapes: []tensor.Shape{x.Shape()}, Err: fmt.Errorf("input is a scalar, want at least one axis")}
	}
	return apply(o, x)
}

func runRows[T kernel.Float](f func(y, x []T, rows, cols int)) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		f(c.out, c.in[0], rows, cols)
		return nil
	}
}

func runRowsGrad[T kernel.Float](f func(dx, y, dy []T, rows, cols int)) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		f(c.out, c.in[0], c.in[1], rows, cols)
		return nil
	}
}
