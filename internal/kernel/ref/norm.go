// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// ColVariance writes variance_j = (1/rows) sum_r (x_rj - mean_j)^2 of a rows x cols matrix.
func ColVariance[T Float](variance, x, mean []T, rows, cols int) {
	for j := range cols {
		var sum float64
		for r := range rows {
			d := float64(x[r*cols+j]) - float64(mean[j])
			sum += d * d
		}
		variance[j] = T(sum / float64(rows))
	}
}

// NormCols writes y_rj = gamma_j (x_rj - mean_j) / sqrt(variance_j + eps) + beta_j. mean, gamma
// and beta may be nil, meaning 0, 1 and 0.
func NormCols[T Float](y, x, mean, variance, gamma, beta []T, eps T, rows, cols int) {
	for j := range cols {
		scale, offset, m := 1/T(math.Sqrt(float64(variance[j]+eps))), T(0), T(0)
		if mean != nil {
			m = mean[j]
		}
		if gamma != nil {
			scale *= gamma[j]
		}
		if beta != nil {
			offset = beta[j]
		}
		for r := range rows {
			y[r*cols+j] = (x[r*cols+j]-m)*scale + offset
		}
	}
}

// NormColsDot writes dgamma_j = sum_r dy_rj z_rj, z = (x - mean) / sqrt(variance + eps):
// the gradient of gamma.
func NormColsDot[T Float](dgamma, x, dy, mean, variance []T, eps T, rows, cols int) {
	for j := range cols {
		var sum float64
		for r := range rows {
			sum += float64(dy[r*cols+j]) * (float64(x[r*cols+j]) - float64(mean[j]))
		}
		dgamma[j] = T(sum / math.Sqrt(float64(variance[j]+eps)))
	}
}

// NormColsGrad writes the gradient of x if mean and variance are those of x:
//
//	dx_rj = gamma_j / sqrt(variance_j + eps) (dy_rj - dbeta_j/rows - z_rj dgamma_j/rows)
//
// with dbeta = sum_r dy and dgamma = sum_r dy z. gamma may be nil for 1.
func NormColsGrad[T Float](dx, x, dy, mean, variance, gamma, dgamma, dbeta []T, eps T, rows, cols int) {
	for j := range cols {
		r1 := 1 / T(math.Sqrt(float64(variance[j]+eps)))
		scale := r1
		if gamma != nil {
			scale *= gamma[j]
		}
		n := T(rows)
		for r := range rows {
			z := (x[r*cols+j] - mean[j]) * r1
			dx[r*cols+j] = scale * (dy[r*cols+j] - dbeta[j]/n - z*dgamma[j]/n)
		}
	}
}

// NormRows writes y_rj = gamma_j z_rj + beta_j, z_rj = (x_rj - m_r) / sqrt(v_r + eps) with the
// mean m_r and the variance v_r of each row. gamma and beta may be nil, meaning 1 and 0.
func NormRows[T Float](y, x, gamma, beta []T, eps T, rows, cols int) {
	for r := range rows {
		out := y[r*cols : (r+1)*cols]
		standardize(out, x[r*cols:(r+1)*cols], eps)
		if gamma != nil {
			Mul(out, out, gamma)
		}
		if beta != nil {
			Add(out, out, beta)
		}
	}
}

// NormRowsGrad writes dx_rj = (g_rj - mean(g_r) - z_rj mean(g_r z_r)) / sqrt(v_r + eps),
// g = gamma dy.
func NormRowsGrad[T Float](dx, x, dy, gamma []T, eps T, rows, cols int) {
	z, g := make([]T, cols), make([]T, cols)
	for r := range rows {
		inverse := standardize(z, x[r*cols:(r+1)*cols], eps)
		copy(g, dy[r*cols:(r+1)*cols])
		if gamma != nil {
			Mul(g, g, gamma)
		}
		mean, along := T(Sum(g)/float64(cols)), T(Dot(g, z)/float64(cols))
		for j := range cols {
			dx[r*cols+j] = (g[j] - mean - z[j]*along) * inverse
		}
	}
}

// NormRowsDot writes dgamma_j = sum_r dy_rj z_rj.
func NormRowsDot[T Float](dgamma, x, dy []T, eps T, rows, cols int) {
	z := make([]T, cols)
	clear(dgamma)
	for r := range rows {
		standardize(z, x[r*cols:(r+1)*cols], eps)
		Mul(z, z, dy[r*cols:(r+1)*cols])
		Add(dgamma, dgamma, z)
	}
}

// standardize writes z = (x - m) / sqrt(v + eps) for one row and returns 1 / sqrt(v + eps).
func standardize[T Float](z, x []T, eps T) (inverse T) {
	n := float64(len(x))
	mean := T(Sum(x) / n)
	for j := range x {
		z[j] = x[j] - mean
	}
	inverse = T(1 / math.Sqrt(Dot(z, z)/n+float64(eps)))
	Scale(z, z, inverse)
	return inverse
}

// minSquaredNorm is the smallest squared norm by which a row is divided, as in Keras.
const minSquaredNorm = 1e-14

// L2NormalizeRows writes y = x / max(|x|, 1e-7) for each row.
func L2NormalizeRows[T Float](y, x []T, rows, cols int) {
	for r := range rows {
		row := x[r*cols : (r+1)*cols]
		Scale(y[r*cols:(r+1)*cols], row, T(1/math.Sqrt(max(Dot(row, row), minSquaredNorm))))
	}
}

// L2NormalizeRowsGrad writes dx = (dy - y sum_k y_k dy_k) / |x| for each row, or dy / 1e-7 if
// the norm is less than that.
func L2NormalizeRowsGrad[T Float](dx, x, dy []T, rows, cols int) {
	for r := range rows {
		row, g := x[r*cols:(r+1)*cols], dy[r*cols:(r+1)*cols]
		square, along := Dot(row, row), 0.0
		if square > minSquaredNorm {
			along = Dot(row, g) / square
		}
		inverse := T(1 / math.Sqrt(max(square, minSquaredNorm)))
		for j := range row {
			dx[r*cols+j] = (g[j] - row[j]*T(along)) * inverse
		}
	}
}
