// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// vecTable holds one instruction set's version of the kernels that run over a piece of
// a vector or over some rows, on the calling goroutine. Each entry has the meaning and
// the signature of its reference.
type vecTable struct {
	// nil where the reference serves
	activations [activationCount]func(dst, x []float32, alpha float32)
	gradients   [activationCount]func(dx, s, dy []float32, alpha float32)

	add, sub, mul, max func(dst, a, b []float32)
	scale, addScaled   func(dst, x []float32, alpha float32)
	clip               func(dst, x []float32, lo, hi float32)
	maxGrad            func(da, db, a, b, dy []float32)

	sum, sumSquares, sumAbs, dot func(a, b []float32) float64 // b is a but for dot
	colSum                       func(dst, x []float32, rows, cols int)
	finite                       func(x []float32) int

	//lint:ignore U1000 unused in builds without assembly
	rowParts
	softmax, logSoftmax         func(dst, x []float32, rows, cols int)
	softmaxGrad, logSoftmaxGrad func(dx, y, dy []float32, rows, cols int)
	xentSparse                  func(loss, z, labels []float32, rows, cols int) int
	xent, sigmoidXent, mse, mae func(loss, a, b []float32, rows, cols int)
	xentSparseGrad, xentGrad    func(dz, z, t, dloss []float32, rows, cols int)
	sigmoidXentGrad             func(dz, z, t, dloss []float32, rows, cols int)
	mseGrad, maeGrad            func(dz, z, t, dloss []float32, rows, cols int)

	maxPool       func(y []float32, arg []uint8, x []float32, r poolRow)
	globalMaxPool func(y []float32, arg []int32, x []float32, cells int) // one image of len(y) channels
	maxPoolBack   func(dx []float32, arg []uint8, dy []float32, r poolRow)
	avgPool       func(y, x []float32, r poolRow)
	avgPoolBack   func(dx, dy []float32, r poolRow)

	gateSteps

	gatherSum       func(dst, table []float32, ids []int32)                 // dst += sum of rows ids of table
	gatherSumScaled func(dst, table []float32, ids []int32, vals []float32) // the same of rows times vals

	dropout func(dst, x []float32, rate float64, key, stream, step uint64, first int)
	decay   func(x []float32, by float32, times int)
	sgd     func(w, g, v []float32, lr, momentum float32, nesterov bool)
	rmsprop func(w, g, ms, mom, mg []float32, lr, rho, momentum, eps float32)
	adam    func(w, g, m, v, vmax []float32, alpha, beta1, beta2, eps float32)

	nadam    func(w, g, m, v []float32, cm, cg, cv, beta1, beta2, eps float32)
	adamax   func(w, g, m, u []float32, rate, beta1, beta2, eps float32)
	adagrad  func(w, g, acc []float32, lr, eps float32)
	adadelta func(w, g, a, b []float32, lr, rho, eps float32)
	lion     func(w, g, m []float32, lr, beta1, beta2 float32)
}

// rowParts are what the kernels of rows are composed of. The generic table, whose kernels
// are the references, has none of them.
//
//lint:ignore U1000 unused in builds without assembly
type rowParts struct {
	rowMax func(x []float32) float32
	sumExp func(x []float32, m float32) float64      // sum of exp(x - m)
	expSum func(dst, x []float32, m float32) float64 // the same, with dst = exp(x - m)
	shift  func(dst, x []float32, m, l float32)      // (x - m) - l

	softmaxBack    func(dst, y, dy []float32, dot float32)        // y (dy - dot)
	logSoftmaxBack func(dst, y, dy []float32, sum float32)        // dy - exp(y) sum
	xentTerms      func(t, z []float32, m, l float32) float64     // sum of t ((m - z) + l)
	combine        func(dst, a, b []float32, alpha, beta float32) // alpha a + beta b

	sigmoidXentTerms, squaredDistance, absDistance func(a, b []float32) float64

	distance, direction, sigmoidDistance func(dst, a, b []float32, alpha float32) // alpha times a - b, its sign, sigmoid(a) - b
}

