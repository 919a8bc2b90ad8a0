// SPDX-License-Identifier: Apache-2.0

package simd

func genericGatherSum(dst, table []float32, ids []int32) {
	for _, id := range ids {
		for j, v := range table[int(id)*len(dst) : (int(id)+1)*len(dst)] {
			dst[j] += v
		}
	}
}

func genericGatherSumScaled(dst, table []float32, ids []int32, vals []float32) {
	for p, id := range ids {
		for j, v := range table[int(id)*len(dst) : (int(id)+1)*len(dst)] {
			dst[j] += vals[p] * v
		}
	}
}
