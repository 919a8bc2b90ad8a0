// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"strings"

	"gorgonia.org/tensor"
)

type (
	node  = *Node
	param = func(shape ...int) *Node
)

// unary is an op as used in the chained gradient checks: a function of one value. build
// makes all other operands, those with a gradient by param.
type unary struct {
	name  string
	build func(x node, p param) (node, error)
	ranks string // the accepted ranks of the input, one digit each
	// givesP marks ops that return probabilities, takesP those that require them.
	givesP, takesP bool
}

// chainOps returns all ops that can be chained. TestEveryOpHasARow checks that no exported
// op is missing.
func chainOps() []unary {
	return slices.Concat(anyRank(), alongAxes(), matrices(), series(), images(), volumes(), lossOps(), scalarOps())
}

// evenColumns is 1 in every other column: a mask that leaves something of each row.
func evenColumns(x node, shape ...int) node {
	row := make([]float64, shape[len(shape)-1])
	for i := range row {
		row[i] = float64((i + 1) % 2)
	}
	return constant(x, row, shape...)
}

func lastOf(x node) int { return x.Shape()[len(x.Shape())-1] }

func oneOf(x node, n int) int { return max(1, min(n, x.Shape()[1])) }

// from applies f to least + x², far from the edge of where f is defined.
func from(x node, least float64, f func(node) (node, error)) (node, error) {
	var try Try
	y := try.Do(Affine(try.Do(Mul(x, x)), 1, least))
	if try.Err() != nil {
		return nil, try.Err()
	}
	return f(y)
}

// within applies f to sin(x)/2, which is in [-1/2, 1/2].
func within(x node, f func(node) (node, error)) (node, error) {
	var try Try
	y := try.Do(Scale(try.Do(Sin(x)), 0.5))
	if try.Err() != nil {
		return nil, try.Err()
	}
	return f(y)
}

// chosen returns x where it is less than y, else their product.
func chosen(x, y node) (node, error) {
	var try Try
	z := try.Do(Where(try.Do(Less(x, y)), x, try.Do(Mul(x, y))))
	return z, try.Err()
}

// loop carries h = tanh(x·w + h²·v) and a running product over the first axis of x, and returns what is kept
// and the last values.
func loop(x node, p param, reverse bool) (node, error) {
	var try Try
	do := try.Do
	shape := x.Shape()[1:]
	w, v := p(lastOf(x)), p(shape...)
	last, kept, err := Scan(Loop{Init: Nodes{p(shape...), v}, Over: Nodes{x}, Reverse: reverse}, func(h, x Nodes) (next, keep Nodes, err error) {
		y := do(Activate(do(Add(do(Mul(x[0], w)), do(Mul(do(Mul(h[0], h[0])), v)))), Act(Tanh)))
		product := do(Mul(h[1], do(Affine(y, 0.5, 1))))
		return Nodes{y, product}, Nodes{do(Mul(product, x[0]))}, try.Err()
	})
	if err != nil {
		return nil, err
	}
	y := do(Add(kept[0], do(Mul(last[0], last[1]))))
	return y, try.Err()
}

// branch returns x·sin(a) or x + a² for a operand a.
func branch(x node, p param, is bool) (node, error) {
	a := p(x.Shape()...)
	condition, err := Constant(x.Graph(), is)
	if err != nil {
		return nil, err
	}
	var try Try
	do := try.Do
	y, err := If(condition, func() (Nodes, error) {
		return Nodes{do(Mul(x, do(Sin(a))))}, try.Err()
	}, func() (Nodes, error) {
		return Nodes{do(Add(x, do(Square(a))))}, try.Err()
	})
	if err != nil {
		return nil, err
	}
	return y[0], nil
}