var genericVec = vecTable{
	gradients: [activationCount]func(dx, s, dy []float32, alpha float32){ReLU: genericReLUGrad},

	add: ref.Add[float32], sub: ref.Sub[float32], mul: ref.Mul[float32], max: ref.Max[float32],
	scale: ref.Scale[float32], addScaled: ref.AddScaled[float32],
	clip: ref.Clip[float32], maxGrad: ref.MaxGrad[float32],

	sum:        func(x, _ []float32) float64 { return ref.Sum(x) },
	sumSquares: func(x, _ []float32) float64 { return ref.SumSquares(x) },
	sumAbs:     func(x, _ []float32) float64 { return ref.SumAbs(x) },
	dot:        ref.Dot[float32],
	colSum:     ref.ColSum[float32],
	finite:     ref.Finite[float32],

	softmax: ref.Softmax[float32], logSoftmax: ref.LogSoftmax[float32],
	softmaxGrad: ref.SoftmaxGrad[float32], logSoftmaxGrad: ref.LogSoftmaxGrad[float32],
	xentSparse: ref.SoftmaxXentSparse[float32],
	xent:       ref.SoftmaxXent[float32], sigmoidXent: ref.SigmoidXent[float32], mse: ref.MSE[float32], mae: ref.MAE[float32],
	xentSparseGrad: ref.SoftmaxXentSparseGrad[float32], xentGrad: ref.SoftmaxXentGrad[float32],
	sigmoidXentGrad: ref.SigmoidXentGrad[float32],
	mseGrad:         ref.MSEGrad[float32], maeGrad: ref.MAEGrad[float32],

	globalMaxPool: func(y []float32, arg []int32, x []float32, cells int) { ref.GlobalMaxPool(y, arg, x, 1, cells, len(y)) },
	maxPool:       genericMaxPool, maxPoolBack: genericMaxPoolBack,
	avgPool: genericAvgPool, avgPoolBack: genericAvgPoolBack,

	gateSteps: gateSteps{
		lstm: genericLSTM, lstmBack: genericLSTMBack,
		gruResetAfter: genericGRUResetAfter, gruResetAfterBack: genericGRUResetAfterBack,
		gruReset: genericGRUReset, gruBlend: genericGRUBlend, gruBlendBack: genericGRUBlendBack, gruResetBack: genericGRUResetBack,
	},

	gatherSum: genericGatherSum, gatherSumScaled: genericGatherSumScaled,

	dropout: ref.Dropout[float32],
	decay:   ref.Decay[float32],
	sgd:     ref.SGD[float32],
	rmsprop: ref.RMSprop[float32],
	adam:    ref.AdamUpdate[float32],
	nadam:   ref.NadamUpdate[float32], adamax: ref.AdamaxUpdate[float32],
	adagrad: ref.Adagrad[float32], adadelta: ref.Adadelta[float32], lion: ref.Lion[float32],
}

func (v *vecTable) activate(dst, x []float32, a Activation, alpha float32) {
	if f := v.activations[a]; f != nil {
		f(dst, x, alpha)
	} else {
		ref.Activate(dst, x, a, alpha)
	}
}

func (v *vecTable) activateGrad(dx, s, dy []float32, a Activation, alpha float32) {
	if f := v.gradients[a]; f != nil {
		f(dx, s, dy, alpha)
	} else {
		ref.ActivateGrad(dx, s, dy, a, alpha)
	}
}

// genericReLUGrad has no branch, which random signs would make as slow as an exponential.
// s is positive, or NaN, where neither its bits nor these less 1 have the sign set.
func genericReLUGrad(dx, s, dy []float32, _ float32) {
	for i, v := range s {
		b := int32(math.Float32bits(v))
		flat := (b | (b - 1)) >> 31
		dx[i] = math.Float32frombits(math.Float32bits(dy[i]) &^ uint32(flat))
	}
}
