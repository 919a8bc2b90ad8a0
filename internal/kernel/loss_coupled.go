// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// Losses whose rows are not just sums over their elements.

// CategoricalCrossentropy is -Σ_j t_j·log q_j, where q is p divided by its sum and clipped to
// [ε, 1-ε].
func CategoricalCrossentropy[T Float]() RowLoss[T] {
	return normalized[T](
		func(q, t float64) float64 { return -t * math.Log(q) },
		func(q, t float64) float64 { return -t / q })
}

// CategoricalFocal is -α·Σ_j t_j·(1 - q_j)^γ·log q_j, with q as in CategoricalCrossentropy
// (Lin et al. 2018).
func CategoricalFocal[T Float](alpha, gamma float64) RowLoss[T] {
	return normalized[T](
		func(q, t float64) float64 { return -alpha * t * math.Pow(1-q, gamma) * math.Log(q) },
		func(q, t float64) float64 {
			return alpha * t * (powerDerivative(1-q, gamma)*math.Log(q) - math.Pow(1-q, gamma)/q)
		})
}

// normalized is Σ_j value(q_j, t_j). With u = p/Σp and g_j the derivative at q_j, 0 where q_j is
// clipped, dp_j = (g_j - Σ_k g_k·u_k)/Σp.
func normalized[T Float](value, derivative func(q, t float64) float64) RowLoss[T] {
	lo, hi := lossBounds[T]()
	bound := func(u float64) float64 { return min(max(u, lo), hi) }
	return RowLoss[T]{
		Value: func(p, t []T) float64 {
			sum, total := 0.0, rowTotal(p)
			for j := range p {
				if q := float64(p[j]) / total; t[j] != 0 || q != q { // NaN stays NaN
					sum += value(bound(q), float64(t[j]))
				}
			}
			return sum
		},
		Grad: func(dp, p, t []T, dloss float64) {
			total := rowTotal(p)
			at := func(j int) float64 {
				u := float64(p[j]) / total
				if t[j] == 0 || bound(u) != u {
					return 0
				}
				return derivative(u, float64(t[j]))
			}
			var shared float64
			for j := range p {
				shared += at(j) * float64(p[j]) / total
			}
			for j := range p {
				dp[j] = T(dloss * (at(j) - shared) / total)
			}
		},
	}
}

func rowTotal[T Float](p []T) float64 {
	var sum float64
	for _, v := range p {
		sum += float64(v)
	}
	return sum
}

// SparseCrossentropy is CategoricalCrossentropy for class indices: -log q_label. It returns the
// first row whose label is not an integer in [0,cols), or -1.
func SparseCrossentropy[T Float](loss, p, labels []T, rows, cols int) (bad int) {
	sameLen("sparse cross-entropy", rows*cols, len(p))
	sameLen("sparse cross-entropy", rows, len(loss), len(labels))
	lo, hi := lossBounds[T]()
	for r := range rows {
		row, label := p[r*cols:(r+1)*cols], int(labels[r])
		if label < 0 || label >= cols || T(label) != labels[r] {
			return r
		}
		loss[r] = T(-math.Log(min(max(float64(row[label])/rowTotal(row), lo), hi)))
	}
	return -1
}

// SparseCrossentropyGrad writes the gradient of p; labels must be valid.
func SparseCrossentropyGrad[T Float](dp, p, labels, dloss []T, rows, cols int) {
	sameLen("sparse cross-entropy grad", rows*cols, len(dp), len(p))
	lo, hi := lossBounds[T]()
	for r := range rows {
		row, out, label := p[r*cols:(r+1)*cols], dp[r*cols:(r+1)*cols], int(labels[r])
		total := rowTotal(row)
		u := float64(row[label]) / total
		clear(out)
		if u < lo || u > hi {
			continue
		}
		d := float64(dloss[r])
		for j := range out {
			out[j] = T(d / total)
		}
		out[label] = T(d * (1 - 1/u) / total)
	}
}

// Cosine is -Σ_j p̂_j·t̂_j, where v̂ = v/max(|v|, ε).
func Cosine[T Float]() RowLoss[T] {
	return RowLoss[T]{
		Value: func(p, t []T) float64 { return -dot(p, t) / (length(p) * length(t)) },
		Grad: func(dp, p, t []T, dloss float64) {
			lp, lt := length(p), length(t)
			along := dot(p, t) / (lp * lp * lt)
			if lp <= lossEpsilon {
				along = 0 // here the divisor is constant
			}
			for j := range p {
				dp[j] = T(-dloss * (float64(t[j])/lt - along*float64(p[j])) / lp)
			}
		},
	}
}

func dot[T Float](a, b []T) float64 {
	var sum float64
	for j := range a {
		sum += float64(a[j]) * float64(b[j])
	}
	return sum
}

func length[T Float](v []T) float64 { return max(math.Sqrt(dot(v, v)), lossEpsilon) }

// CategoricalHinge is max(1 + max_j (1-t_j)·p_j - Σ_j t_j·p_j, 0); the gradient of the inner
// maximum goes to the first element that attains it.
func CategoricalHinge[T Float]() RowLoss[T] {
	margin := func(p, t []T) (value float64, at int) {
		worst := math.Inf(-1)
		for j := range p {
			if v := (1 - float64(t[j])) * float64(p[j]); v > worst {
				worst, at = v, j
			}
		}
		return 1 + worst - dot(p, t), at
	}
	return RowLoss[T]{
		Value: func(p, t []T) float64 { v, _ := margin(p, t); return max(v, 0) },
		Grad: func(dp, p, t []T, dloss float64) {
			v, at := margin(p, t)
			if v <= 0 {
				clear(dp)
				return
			}
			rest := 1 - float64(t[at])
			for j := range p {
				dp[j] = T(-dloss * float64(t[j]))
			}
			dp[at] += T(dloss * rest)
		},
	}
}
