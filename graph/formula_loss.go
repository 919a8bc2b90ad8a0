// SPDX-License-Identifier: Apache-2.0

package graph

import "math"

// The formulas of the losses, of a prediction p (..., n) and a target t of the same shape. Those of
// package kernel are the same, computed in one pass over memory.

// rowFormula returns a formula whose rows are the sums, or the means, of what elements returns.
func rowFormula(mean bool, elements func(try *Try, p, t *Node) *Node) formula {
	return func(in Nodes) (*Node, error) {
		var try Try
		rows := try.rowsOf(elements(&try, in[0], in[1]))
		if mean {
			return try.Do(Mean(rows, Axes(-1))), try.Err()
		}
		return try.Do(Sum(rows, Axes(-1))), try.Err()
	}
}

var mseFormula = rowFormula(true, func(try *Try, p, t *Node) *Node { return try.Do(Square(try.Do(Sub(p, t)))) })

var maeFormula = rowFormula(true, func(try *Try, p, t *Node) *Node { return try.Do(Abs(try.Do(Sub(p, t)))) })

// softplus(z) - z·t
var sigmoidXentFormula = rowFormula(true, func(try *Try, z, t *Node) *Node {
	return try.Do(Sub(try.Do(Activate(z, Act(Softplus))), try.Do(Mul(z, t))))
})

var softmaxXentFormula = rowFormula(false, func(try *Try, z, t *Node) *Node {
	return try.Do(Neg(try.Do(Mul(t, try.Do(LogSoftmax(z))))))
})

// labelFormula is a formula for class labels (...) instead of distributions over the classes.
func labelFormula(f formula) formula {
	return func(in Nodes) (*Node, error) {
		var try Try
		t := try.oneHot(in[1], in[0])
		if try.err != nil {
			return nil, try.err
		}
		return f(Nodes{in[0], t})
	}
}

// oneHot returns rows like those of a prediction that are 1 at their label and 0 elsewhere.
func (try *Try) oneHot(labels, p *Node) *Node {
	shape := p.Shape()
	classes := make([]float64, shape[len(shape)-1])
	for i := range classes {
		classes[i] = float64(i)
	}
	column := append(shape[:len(shape)-1].Clone(), 1)
	at := try.Do(Equal(try.Do(Reshape(labels, column...)), try.row(p, classes)))
	return try.Do(Cast(at, p.Dtype()))
}

// lossEpsilon is that of package kernel.
const lossEpsilon = 1e-7

// atLeast returns max(x, ε).
func (try *Try) atLeast(x *Node) *Node { return try.Do(Clip(x, lossEpsilon, math.Inf(1))) }

// probability returns p clipped to [ε, 1-ε].
func (try *Try) probability(p *Node) *Node { return try.Do(Clip(p, lossEpsilon, 1-lossEpsilon)) }

var mapeFormula = rowFormula(true, func(try *Try, p, t *Node) *Node {
	e := try.Do(Abs(try.Do(Sub(p, t))))
	return try.Do(Scale(try.Do(Div(e, try.atLeast(try.Do(Abs(t))))), 100))
})

var msleFormula = rowFormula(true, func(try *Try, p, t *Node) *Node {
	return try.Do(Square(try.Do(Sub(try.Do(Log1p(try.atLeast(p))), try.Do(Log1p(try.atLeast(t)))))))
})

// With c = e clipped to [-delta, delta], c·(e - c/2).
func huberFormula(delta float64) formula {
	return rowFormula(true, func(try *Try, p, t *Node) *Node {
		e := try.Do(Sub(p, t))
		c := try.Do(Clip(e, -delta, delta))
		return try.Do(Mul(c, try.Do(Sub(e, try.Do(Scale(c, 0.5))))))
	})
}

// log cosh(e) = e + softplus(-2e) - log 2
var logCoshFormula = rowFormula(true, func(try *Try, p, t *Node) *Node {
	e := try.Do(Sub(p, t))
	return try.Do(Add(try.Do(Affine(e, 1, -math.Ln2)), try.Do(Activate(try.Do(Scale(e, -2)), Act(Softplus)))))
})

