// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// activationConstants are the constants of activation functions; nil is the default of the function.
type activationConstants struct {
	NegativeSlope *float64 `json:"negative_slope,omitempty" option:"NegativeSlope"`
	MaxValue      *float64 `json:"max_value,omitempty" option:"MaxValue"`
	ThresholdAt   *float64 `json:"threshold,omitempty" option:"ThresholdAt"`
	OtherValue    *float64 `json:"value,omitempty" option:"OtherValue"`
	Alpha         *float64 `json:"alpha,omitempty" option:"Alpha"`
	Approximate   bool     `json:"approximate,omitempty" option:"Approximate"`
}

// given reports whether any constant is.
func (c activationConstants) given() bool { return c != activationConstants{} }

func (c activationConstants) check(f ActivationFunc) error {
	switch {
	case c.NegativeSlope != nil && *c.NegativeSlope < 0:
		return fmt.Errorf("NegativeSlope is %g, want at least 0", *c.NegativeSlope)
	case c.MaxValue != nil && *c.MaxValue < 0:
		return fmt.Errorf("MaxValue is %g, want at least 0", *c.MaxValue)
	case c.ThresholdAt != nil && *c.ThresholdAt < 0 && f != Cutoff:
		return fmt.Errorf("ThresholdAt is %g, want at least 0", *c.ThresholdAt)
	case c.Alpha != nil && (*c.Alpha < 0 || *c.Alpha == 0 && f == CELU):
		return fmt.Errorf("Alpha is %g, want a positive number", *c.Alpha)
	}
	return nil
}

// composedFunc is an activation that is an expression of other ops.
type composedFunc struct {
	options []string // of Activation
	// plain is not needed where graph has the function, without constants.
	plain bool
	apply func(a activating) *graph.Node
}

var composed = map[ActivationFunc]composedFunc{
	ReLU: {[]string{"MaxValue", "NegativeSlope", "ThresholdAt"}, true, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		from := or(a.ThresholdAt, 0)
		y := x
		if from != 0 {
			y = do(graph.Where(do(graph.Greater(x, a.number(from))), x, a.number(0)))
		}
		y = do(graph.Clip(y, 0, or(a.MaxValue, math.Inf(1))))
		if slope := or(a.NegativeSlope, 0); slope != 0 {
			y = do(graph.Add(y, do(graph.Scale(do(graph.Minimum(do(graph.Affine(x, 1, -from)), a.number(0))), slope))))
		}
		return y
	}},
	ELU: {[]string{"Alpha"}, true, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		return do(graph.Activate(x, graph.ActAlpha(graph.ELU, or(a.Alpha, 1))))
	}},
	GELU: {[]string{"Approximate"}, true, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		if !a.Approximate {
			return do(graph.Activate(x, graph.Act(graph.GELU)))
		}
		inner := do(graph.Mul(x, do(graph.Affine(do(graph.Square(x)), 0.044715*math.Sqrt(2/math.Pi), math.Sqrt(2/math.Pi)))))
		return do(graph.Mul(x, do(graph.Affine(do(graph.Activate(inner, graph.Act(graph.Tanh))), 0.5, 0.5))))
	}},
	CELU: {[]string{"Alpha"}, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		alpha, zero := or(a.Alpha, 1), a.number(0)
		below := do(graph.Expm1(do(graph.Scale(do(graph.Minimum(x, zero)), 1/alpha))))
		return do(graph.Add(do(graph.Activate(x, graph.Act(graph.ReLU))), do(graph.Scale(below, alpha))))
	}},
	SquarePlus: {[]string{"Alpha"}, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		root := do(graph.Sqrt(do(graph.Affine(do(graph.Square(x)), 1, or(a.Alpha, 4)))))
		return do(graph.Scale(do(graph.Add(x, root)), 0.5))
	}},
	HardTanh: {nil, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		return do(graph.Clip(x, -1, 1))
	}},
	TanhShrink: {nil, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		return do(graph.Sub(x, do(graph.Activate(x, graph.Act(graph.Tanh)))))
	}},
	HardShrink: {[]string{"ThresholdAt"}, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		return do(graph.Where(do(graph.Greater(do(graph.Abs(x)), a.number(or(a.ThresholdAt, 0.5)))), x, a.number(0)))
	}},
	SoftShrink: {[]string{"ThresholdAt"}, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		t := or(a.ThresholdAt, 0.5)
		return do(graph.Sub(x, do(graph.Clip(x, -t, t))))
	}},
	Cutoff: {[]string{"OtherValue", "ThresholdAt"}, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		return do(graph.Where(do(graph.Greater(x, a.number(or(a.ThresholdAt, 0)))), x, a.number(or(a.OtherValue, 0))))
	}},
	SparsePlus: {nil, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		arc := do(graph.Scale(do(graph.Square(do(graph.Affine(do(graph.Clip(x, -1, 1)), 1, 1)))), 0.25))
		return do(graph.Add(arc, do(graph.Activate(do(graph.Affine(x, 1, -1)), graph.Act(graph.ReLU)))))
	}},
	SparseSigmoid: {nil, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		return do(graph.Clip(do(graph.Affine(x, 0.5, 0.5)), 0, 1))
	}},
	Sparsemax: {[]string{"Axis"}, false, func(a activating) *graph.Node {
		do, x := a.Do, a.x
		return do(sparsemaxOp.Of(x))
	}},
	Softmax:    {[]string{"Axis", "MaskInput"}, true, nil},
	LogSoftmax: {[]string{"Axis"}, true, nil},
	GLU:        {[]string{"Axis"}, false, nil},
}

// options are the options of Activation that fit the function.
func (f ActivationFunc) options() []string { return composed[f].options }

func or(v *float64, otherwise float64) float64 {
	if v != nil {
		return *v
	}
	return otherwise
}

// activating is the expression of an activation of x.
type activating struct {
	*graph.Try
	x *graph.Node
	activationConstants
}

// number is a constant in the graph of x.
func (a activating) number(v float64) *graph.Node { return a.Do(graph.Scalar(a.x, v)) }

// compose adds an activation that graph does not have as an op.
func (f ActivationFunc) compose(x *graph.Node, c activationConstants) (*graph.Node, error) {
	var try graph.Try
	return composed[f].apply(activating{&try, x, c}), try.Err()
}
