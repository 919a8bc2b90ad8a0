// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel"
)

// MaskedBatchNorm is BatchNorm with the mean and the variance of those values whose
// mask is not 0. All values are normalized by them.
//
//	x (..., n)   mask, the shape of x or that without its last axes
func MaskedBatchNorm(x, mask, gamma, beta *Node, epsilon float64) (y, mean, variance *Node, err error) {
	if mean, err = columns("masked_column_mean", both(runMaskedColumnMean[float32], runMaskedColumnMean[float64]), x, mask); err != nil {
		return nil, nil, nil, err
	}
	if variance, err = columns("masked_column_variance", both(runMaskedColumnVariance[float32], runMaskedColumnVariance[float64]), x, mask, mean); err != nil {
		return nil, nil, nil, err
	}
	y, err = normalize(x, mean, variance, mask, gamma, beta, epsilon, true)
	return y, mean, variance, err
}

// maskedColumn is the mean of x, or of (x - mean)² where that is given, over the values
// of a column that count; 0 where none does.
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

// maskedNormalizeGrad: with z, dβ and dγ of normalizeGrad and the n values of a column
// whose mask m is 1, dx is γ/√(variance + ε)·(dy - m·(dβ + z·dγ)/n).
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
	dgamma, err := columns("normalize_dot"+attrs("epsilon", epsilon), both(runNormalizeDot[float32](epsilon), runNormalizeDot[float64](epsilon)), x, dy, mean, variance)
	if err != nil {
		return nil, err
	}
	inputs := Nodes{grads[0], x, mask, mean, variance, dgamma, dbeta}
	o := &op{
		name: "masked_normalize_grad" + attrs("epsilon", epsilon, "gamma", gamma),
		in:   []int{rank, rank, rankOf(mask), 1, 1, 1, 1}, out: rank,
		shape: sameShape,
		run:   both(runMaskedNormalizeGrad[float32](epsilon, gamma), runMaskedNormalizeGrad[float64](epsilon, gamma)),
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
		_, cols := split(c.inShape[1])
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
