// SPDX-License-Identifier: Apache-2.0

package graph

// normal returns (x - mean)/√(variance + ε).
func (try *Try) normal(x, mean, variance *Node, epsilon float64) *Node {
	return try.Do(Mul(try.Do(Sub(x, mean)), try.inverse(variance, epsilon)))
}

// inverse returns 1/√(variance + ε).
func (try *Try) inverse(variance *Node, epsilon float64) *Node {
	return try.Do(Rsqrt(try.Do(Affine(variance, 1, epsilon))))
}

// normalParts returns the rows of the last axis, or the groups of it in each sample if there are any, minus
// their mean, divided by √(variance + ε).
func (try *Try) normalParts(x *Node, groups int, epsilon float64) *Node {
	shape, axes := shapeOf(x), []int{-1}
	if groups > 0 && len(shape) > 0 {
		n := shape[len(shape)-1]
		x = try.Do(Reshape(x, shape[0], size(shape[1:len(shape)-1]), groups, n/groups))
		axes = []int{1, 3}
	}
	mean := try.Do(Mean(x, Axes(axes...), KeepDims()))
	variance := try.Do(Mean(try.Do(Square(try.Do(Sub(x, mean)))), Axes(axes...), KeepDims()))
	z := try.normal(x, mean, variance, epsilon)
	if groups > 0 {
		z = try.Do(Reshape(z, shape...))
	}
	return z
}

// scaled returns γ·z + β, with the inputs from γ on in rows.
func (try *Try) scaled(z *Node, gamma, beta bool, rows Nodes) *Node {
	if gamma {
		z = try.Do(Mul(z, rows[0]))
	}
	if beta {
		z = try.Do(Add(z, rows[len(rows)-1]))
	}
	return z
}

func layerNormFormula(gamma, beta bool, groups int, epsilon float64) formula {
	return func(in Nodes) (*Node, error) {
		var try Try
		return try.scaled(try.normalParts(in[0], groups, epsilon), gamma, beta, in[1:]), try.Err()
	}
}

func columnMeanFormula(in Nodes) (*Node, error) {
	var try Try
	return try.Do(Mean(try.rowsOf(in[0]), Axes(0))), try.Err()
}

func columnVarianceFormula(in Nodes) (*Node, error) {
	var try Try
	return try.Do(Mean(try.Do(Square(try.Do(Sub(try.rowsOf(in[0]), in[1])))), Axes(0))), try.Err()
}

// normalizeFormula is that of normalize: its inputs are x, mean, variance, the mask if there is one,
// and γ and β.
func normalizeFormula(masked, gamma, beta, own bool, epsilon float64) formula {
	return func(in Nodes) (*Node, error) {
		mean, variance, rest := in[1], in[2], in[3:]
		var try Try
		switch {
		case masked:
			mean = try.Do(maskedMeanFormula(Nodes{in[0], in[3]}))
			variance = try.Do(maskedVarianceFormula(Nodes{in[0], in[3], mean}))
			rest = in[4:]
		case own:
			mean = try.Do(columnMeanFormula(in))
			variance = try.Do(columnVarianceFormula(Nodes{in[0], mean}))
		}
		return try.scaled(try.normal(in[0], mean, variance, epsilon), gamma, beta, rest), try.Err()
	}
}

// normalizeGradFormula is that of the gradient of x in normalizeGrad.
func normalizeGradFormula(gamma, own bool, epsilon float64) formula {
	return func(in Nodes) (*Node, error) {
		dz, variance := in[0], in[1]
		var try Try
		if own {
			x, mean, dgamma, dbeta := in[2], in[3], in[4], in[5]
			rows, _ := asMatrix(x.Shape())
			along := try.Do(Mul(try.normal(x, mean, variance, epsilon), dgamma))
			dz = try.Do(Sub(dz, try.Do(Scale(try.Do(Add(along, dbeta)), 1/float64(max(rows, 1))))))
		}
		return try.scaled(try.Do(Mul(dz, try.inverse(variance, epsilon))), gamma, false, in[len(in)-1:]), try.Err()
	}
}

