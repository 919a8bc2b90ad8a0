// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// BatchNorm normalizes each column of the last axis by the mean and the biased variance of
// the batch (Ioffe & Szegedy 2015); all other axes count as batch:
//
//	y = γ·(x - mean)/√(variance + ε) + β
//
//	x (..., n)   gamma, beta (n) or nil   y (..., n)   mean, variance (n)
//
// The gradient of x includes the paths through mean and variance. These two are returned for
// moving averages and can be differentiated like other values.
func BatchNorm(x, gamma, beta *Node, epsilon float64) (y, mean, variance *Node, err error) {
	if mean, err = columnOp("column_mean", forDtypes(runColumnMean[float32], runColumnMean[float64]), columnMeanFormula, x); err != nil {
		return nil, nil, nil, err
	}
	if variance, err = columnOp("column_variance", forDtypes(runColumnVariance[float32], runColumnVariance[float64]), columnVarianceFormula, x, mean); err != nil {
		return nil, nil, nil, err
	}
	y, err = normalize(x, mean, variance, nil, gamma, beta, epsilon, true)
	return y, mean, variance, err
}

// Normalize is BatchNorm with a given mean and variance.
func Normalize(x, mean, variance, gamma, beta *Node, epsilon float64) (*Node, error) {
	return normalize(x, mean, variance, nil, gamma, beta, epsilon, false)
}

// columnOp returns one value for each column of the first input; the other inputs are vectors.
func columnOp(name string, run runner, f formula, inputs ...*Node) (*Node, error) {
	o := &op{
		name: name,
		in:   []int{rankOf(inputs[0])}, out: 1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("input is a scalar")
			}
			_, cols := asMatrix(in[0])
			return tensor.Shape{cols}, nil
		},
		run:     run,
		formula: f,
	}
	for _, n := range inputs[1:] {
		o.in = append(o.in, rankOf(n))
	}
	return apply(o, inputs...)
}

func runColumnMean[T kernel.Float](c *call[T]) error {
	rows, cols := asMatrix(c.inShape[0])
	kernel.ColSum(c.out, c.in[0], rows, cols)
	kernel.Scale(c.out, c.out, 1/T(rows))
	return nil
}

func runColumnVariance[T kernel.Float](c *call[T]) error {
	rows, cols := asMatrix(c.inShape[0])
	kernel.ColVariance(c.out, c.in[0], c.in[1], rows, cols)
	return nil
}

// normalize returns y = γ·(x - mean)/√(variance + ε) + β. If own is set, mean and variance
// are those of x (of the unmasked elements if mask is not nil), and the gradient of x
// includes the paths through them.
func normalize(x, mean, variance, mask, gamma, beta *Node, epsilon float64, own bool) (*Node, error) {
	if err := checkEpsilon("normalize", epsilon, x); err != nil {
		return nil, err
	}
	inputs := Nodes{x, mean, variance}
	o := &op{
		name: "normalize" + attrs("epsilon", epsilon, "gamma", gamma != nil, "beta", beta != nil, "own", own),
		in:   []int{rankOf(x), 1, 1}, out: rankOf(x),
		diff:     []bool{true, !own, !own},
		zeroDiff: []bool{false, own, own},
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("input is a scalar")
			}
			_, cols := asMatrix(in[0])
			if mask != nil {
				if err := checkMask([]tensor.Shape{in[0], in[3]}); err != nil {
					return nil, err
				}
			}
			for i, s := range in[1:] {
				if s[0] != cols && (mask == nil || i != 2) {
					return nil, fmt.Errorf("input %d has %d values, want %d, one for each column of %v", i+1, s[0], cols, in[0])
				}
			}
			return in[0].Clone(), nil
		},
	}
	first := 3 // index of the first of gamma and beta
	if mask != nil {
		first, inputs, o.in, o.diff, o.zeroDiff = 4, append(inputs, mask), append(o.in, rankOf(mask)), append(o.diff, false), append(o.zeroDiff, true)
		o.name += ",masked"
	}
	o.run = forDtypes(runNormalize[float32](epsilon, first, gamma != nil, beta != nil), runNormalize[float64](epsilon, first, gamma != nil, beta != nil))
	for _, n := range []*Node{gamma, beta} {
		if n != nil {
			inputs, o.in, o.diff = append(inputs, n), append(o.in, 1), append(o.diff, true)
		}
	}
	if mask == nil && !own {
		o.kind, o.inPlaceOf = normalization{epsilon, gamma != nil, beta != nil}, 1
	}
	o.formula = normalizeFormula(mask != nil, gamma != nil, beta != nil, own, epsilon)
	o.grad = func(in Nodes, _, dy *Node) (Nodes, error) {
		if mask != nil {
			return maskedNormalizeGrad(in, dy, epsilon, gamma != nil, beta != nil)
		}
		return normalizeGrad(in, dy, epsilon, gamma != nil, beta != nil, own)
	}
	return apply(o, inputs...)
}