// anyRank returns the ops that preserve the shape or work on any axis.
func anyRank() []unary {
	const all = "234"
	ops := []unary{
		{name: "softmax", ranks: all, givesP: true, build: func(x node, _ param) (node, error) { return Softmax(x) }},
		{name: "all sum", ranks: all, build: func(x node, _ param) (node, error) { return AllSum("a", x) }},
		{name: "log softmax", ranks: all, build: func(x node, _ param) (node, error) { return LogSoftmax(x) }},
		{name: "causal softmax", ranks: all, givesP: true, build: func(x node, _ param) (node, error) {
			y, err := CausalMask(x)
			if err != nil {
				return nil, err
			}
			return Softmax(y)
		}},
		{name: "dropout", ranks: all, build: func(x node, _ param) (node, error) {
			return Dropout(x, 0.3, &Random{Key: 7, Step: 3}, uint64(x.ID()))
		}},
		{name: "noise", ranks: all, build: func(x node, _ param) (node, error) {
			return GaussianNoise(x, 0.5, &Random{Key: 7}, uint64(x.ID()))
		}},
		{name: "gaussian dropout", ranks: all, build: func(x node, _ param) (node, error) {
			return GaussianDropout(x, 0.3, &Random{Key: 7}, uint64(x.ID()))
		}},
		{name: "add", ranks: all, build: func(x node, p param) (node, error) { return Add(x, p(x.Shape()...)) }},
		{name: "twice", ranks: all, build: func(x node, _ param) (node, error) { return Add(x, x) }},
		{name: "sub", ranks: all, build: func(x node, p param) (node, error) { return Sub(p(x.Shape()...), x) }},
		{name: "mul", ranks: all, build: func(x node, p param) (node, error) { return Mul(x, p(x.Shape()...)) }},
		{name: "square", ranks: all, build: func(x node, _ param) (node, error) { return Mul(x, x) }},
		{name: "scale", ranks: all, build: func(x node, _ param) (node, error) { return Scale(x, -1.5) }},
		{name: "affine", ranks: all, build: func(x node, _ param) (node, error) { return Affine(x, -1.5, 0.25) }},
		{name: "abs", ranks: all, build: func(x node, p param) (node, error) { return Abs(x) }},
		{name: "asinh", ranks: all, build: func(x node, p param) (node, error) { return Asinh(x) }},
		{name: "atan", ranks: all, build: func(x node, p param) (node, error) { return Atan(x) }},
		{name: "cos", ranks: all, build: func(x node, p param) (node, error) { return Cos(x) }},
		{name: "erf", ranks: all, build: func(x node, p param) (node, error) { return Erf(x) }},
		{name: "erfc", ranks: all, build: func(x node, p param) (node, error) { return Erfc(x) }},
		{name: "exp", ranks: all, build: func(x node, p param) (node, error) { return Exp(x) }},
		{name: "expm1", ranks: all, build: func(x node, p param) (node, error) { return Expm1(x) }},
		{name: "neg", ranks: all, build: func(x node, p param) (node, error) { return Neg(x) }},
		{name: "sin", ranks: all, build: func(x node, p param) (node, error) { return Sin(x) }},
		{name: "sinh", ranks: all, build: func(x node, p param) (node, error) { return Sinh(x) }},
		{name: "cosh", ranks: all, build: func(x node, p param) (node, error) { return Cosh(x) }},
		{name: "square", ranks: all, build: func(x node, p param) (node, error) { return Square(x) }},
		{name: "sqrt", ranks: all, build: func(x node, p param) (node, error) { return from(x, 1.5, Sqrt) }},
		{name: "rsqrt", ranks: all, build: func(x node, p param) (node, error) { return from(x, 1.5, Rsqrt) }},
		{name: "log", ranks: all, build: func(x node, p param) (node, error) { return from(x, 1.5, Log) }},
		{name: "log1p", ranks: all, build: func(x node, p param) (node, error) { return from(x, 1.5, Log1p) }},
		{name: "cbrt", ranks: all, build: func(x node, p param) (node, error) { return from(x, 1.5, Cbrt) }},
		{name: "reciprocal", ranks: all, build: func(x node, p param) (node, error) { return from(x, 1.5, Reciprocal) }},
		{name: "asin", ranks: all, build: func(x node, p param) (node, error) { return within(x, Asin) }},
		{name: "acos", ranks: all, build: func(x node, p param) (node, error) { return within(x, Acos) }},
		{name: "atanh", ranks: all, build: func(x node, p param) (node, error) { return within(x, Atanh) }},
		{name: "tan", ranks: all, build: func(x node, p param) (node, error) { return within(x, Tan) }},
		{name: "acosh", ranks: all, build: func(x node, p param) (node, error) { return from(x, 2, Acosh) }},
		{name: "power", ranks: all, build: func(x node, p param) (node, error) {
			return from(x, 1.5, func(x node) (node, error) { return Power(x, -1.3) })
		}},
		{name: "cube", ranks: all, build: func(x node, p param) (node, error) { return Power(x, 3) }},
		{name: "clip", ranks: all, build: func(x node, p param) (node, error) { return Clip(x, -0.9, 0.9) }},
		{name: "minimum", ranks: all, build: func(x node, p param) (node, error) { return Minimum(x, p(x.Shape()...)) }},
		{name: "div", ranks: all, build: func(x node, p param) (node, error) {
			return from(p(x.Shape()...), 1.5, func(d node) (node, error) { return Div(x, d) })
		}},
		{name: "pow", ranks: all, build: func(x node, p param) (node, error) {
			return from(x, 1.5, func(b node) (node, error) { return Pow(b, p(x.Shape()...)) })
		}},
		{name: "atan2", ranks: all, build: func(x node, p param) (node, error) {
			return from(x, 1.5, func(b node) (node, error) { return Atan2(p(x.Shape()...), b) })
		}},
		{name: "mod", ranks: all, build: func(x node, p param) (node, error) {
			return from(p(x.Shape()...), 9, func(m node) (node, error) { return Mod(x, m) })
		}},
		{name: "log add exp", ranks: all, build: func(x node, p param) (node, error) { return LogAddExp(x, p(x.Shape()...)) }},
		{name: "fft", ranks: all, build: func(x node, p param) (node, error) {
			re, im, err := FFT(x, p(x.Shape()...))
			if err != nil {
				return nil, err
			}
			return Mul(re, im)
		}},
		{name: "rfft", ranks: all, build: func(x node, _ param) (node, error) {
			re, im, err := RFFT(x)
			if err != nil {
				return nil, err
			}
			return Add(re, im)
		}},
		{name: "ifft", ranks: all, build: func(x node, p param) (node, error) {
			re, _, err := IFFT(x, p(x.Shape()...))
			return re, err
		}},
		{name: "irfft", ranks: all, build: func(x node, p param) (node, error) { return IRFFT(x, p(x.Shape()...), 2*lastOf(x)-1) }},
		{name: "scan", ranks: "23", build: func(x node, p param) (node, error) { return loop(x, p, false) }},
		{name: "scan reverse", ranks: "23", build: func(x node, p param) (node, error) { return loop(x, p, true) }},
		{name: "if", ranks: all, build: func(x node, p param) (node, error) { return branch(x, p, true) }},
		{name: "if not", ranks: all, build: func(x node, p param) (node, error) { return branch(x, p, false) }},
		{name: "where", ranks: all, build: func(x node, p param) (node, error) { return chosen(x, p(x.Shape()...)) }},
		{name: "add broadcast", ranks: all, build: func(x node, p param) (node, error) { return Add(x, p(x.Shape()[1:]...)) }},
		{name: "mul broadcast", ranks: all, build: func(x node, p param) (node, error) { return Mul(p(1, lastOf(x)), x) }},
		{name: "broadcast", ranks: "23", build: func(x node, p param) (node, error) { return BroadcastTo(x, append([]int{2}, x.Shape()...)...) }},
		{name: "softmax axis", ranks: "34", givesP: true, build: func(x node, _ param) (node, error) { return Softmax(x, SoftmaxAxis(1)) }},
		{name: "log softmax axis", ranks: "34", build: func(x node, _ param) (node, error) { return LogSoftmax(x, SoftmaxAxis(-2)) }},
		{name: "masked softmax", ranks: "2", build: func(x node, _ param) (node, error) {
			var try Try
			y := try.Do(Softmax(x, SoftmaxAxis(0), SoftmaxMask(try.Do(Cast(evenColumns(x, x.Shape()...), Bool)))))
			return y, try.Err()
		}},
		{name: "max axis", ranks: "34", build: func(x node, _ param) (node, error) { return Max(x, Axes(1), KeepDims()) }},
		{name: "min axes", ranks: "3", build: func(x node, _ param) (node, error) { return Min(x, Axes(0, -1), KeepDims()) }},
		{name: "prod axis", ranks: "34", build: func(x node, _ param) (node, error) { return Prod(x, Axes(1), KeepDims()) }},
		{name: "log sum exp", ranks: all, build: func(x node, _ param) (node, error) { return LogSumExp(x, Axes(1), KeepDims()) }},
		{name: "variance axis", ranks: all, build: func(x node, _ param) (node, error) { return Variance(x, 0, Axes(1), KeepDims()) }},
		{name: "std axis", ranks: "3", build: func(x node, _ param) (node, error) {
			var try Try
			y := try.Do(Std(try.Do(Concat(1, x, try.Do(Affine(x, -1, 2)))), 1, Axes(1), KeepDims()))
			return y, try.Err()
		}},
		{name: "norm 1", ranks: "3", build: func(x node, _ param) (node, error) { return Norm(x, 1, Axes(1), KeepDims()) }},
		{name: "norm 2", ranks: "34", build: func(x node, _ param) (node, error) { return Norm(x, 2, Axes(1), KeepDims()) }},
		{name: "norm 3", ranks: "3", build: func(x node, _ param) (node, error) { return Norm(x, 3, Axes(0, 2), KeepDims()) }},
		{name: "sum axis", ranks: "34", build: func(x node, p param) (node, error) { return Sum(x, Axes(1)) }},
		{name: "sum outer axes", ranks: all, build: func(x node, p param) (node, error) { return Sum(x, Axes(0, -1), KeepDims()) }},
		{name: "mean axes", ranks: all, build: func(x node, p param) (node, error) { return Mean(x, Axes(-1), KeepDims()) }},
		{name: "maximum", ranks: all, build: func(x node, p param) (node, error) { return Maximum(x, p(x.Shape()...)) }},
		{name: "straight through", ranks: all, build: func(x node, p param) (node, error) { return StraightThrough(x, x) }},
		{name: "add row", ranks: all, build: func(x node, p param) (node, error) { return AddRow(x, p(lastOf(x))) }},
		{name: "mul row", ranks: all, build: func(x node, p param) (node, error) { return MulRow(x, p(lastOf(x))) }},
		{name: "unit rows", ranks: all, build: func(x node, _ param) (node, error) {
			y, err := AddRow(x, constant(x, []float64{5}, lastOf(x))) // rows far from 0, where the lower bound on the norm does not matter
			if err != nil {
				return nil, err
			}
			return L2Normalize(y)
		}},
		{name: "batch norm", ranks: all, build: func(x node, p param) (node, error) {
			y, _, _, err := BatchNorm(x, p(lastOf(x)), p(lastOf(x)), 0.1)
			return y, err
		}},
		{name: "batch norm bare", ranks: all, build: func(x node, _ param) (node, error) {
			y, _, _, err := BatchNorm(x, nil, nil, 0.1)
			return y, err
		}},
		{name: "masked batch norm", ranks: all, build: func(x node, p param) (node, error) {
			y, _, _, err := MaskedBatchNorm(x, constant(x, []float64{1, 0, 1, 1}, x.Shape()[:2]...), p(lastOf(x)), p(lastOf(x)), 2) // masked values may be far from the others
			return y, err
		}},
		{name: "masked batch norm bare", ranks: all, build: func(x node, _ param) (node, error) {
			y, _, _, err := MaskedBatchNorm(x, constant(x, []float64{0, 1, 1}, x.Shape()...), nil, nil, 2)
			return y, err
		}},
		{name: "column sum", ranks: all, build: func(x node, _ param) (node, error) {
			var try Try
			return AddRow(x, try.Do(ColumnSum(try.Do(Square(x)))))
		}},
		{name: "given statistics", ranks: all, build: func(x node, p param) (node, error) {
			_, mean, variance, err := BatchNorm(x, nil, nil, 0.1)
			if err != nil {
				return nil, err
			}
			return Normalize(p(x.Shape()...), mean, variance, p(lastOf(x)), nil, 0.5)
		}},
		{name: "masked statistics", ranks: all, build: func(x node, p param) (node, error) {
			_, mean, variance, err := MaskedBatchNorm(x, constant(x, []float64{1, 0, 1, 1}, x.Shape()[:2]...), nil, nil, 0.1)
			if err != nil {
				return nil, err
			}
			return Normalize(p(x.Shape()...), mean, variance, nil, p(lastOf(x)), 0.5)
		}},
		{name: "synchronized batch norm", ranks: all, build: func(x node, p param) (node, error) {
			y, _, _, err := SynchronizedBatchNorm("", x, nil, p(lastOf(x)), p(lastOf(x)), 0.1)
			return y, err
		}},
		{name: "masked synchronized batch norm", ranks: all, build: func(x node, p param) (node, error) {
			y, _, _, err := SynchronizedBatchNorm("", x, constant(x, []float64{1, 0, 1, 1}, x.Shape()[:2]...), p(lastOf(x)), nil, 2)
			return y, err
		}},
		{name: "masked synchronized batch norm bare", ranks: all, build: func(x node, p param) (node, error) {
			y, _, _, err := SynchronizedBatchNorm("", x, constant(x, []float64{0, 1, 1}, x.Shape()...), nil, p(lastOf(x)), 2)
			return y, err
		}},
		{name: "weight by mask", ranks: all, build: func(x node, _ param) (node, error) {
			return WeightByMask(x, constant(x, []float64{0, 1, 1}, x.Shape()...))
		}},
		{name: "normalize", ranks: all, build: func(x node, p param) (node, error) {
			n := lastOf(x)
			return Normalize(x, constant(x, []float64{0.3}, n), constant(x, []float64{2}, n), nil, p(n), 0.1)
		}},
		{name: "layer norm", ranks: all, build: func(x node, p param) (node, error) {
			return LayerNorm(x, p(lastOf(x)), p(lastOf(x)), 0.1)
		}},
		{name: "layer norm bare", ranks: all, build: func(x node, _ param) (node, error) { return LayerNorm(x, nil, nil, 0.1) }},
		{name: "group norm", ranks: all, build: func(x node, p param) (node, error) {
			n := lastOf(x)
			groups := 1
			if n%2 == 0 {
				groups = 2
			}
			return GroupNorm(x, p(n), p(n), groups, 0.1)
		}},
		{name: "instance norm bare", ranks: all, build: func(x node, _ param) (node, error) { return GroupNorm(x, nil, nil, lastOf(x), 0.1) }},
		{name: "rms norm", ranks: all, build: func(x node, p param) (node, error) { return RMSNorm(x, p(lastOf(x)), 0.1) }},
		{name: "rms norm bare", ranks: all, build: func(x node, _ param) (node, error) { return RMSNorm(x, nil, 0.1) }},
		{name: "repeat", ranks: all, build: func(x node, _ param) (node, error) { return Repeat(x, 2, 1) }},
		{name: "reverse", ranks: all, build: func(x node, _ param) (node, error) { return Flip(x, 1) }},
		{name: "slice", ranks: all, build: func(x node, _ param) (node, error) {
			return Slice(x, At(1, 0, max(1, x.Shape()[1]-1)))
		}},
		{name: "concat", ranks: all, build: func(x node, p param) (node, error) {
			return Concat(1, x, p(x.Shape()...), x)
		}},
		{name: "mask steps", ranks: all, build: func(x node, _ param) (node, error) {
			return MaskSteps(x, constant(x, []float64{1, 0, 1}, x.Shape()[:2]...))
		}},
	}
	for _, kind := range activationKinds() {
		act, ranks := Act(kind), all
		if kind != ReLU && kind != Tanh && kind != Sigmoid && kind != GELU { // the other functions need no check for every rank
			ranks = "2"
		}
		ops = append(ops, unary{name: act.String(), ranks: ranks, givesP: kind == Sigmoid, build: func(x node, _ param) (node, error) { return Activate(x, act) }})
	}
	return ops
}

