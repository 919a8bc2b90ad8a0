// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// SynchronizedBatchNorm is BatchNorm, or MaskedBatchNorm if mask is not nil, with the mean and variance of
// the inputs of all Programs that run in step (AllSum), here the parts p of a batch:
//
//	mean = Σ_p Σ x / N   variance = Σ_p Σ (x - mean)² / N   N = Σ_p n
//
// over the unmasked elements of a column, n of them in a part. With z = (x - mean)/√(variance + ε) and mask m
// the gradient is
//
//	dx = γ/√(variance + ε)·(dy - m·(Σ_p Σ dy + z·Σ_p Σ dy·z)/N)
//
// which is that of the cost of all parts if each differentiates its own part of a cost that is their sum. The
// gradients of γ and β are those of the part. The label names the sums.
//
//	x (..., n)   mask shaped like x or like its leading axes, or nil   gamma, beta (n) or nil
//	y (..., n)   mean, variance (n)
func SynchronizedBatchNorm(label string, x, mask, gamma, beta *Node, epsilon float64) (y, mean, variance *Node, err error) {
	if err := checkEpsilon("synchronized_batch_norm", epsilon, x); err != nil {
		return nil, nil, nil, err
	}
	with := Nodes{x}
	if mask != nil {
		with = append(with, mask)
	}
	total, err := columnTotals(with)
	if err == nil {
		total, err = AllSum(label+"/mean", total)
	}
	if err == nil {
		mean, err = overTotals("mean", total, total)
	}
	if err == nil {
		variance, err = columnOp("column_squares", forDtypes(runColumnSquares[float32], runColumnSquares[float64]), columnSquaresFormula, append(Nodes{x, mean}, with[1:]...)...)
	}
	if err == nil {
		variance, err = AllSum(label+"/variance", variance)
	}
	if err == nil {
		variance, err = overTotals("variance", variance, total)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	n := &synchronizedNorm{label: label, epsilon: epsilon, masked: mask != nil, gamma: gamma != nil, beta: beta != nil}
	y, err = n.apply(x, mean, variance, total, mask, gamma, beta)
	return y, mean, variance, err
}

// columnTotals returns two values for each column of x, which is first, and of which a mask may follow.
func columnTotals(with Nodes) (*Node, error) {
	o := &op{
		name: "column_totals",
		out:  1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("input is a scalar")
			}
			if len(in) > 1 {
				if err := checkMask(in); err != nil {
					return nil, err
				}
			}
			_, cols := asMatrix(in[0])
			return tensor.Shape{2 * cols}, nil
		},
		run:      forDtypes(runColumnTotals[float32], runColumnTotals[float64]),
		formula:  columnTotalsFormula,
		zeroDiff: []bool{false, true},
	}
	for _, n := range with {
		o.in = append(o.in, rankOf(n))
	}
	return apply(o, with...)
}

// runColumnTotals writes the sum of each column, and behind these the number of its elements.
func runColumnTotals[T kernel.Float](c *call[T]) error {
	x, cols := c.in[0], len(c.out)/2
	sums, counts := c.out[:cols], c.out[cols:]
	if len(c.in) == 1 {
		kernel.ColSum(sums, x, len(x)/cols, cols)
		kernel.Fill(counts, T(len(x)/cols))
		return nil
	}
	for j := range cols {
		counts[j] = T(countMasked(x, c.in[1], cols, j))
		sums[j] = T(float64(maskedColumn(x, c.in[1], nil, cols, j)) * float64(counts[j]))
	}
	return nil
}

// countMasked returns the number of unmasked elements of a column.
func countMasked[T kernel.Float](x, mask []T, cols, column int) (n int) {
	each := len(x) / len(mask)
	for i := column; i < len(x); i += cols {
		if mask[i/each] != 0 {
			n++
		}
	}
	return n
}