// normalization identifies Normalize without a mask to fuse.
type normalization struct {
	epsilon     float64
	gamma, beta bool // whether there are any
}

func runNormalize[T kernel.Float](epsilon float64, first int, gamma, beta bool) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		var g []T
		if gamma {
			g = c.in[first]
		}
		kernel.NormCols(c.out, c.in[0], c.in[1], c.in[2], g, optionalLast(beta, c.in), T(epsilon), rows, cols)
		return nil
	}
}

// normalizeGrad: with z = (x - mean)/√(variance + ε), dβ = Σ dy and dγ = Σ dy·z over n rows,
// dx is γ/√(variance + ε)·dy for a given mean and variance, and
// γ/√(variance + ε)·(dy - dβ/n - z·dγ/n) for x's own.
func normalizeGrad(in Nodes, dy *Node, epsilon float64, gamma, beta, own bool) (Nodes, error) {
	x, mean, variance, rank := in[0], in[1], in[2], rankOf(in[0])
	dbeta, err := ColumnSum(dy)
	if err != nil {
		return nil, err
	}
	dgamma, err := normalizeDot(x, dy, mean, variance, epsilon)
	if err != nil {
		return nil, err
	}
	inputs := Nodes{dy, variance}
	o := &op{
		name: "normalize_grad" + attrs("epsilon", epsilon, "gamma", gamma, "own", own),
		in:   []int{rank, 1}, out: rank,
		shape:   sameShape,
		run:     forDtypes(runNormalizeGrad[float32](epsilon, gamma), runNormalizeGrad[float64](epsilon, gamma)),
		formula: normalizeGradFormula(gamma, own, epsilon),
	}
	if own {
		inputs = append(inputs, x, mean, dgamma, dbeta)
		o.in = append(o.in, rank, 1, 1, 1)
		o.run = forDtypes(runNormalizeOwnGrad[float32](epsilon, gamma), runNormalizeOwnGrad[float64](epsilon, gamma))
	}
	if gamma {
		inputs, o.in = append(inputs, in[3]), append(o.in, 1)
	}
	dx, err := apply(o, inputs...)
	grads := Nodes{dx, nil, nil}
	if !own && err == nil {
		if grads[1], grads[2], err = momentGrads(dx, dgamma, variance, in[3:], gamma, epsilon); err != nil {
			return nil, err
		}
	}
	if gamma {
		grads = append(grads, dgamma)
	}
	if beta {
		grads = append(grads, dbeta)
	}
	return grads, err
}

// momentGrads returns the gradients of a given mean, -Σ dx, and of a given variance,
// -γ·dγ/2(variance + ε).
func momentGrads(dx, dgamma, variance *Node, rows Nodes, gamma bool, epsilon float64) (dmean, dvariance *Node, err error) {
	var try Try
	dmean = try.Do(Neg(try.Do(ColumnSum(dx))))
	dvariance = try.Do(Scale(try.Do(Div(dgamma, try.Do(Affine(variance, 1, epsilon)))), -0.5))
	if gamma {
		dvariance = try.Do(Mul(dvariance, rows[0]))
	}
	return dmean, dvariance, try.Err()
}