// activationKinds returns all activations but Linear.
func activationKinds() (kinds []ActivationKind) {
	for kind := Linear + 1; ; kind++ {
		if k, err := ParseActivation(kind.String()); err != nil || k != kind {
			return kinds
		}
		kinds = append(kinds, kind)
	}
}

// matrices returns the ops on (batch, features).
func matrices() []unary {
	ops := []unary{
		{name: "matmul nt", build: func(x node, p param) (node, error) { return MatMul(x, p(2, lastOf(x)), Transposed(false, true)) }},
		{name: "matmul tn", build: func(x node, p param) (node, error) {
			return MatMul(p(x.Shape()[0], x.Shape()[0]), x, Transposed(true, false))
		}},
		{name: "matmul tt", build: func(x node, p param) (node, error) { return MatMul(x, p(3, x.Shape()[0]), Transposed(true, true)) }},
		{name: "reshape", build: func(x node, _ param) (node, error) { return Reshape(x, x.Shape()[1], x.Shape()[0]) }},
		{name: "reshape to series", build: func(x node, _ param) (node, error) {
			return Reshape(x, x.Shape()[0], x.Shape()[1], 1)
		}},
		{name: "permute", build: func(x node, _ param) (node, error) { return Transpose(x, 1, 0) }},
		{name: "embedding", build: func(x node, _ param) (node, error) { // x as the table
			return Embedding(constant(x, []float64{0, float64(x.Shape()[0] - 1), 0}, 2, 3), x)
		}},
		{name: "jacobian", build: func(x node, p param) (node, error) {
			var try Try
			return Jacobian(try.Do(Softmax(try.Do(Mul(x, p(x.Shape()...))))), x)
		}},
		{name: "jacobian vector", build: func(x node, p param) (node, error) {
			var try Try
			return JacobianVector(try.Do(LayerNorm(x, p(lastOf(x)), nil, 1)), x, try.Do(Sin(x)))
		}},
		{name: "hessian", build: func(x node, p param) (node, error) {
			var try Try
			return Hessian(try.Do(Mean(try.Do(MatMul(try.Do(Sin(x)), x, Transposed(false, true))))), x)
		}},
		{name: "hessian vector", build: func(x node, p param) (node, error) {
			var try Try
			cost := try.Do(Mean(try.Do(MatMul(try.Do(Sin(x)), p(lastOf(x), 2)))))
			return one(HessianVector(cost, Nodes{x}, Nodes{try.Do(Square(x))}))
		}},
		{name: "kernel", build: func(x node, p param) (node, error) { // x as a layer's weights
			return Dense(p(2, x.Shape()[0]), x, p(lastOf(x)), Act(Tanh))
		}},
	}
	for _, act := range []Activation{Act(Linear), Act(ReLU), Act(Tanh), Act(GELU)} {
		ops = append(ops, unary{name: "dense " + act.String(), build: func(x node, p param) (node, error) {
			return Dense(x, p(lastOf(x), 3), p(3), act)
		}})
	}
	return ranked("2", ops)
}