// unmasked returns the sums of the columns of x over unmasked elements, divided by their number or by 1
// if there are none.
func (try *Try) unmasked(x, mask *Node) *Node {
	if try.err != nil {
		return nil
	}
	return try.Do(Div(try.Do(ColumnSum(try.Do(MaskSteps(x, mask)))), try.countUnmasked(x, mask)))
}

func (try *Try) countUnmasked(x, mask *Node) *Node {
	ones := try.filled(x, 1, x.Shape())
	n := try.Do(ColumnSum(try.Do(MaskSteps(ones, mask))))
	return try.Do(Maximum(n, try.Do(Scalar(x, 1))))
}

func maskedMeanFormula(in Nodes) (*Node, error) {
	var try Try
	return try.unmasked(in[0], in[1]), try.Err()
}

func maskedVarianceFormula(in Nodes) (*Node, error) {
	var try Try
	return try.unmasked(try.Do(Square(try.Do(Sub(in[0], in[2])))), in[1]), try.Err()
}

// maskedNormalizeGradFormula is that of the gradient of x in maskedNormalizeGrad.
func maskedNormalizeGradFormula(gamma bool, epsilon float64) formula {
	return func(in Nodes) (*Node, error) {
		dz, x, mask, mean, variance, dgamma, dbeta := in[0], in[1], in[2], in[3], in[4], in[5], in[6]
		var try Try
		along := try.Do(Mul(try.normal(x, mean, variance, epsilon), dgamma))
		scale := try.Do(Div(try.inverse(variance, epsilon), try.countUnmasked(x, mask)))
		scale = try.scaled(scale, gamma, false, in[7:])
		through := try.Do(Mul(scale, try.Do(Add(along, dbeta))))
		return try.Do(Sub(dz, try.Do(MaskSteps(through, mask)))), try.Err()
	}
}

// columnTotalsFormula is that of columnTotals, of x and a mask if there is one.
func columnTotalsFormula(in Nodes) (*Node, error) {
	var try Try
	x, ones := in[0], try.filled(in[0], 1, in[0].Shape())
	if len(in) > 1 {
		x, ones = try.Do(MaskSteps(x, in[1])), try.Do(MaskSteps(ones, in[1]))
	}
	return try.Do(Concat(0, try.Do(ColumnSum(x)), try.Do(ColumnSum(ones)))), try.Err()
}

// columnSquaresFormula is that of Σ (x - mean)², of x, mean and a mask if there is one.
func columnSquaresFormula(in Nodes) (*Node, error) {
	var try Try
	squares := try.Do(Square(try.Do(Sub(in[0], in[1]))))
	if len(in) > 2 {
		squares = try.Do(MaskSteps(squares, in[2]))
	}
	return try.Do(ColumnSum(squares)), try.Err()
}

// totalCounts returns the numbers of elements in what columnTotals returns, of which there is at least 1.
func (try *Try) totalCounts(totals *Node) *Node {
	cols := totals.Shape()[0] / 2
	return try.Do(Maximum(try.Do(Slice(totals, At(0, cols, Open))), try.Do(Scalar(totals, 1))))
}

// gradFormula is that of the gradient of x, of dy, x, mean, variance, sums, and mask and γ if there are any.
func (n *synchronizedNorm) gradFormula(in Nodes) (*Node, error) {
	dy, x, mean, variance, sums := in[0], in[1], in[2], in[3], in[4]
	rows, cols := asMatrix(x.Shape())
	var try Try
	dgamma, dbeta := try.Do(Slice(sums, At(0, 0, cols))), try.Do(Slice(sums, At(0, cols, Open)))
	through := try.Do(Add(try.Do(Mul(try.normal(x, mean, variance, n.epsilon), dgamma)), dbeta))
	if n.masked {
		through = try.Do(MaskSteps(through, in[5]))
	} else {
		through = try.Do(Scale(through, 1/float64(max(rows, 1))))
	}
	dz := try.Do(Mul(try.Do(Sub(dy, through)), try.inverse(variance, n.epsilon)))
	return try.scaled(dz, n.gamma, false, in[len(in)-1:]), try.Err()
}
