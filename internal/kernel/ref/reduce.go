// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// Sum returns sum_i x_i.
func Sum[T Float](x []T) float64 {
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	return s
}

// SumSquares returns sum_i x_i^2.
func SumSquares[T Float](x []T) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

// SumAbs returns sum_i |x_i|.
func SumAbs[T Float](x []T) float64 {
	var s float64
	for _, v := range x {
		s += math.Abs(float64(v))
	}
	return s
}

// Dot returns sum_i a_i b_i.
func Dot[T Float](a, b []T) float64 {
	var s float64
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return s
}

// ColSum writes dst_j = sum_r x_rj, the gradient of a bias.
func ColSum[T Float](dst, x []T, rows, cols int) {
	clear(dst[:cols])
	for r := range rows {
		for j, v := range x[r*cols : (r+1)*cols] {
			dst[j] += v
		}
	}
}

// Finite returns the first index at which x is NaN or infinite, or -1.
func Finite[T Float](x []T) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}