// series returns the ops on (batch, steps, channels).
func series() []unary {
	pool := PoolSpec{Size: [3]int{2}, Stride: [3]int{1}, Padding: Same}
	ops := []unary{
		{name: "permute", build: func(x node, _ param) (node, error) { return Transpose(x, 0, 2, 1) }},
		{name: "permute batch", build: func(x node, _ param) (node, error) { return Transpose(x, 2, 0, 1) }},
		{name: "reshape", build: func(x node, _ param) (node, error) {
			s := x.Shape()
			return Reshape(x, s[0], s[2], s[1])
		}},
		{name: "reshape to image", build: func(x node, _ param) (node, error) {
			s := x.Shape()
			return Reshape(x, s[0], 1, s[1], s[2])
		}},
		{name: "flatten", build: func(x node, _ param) (node, error) { return Flatten(x) }},
		{name: "repeat channels", build: func(x node, _ param) (node, error) { return Repeat(x, 3, 2) }},
		{name: "concat channels", build: func(x node, p param) (node, error) {
			return Concat(2, x, p(x.Shape()[0], x.Shape()[1], 2), x)
		}},
		{name: "pad", build: func(x node, _ param) (node, error) {
			return Pad(x, PadZeros, PadWidth{Axis: 1, Before: 1, After: 2})
		}},
		{name: "spatial dropout", build: func(x node, _ param) (node, error) {
			return SpatialDropout(x, 0.3, &Random{Key: 7}, uint64(x.ID()))
		}},
		{name: "gram", build: func(x node, _ param) (node, error) { return MatMul(x, x, Transposed(false, true)) }},
		{name: "matmul tn", build: func(x node, p param) (node, error) {
			return MatMul(p(x.Shape()[0], x.Shape()[1], 2), x, Transposed(true, false))
		}},
		{name: "matmul tt", build: func(x node, p param) (node, error) {
			return MatMul(x, p(x.Shape()[0], 2, x.Shape()[1]), Transposed(true, true))
		}},
		{name: "attention", build: func(x node, p param) (node, error) {
			s := x.Shape()
			return Attention(AttentionSpec{Heads: 1, Scale: 0.7}, AttentionInputs{Query: x, Key: p(s[0], 3, s[2]), Value: p(s[0], 3, 2)})
		}},
		{name: "self-attention", build: func(x node, _ param) (node, error) {
			return Attention(AttentionSpec{Heads: lastOf(x), Scale: 0.7, Causal: true}, AttentionInputs{Query: x, Key: x, Value: x})
		}},
		{name: "masked attention", build: func(x node, p param) (node, error) {
			s := x.Shape()
			return Attention(
				AttentionSpec{Heads: s[2], Scale: 0.7, Rate: 0.3, Random: &Random{Key: 7, Step: 3}, Stream: uint64(x.ID())},
				AttentionInputs{
					Query: p(s[0], 2, s[2]), Key: p(s...), Value: x, Mask: evenColumns(x, s[0], 2, s[1]),
					KeyMask: constant(x, []float64{1}, s[:2]...), QueryMask: constant(x, []float64{1}, s[0], 2),
				})
		}},
		{name: "conv", build: func(x node, p param) (node, error) {
			return Conv(x, p(oneOf(x, 2), lastOf(x), 2), p(2), ConvSpec{}, Act(Tanh))
		}},
		{name: "conv causal", build: func(x node, p param) (node, error) {
			return Conv(x, p(2, lastOf(x), 2), nil, ConvSpec{Padding: Causal, Dilation: [3]int{2}}, Act(ReLU))
		}},
		{name: "conv transpose", build: func(x node, p param) (node, error) {
			return ConvTranspose(x, p(2, 2, lastOf(x)), ConvSpec{}, x.Shape()[1]+1)
		}},
		{name: "kernel", build: func(x node, p param) (node, error) { // x as a convolution's weights
			s := x.Shape()
			return Conv(p(1, s[0]+1, s[1]), x, nil, ConvSpec{}, Act(Linear))
		}},
		{name: "max pool", build: func(x node, _ param) (node, error) { return MaxPool(x, pool) }},
		{name: "avg pool", build: func(x node, _ param) (node, error) { return AvgPool(x, pool) }},
		{name: "global max", build: func(x node, _ param) (node, error) { return GlobalMaxPool(x) }},
		{name: "global avg", build: func(x node, _ param) (node, error) { return GlobalAvgPool(x) }},
		{name: "masked avg", build: func(x node, _ param) (node, error) {
			return MaskedAvgPool(x, constant(x, []float64{0, 1, 1}, x.Shape()[:2]...))
		}},
	}
	for cell, gates := range map[Cell]int{SimpleCell: 1, GRUCell: 3, GRUResetAfterCell: 3, LSTMCell: 4} {
		for _, output := range []RecurrentOutput{AllStates, LastState} {
			spec := RecurrentSpec{Cell: cell, Act: Act(Tanh), Output: output, Reverse: output == LastState}
			ops = append(ops, unary{name: fmt.Sprint(cellNames[cell], " ", output), build: func(x node, p param) (node, error) {
				return Recurrent(spec, RecurrentInputs{X: x, W: p(lastOf(x), 2*gates), U: p(2, 2*gates)})
			}})
		}
	}
	ops = append(ops, unary{name: "gru general", build: func(x node, p param) (node, error) {
		spec := RecurrentSpec{Cell: GRUCell, Output: AllStates, Gated: &CellActivations{Gate: Act(Softsign), State: Act(Mish)}}
		drop := constant(x, []float64{2, 0, 2}, 3, x.Shape()[0], 2)
		return Recurrent(spec, RecurrentInputs{X: x, W: p(lastOf(x), 6), U: p(2, 6), DropH: drop})
	}})
	slices.SortFunc(ops, func(a, b unary) int { return strings.Compare(a.name, b.name) }) // the cells come from a map
	return ranked("3", ops)
}