// normalizeDot returns Σ_rows dy·z.
func normalizeDot(x, dy, mean, variance *Node, epsilon float64) (*Node, error) {
	f := func(in Nodes) (*Node, error) {
		var try Try
		return try.Do(ColumnSum(try.Do(Mul(in[1], try.normal(in[0], in[2], in[3], epsilon))))), try.Err()
	}
	return columnOp("normalize_dot"+attrs("epsilon", epsilon), forDtypes(runNormalizeDot[float32](epsilon), runNormalizeDot[float64](epsilon)), f, x, dy, mean, variance)
}

func runNormalizeDot[T kernel.Float](epsilon float64) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		kernel.NormColsDot(c.out, c.in[0], c.in[1], c.in[2], c.in[3], T(epsilon), rows, cols)
		return nil
	}
}

func runNormalizeGrad[T kernel.Float](epsilon float64, gamma bool) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		kernel.NormCols(c.out, c.in[0], nil, c.in[1], optionalLast(gamma, c.in), nil, T(epsilon), rows, cols)
		return nil
	}
}

func runNormalizeOwnGrad[T kernel.Float](epsilon float64, gamma bool) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		kernel.NormColsGrad(c.out, c.in[2], c.in[0], c.in[3], c.in[1], optionalLast(gamma, c.in), c.in[4], c.in[5], T(epsilon), rows, cols)
		return nil
	}
}

// optionalLast returns the last input if the optional input is present, else nil.
func optionalLast[T kernel.Float](there bool, in [][]T) []T {
	if !there {
		return nil
	}
	return in[len(in)-1]
}

// MaskedBatchNorm is BatchNorm with the mean and variance of only those elements whose mask
// is nonzero. All elements are normalized with them.
//
//	x (..., n)   mask, shaped like x or like its leading axes
func MaskedBatchNorm(x, mask, gamma, beta *Node, epsilon float64) (y, mean, variance *Node, err error) {
	if mean, err = columnOp("masked_column_mean", forDtypes(runMaskedColumnMean[float32], runMaskedColumnMean[float64]), maskedMeanFormula, x, mask); err != nil {
		return nil, nil, nil, err
	}
	if variance, err = columnOp("masked_column_variance", forDtypes(runMaskedColumnVariance[float32], runMaskedColumnVariance[float64]), maskedVarianceFormula, x, mask, mean); err != nil {
		return nil, nil, nil, err
	}
	y, err = normalize(x, mean, variance, mask, gamma, beta, epsilon, true)
	return y, mean, variance, err
}

// maskedColumn returns the mean of x, or of (x - mean)² if mean is given, over the unmasked
// elements of a column; 0 if there are none.
func maskedColumn[T kernel.Float](x, mask, mean []T, cols, column int) T {
	var sum, n float64
	each := len(x) / len(mask)
	for i := column; i < len(x); i += cols {
		if mask[i/each] == 0 {
			continue
		}
		v := float64(x[i])
		if mean != nil {
			v -= float64(mean[column])
			v *= v
		}
		sum, n = sum+v, n+1
	}
	return T(sum / max(1, n))
}

func runMaskedColumnMean[T kernel.Float](c *call[T]) error {
	for j := range c.out {
		c.out[j] = maskedColumn(c.in[0], c.in[1], nil, len(c.out), j)
	}
	return nil
}

func runMaskedColumnVariance[T kernel.Float](c *call[T]) error {
	for j := range c.out {
		c.out[j] = maskedColumn(c.in[0], c.in[1], c.in[2], len(c.out), j)
	}
	return nil
}

