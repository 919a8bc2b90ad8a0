// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// Losses return one value per row; their gradients take dloss, one value per row, and write the
// gradient of the first operand. The formulas are those of keras.io/api/losses, applied to
// logits.

// SoftmaxXentSparse writes loss_r = log sum_j exp(z_rj) - z_r,label(r). Labels are class
// indices stored as T. It returns the first row whose label is not an integer in [0,cols),
// whose loss is NaN, or -1 if all labels are valid.
func SoftmaxXentSparse[T Float](loss, logits, labels []T, rows, cols int) (bad int) {
	bad = -1
	for r := range rows {
		z := logits[r*cols : (r+1)*cols]
		label, ok := ClassOf(labels[r], cols)
		if !ok {
			loss[r] = T(math.NaN())
			if bad < 0 {
				bad = r
			}
			continue
		}
		m, s := logSumExp(z)
		loss[r] = T(math.Log(s)) + (m - z[label])
	}
	return bad
}

// ClassOf returns label as an index below n, and whether it is one.
func ClassOf[T Float](label T, n int) (int, bool) {
	if !(label >= 0 && label < T(n)) {
		return 0, false
	}
	i := int(label)
	return i, T(i) == label
}

// SoftmaxXentSparseGrad writes dz_rj = dloss_r (softmax(z_r)_j - [j = label(r)]). The gradient
// of a row with an invalid label is 0. dlogits may be logits.
func SoftmaxXentSparseGrad[T Float](dlogits, logits, labels, dloss []T, rows, cols int) {
	Softmax(dlogits, logits, rows, cols)
	for r := range rows {
		dz := dlogits[r*cols : (r+1)*cols]
		label, ok := ClassOf(labels[r], cols)
		if !ok {
			clear(dz)
			continue
		}
		dz[label]--
		for j := range dz {
			dz[j] *= dloss[r]
		}
	}
}

// SoftmaxXent writes loss_r = sum_j t_rj (log sum_k exp(z_rk) - z_rj); the rows of target are
// distributions. A class with t_rj = 0 adds nothing, even if z_rj = -Inf.
func SoftmaxXent[T Float](loss, logits, target []T, rows, cols int) {
	for r := range rows {
		z, t := logits[r*cols:(r+1)*cols], target[r*cols:(r+1)*cols]
		m, s := logSumExp(z)
		logs := T(math.Log(s))
		var sum float64
		for j, t := range t {
			if t != 0 {
				sum += float64(t * (logs + (m - z[j])))
			}
		}
		loss[r] = T(sum)
	}
}

// SoftmaxXentGrad writes dz_rj = dloss_r (softmax(z_r)_j sum_k t_rk - t_rj).
// dlogits may be logits.
func SoftmaxXentGrad[T Float](dlogits, logits, target, dloss []T, rows, cols int) {
	Softmax(dlogits, logits, rows, cols)
	for r := range rows {
		dz, t := dlogits[r*cols:(r+1)*cols], target[r*cols:(r+1)*cols]
		sum := T(Sum(t))
		for j := range dz {
			dz[j] = dloss[r] * (dz[j]*sum - t[j])
		}
	}
}

// SigmoidXent writes loss_r = mean_j max(z,0) - z t + log(1 + exp(-|z|)), the binary
// cross-entropy on logits.
func SigmoidXent[T Float](loss, logits, target []T, rows, cols int) {
	for r := range rows {
		z, t := logits[r*cols:(r+1)*cols], target[r*cols:(r+1)*cols]
		var sum float64
		for j := range z {
			sum += float64(max(z[j], 0)-z[j]*t[j]) + math.Log1p(math.Exp(-math.Abs(float64(z[j]))))
		}
		loss[r] = T(sum / float64(cols))
	}
}

// SigmoidXentGrad writes dz = dloss_r (sigmoid(z) - t) / cols. dlogits may be logits.
func SigmoidXentGrad[T Float](dlogits, logits, target, dloss []T, rows, cols int) {
	for r := range rows {
		scale := dloss[r] / T(cols)
		for i := r * cols; i < (r+1)*cols; i++ {
			dlogits[i] = scale * (sigmoid(logits[i]) - target[i])
		}
	}
}

// MSE writes loss_r = mean_j (p_rj - t_rj)^2.
func MSE[T Float](loss, pred, target []T, rows, cols int) {
	for r := range rows {
		var sum float64
		for i := r * cols; i < (r+1)*cols; i++ {
			d := float64(pred[i] - target[i])
			sum += d * d
		}
		loss[r] = T(sum / float64(cols))
	}
}

// MSEGrad writes dp_rj = 2 dloss_r (p_rj - t_rj) / cols. dpred may be pred.
func MSEGrad[T Float](dpred, pred, target, dloss []T, rows, cols int) {
	for r := range rows {
		scale := 2 * dloss[r] / T(cols)
		for i := r * cols; i < (r+1)*cols; i++ {
			dpred[i] = scale * (pred[i] - target[i])
		}
	}
}

// MAE writes loss_r = mean_j |p_rj - t_rj|.
func MAE[T Float](loss, pred, target []T, rows, cols int) {
	for r := range rows {
		var sum float64
		for i := r * cols; i < (r+1)*cols; i++ {
			sum += math.Abs(float64(pred[i] - target[i]))
		}
		loss[r] = T(sum / float64(cols))
	}
}

// MAEGrad writes dp_rj = dloss_r sign(p_rj - t_rj) / cols, 0 where p = t. dpred may
// be pred.
func MAEGrad[T Float](dpred, pred, target, dloss []T, rows, cols int) {
	for r := range rows {
		scale := dloss[r] / T(cols)
		for i := r * cols; i < (r+1)*cols; i++ {
			dpred[i] = scale * sign(pred[i]-target[i])
		}
	}
}

// sign returns -1, 0 or 1, and NaN for NaN.
func sign[T Float](x T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}