// binaryXent returns -t·log q - (1-t)·log(1-q) for each element, with q the clipped p.
func (try *Try) binaryXent(p, t *Node) *Node {
	q := try.probability(p)
	one := try.Do(Mul(t, try.Do(Log(q))))
	zero := try.Do(Mul(try.Do(Affine(t, -1, 1)), try.Do(Log1p(try.Do(Neg(q))))))
	return try.Do(Neg(try.Do(Add(one, zero))))
}

var binaryXentFormula = rowFormula(true, (*Try).binaryXent)

func binaryFocalFormula(alpha, gamma float64, balanced bool) formula {
	return rowFormula(true, func(try *Try, p, t *Node) *Node {
		// 1 - (t·p + (1-t)·(1-p)) = t + p - 2·t·p
		miss := try.Do(Sub(try.Do(Add(t, p)), try.Do(Scale(try.Do(Mul(t, p)), 2))))
		loss := try.Do(Mul(try.Do(Power(miss, gamma)), try.binaryXent(p, t)))
		if balanced {
			loss = try.Do(Mul(loss, try.Do(Affine(t, 2*alpha-1, 1-alpha))))
		}
		return loss
	})
}

// share returns p divided by the sum of its row, and clipped.
func (try *Try) share(p *Node) *Node {
	return try.probability(try.Do(Div(p, try.Do(Sum(p, Axes(-1), KeepDims())))))
}

var categoricalXentFormula = rowFormula(false, func(try *Try, p, t *Node) *Node {
	return try.Do(Neg(try.Do(Mul(t, try.Do(Log(try.share(p)))))))
})

func categoricalFocalFormula(alpha, gamma float64) formula {
	return rowFormula(false, func(try *Try, p, t *Node) *Node {
		q := try.share(p)
		miss := try.Do(Power(try.Do(Affine(q, -1, 1)), gamma))
		return try.Do(Scale(try.Do(Mul(try.Do(Mul(t, miss)), try.Do(Log(q)))), -alpha))
	})
}

var klFormula = rowFormula(false, func(try *Try, p, t *Node) *Node {
	q, r := try.Do(Clip(p, lossEpsilon, 1)), try.Do(Clip(t, lossEpsilon, 1))
	return try.Do(Mul(r, try.Do(Log(try.Do(Div(r, q))))))
})

var poissonFormula = rowFormula(true, func(try *Try, p, t *Node) *Node {
	return try.Do(Sub(p, try.Do(Mul(t, try.Do(Log(try.Do(Affine(p, 1, lossEpsilon))))))))
})

var cosineFormula = rowFormula(false, func(try *Try, p, t *Node) *Node {
	return try.Do(Neg(try.Do(Mul(try.Do(L2Normalize(p)), try.Do(L2Normalize(t))))))
})

// hinge returns max(1 - t·p, 0), whose derivative at 0 is 0.
func (try *Try) hinge(p, t *Node) *Node {
	return try.Do(Activate(try.Do(Affine(try.Do(Mul(t, p)), -1, 1)), Act(ReLU)))
}

var hingeFormula = rowFormula(true, (*Try).hinge)

var squaredHingeFormula = rowFormula(true, func(try *Try, p, t *Node) *Node { return try.Do(Square(try.hinge(p, t))) })

// The first of several equal maxima has the gradient, as in GlobalMaxPool.
func categoricalHingeFormula(in Nodes) (*Node, error) {
	var try Try
	p, t := try.rowsOf(in[0]), try.rowsOf(in[1])
	other := try.Do(Mul(try.Do(Affine(t, -1, 1)), p))
	if try.err != nil {
		return nil, try.err
	}
	rows, cols := asMatrix(other.Shape())
	worst := try.Do(Reshape(try.Do(GlobalMaxPool(try.Do(Reshape(other, rows, cols, 1)))), rows))
	margin := try.Do(Sub(try.Do(Affine(worst, 1, 1)), try.Do(Sum(try.Do(Mul(t, p)), Axes(-1)))))
	return try.Do(Activate(margin, Act(ReLU))), try.Err()
}