// images returns the ops on (batch, height, width, channels).
func images() []unary {
	small := PoolSpec{Size: [3]int{2, 2}, Stride: [3]int{1, 1}, Padding: Same}
	return ranked("4", []unary{
		{name: "permute", build: func(x node, _ param) (node, error) { return Transpose(x, 0, 3, 1, 2) }},
		{name: "reshape to series", build: func(x node, _ param) (node, error) {
			s := x.Shape()
			return Reshape(x, s[0], s[1]*s[2], s[3])
		}},
		{name: "reshape to volume", build: func(x node, _ param) (node, error) {
			s := x.Shape()
			return Reshape(x, s[0], s[1], s[2], 1, s[3])
		}},
		{name: "flatten", build: func(x node, _ param) (node, error) { return Flatten(x) }},
		{name: "upsample", build: func(x node, _ param) (node, error) { return Upsample(x, 1, 2) }},
		{name: "pad", build: func(x node, _ param) (node, error) {
			return Pad(x, PadZeros, PadWidth{Axis: 1, Before: 1}, PadWidth{Axis: -2, After: 1})
		}},
		{name: "crop", build: func(x node, _ param) (node, error) {
			return Slice(x, At(1, min(1, x.Shape()[1]-1), Open), At(2, 0, x.Shape()[2]-min(1, x.Shape()[2]-1)))
		}},
		{name: "spatial dropout", build: func(x node, _ param) (node, error) {
			return SpatialDropout(x, 0.3, &Random{Key: 7}, uint64(x.ID()))
		}},
		{name: "conv", build: func(x node, p param) (node, error) {
			return Conv(x, p(2, 2, lastOf(x), 2), p(2), ConvSpec{Padding: Same}, Act(ReLU))
		}},
		{name: "conv groups", build: func(x node, p param) (node, error) {
			return Conv(x, p(2, 2, 1, 2*lastOf(x)), p(2*lastOf(x)), ConvSpec{Padding: Same, Groups: lastOf(x)}, Act(Tanh))
		}},
		{name: "conv 1x1", build: func(x node, p param) (node, error) {
			return Conv(x, p(1, 1, lastOf(x), 2), nil, ConvSpec{}, Act(Linear))
		}},
		{name: "conv strided", build: func(x node, p param) (node, error) {
			return Conv(x, p(2, 1, lastOf(x), 2), p(2), ConvSpec{Stride: [3]int{2, 2}, Padding: Same}, Act(GELU))
		}},
		{name: "conv transpose", build: func(x node, p param) (node, error) {
			return ConvTranspose(x, p(2, 2, 1, lastOf(x)), ConvSpec{}, x.Shape()[1]+1, x.Shape()[2]+1)
		}},
		{name: "depthwise", build: func(x node, p param) (node, error) {
			return DepthwiseConv(x, p(2, 2, lastOf(x), 2), p(2*lastOf(x)), ConvSpec{Padding: Same}, Act(Tanh))
		}},
		{name: "max pool", build: func(x node, _ param) (node, error) { return MaxPool(x, small) }},
		{name: "avg pool", build: func(x node, _ param) (node, error) { return AvgPool(x, small) }},
		{name: "global max", build: func(x node, _ param) (node, error) { return GlobalMaxPool(x) }},
		{name: "global avg", build: func(x node, _ param) (node, error) { return GlobalAvgPool(x) }},
		{name: "matmul", build: func(x node, p param) (node, error) {
			s := x.Shape()
			return MatMul(x, p(s[0], s[1], s[3], 2))
		}},
	})
}

