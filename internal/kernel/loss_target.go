// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// RowTarget writes the gradient of a row loss with respect to its targets,
// dt_j = dloss · d Value/d t_j. Losses of p - t need none: it is the negative of the
// predictions' gradient.
type RowTarget[T Float] func(dt, p, t []T, dloss float64)

// Rows writes the gradient of the targets.
func (f RowTarget[T]) Rows(dt, p, t, dloss []T, rows, cols int) {
	sameLen("row loss target grad", rows*cols, len(dt), len(p), len(t))
	sameLen("row loss target grad", rows, len(dloss))
	for r := range rows {
		f(dt[r*cols:(r+1)*cols], p[r*cols:(r+1)*cols], t[r*cols:(r+1)*cols], float64(dloss[r]))
	}
}

// elementTarget returns the gradient of a mean or a sum over elements.
func elementTarget[T Float](mean bool, derivative func(p, t float64) float64) RowTarget[T] {
	return func(dt, p, t []T, dloss float64) {
		if mean {
			dloss /= float64(len(p))
		}
		for j := range p {
			dt[j] = T(dloss * derivative(float64(p[j]), float64(t[j])))
		}
	}
}

// AbsolutePercentageTarget is the target gradient of AbsolutePercentage.
func AbsolutePercentageTarget[T Float]() RowTarget[T] {
	return elementTarget[T](true, func(p, t float64) float64 {
		size := math.Abs(t)
		if size <= lossEpsilon {
			return -100 * signum(p-t) / lossEpsilon
		}
		return -100 * (signum(p-t) + math.Abs(p-t)*signum(t)/size) / size
	})
}

// SquaredLogarithmicTarget is the target gradient of SquaredLogarithmic.
func SquaredLogarithmicTarget[T Float]() RowTarget[T] {
	return elementTarget[T](true, func(p, t float64) float64 {
		if t < lossEpsilon {
			return 0
		}
		return -2 * (math.Log1p(max(p, lossEpsilon)) - math.Log1p(t)) / (t + 1)
	})
}

// BinaryCrossentropyTarget is the target gradient of BinaryCrossentropy, which is linear in t.
func BinaryCrossentropyTarget[T Float]() RowTarget[T] {
	return elementTarget[T](true, func(p, _ float64) float64 { return crossentropyAt[T](p, 1) - crossentropyAt[T](p, 0) })
}

// SigmoidXentTarget is the target gradient of SigmoidXent, -z.
func SigmoidXentTarget[T Float]() RowTarget[T] {
	return elementTarget[T](true, func(z, _ float64) float64 { return -z })
}

// BinaryFocalTarget is the target gradient of BinaryFocal.
func BinaryFocalTarget[T Float](alpha, gamma float64, balanced bool) RowTarget[T] {
	return elementTarget[T](true, func(p, t float64) float64 {
		weight, weightDerivative := 1.0, 0.0
		if balanced {
			weight, weightDerivative = t*alpha+(1-t)*(1-alpha), 2*alpha-1
		}
		miss, missDerivative := 1-(t*p+(1-t)*(1-p)), 1-2*p
		power, loss := math.Pow(miss, gamma), crossentropyAt[T](p, t)
		return weightDerivative*power*loss +
			weight*powerDerivative(miss, gamma)*missDerivative*loss +
			weight*power*(crossentropyAt[T](p, 1)-crossentropyAt[T](p, 0))
	})
}

// PoissonTarget is the target gradient of Poisson.
func PoissonTarget[T Float]() RowTarget[T] {
	return elementTarget[T](true, func(p, _ float64) float64 { return -math.Log(p + lossEpsilon) })
}

// KLDivergenceTarget is the target gradient of KLDivergence.
func KLDivergenceTarget[T Float]() RowTarget[T] {
	return elementTarget[T](false, func(p, t float64) float64 {
		if t < lossEpsilon || t > 1 {
			return 0
		}
		return math.Log(t/min(max(p, lossEpsilon), 1)) + 1
	})
}

// HingeTarget is the target gradient of Hinge.
func HingeTarget[T Float]() RowTarget[T] {
	return elementTarget[T](true, func(p, t float64) float64 {
		if t*p >= 1 {
			return 0
		}
		return -p
	})
}

// SquaredHingeTarget is the target gradient of SquaredHinge.
func SquaredHingeTarget[T Float]() RowTarget[T] {
	return elementTarget[T](true, func(p, t float64) float64 { return -2 * p * max(1-t*p, 0) })
}

// CategoricalHingeTarget is the target gradient of CategoricalHinge.
func CategoricalHingeTarget[T Float]() RowTarget[T] {
	return func(dt, p, t []T, dloss float64) {
		worst, at := math.Inf(-1), 0
		for j := range p {
			if v := (1 - float64(t[j])) * float64(p[j]); v > worst {
				worst, at = v, j
			}
		}
		if 1+worst-dot(p, t) <= 0 {
			clear(dt)
			return
		}
		for j := range p {
			dt[j] = T(-dloss * float64(p[j]))
		}
		dt[at] += T(-dloss * float64(p[at]))
	}
}

// ProbabilityTarget is the target gradient of a loss Σ_j t_j·f(p_j/Σp), such as
// CategoricalCrossentropy and CategoricalFocal: f, which is the loss of the row (p_j, Σp - p_j)
// with the targets (1, 0).
func ProbabilityTarget[T Float](l RowLoss[T]) RowTarget[T] {
	row, first := make([]T, 2), []T{1, 0}
	return func(dt, p, _ []T, dloss float64) {
		total := rowTotal(p)
		for j := range p {
			row[0], row[1] = p[j], T(total-float64(p[j]))
			dt[j] = T(dloss * l.Value(row, first))
		}
	}
}

// SoftmaxXentTarget writes the gradient of SoftmaxXent with respect to its targets,
// dt_rj = -dloss_r · log softmax(z_r)_j.
func SoftmaxXentTarget[T Float](dtarget, logits, _, dloss []T, rows, cols int) {
	sameLen("softmax cross-entropy target grad", rows, len(dloss))
	LogSoftmax(dtarget, logits, rows, cols)
	for r := range rows {
		row := dtarget[r*cols : (r+1)*cols]
		Scale(row, row, -dloss[r])
	}
}
