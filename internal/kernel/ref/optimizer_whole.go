// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// Ftrl (McMahan et al. 2013) with shrinkage: acc' = acc + g^2,
// lin += g + 2 shrink w - (acc'^-p - acc^-p) / lr w and
// w = (clip(lin, -l1, l1) - lin) / (acc'^-p / lr + 2 l2 + beta / lr). Where the divisor is 0, as is lin,
// w does not change.
func Ftrl[T Float](w, g, acc, lin []T, lr, power, l1, l2, shrink, beta T) {
	for i := range w {
		before := ftrlPower(acc[i], power)
		acc[i] += g[i] * g[i]
		after := ftrlPower(acc[i], power)
		lin[i] += g[i] + 2*shrink*w[i] - (after-before)/lr*w[i]
		if divisor := after/lr + 2*(l2+beta/(2*lr)); divisor != 0 {
			w[i] = (min(max(lin[i], -l1), l1) - lin[i]) / divisor
		}
	}
}

// ftrlPower returns x^-p.
func ftrlPower[T Float](x, power T) T {
	if power == -0.5 {
		return sqrt(x)
	}
	return T(math.Pow(float64(x), -float64(power)))
}

// Lamb (You et al. 2020): m and v as in Adam, u = m / (1-b1^t) / (sqrt(v / (1-b2^t)) + eps) and
// w -= lr |w|/|u| u, where the ratio is 1 if a norm is 0.
func Lamb[T Float](w, g, m, v []T, lr, beta1, beta2, eps T, step int) {
	u := make([]T, len(w))
	cm, cv := LambRates(beta1, beta2, step)
	LambDirection(u, g, m, v, cm, cv, beta1, beta2, eps)
	ratio := T(NormRatio(SumSquares(w), SumSquares(u)))
	for i := range w {
		w[i] -= lr * ratio * u[i]
	}
}

// NormRatio returns sqrt(w/u), 1 if either is 0.
func NormRatio(w, u float64) float64 {
	if w > 0 && u > 0 {
		return math.Sqrt(w) / math.Sqrt(u)
	}
	return 1
}

// LambRates returns 1 / (1-b1^t) and 1 / (1-b2^t).
func LambRates[T Float](beta1, beta2 T, step int) (cm, cv T) {
	return T(1 / (1 - math.Pow(float64(beta1), float64(step)))), T(1 / (1 - math.Pow(float64(beta2), float64(step))))
}

// LambDirection updates m and v and writes u, see Lamb, with given factors, see LambRates.
func LambDirection[T Float](u, g, m, v []T, cm, cv, beta1, beta2, eps T) {
	for i := range u {
		m[i] += (g[i] - m[i]) * (1 - beta1)
		v[i] += (g[i]*g[i] - v[i]) * (1 - beta2)
		u[i] = m[i] * cm / (sqrt(v[i]*cv) + eps)
	}
}

// ScheduleFree (Defazio et al. 2024) is schedule-free AdamW: w = (1-b1) z + b1 x interpolates between
// z, which takes the steps, and x, the mean of all z. With v as in Adam, z -= lr g / (sqrt(v / (1-b2^t)) + eps)
// and x = (1-1/t) x + z/t. x is not stored, it follows from w and z.
func ScheduleFree[T Float](w, g, z, v []T, lr, beta1, beta2, eps T, step int) {
	_, cv := LambRates(beta1, beta2, step)
	ScheduleFreeUpdate(w, g, z, v, lr, cv, T(1/float64(step)), beta1, beta2, eps)
}

// ScheduleFreeUpdate is ScheduleFree with given 1 / (1-b2^t) and 1/t.
func ScheduleFreeUpdate[T Float](w, g, z, v []T, lr, cv, part, beta1, beta2, eps T) {
	for i := range w {
		v[i] += (g[i]*g[i] - v[i]) * (1 - beta2)
		x := (w[i] - (1-beta1)*z[i]) / beta1
		z[i] -= lr * g[i] / (sqrt(v[i]*cv) + eps)
		x = (1-part)*x + part*z[i]
		w[i] = (1-beta1)*z[i] + beta1*x
	}
}