// runColumnSquares writes the sum of (x - mean)² of each column.
func runColumnSquares[T kernel.Float](c *call[T]) error {
	x, mean, cols := c.in[0], c.in[1], len(c.out)
	if len(c.in) == 2 {
		kernel.ColVariance(c.out, x, mean, len(x)/cols, cols)
		kernel.Scale(c.out, c.out, T(len(x)/cols))
		return nil
	}
	for j := range cols {
		c.out[j] = T(float64(maskedColumn(x, c.in[2], mean, cols, j)) * float64(countMasked(x, c.in[2], cols, j)))
	}
	return nil
}

// overTotals divides the first sums by the numbers of elements in totals, of which there is at least 1.
func overTotals(name string, sums, totals *Node) (*Node, error) {
	return apply(&op{
		name: "over_totals" + attrs("of", name),
		in:   []int{1, 1}, out: 1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) { return tensor.Shape{in[1][0] / 2}, nil },
		run:   forDtypes(runOverTotals[float32], runOverTotals[float64]),
		formula: func(in Nodes) (*Node, error) {
			var try Try
			counts := try.totalCounts(in[1])
			return try.Do(Div(try.Do(Slice(in[0], At(0, 0, in[1].Shape()[0]/2))), counts)), try.Err()
		},
	}, sums, totals)
}

func runOverTotals[T kernel.Float](c *call[T]) error {
	counts := c.in[1][len(c.out):]
	for j := range c.out {
		c.out[j] = c.in[0][j] / max(1, counts[j])
	}
	return nil
}

// synchronizedNorm is the op of SynchronizedBatchNorm that has a gradient.
type synchronizedNorm struct {
	label               string
	epsilon             float64
	masked, gamma, beta bool
}

func (n *synchronizedNorm) attrs() string {
	return attrs("of", n.label, "epsilon", n.epsilon, "masked", n.masked, "gamma", n.gamma, "beta", n.beta)
}

// apply: the inputs are x, mean, variance, totals, and those of mask, gamma and beta that there are.
func (n *synchronizedNorm) apply(x, mean, variance, totals, mask, gamma, beta *Node) (*Node, error) {
	o := &op{
		name: "synchronized_normalize" + n.attrs(),
		in:   []int{rankOf(x), 1, 1, 1}, out: rankOf(x),
		diff:     []bool{true, false, false, false},
		zeroDiff: []bool{false, true, true, true},
		shape:    n.shape,
		grad:     func(in Nodes, _, dy *Node) (Nodes, error) { return n.grad(in, dy) },
	}
	inputs, first := Nodes{x, mean, variance, totals}, 4
	if mask != nil {
		inputs, o.in, o.diff, o.zeroDiff, first = append(inputs, mask), append(o.in, rankOf(mask)), append(o.diff, false), append(o.zeroDiff, true), 5
	}
	for _, p := range []*Node{gamma, beta} {
		if p != nil {
			inputs, o.in, o.diff = append(inputs, p), append(o.in, 1), append(o.diff, true)
		}
	}
	o.run = forDtypes(runNormalize[float32](n.epsilon, first, n.gamma, n.beta), runNormalize[float64](n.epsilon, first, n.gamma, n.beta))
	return apply(o, inputs...)
}

func (n *synchronizedNorm) shape(in []tensor.Shape) (tensor.Shape, error) {
	_, cols := asMatrix(in[0])
	first := 4
	if n.masked {
		if err := checkMask([]tensor.Shape{in[0], in[4]}); err != nil {
			return nil, err
		}
		first = 5
	}
	for i, s := range in[first:] {
		if s[0] != cols {
			return nil, fmt.Errorf("input %d has %d values, want %d, one for each column of %v", first+i, s[0], cols, in[0])
		}
	}
	return in[0].Clone(), nil
}

