// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// RowLoss is a loss of one row of predictions p and targets t, computed in float64 for either
// element type. The formulas are those of keras.io/api/losses. Probabilities are clipped to
// [ε, 1-ε] as rounded to T, which makes 1-1e-7 into 1-1.2e-7 in float32, as in Keras. Where a
// value is clipped, the derivative is 0.
type RowLoss[T Float] struct {
	Value func(p, t []T) float64
	// Grad writes dp_j = dloss · d Value/d p_j.
	Grad func(dp, p, t []T, dloss float64)
}

const lossEpsilon = 1e-7

// lossBounds returns the interval that probabilities are clipped to.
func lossBounds[T Float]() (lo, hi float64) { return lossEpsilon, float64(1 - T(lossEpsilon)) }

// Rows writes the loss of each row.
func (l RowLoss[T]) Rows(loss, p, t []T, rows, cols int) {
	sameLen("row loss", rows*cols, len(p), len(t))
	sameLen("row loss", rows, len(loss))
	for r := range rows {
		loss[r] = T(l.Value(p[r*cols:(r+1)*cols], t[r*cols:(r+1)*cols]))
	}
}

// RowsGrad writes the gradient of the predictions.
func (l RowLoss[T]) RowsGrad(dp, p, t, dloss []T, rows, cols int) {
	sameLen("row loss grad", rows*cols, len(dp), len(p), len(t))
	sameLen("row loss grad", rows, len(dloss))
	for r := range rows {
		l.Grad(dp[r*cols:(r+1)*cols], p[r*cols:(r+1)*cols], t[r*cols:(r+1)*cols], float64(dloss[r]))
	}
}

// elementLoss is Σ_j value(p_j, t_j), divided by the number of elements for a mean.
func elementLoss[T Float](mean bool, value, derivative func(p, t float64) float64) RowLoss[T] {
	per := func(n int) float64 {
		if mean {
			return 1 / float64(n)
		}
		return 1
	}
	return RowLoss[T]{
		Value: func(p, t []T) float64 {
			var sum float64
			for j := range p {
				sum += value(float64(p[j]), float64(t[j]))
			}
			return sum * per(len(p))
		},
		Grad: func(dp, p, t []T, dloss float64) {
			dloss *= per(len(p))
			for j := range p {
				dp[j] = T(dloss * derivative(float64(p[j]), float64(t[j])))
			}
		},
	}
}

// AbsolutePercentage is mean_j 100·|p - t|/max(|t|, ε).
func AbsolutePercentage[T Float]() RowLoss[T] {
	return elementLoss[T](true,
		func(p, t float64) float64 { return 100 * math.Abs(p-t) / max(math.Abs(t), lossEpsilon) },
		func(p, t float64) float64 { return 100 * signum(p-t) / max(math.Abs(t), lossEpsilon) })
}

// SquaredLogarithmic is mean_j (log(1 + p) - log(1 + t))², with p and t at least ε.
func SquaredLogarithmic[T Float]() RowLoss[T] {
	difference := func(p, t float64) float64 { return math.Log1p(max(p, lossEpsilon)) - math.Log1p(max(t, lossEpsilon)) }
	return elementLoss[T](true,
		func(p, t float64) float64 { d := difference(p, t); return d * d },
		func(p, t float64) float64 {
			if p < lossEpsilon {
				return 0
			}
			return 2 * difference(p, t) / (p + 1)
		})
}

// Huber is mean_j of e²/2 where |e| <= δ and of δ|e| - δ²/2 elsewhere, with e = p - t (Huber 1964).
func Huber[T Float](delta float64) RowLoss[T] {
	return elementLoss[T](true,
		func(p, t float64) float64 {
			e := math.Abs(p - t)
			if e <= delta {
				return e * e / 2
			}
			return delta*e - delta*delta/2
		},
		func(p, t float64) float64 { return min(max(p-t, -delta), delta) })
}

