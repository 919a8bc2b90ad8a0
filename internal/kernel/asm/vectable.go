// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

// vectorTables fills package kernel's vecTable for both instruction sets. The functions
// named composed... are that package's own, over the table's primitives.
func vectorTables() string {
	return strings.ReplaceAll(vectorTable, "ISA", avx512.name) + strings.ReplaceAll(vectorTable, "ISA", avx2.name)
}

const vectorTable = `
var ISAVec = vecTable{
	activations: ISAActivations,
	gradients:   ISAGradients,

	add: ISAAdd, sub: ISASub, mul: ISAMul, max: ISAMax,
	scale: ISAScale, addScaled: ISAAddScaled,
	clip: ISAClip, maxGrad: ISAMaxGrad,

	sum:        func(x, _ []float32) float64 { return ISASum(x) },
	sumSquares: func(x, _ []float32) float64 { return ISASumSquares(x) },
	sumAbs:     func(x, _ []float32) float64 { return ISASumAbs(x) },
	dot:        ISADot,
	colSum:     ISAColSum,
	finite: func(x []float32) int {
		if ISAAnomaly(x) == 0 {
			return -1
		}
		return ref.Finite(x)
	},

	rowParts: rowParts{
	rowMax: ISARowMax, expSum: ISAExpSum, sumExp: ISASumExp,
	softmaxBack: ISASoftmaxBack, logSoftmaxBack: ISALogSoftmaxBack,
	shift: ISAShift, xentTerms: ISAXentTerms, sigmoidXentTerms: ISASigmoidXentTerms,
	squaredDistance: ISASquaredDistance, absDistance: ISAAbsDistance,
	combine: ISACombine, distance: ISADistance, direction: ISADirection, sigmoidDistance: ISASigmoidDistance,
	},

	softmax: composedSoftmax, logSoftmax: composedLogSoftmax,
	softmaxGrad: composedSoftmaxGrad, logSoftmaxGrad: composedLogSoftmaxGrad,
	xentSparse: composedXentSparse, xentSparseGrad: composedXentSparseGrad,
	xent: composedXent, xentGrad: composedXentGrad,
	sigmoidXent: composedSigmoidXent, sigmoidXentGrad: composedSigmoidXentGrad,
	mse: composedMSE, mseGrad: composedMSEGrad, mae: composedMAE, maeGrad: composedMAEGrad,

	maxPool: func(y []float32, arg []uint8, x []float32, r poolRow) {
		ISAMaxPool(y, arg, x, r.pixels, r.c, r.kh, r.kw, 4*r.step, 4*r.row, r.first, r.fullKW-r.kw)
	},
	globalMaxPool: func(y []float32, arg []int32, x []float32, cells int) {
		ISAMaxPoolWide(y, arg, x, 1, len(y), 1, cells, 0, 0, 0, 0)
	},
	maxPoolBack: func(dx []float32, arg []uint8, dy []float32, r poolRow) {
		ISAMaxPoolBack(dx, arg, dy, r.pixels, r.c, r.kh, r.kw, 4*r.step, 4*r.row, r.first, r.fullKW-r.kw)
	},
	avgPool: func(y, x []float32, r poolRow) {
		ISAAvgPool(y, x, r.pixels, r.c, r.kh, r.kw, 4*r.step, 4*r.row, 1/float32(r.kh*r.kw))
	},
	avgPoolBack: func(dx, dy []float32, r poolRow) {
		ISAAvgPoolBack(dx, dy, r.pixels, r.c, r.kh, r.kw, 4*r.step, 4*r.row, 1/float32(r.kh*r.kw))
	},

	gateSteps: gateSteps{
	lstm: ISALSTM, lstmBack: ISALSTMBack,
	gruResetAfter: ISAGRUResetAfter, gruResetAfterBack: ISAGRUResetAfterBack,
	gruReset: ISAGRUReset, gruBlend: ISAGRUBlend, gruBlendBack: ISAGRUBlendBack, gruResetBack: ISAGRUResetBack,
	},

	gatherSum: ISAGatherSum, gatherSumScaled: ISAGatherSumScaled,

	dropout: func(dst, x []float32, rate float64, key, stream, step uint64, first int) {
		drop, scale := ref.DropThreshold(rate)
		if drop >= 1<<32 {
			clear(dst)
			return
		}
		keys := ref.PhiloxKeys(key)
		block := func(dst, x []float32, first int) {
			ISADropout(dst, x, &keys, uint32(first/4), uint32(step), uint32(stream), uint32(stream>>32), uint32(drop), float32(scale))
		}
		whole := len(dst) / ref.PhiloxBlock * ref.PhiloxBlock
		block(dst[:whole], x[:whole], first)
		if rest := dst[whole:]; len(rest) > 0 {
			var tail [ref.PhiloxBlock]float32
			copy(tail[:], x[whole:])
			block(tail[:], tail[:], first+whole)
			copy(rest, tail[:])
		}
	},
	decay: ISADecay,
	sgd: func(w, g, v []float32, lr, momentum float32, nesterov bool) {
		switch {
		case v == nil:
			ISASGD(w, g, lr)
		case nesterov:
			ISASGDNesterov(w, g, v, lr, momentum)
		default:
			ISASGDMomentum(w, g, v, lr, momentum)
		}
	},
	rmsprop: func(w, g, ms, mom, mg []float32, lr, rho, momentum, eps float32) {
		switch {
		case mom == nil && mg == nil:
			ISARMSprop(w, g, ms, lr, rho, 1-rho, eps)
		case mom == nil:
			ISARMSpropCentred(w, g, ms, mg, lr, rho, 1-rho, eps)
		case mg == nil:
			ISARMSpropMomentum(w, g, ms, mom, lr, rho, 1-rho, eps, momentum)
		default:
			ISARMSpropMomentumCentred(w, g, ms, mom, mg, lr, rho, 1-rho, eps, momentum)
		}
	},
	adam: func(w, g, m, v, vmax []float32, alpha, beta1, beta2, eps float32) {
		if vmax == nil {
			ISAAdam(w, g, m, v, alpha, 1-beta1, 1-beta2, eps)
		} else {
			ISAAMSGrad(w, g, m, v, vmax, alpha, 1-beta1, 1-beta2, eps)
		}
	},
	nadam: func(w, g, m, v []float32, cm, cg, cv, beta1, beta2, eps float32) {
		ISANadam(w, g, m, v, cm, cg, cv, 1-beta1, 1-beta2, eps)
	},
	adamax: func(w, g, m, u []float32, rate, beta1, beta2, eps float32) {
		ISAAdamax(w, g, m, u, rate, 1-beta1, beta2, eps)
	},
	adagrad: ISAAdagrad,
	adadelta: func(w, g, a, b []float32, lr, rho, eps float32) {
		ISAAdadelta(w, g, a, b, lr, rho, 1-rho, eps)
	},
	lion: func(w, g, m []float32, lr, beta1, beta2 float32) {
		ISALion(w, g, m, lr, beta1, 1-beta1, beta2, 1-beta2)
	},
}
`
