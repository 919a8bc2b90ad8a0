// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// A kernel that accessed memory beyond a slice would crash the test.
func TestVectorKernelsStayInside(t *testing.T) {
	const most = 140
	a, b, c, d, e := guarded(t, most, false), guarded(t, most, false), guarded(t, most, false), guarded(t, most, false), guarded(t, most, false)
	bytes := guarded(t, most, false)
	args := unsafe.Slice((*uint8)(unsafe.Pointer(&bytes[0])), 4*most)
	allInts := unsafe.Slice((*int32)(unsafe.Pointer(&bytes[0])), most)
	rng := rand.New(rand.NewPCG(1, 1))
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for n := range most + 1 {
			ints := allInts[most-n:]
			a, b, c, d, e := a[most-n:], b[most-n:], c[most-n:], d[most-n:], e[most-n:]
			for i := range a {
				a[i], b[i], c[i], d[i], e[i] = rng.Float32(), rng.Float32(), rng.Float32(), rng.Float32(), rng.Float32()
			}
			for f := Linear; f < activationCount; f++ {
				Activate(c, a, f, 1)
				ActivateGrad(c, a, b, f, 1)
			}
			Add(c, a, b)
			Max(c, a, b)
			Scale(c, a, 2)
			AddScaled(c, a, 2)
			Clip(c, a, -1, 1)
			Sum(a)
			Dot(a, b)
			Finite(a)
			ColSum(c, a, 1, n)
			ColSum(c[:min(n, 1)], a, n, min(n, 1))
			Softmax(c, a, 1, n)
			LogSoftmax(c, a, 1, n)
			SoftmaxGrad(c, a, b, 1, n)
			LogSoftmaxGrad(c, a, b, 1, n)
			SoftmaxXent(c[:min(n, 1)], a, b, min(n, 1), n)
			SigmoidXentGrad(c, a, b, d, n, 1)
			MAEGrad(c, a, b, d, n, 1)
			Dropout(c, a, 0.5, 1, 2, 3)
			SGD(a, b, c, 0.1, 0.9, true)
			RMSprop(a, b, c, d, e, 0.1, 0.9, 0.9, 1)
			Adam(a, b, c, d, e, 0.1, 0.9, 0.99, 1, 1)
			Nadam(a, b, c, d, 0.1, 0.9, 0.99, 1, 1)
			Adadelta(a, b, c, d, 0.1, 0.9, 1)
			Lion(a, b, c, 0.1, 0.9, 0.99)
			MaxGrad(a, b, c, d, e)
			if n > 0 {
				GlobalMaxPool(b, ints, a, 1, 1, n)
				GlobalMaxPool(b[n-1:], ints[n-1:], a, 1, n, 1)
			}
			if dim := n / 4; dim > 0 {
				ScatterAdd(b[n-dim:], a[n-4*dim:], []float32{0, 0, 0, 0}, 4, 1, dim)
				SparseDense(b[n-dim:], a[n-4*dim:], nil, []int32{0, 3}, []int32{3, 0, 3}, []float32{1, 2, 3}, 1, 4, dim, Linear, 0)
			}
			if n%4 == 0 && n > 0 { // 2 x 2 windows over n/4 channels
				s := &Pool{N: 1, H: 2, W: 2, C: n / 4, KH: 2, KW: 2, StrideH: 2, StrideW: 2, OH: 1, OW: 1}
				y, arg := b[n-n/4:], args[4*most-n/4:]
				MaxPool2D(y, arg, a, s)
				MaxPool2DBack(a, arg, y, s)
				AvgPool2D(y, a, s)
				AvgPool2DBack(a, y, s)
			}
		}
	})
}

func TestRecurrentStaysInside(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 2))
		for name, cell := range rnnCells {
			for _, units := range []int{1, 7, 8, 15, 16, 17, 33} {
				c := newRNNCase(rng, &RNN{Cell: cell, Batch: 1 + units%2*2, Time: 3, In: 5, Units: units, Act: Tanh}, true, true)
				for _, x := range []*[]float32{
					&c.t.X, &c.t.W, &c.t.U, &c.t.Bias, &c.t.Mask, &c.t.H0, &c.t.C0, &c.t.Y, &c.t.HN, &c.t.CN, &c.t.Saved,
					&c.d.DY, &c.d.DHN, &c.d.DCN, &c.d.DX, &c.d.DW, &c.d.DU, &c.d.DBias, &c.d.DH0, &c.d.DC0,
				} {
					if *x != nil {
						inside := guarded(t, len(*x), false)
						copy(inside, *x)
						*x = inside
					}
				}
				c.run()
				c.t.Saved = nil
				RNNForward(c.s, c.t)
				if i := Finite(c.d.DW); i >= 0 {
					t.Errorf("%s of %d units: dw[%d] = %v", name, units, i, c.d.DW[i])
				}
			}
		}
	})
}