// LogCosh is mean_j log cosh(p - t).
func LogCosh[T Float]() RowLoss[T] {
	return elementLoss[T](true,
		func(p, t float64) float64 {
			e := math.Abs(p - t) // e + log(1 + exp(-2e)) - log 2 does not overflow
			return e + math.Log1p(math.Exp(-2*e)) - math.Ln2
		},
		func(p, t float64) float64 { return math.Tanh(p - t) })
}

// BinaryCrossentropy is -mean_j t·log p + (1-t)·log(1-p) for probabilities p.
func BinaryCrossentropy[T Float]() RowLoss[T] {
	return elementLoss[T](true, crossentropyAt[T], crossentropyDerivative[T])
}

func crossentropyAt[T Float](p, t float64) float64 {
	lo, hi := lossBounds[T]()
	p = min(max(p, lo), hi)
	return -t*math.Log(p) - (1-t)*math.Log1p(-p)
}

func crossentropyDerivative[T Float](p, t float64) float64 {
	if lo, hi := lossBounds[T](); p < lo || p > hi {
		return 0
	}
	return (p - t) / (p * (1 - p))
}

// BinaryFocal is the binary cross-entropy with each element multiplied by (1 - q)^γ, where
// q = t·p + (1-t)·(1-p) is the probability of the true class (Lin et al. 2018). If balanced,
// elements are also multiplied by t·α + (1-t)·(1-α).
func BinaryFocal[T Float](alpha, gamma float64, balanced bool) RowLoss[T] {
	weight := func(t float64) float64 {
		if balanced {
			return t*alpha + (1-t)*(1-alpha)
		}
		return 1
	}
	miss := func(p, t float64) float64 { return 1 - (t*p + (1-t)*(1-p)) }
	return elementLoss[T](true,
		func(p, t float64) float64 { return weight(t) * math.Pow(miss(p, t), gamma) * crossentropyAt[T](p, t) },
		func(p, t float64) float64 {
			m := miss(p, t)
			return weight(t) * (powerDerivative(m, gamma)*(1-2*t)*crossentropyAt[T](p, t) + math.Pow(m, gamma)*crossentropyDerivative[T](p, t))
		})
}

// Poisson is mean_j p - t·log(p + ε).
func Poisson[T Float]() RowLoss[T] {
	return elementLoss[T](true,
		func(p, t float64) float64 { return p - t*math.Log(p+lossEpsilon) },
		func(p, t float64) float64 { return 1 - t/(p+lossEpsilon) })
}

// KLDivergence is Σ_j t·log(t/p), with t and p clipped to [ε, 1].
func KLDivergence[T Float]() RowLoss[T] {
	bound := func(v float64) float64 { return min(max(v, lossEpsilon), 1) }
	return elementLoss[T](false,
		func(p, t float64) float64 { return bound(t) * math.Log(bound(t)/bound(p)) },
		func(p, t float64) float64 {
			if p < lossEpsilon || p > 1 {
				return 0
			}
			return -bound(t) / p
		})
}

// Hinge is mean_j max(1 - t·p, 0) for targets -1 and 1.
func Hinge[T Float]() RowLoss[T] {
	return elementLoss[T](true,
		func(p, t float64) float64 { return max(1-t*p, 0) },
		func(p, t float64) float64 {
			if t*p >= 1 {
				return 0
			}
			return -t
		})
}

// SquaredHinge is mean_j max(1 - t·p, 0)² for targets -1 and 1.
func SquaredHinge[T Float]() RowLoss[T] {
	return elementLoss[T](true,
		func(p, t float64) float64 { m := max(1-t*p, 0); return m * m },
		func(p, t float64) float64 { return -2 * t * max(1-t*p, 0) })
}

// powerDerivative returns γ·x^(γ-1), 0 for γ = 0.
func powerDerivative(x, gamma float64) float64 {
	if gamma == 0 {
		return 0
	}
	return gamma * math.Pow(x, gamma-1)
}

func signum(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}