// maskedNormalizeGrad: with z, dβ and dγ as in normalizeGrad, mask m, and n unmasked elements
// in a column, dx is γ/√(variance + ε)·(dy - m·(dβ + z·dγ)/n).
func maskedNormalizeGrad(in Nodes, dy *Node, epsilon float64, gamma, beta bool) (Nodes, error) {
	x, mean, variance, mask, rank := in[0], in[1], in[2], in[3], rankOf(in[0])
	plain := Nodes{x, mean, variance}
	if gamma {
		plain = append(plain, in[4])
	}
	grads, err := normalizeGrad(plain, dy, epsilon, gamma, false, false)
	if err != nil {
		return nil, err
	}
	dbeta, err := ColumnSum(dy)
	if err != nil {
		return nil, err
	}
	dgamma, err := normalizeDot(x, dy, mean, variance, epsilon)
	if err != nil {
		return nil, err
	}
	inputs := Nodes{grads[0], x, mask, mean, variance, dgamma, dbeta}
	o := &op{
		name: "masked_normalize_grad" + attrs("epsilon", epsilon, "gamma", gamma),
		in:   []int{rank, rank, rankOf(mask), 1, 1, 1, 1}, out: rank,
		shape:    sameShape,
		run:      forDtypes(runMaskedNormalizeGrad[float32](epsilon, gamma), runMaskedNormalizeGrad[float64](epsilon, gamma)),
		zeroDiff: []bool{false, false, true},
		formula:  maskedNormalizeGradFormula(gamma, epsilon),
	}
	if gamma {
		inputs, o.in = append(inputs, in[4]), append(o.in, 1)
	}
	dx, err := apply(o, inputs...)
	all := Nodes{dx, nil, nil, nil}
	if gamma {
		all = append(all, dgamma)
	}
	if beta {
		all = append(all, dbeta)
	}
	return all, err
}

func runMaskedNormalizeGrad[T kernel.Float](epsilon float64, gamma bool) func(*call[T]) error {
	return func(c *call[T]) error {
		_, cols := asMatrix(c.inShape[1])
		x, mask, mean, variance, dgamma, dbeta := c.in[1], c.in[2], c.in[3], c.in[4], c.in[5], c.in[6]
		each := len(x) / len(mask)
		copy(c.out, c.in[0])
		for j := range cols {
			n := 0.0
			for i := j; i < len(x); i += cols {
				if mask[i/each] != 0 {
					n++
				}
			}
			inverse := 1 / math.Sqrt(float64(variance[j])+epsilon)
			scale := inverse / max(1, n)
			if gamma {
				scale *= float64(c.in[7][j])
			}
			for i := j; i < len(x); i += cols {
				if mask[i/each] != 0 {
					z := (float64(x[i]) - float64(mean[j])) * inverse
					c.out[i] -= T(scale * (float64(dbeta[j]) + z*float64(dgamma[j])))
				}
			}
		}
		return nil
	}
}

// LayerNorm normalizes each row of the last axis by its own mean m and biased variance v
// (Ba et al. 2016): y = γ·(x - m)/√(v + ε) + β.
//
//	x (..., n)   gamma, beta (n) or nil   y (..., n)
func LayerNorm(x, gamma, beta *Node, epsilon float64) (*Node, error) {
	return layerNorm(x, gamma, beta, 0, epsilon)
}

// GroupNorm normalizes groups of adjacent features of each sample by their own mean m and biased variance v
// over all positions (Wu & He 2018): y = γ·(x - m)/√(v + ε) + β.
//
//	x (batch, ..., n)   gamma, beta (n) or nil   y (batch, ..., n)
//
// n must be a multiple of groups, and epsilon at least 0. One group for each feature is instance
// normalization.
func GroupNorm(x, gamma, beta *Node, groups int, epsilon float64) (*Node, error) {
	if groups < 1 {
		return nil, &OpError{Op: "group_norm", Shapes: []Shape{shapeOf(x)}, Err: fmt.Errorf("got %d groups, want at least 1", groups)}
	}
	return layerNorm(x, gamma, beta, groups, epsilon)
}