func (n *synchronizedNorm) grad(in Nodes, dy *Node) (Nodes, error) {
	x, mean, variance, totals, rank := in[0], in[1], in[2], in[3], rankOf(in[0])
	dbeta, err := ColumnSum(dy)
	if err != nil {
		return nil, err
	}
	dgamma, err := normalizeDot(x, dy, mean, variance, n.epsilon)
	if err != nil {
		return nil, err
	}
	sums, err := Concat(0, dgamma, dbeta)
	if err == nil {
		sums, err = AllSum(n.label+"/gradient", sums)
	}
	if err == nil {
		sums, err = shareOfTotals(sums, totals, x, n.masked)
	}
	if err != nil {
		return nil, err
	}
	inputs := Nodes{dy, x, mean, variance, sums}
	o := &op{
		name: "synchronized_normalize_grad" + n.attrs(),
		in:   []int{rank, rank, 1, 1, 1}, out: rank,
		shape:    sameShape,
		formula:  n.gradFormula,
		zeroDiff: []bool{false, false, false, false, false, n.masked},
	}
	grads := Nodes{nil, nil, nil, nil}
	if n.masked {
		inputs, o.in, grads = append(inputs, in[4]), append(o.in, rankOf(in[4])), append(grads, nil)
	}
	if n.gamma {
		inputs, o.in, grads = append(inputs, in[len(grads)]), append(o.in, 1), append(grads, dgamma)
	}
	if n.beta {
		grads = append(grads, dbeta)
	}
	o.run = forDtypes(runSynchronizedGrad[float32](*n), runSynchronizedGrad[float64](*n))
	grads[0], err = apply(o, inputs...)
	return grads, err
}

// shareOfTotals returns the sums of both gradients for each element of a column, or, if there is no mask, for each
// row of this part: NormColsGrad divides by the number of rows.
func shareOfTotals(sums, totals, x *Node, masked bool) (*Node, error) {
	rows := 1
	if !masked {
		rows, _ = asMatrix(x.Shape())
	}
	return apply(&op{
		name: "share_of_totals" + attrs("rows", rows),
		in:   []int{1, 1}, out: 1,
		shape: sameShape,
		run:   forDtypes(runShareOfTotals[float32](rows), runShareOfTotals[float64](rows)),
		formula: func(in Nodes) (*Node, error) {
			var try Try
			counts := try.totalCounts(in[1])
			return try.Do(Scale(try.Do(Div(in[0], try.Do(Concat(0, counts, counts)))), float64(rows))), try.Err()
		},
	}, sums, totals)
}

func runShareOfTotals[T kernel.Float](rows int) func(*call[T]) error {
	return func(c *call[T]) error {
		cols := len(c.out) / 2
		counts := c.in[1][cols:]
		for j := range c.out {
			c.out[j] = c.in[0][j] * T(float64(rows)/max(1, float64(counts[j%cols])))
		}
		return nil
	}
}

func runSynchronizedGrad[T kernel.Float](n synchronizedNorm) func(*call[T]) error {
	return func(c *call[T]) error {
		dy, x, mean, variance, sums := c.in[0], c.in[1], c.in[2], c.in[3], c.in[4]
		cols := len(mean)
		gamma := optionalLast(n.gamma, c.in)
		if !n.masked {
			kernel.NormColsGrad(c.out, x, dy, mean, variance, gamma, sums[:cols], sums[cols:], T(n.epsilon), len(x)/cols, cols)
			return nil
		}
		mask := c.in[5]
		each := len(x) / len(mask)
		for j := range cols {
			inverse := 1 / math.Sqrt(float64(variance[j])+n.epsilon)
			scale := inverse
			if gamma != nil {
				scale *= float64(gamma[j])
			}
			for i := j; i < len(x); i += cols {
				d := float64(dy[i])
				if mask[i/each] != 0 {
					z := (float64(x[i]) - float64(mean[j])) * inverse
					d -= float64(sums[cols+j]) + z*float64(sums[j])
				}
				c.out[i] = T(scale * d)
			}
		}
		return nil
	}
}
