// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// groupMoments returns the mean m of columns lo to hi-1 and 1 / sqrt(v + eps) with their variance v.
func groupMoments[T Float](x []T, eps T, lo, hi, cols int) (mean, inverse T) {
	n := float64(len(x) / cols * (hi - lo))
	var sum, squares float64
	for at := 0; at < len(x); at += cols {
		for _, v := range x[at+lo : at+hi] {
			sum += float64(v)
		}
	}
	mean = T(sum / n)
	for at := 0; at < len(x); at += cols {
		for _, v := range x[at+lo : at+hi] {
			d := float64(v - mean)
			squares += d * d
		}
	}
	return mean, T(1 / math.Sqrt(squares/n+float64(eps)))
}

// NormGroups writes y = gamma_j (x - m) / sqrt(v + eps) + beta_j with the mean m and the variance v of each
// group of adjacent columns j in each sample. gamma and beta may be nil, meaning 1 and 0. y may be x.
func NormGroups[T Float](y, x, gamma, beta []T, eps T, samples, groups, cols int) {
	size, width := len(x)/samples, cols/groups
	for from := 0; from < len(x); from += size {
		x, y := x[from:from+size], y[from:from+size]
		for lo := 0; lo < cols; lo += width {
			mean, inverse := groupMoments(x, eps, lo, lo+width, cols)
			for at := 0; at < size; at += cols {
				for c := lo; c < lo+width; c++ {
					z := (x[at+c] - mean) * inverse
					if gamma != nil {
						z *= gamma[c]
					}
					if beta != nil {
						z += beta[c]
					}
					y[at+c] = z
				}
			}
		}
	}
}

// NormGroupsBack is the gradient of NormGroups; it adds to dgamma and dbeta, which may be nil together, as
// may dx, and gamma for 1.
func NormGroupsBack[T Float](dx, dgamma, dbeta, x, dy, gamma []T, eps T, samples, groups, cols int) {
	size, width := len(x)/samples, cols/groups
	for from := 0; from < len(x); from += size {
		x, dy := x[from:from+size], dy[from:from+size]
		for lo := 0; lo < cols; lo += width {
			mean, inverse := groupMoments(x, eps, lo, lo+width, cols)
			scaled := func(i, c int) T {
				if gamma == nil {
					return dy[i]
				}
				return dy[i] * gamma[c]
			}
			var sum, dot float64
			for at := 0; at < size; at += cols {
				for c := lo; c < lo+width; c++ {
					z := (x[at+c] - mean) * inverse
					if dgamma != nil {
						dgamma[c] += dy[at+c] * z
						dbeta[c] += dy[at+c]
					}
					sum += float64(scaled(at+c, c))
					dot += float64(scaled(at+c, c)) * float64(z)
				}
			}
			n := float64(size / cols * width)
			level, along := T(sum/n), T(dot/n)
			for at := 0; at < size && dx != nil; at += cols {
				for c := lo; c < lo+width; c++ {
					dx[from+at+c] = (scaled(at+c, c) - level - (x[at+c]-mean)*inverse*along) * inverse
				}
			}
		}
	}
}