// Adafactor (Shazeer & Stern 2018) of matrices rows x cols, one after another: r and c are running
// averages of the means of g^2 + eps1 over rows and columns, with decay b2, and v_ij = r_i c_j / mean r;
// u = g / sqrt(v) and w -= lr max(eps2, rms(w)) u / max(1, rms(u) / clip), with rms over all matrices.
func Adafactor[T Float](w, g, r, c []T, rows, cols int, lr, beta2, eps1, eps2, clip T) {
	u, size := make([]T, len(w)), rows*cols
	if size == 0 {
		return
	}
	for k := range len(w) / size {
		g, u, r, c := g[k*size:(k+1)*size], u[k*size:(k+1)*size], r[k*rows:(k+1)*rows], c[k*cols:(k+1)*cols]
		var mean T
		for i := range r {
			var sum T
			for _, v := range g[i*cols : (i+1)*cols] {
				sum += v*v + eps1
			}
			r[i] = beta2*r[i] + (1-beta2)*sum/T(cols)
			mean += r[i] / T(rows)
		}
		for j := range c {
			var sum T
			for i := range r {
				sum += g[i*cols+j]*g[i*cols+j] + eps1
			}
			c[j] = beta2*c[j] + (1-beta2)*sum/T(rows)
		}
		AdafactorDirection(u, g, r, c, mean)
	}
	AdafactorMove(w, u, lr, eps2, clip, SumSquares(w), SumSquares(u))
}

// AdafactorDirection writes u_ij = g_ij / sqrt(r_i / mean * c_j) for the rows of r.
func AdafactorDirection[T Float](u, g, r, c []T, mean T) {
	for i := range r {
		factor := r[i] / mean
		for j := range c {
			u[i*len(c)+j] = g[i*len(c)+j] / sqrt(factor*c[j])
		}
	}
}

// AdafactorMove is the last step of Adafactor, given the sums of squares of w and u.
func AdafactorMove[T Float](w, u []T, lr, eps2, clip T, ww, uu float64) {
	factor := AdafactorStep(len(w), lr, eps2, clip, ww, uu)
	for i := range w {
		w[i] -= factor * u[i]
	}
}

// AdafactorStep returns the factor of u in the step of n weights.
func AdafactorStep[T Float](n int, lr, eps2, clip T, ww, uu float64) T {
	rms := func(squares float64) float64 { return math.Sqrt(squares / float64(n)) }
	return T(float64(lr) * max(float64(eps2), rms(ww)) / max(1, rms(uu)/float64(clip)))
}

// AdafactorVector is Adafactor of a vector, whose v is a running average of g^2 + eps1.
func AdafactorVector[T Float](w, g, v []T, lr, beta2, eps1, eps2, clip T) {
	u := make([]T, len(w))
	AdafactorVectorDirection(u, g, v, beta2, eps1)
	AdafactorMove(w, u, lr, eps2, clip, SumSquares(w), SumSquares(u))
}

// AdafactorVectorDirection updates v and writes u = g / sqrt(v).
func AdafactorVectorDirection[T Float](u, g, v []T, beta2, eps1 T) {
	for i := range u {
		v[i] = beta2*v[i] + (1-beta2)*(g[i]*g[i]+eps1)
		u[i] = g[i] / sqrt(v[i])
	}
}

// Muon writes the momentum m = momentum m + g and moves w against its orthogonalization: x is m, or
// g + momentum m in Nesterov's form, divided by its norm plus 1e-7; steps times a = x x' and
// x = ca x + (cb a + cc a a) x, the Newton-Schulz iteration of Jordan et al. (2024), which brings all
// singular values near 1; w -= lr x. If there are more rows than columns, x' takes the place of x.
func Muon[T Float](w, g, m []T, rows, cols int, lr, momentum T, nesterov bool, steps int, coefficients [3]T) {
	x := make([]T, len(w))
	for i := range w {
		m[i] = momentum*m[i] + g[i]
		if x[i] = m[i]; nesterov {
			x[i] = g[i] + momentum*m[i]
		}
	}
	norm := T(math.Sqrt(SumSquares(x))) + 1e-7
	for i := range x {
		x[i] /= norm
	}
	tall := rows > cols
	n := min(rows, cols)
	a, b, y := make([]T, n*n), make([]T, n*n), make([]T, len(x))
	for range steps {
		if tall {
			Gemm(true, false, n, n, rows, x, cols, x, cols, 0, a, n)
		} else {
			Gemm(false, true, n, n, cols, x, cols, x, cols, 0, a, n)
		}
		Gemm(false, false, n, n, n, a, n, a, n, 0, b, n)
		for i := range b {
			b[i] = coefficients[1]*a[i] + coefficients[2]*b[i]
		}
		if tall {
			Gemm(false, false, rows, cols, n, x, cols, b, n, 0, y, cols)
		} else {
			Gemm(false, false, rows, cols, n, b, n, x, cols, 0, y, cols)
		}
		for i := range x {
			x[i] = coefficients[0]*x[i] + y[i]
		}
	}
	for i := range w {
		w[i] -= lr * x[i]
	}
}
