// SPDX-License-Identifier: Apache-2.0

package kernel

// SumAxis writes dst_oi = Σ_j x_oji for x of shape (outer, n, inner).
func SumAxis[T Float](dst, x []T, outer, n, inner int) {
	sameLen("sum axis", outer*inner, len(dst))
	sameLen("sum axis", outer*n*inner, len(x))
	if inner == 1 {
		for o := range dst {
			dst[o] = Sum(x[o*n : (o+1)*n])
		}
		return
	}
	for o := range outer {
		ColSum(dst[o*inner:(o+1)*inner], x[o*n*inner:(o+1)*n*inner], n, inner)
	}
}
