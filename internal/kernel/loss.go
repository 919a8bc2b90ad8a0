// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Losses write one value per row; the caller takes the mean over the batch. Their gradients
// take dloss, one value per row, and write the gradient of the first operand, whose memory the
// result may share.

// SoftmaxXentSparse writes loss_r = log sum_j exp(z_rj) - z_r,label(r). Labels are class indices
// stored as T. It returns the first row whose label is not an integer in [0,cols), whose loss is
// NaN, or -1 if all labels are valid.
func SoftmaxXentSparse[T Float](loss, logits, labels []T, rows, cols int) (bad int) {
	sameLen("sparse softmax cross-entropy", rows*cols, len(logits))
	sameLen("sparse softmax cross-entropy", rows, len(loss), len(labels))
	loss32, ok := single(loss)
	if !ok {
		return ref.SoftmaxXentSparse(loss, logits, labels, rows, cols)
	}
	j := sparseXentJobs.Get()
	j.loss, j.cols = loss32, cols
	j.logits, j.labels = f32(logits), f32(labels)
	j.start(rows, rowGrain(costlyGrain, cols))
	j.Run(j)
	bad = j.first()
	j.loss, j.logits, j.labels = nil, nil, nil
	sparseXentJobs.Put(j)
	return bad
}

type sparseXentJob struct {
	search
	loss, logits, labels []float32
	cols                 int
}

var sparseXentJobs parallel.FreeList[sparseXentJob]

func (j *sparseXentJob) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	j.report(u, simd.Active.SoftmaxXentSparse(j.loss[lo:hi], j.logits[lo*j.cols:hi*j.cols], j.labels[lo:hi], hi-lo, j.cols))
}

// SoftmaxXentSparseGrad writes dz_rj = dloss_r (softmax(z_r)_j - [j = label(r)]). The gradient of
// a row with an invalid label is 0.
func SoftmaxXentSparseGrad[T Float](dlogits, logits, labels, dloss []T, rows, cols int) {
	lossGrad("sparse softmax cross-entropy grad", dlogits, logits, labels, dloss, rows, cols, 1, costlyGrain,
		simd.Active.SoftmaxXentSparseGrad, ref.SoftmaxXentSparseGrad[T])
}

// SoftmaxXent writes loss_r = sum_j t_rj (log sum_k exp(z_rk) - z_rj); the rows of target
// are distributions.
func SoftmaxXent[T Float](loss, logits, target []T, rows, cols int) {
	lossRows("softmax cross-entropy", loss, logits, target, rows, cols, costlyGrain, simd.Active.SoftmaxXent, ref.SoftmaxXent[T])
}

// SoftmaxXentGrad writes dz_rj = dloss_r (softmax(z_r)_j sum_k t_rk - t_rj).
func SoftmaxXentGrad[T Float](dlogits, logits, target, dloss []T, rows, cols int) {
	lossGrad("softmax cross-entropy grad", dlogits, logits, target, dloss, rows, cols, cols, costlyGrain,
		simd.Active.SoftmaxXentGrad, ref.SoftmaxXentGrad[T])
}

// SigmoidXent writes loss_r = mean_j max(z,0) - z t + log(1 + exp(-|z|)), the binary
// cross-entropy on logits.
func SigmoidXent[T Float](loss, logits, target []T, rows, cols int) {
	lossRows("sigmoid cross-entropy", loss, logits, target, rows, cols, costlyGrain, simd.Active.SigmoidXent, ref.SigmoidXent[T])
}

// SigmoidXentGrad writes dz = dloss_r (sigmoid(z) - t) / cols.
func SigmoidXentGrad[T Float](dlogits, logits, target, dloss []T, rows, cols int) {
	lossGrad("sigmoid cross-entropy grad", dlogits, logits, target, dloss, rows, cols, cols, costlyGrain,
		simd.Active.SigmoidXentGrad, ref.SigmoidXentGrad[T])
}

// MSE writes loss_r = mean_j (p_rj - t_rj)^2.
func MSE[T Float](loss, pred, target []T, rows, cols int) {
	lossRows("mean squared error", loss, pred, target, rows, cols, cheapGrain, simd.Active.MSE, ref.MSE[T])
}

// MSEGrad writes dp_rj = 2 dloss_r (p_rj - t_rj) / cols.
func MSEGrad[T Float](dpred, pred, target, dloss []T, rows, cols int) {
	lossGrad("mean squared error grad", dpred, pred, target, dloss, rows, cols, cols, cheapGrain, simd.Active.MSEGrad, ref.MSEGrad[T])
}

// MAE writes loss_r = mean_j |p_rj - t_rj|.
func MAE[T Float](loss, pred, target []T, rows, cols int) {
	lossRows("mean absolute error", loss, pred, target, rows, cols, cheapGrain, simd.Active.MAE, ref.MAE[T])
}