// checkEpsilon returns an error for an epsilon that makes roots of negative numbers or no numbers.
func checkEpsilon(op string, epsilon float64, x *Node) error {
	if epsilon >= 0 && !math.IsInf(epsilon, 1) {
		return nil
	}
	return &OpError{Op: op, Shapes: []Shape{shapeOf(x)}, Err: fmt.Errorf("epsilon is %v, want a finite number of at least 0", epsilon)}
}

// normName is the name of normalizations of rows and, if there are groups, of these.
func normName(groups int) string {
	if groups > 0 {
		return "group_norm"
	}
	return "layer_norm"
}

// normAttrs are the settings of such an op.
func normAttrs(groups int, epsilon float64, gamma, beta bool) string {
	if groups > 0 {
		return attrs("groups", groups, "epsilon", epsilon, "gamma", gamma, "beta", beta)
	}
	return attrs("epsilon", epsilon, "gamma", gamma, "beta", beta)
}

func layerNorm(x, gamma, beta *Node, groups int, epsilon float64) (*Node, error) {
	if err := checkEpsilon(normName(groups), epsilon, x); err != nil {
		return nil, err
	}
	rank := rankOf(x)
	inputs := Nodes{x}
	o := &op{
		name: normName(groups) + normAttrs(groups, epsilon, gamma != nil, beta != nil),
		in:   []int{rank}, out: rank,
		diff: []bool{true},
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("input is a scalar")
			}
			_, cols := asMatrix(in[0])
			switch {
			case groups > 0 && len(in[0]) < 2:
				return nil, fmt.Errorf("input has rank 1, want at least 2: the first axis is the batch")
			case groups > 0 && cols%groups != 0:
				return nil, fmt.Errorf("%d features can't be divided into %d groups", cols, groups)
			}
			for i, s := range in[1:] {
				if s[0] != cols {
					return nil, fmt.Errorf("input %d has %d values, the rows have %d", i+1, s[0], cols)
				}
			}
			return in[0].Clone(), nil
		},
		run: forDtypes(runLayerNorm[float32](groups, epsilon, gamma != nil, beta != nil), runLayerNorm[float64](groups, epsilon, gamma != nil, beta != nil)),
	}
	for _, n := range []*Node{gamma, beta} {
		if n != nil {
			inputs, o.in, o.diff = append(inputs, n), append(o.in, 1), append(o.diff, true)
		}
	}
	o.formula = layerNormFormula(gamma != nil, beta != nil, groups, epsilon)
	o.grad = func(in Nodes, _, dy *Node) (Nodes, error) {
		return layerNormGrad(in, dy, groups, epsilon, gamma != nil, beta != nil)
	}
	return apply(o, inputs...)
}

func runLayerNorm[T kernel.Float](groups int, epsilon float64, gamma, beta bool) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		var g []T
		if gamma {
			g = c.in[1]
		}
		b := optionalLast(beta, c.in)
		if groups > 0 {
			kernel.NormGroups(c.out, c.in[0], g, b, T(epsilon), c.inShape[0][0], groups, cols)
		} else {
			kernel.NormRows(c.out, c.in[0], g, b, T(epsilon), rows, cols)
		}
		return nil
	}
}

// layerNormBack is shared by the backward op of a layer normalization and those that copy the
// gradients of gamma and beta: one pass computes all three. The latter read the output of the
// former, which determines their order.
type layerNormBack struct {
	single struct{ dgamma, dbeta []float32 }
	double struct{ dgamma, dbeta []float64 }
}

func normSums[T kernel.Float](b *layerNormBack) *struct{ dgamma, dbeta []T } {
	if s, ok := any(&b.single).(*struct{ dgamma, dbeta []T }); ok {
		return s
	}
	return any(&b.double).(*struct{ dgamma, dbeta []T })
}

