// SPDX-License-Identifier: Apache-2.0

package ref

// Add writes dst = a + b. As in all functions of this file, dst may be any of the operands.
func Add[T Float](dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Sub writes dst = a - b.
func Sub[T Float](dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// Mul writes dst = a b, element-wise.
func Mul[T Float](dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// Max writes dst = max(a, b).
func Max[T Float](dst, a, b []T) {
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

// MaxGrad writes the gradients of max(a, b): dy goes to a where a >= b, otherwise to b. db may
// be nil; it is dy - da.
func MaxGrad[T Float](da, db, a, b, dy []T) {
	for i := range dy {
		g, rest := dy[i], T(0)
		if !(a[i] >= b[i]) {
			g, rest = 0, g
		}
		da[i] = g
		if db != nil {
			db[i] = rest
		}
	}
}

// Scale writes dst = alpha x.
func Scale[T Float](dst, x []T, alpha T) {
	for i := range dst {
		dst[i] = alpha * x[i]
	}
}

// AddScaled adds alpha x to dst.
func AddScaled[T Float](dst, x []T, alpha T) {
	for i := range dst {
		dst[i] += alpha * x[i]
	}
}

// Combine writes dst = alpha a + beta b.
func Combine[T Float](dst, a, b []T, alpha, beta T) {
	for i := range dst {
		dst[i] = alpha*a[i] + beta*b[i]
	}
}

// AddRow writes dst_rj = x_rj + row_j.
func AddRow[T Float](dst, x, row []T, rows, cols int) {
	for r := range rows {
		Add(dst[r*cols:(r+1)*cols], x[r*cols:(r+1)*cols], row)
	}
}

// MulRow writes dst_rj = x_rj row_j.
func MulRow[T Float](dst, x, row []T, rows, cols int) {
	for r := range rows {
		Mul(dst[r*cols:(r+1)*cols], x[r*cols:(r+1)*cols], row)
	}
}

// Fill sets every element to v.
func Fill[T Float](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

// Clip writes dst = min(max(x, lo), hi).
func Clip[T Float](dst, x []T, lo, hi T) {
	for i := range dst {
		dst[i] = min(max(x[i], lo), hi)
	}
}
