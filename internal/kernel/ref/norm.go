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
// mean m_r and the variance v_r of each row. gamma and beta may be nil, meaning 1 and 0. y may
// be x.
func NormRows[T Float](y, x, gamma, beta []T, eps T, rows, cols int) {
	for r := range rows {
		x, y := x[r*cols:(r+1)*cols], y[r*cols:(r+1)*cols]
		mean, inverse := moments(x, eps)
		for j, v := range x {
			z := (v - mean) * inverse
			if gamma != nil {
				z *= gamma[j]
			}
			if beta != nil {
				z += beta[j]
			}
			y[j] = z
		}
	}
}

// NormRowsBack is the gradient of NormRows: it writes
//
//	dx_rj = (g_rj - mean(g_r) - z_rj mean(g_r z_r)) / sqrt(v_r + eps), g = gamma dy
//
// and adds sum_r dy_rj z_rj to dgamma_j and sum_r dy_rj to dbeta_j. dx may be nil, as may dgamma
// and dbeta together, and gamma for 1.
func NormRowsBack[T Float](dx, dgamma, dbeta, x, dy, gamma []T, eps T, rows, cols int) {
	for r := range rows {
		x, dy := x[r*cols:(r+1)*cols], dy[r*cols:(r+1)*cols]
		mean, inverse := moments(x, eps)
		for j := range dgamma {
			dgamma[j] += dy[j] * ((x[j] - mean) * inverse)
			dbeta[j] += dy[j]
		}
		if dx == nil {
			continue
		}
		scaled := func(j int) T {
			if gamma == nil {
				return dy[j]
			}
			return dy[j] * gamma[j]
		}
		var sum, dot float64
		for j, v := range x {
			g := scaled(j)
			sum += float64(g)
			dot += float64(g) * float64((v-mean)*inverse)
		}
		level, along := T(sum/float64(cols)), T(dot/float64(cols))
		for j, v := range x {
			dx[r*cols+j] = (scaled(j) - level - (v-mean)*inverse*along) * inverse
		}
	}
}

// moments returns the mean m of x and 1 / sqrt(v + eps) with its variance v.
func moments[T Float](x []T, eps T) (mean, inverse T) {
	n := float64(len(x))
	mean = T(Sum(x) / n)
	var squares float64
	for _, v := range x {
		d := float64(v - mean)
		squares += d * d
	}
	return mean, T(1 / math.Sqrt(squares/n+float64(eps)))
}

// MinSquaredNorm is the smallest squared norm by which a row is divided, as in Keras.
const MinSquaredNorm = 1e-14

// L2NormalizeRows writes y = x / max(|x|, 1e-7) for each row.
func L2NormalizeRows[T Float](y, x []T, rows, cols int) {
	for r := range rows {
		row := x[r*cols : (r+1)*cols]
		Scale(y[r*cols:(r+1)*cols], row, T(1/math.Sqrt(max(Dot(row, row), MinSquaredNorm))))
	}
}

// L2NormalizeRowsGrad writes dx = (dy - y sum_k y_k dy_k) / |x| for each row, or dy / 1e-7 if
// the norm is less than that.
func L2NormalizeRowsGrad[T Float](dx, x, dy []T, rows, cols int) {
	for r := range rows {
		row, g := x[r*cols:(r+1)*cols], dy[r*cols:(r+1)*cols]
		square, along := Dot(row, row), 0.0
		if square > MinSquaredNorm {
			along = Dot(row, g) / square
		}
		inverse := T(1 / math.Sqrt(max(square, MinSquaredNorm)))
		for j := range row {
			dx[r*cols+j] = (g[j] - row[j]*T(along)) * inverse
		}
	}
}

// RMSNormRows writes y_rj = gamma_j x_rj / sqrt(q_r + eps) with the mean q_r of the squares of each row. gamma
// may be nil, meaning 1. y may be x.
func RMSNormRows[T Float](y, x, gamma []T, eps T, rows, cols int) {
	for r := range rows {
		x, y := x[r*cols:(r+1)*cols], y[r*cols:(r+1)*cols]
		Scale(y, x, T(1/math.Sqrt(Dot(x, x)/float64(cols)+float64(eps))))
		if gamma != nil {
			Mul(y, y, gamma)
		}
	}
}