// layerNormGrad, in which the means are those of a row or a group: with z = (x - m)/√(v + ε) and g = γ·dy, dx is
// (g - mean(g) - z·mean(g·z))/√(v + ε), dγ = Σ_rows dy·z and dβ = Σ_rows dy.
func layerNormGrad(in Nodes, dy *Node, groups int, epsilon float64, gamma, beta bool) (Nodes, error) {
	x, rank := in[0], rankOf(in[0])
	inputs := Nodes{x, dy}
	b := &layerNormBack{}
	run := func(withX bool) runner {
		return forDtypes(runLayerNormGrad[float32](b, groups, epsilon, withX, gamma, gamma || beta), runLayerNormGrad[float64](b, groups, epsilon, withX, gamma, gamma || beta))
	}
	unused := run(false)
	o := &op{
		name: normName(groups) + "_grad" + normAttrs(groups, epsilon, gamma, beta),
		in:   []int{rank, rank}, out: rank,
		shape:     sameShape,
		run:       run(true),
		runUnused: &unused,
		formula: func(in Nodes) (*Node, error) { // of x, dy and gamma
			of := append(Nodes{in[0]}, in[2:]...)
			return layerNormFormula(gamma, false, groups, epsilon).backward(len(of), 0)(append(of, in[1]))
		},
	}
	if gamma {
		inputs, o.in = append(inputs, in[1]), append(o.in, 1)
	}
	dx, err := apply(o, inputs...)
	if err != nil {
		return nil, err
	}
	grads := Nodes{dx}
	for _, p := range []struct {
		name    string
		want    bool
		run     runner
		formula formula
	}{
		{"gamma", gamma, forDtypes(runNormSum[float32](b, true), runNormSum[float64](b, true)), func(in Nodes) (*Node, error) {
			var try Try
			return try.Do(ColumnSum(try.Do(Mul(in[2], try.normalParts(in[1], groups, epsilon))))), try.Err()
		}},
		{"beta", beta, forDtypes(runNormSum[float32](b, false), runNormSum[float64](b, false)), func(in Nodes) (*Node, error) { return ColumnSum(in[2]) }},
	} {
		if !p.want {
			continue
		}
		_, cols := asMatrix(x.Shape())
		d, err := apply(&op{
			name: normName(groups) + "_grad_" + p.name,
			in:   []int{rank, rank, rank}, out: 1,
			shape:     fixed(tensor.Shape{cols}),
			run:       p.run,
			orderOnly: true,
			zeroDiff:  []bool{true},
			formula:   p.formula,
		}, dx, x, dy)
		if err != nil {
			return nil, err
		}
		grads = append(grads, d)
	}
	return grads, nil
}

// runLayerNormGrad skips the gradient of x unless withX is set.
func runLayerNormGrad[T kernel.Float](b *layerNormBack, groups int, epsilon float64, withX, gamma, sums bool) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		s := normSums[T](b)
		if sums {
			s.dgamma, s.dbeta = resized(s.dgamma, cols), resized(s.dbeta, cols)
		}
		var dx []T
		if withX {
			dx = c.out
		}
		g := optionalLast(gamma, c.in)
		if groups > 0 {
			kernel.NormGroupsBack(dx, s.dgamma, s.dbeta, c.in[0], c.in[1], g, T(epsilon), c.inShape[0][0], groups, cols)
		} else {
			kernel.NormRowsBack(dx, s.dgamma, s.dbeta, c.in[0], c.in[1], g, T(epsilon), rows, cols)
		}
		return nil
	}
}

func runNormSum[T kernel.Float](b *layerNormBack, gamma bool) func(*call[T]) error {
	return func(c *call[T]) error {
		s := normSums[T](b)
		if gamma {
			copy(c.out, s.dgamma)
		} else {
			copy(c.out, s.dbeta)
		}
		return nil
	}
}