// lossOps returns the losses with a constant target. TestGradientOfLosses and
// TestGradientOfRowLosses check their gradients for several kinds of targets.
func lossOps() []unary {
	type loss = func(p, t *Node) (*Node, error)
	against := func(name string, takesP bool, targets []float64, f loss) unary {
		return unary{name: name, ranks: "234", takesP: takesP, build: func(x node, _ param) (node, error) {
			return f(x, constant(x, targets, x.Shape()...))
		}}
	}
	labels := func(name string, takesP bool, f loss) unary {
		return unary{name: name, ranks: "234", takesP: takesP, build: func(x node, _ param) (node, error) {
			s := x.Shape()
			return f(x, constant(x, []float64{0, float64(lastOf(x) - 1)}, s[:len(s)-1]...))
		}}
	}
	numbers, ones, shares := []float64{0.37, -1.2, 2.1}, []float64{1, 0, 0, 1, 1}, []float64{0.2, 0.7, 0.1, 0.4}
	const unit = true
	return []unary{
		against("mse", !unit, numbers, MeanSquaredError),
		against("mae", !unit, numbers, MeanAbsoluteError),
		against("mape", !unit, numbers, MeanAbsolutePercentageError),
		against("log cosh", !unit, numbers, LogCosh),
		against("huber", !unit, numbers, func(p, t *Node) (*Node, error) { return Huber(p, t, 0.5) }),
		against("cosine", !unit, numbers, CosineSimilarity),
		against("hinge", !unit, ones, Hinge),
		against("squared hinge", !unit, ones, SquaredHinge),
		against("categorical hinge", !unit, ones, CategoricalHinge),
		against("sigmoid cross-entropy", !unit, ones, SigmoidCrossEntropy),
		against("softmax cross-entropy", !unit, shares, SoftmaxCrossEntropy),
		labels("sparse softmax cross-entropy", !unit, SparseSoftmaxCrossEntropy),
		{name: "ctc", ranks: "3", build: func(x node, _ param) (node, error) {
			return CTC(x, constant(x, []float64{0, float64(lastOf(x) - 1), 0}, x.Shape()[0], 1))
		}},
		against("msle", unit, shares, MeanSquaredLogarithmicError),
		against("poisson", unit, shares, Poisson),
		against("kl divergence", unit, shares, KLDivergence),
		against("binary cross-entropy", unit, ones, BinaryCrossEntropy),
		against("categorical cross-entropy", unit, shares, CategoricalCrossEntropy),
		against("binary focal", unit, ones, func(p, t *Node) (*Node, error) { return BinaryFocal(p, t, 0.3, 1.5, true) }),
		against("categorical focal", unit, shares, func(p, t *Node) (*Node, error) { return CategoricalFocal(p, t, 0.3, 2.5) }),
		labels("sparse categorical cross-entropy", unit, SparseCategoricalCrossEntropy),
	}
}