// MAEGrad writes dp_rj = dloss_r sign(p_rj - t_rj) / cols, 0 where p = t.
func MAEGrad[T Float](dpred, pred, target, dloss []T, rows, cols int) {
	lossGrad("mean absolute error grad", dpred, pred, target, dloss, rows, cols, cols, cheapGrain, simd.Active.MAEGrad, ref.MAEGrad[T])
}

// The functions below write a loss and the gradient of its predictions, as the two functions of the
// loss do, while rows of pred and target are in the cache: each is read from memory once.

// MSEBoth is MSE and MSEGrad.
func MSEBoth(loss, dpred, pred, target, dloss []float32, rows, cols int) {
	lossBoth("mean squared error", loss, dpred, pred, target, dloss, rows, cols, cheapGrain, simd.Active.MSE, simd.Active.MSEGrad)
}

// MAEBoth is MAE and MAEGrad.
func MAEBoth(loss, dpred, pred, target, dloss []float32, rows, cols int) {
	lossBoth("mean absolute error", loss, dpred, pred, target, dloss, rows, cols, cheapGrain, simd.Active.MAE, simd.Active.MAEGrad)
}

// SigmoidXentBoth is SigmoidXent and SigmoidXentGrad.
func SigmoidXentBoth(loss, dlogits, logits, target, dloss []float32, rows, cols int) {
	lossBoth("sigmoid cross-entropy", loss, dlogits, logits, target, dloss, rows, cols, costlyGrain, simd.Active.SigmoidXent, simd.Active.SigmoidXentGrad)
}

// SoftmaxXentBoth is SoftmaxXent and SoftmaxXentGrad.
func SoftmaxXentBoth(loss, dlogits, logits, target, dloss []float32, rows, cols int) {
	lossBoth("softmax cross-entropy", loss, dlogits, logits, target, dloss, rows, cols, costlyGrain, simd.Active.SoftmaxXent, simd.Active.SoftmaxXentGrad)
}

func lossBoth(what string, loss, dz, z, target, dloss []float32, rows, cols, grain int,
	value func(loss, a, b []float32, rows, cols int), grad func(dz, z, t, dloss []float32, rows, cols int),
) {
	sameLen(what, rows*cols, len(dz), len(z), len(target))
	sameLen(what, rows, len(loss), len(dloss))
	lossBothJobs.Run(lossBothJob{lossGradJob{grad, dz, z, target, dloss, cols, cols}, value, loss}, rows, rowGrain(grain, cols))
}

type lossBothJob struct {
	lossGradJob
	value func(loss, a, b []float32, rows, cols int)
	loss  []float32
}

var lossBothJobs parallel.Jobs[lossBothJob, *lossBothJob]

// bothFloats is how many predictions lossBoth takes at a time: with their targets, a part of the
// first-level cache.
const bothFloats = 2048

func (j *lossBothJob) Piece(lo, hi int) {
	step := max(1, bothFloats/max(1, j.cols))
	for r := lo; r < hi; r += step {
		end := min(r+step, hi)
		j.value(j.loss[r:end], j.z[r*j.cols:end*j.cols], j.target[r*j.cols:end*j.cols], end-r, j.cols)
		j.lossGradJob.Piece(r, end)
	}
}

func lossRows[T Float](what string, loss, a, b []T, rows, cols, grain int,
	fast func(loss, a, b []float32, rows, cols int), plain func(loss, a, b []T, rows, cols int),
) {
	sameLen(what, rows*cols, len(a), len(b))
	sameLen(what, rows, len(loss))
	eachRow2(loss, a, b, rows, cols, grain, fast, plain)
}

// lossGrad computes the gradient of a loss by rows; a row of target has width elements.
func lossGrad[T Float](what string, dz, z, target, dloss []T, rows, cols, width, grain int,
	fast func(dz, z, t, dloss []float32, rows, cols int), plain func(dz, z, t, dloss []T, rows, cols int),
) {
	sameLen(what, rows*cols, len(dz), len(z))
	sameLen(what, rows*width, len(target))
	sameLen(what, rows, len(dloss))
	d, ok := single(dz)
	if !ok {
		plain(dz, z, target, dloss, rows, cols)
		return
	}
	lossGradJobs.Run(lossGradJob{fast, d, f32(z), f32(target), f32(dloss), cols, width}, rows, rowGrain(grain, cols))
}

type lossGradJob struct {
	f                    func(dz, z, t, dloss []float32, rows, cols int)
	dz, z, target, dloss []float32
	cols, width          int // of a row of z and of target
}

var lossGradJobs parallel.Jobs[lossGradJob, *lossGradJob]

func (j *lossGradJob) Piece(lo, hi int) {
	j.f(j.dz[lo*j.cols:hi*j.cols], j.z[lo*j.cols:hi*j.cols], j.target[lo*j.width:hi*j.width], j.dloss[lo:hi], hi-lo, j.cols)
}