// scalarOps returns the ops that reduce any input, including a vector of losses, to a scalar.
func scalarOps() []unary {
	const all = "1234"
	return []unary{
		{name: "mean", ranks: all, build: func(x node, _ param) (node, error) { return Mean(x) }},
		{name: "sum", ranks: all, build: func(x node, _ param) (node, error) { return Sum(x) }},
		{name: "weighted mean", ranks: all, build: func(x node, _ param) (node, error) {
			return WeightedMean(x, constant(x, []float64{0.5, -2, 1}, x.Shape()...))
		}},
		{name: "masked mean", ranks: all, build: func(x node, _ param) (node, error) {
			return MaskedMean(x, constant(x, []float64{1, 0}, x.Shape()[0]))
		}},
		{name: "l1", ranks: all, build: func(x node, _ param) (node, error) { return L1(x, 0.3) }},
		{name: "l2", ranks: all, build: func(x node, _ param) (node, error) { return L2(x, 0.3) }},
	}
}

// volumes returns the ops on (batch, depth, height, width, channels).
func volumes() []unary {
	return ranked("5", []unary{
		{name: "reshape to image", build: func(x node, _ param) (node, error) {
			s := x.Shape()
			return Reshape(x, s[0], s[1], s[2]*s[3], s[4])
		}},
		{name: "conv volume", build: func(x node, p param) (node, error) {
			return Conv(x, p(2, 2, 1, lastOf(x), 2), p(2), ConvSpec{Padding: Same, Stride: [3]int{2}}, Act(Tanh))
		}},
		{name: "conv volume groups", build: func(x node, p param) (node, error) {
			return Conv(x, p(2, 1, 2, 1, 2*lastOf(x)), p(2*lastOf(x)), ConvSpec{Padding: Same, Groups: lastOf(x)}, Act(Tanh))
		}},
		{name: "conv volume dilated", build: func(x node, p param) (node, error) {
			return Conv(x, p(2, 1, 2, lastOf(x), 1), nil, ConvSpec{Padding: Same, Dilation: [3]int{2}}, Act(Linear))
		}},
		{name: "conv transpose volume", build: func(x node, p param) (node, error) {
			s := x.Shape()
			return ConvTranspose(x, p(2, 2, 1, 1, s[4]), ConvSpec{}, s[1]+1, s[2]+1, s[3])
		}},
		{name: "max pool volume", build: func(x node, _ param) (node, error) {
			return MaxPool(x, PoolSpec{Size: [3]int{2, 2, 2}, Padding: Same})
		}},
		{name: "avg pool volume", build: func(x node, _ param) (node, error) {
			return AvgPool(x, PoolSpec{Size: [3]int{2, 2, 1}, Stride: [3]int{1, 1, 1}, Padding: Same, CountPadding: true})
		}},
	})
}

func ranked(ranks string, ops []unary) []unary {
	for i := range ops {
		ops[i].ranks = ranks
	}
	return ops
}

// constant returns a new variable without a gradient, filled by repeating values.
func constant(x node, values []float64, shape ...int) node {
	name := fmt.Sprint("constant ", len(x.Graph().AllNodes()))
	c, err := Input(x.Graph(), x.Dtype(), name, shape...)
	if err != nil {
		return nil
	}
	v := make([]float64, size(shape))
	for i := range v {
		v[i] = values[i%len(values)]
	}
	if err := Let(c, valueOf(x.Dtype(), v, shape...)); err != nil {
		return nil
	}
	return c
}

// valueOf returns a tensor of either element type.
func valueOf(dt Dtype, v []float64, shape ...int) Value {
	if dt == Float64 {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(slices.Clone(v)))
	}
	single := make([]float32, len(v))
	for i := range v {
		single[i] = float32(v[i])
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(single))
}
