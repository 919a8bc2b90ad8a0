// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// golden is testdata/golden.json: values from PyTorch and numpy, made by golden.py.
type golden struct {
	Alpha        float64
	Activations  map[string]differentiated
	Rows, Cols   int
	Labels       []float64
	Dist, Binary []float64
	Softmax      differentiated
	LogSoftmax   differentiated `json:"log_softmax"`
	XentSparse   differentiated `json:"xent_sparse"`
	Xent         differentiated
	SigmoidXent  differentiated `json:"sigmoid_xent"`
	MSE, MAE     differentiated
	MaxPool      differentiated `json:"max_pool"`
	AvgPool      differentiated `json:"avg_pool"`
	Upsample     differentiated
	Permute      []float64
	Recurrent    map[string]goldenRNN
	Optimizers   map[string]struct{ G, W [][]float64 }
}

type differentiated struct{ X, Y, Dy, Dx []float64 }

// goldenRNN is a layer of PyTorch: batch 3, 4 steps, 2 features, 3 units.
type goldenRNN struct {
	X, H0, C0, W, U, Bias, Y, HN, CN          []float64
	Dy, Dhn, Dcn, Dx, Dh0, Dc0, Dw, Du, DBias []float64
}

func readGolden(t *testing.T) *golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(golden)
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

func convert[T Float](x []float64) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = T(v)
	}
	return y
}

// near fails unless |got - want| <= tol (1 + |want|) everywhere.
func near[T Float](t *testing.T, what string, got []T, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tol*(1+math.Abs(w))) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}

func TestGolden(t *testing.T) {
	g := readGolden(t)
	kerneltest.OnEachISA(t, func(t *testing.T) {
		t.Run("float32", func(t *testing.T) { checkGolden[float32](t, g, 1e-6) })
	})
	t.Run("float64", func(t *testing.T) { checkGolden[float64](t, g, 1e-13) })
}

func checkGolden[T Float](t *testing.T, g *golden, tol float64) {
	for name, want := range g.Activations {
		a, err := ParseActivation(name)
		if err != nil {
			t.Fatal(err)
		}
		x, dy := convert[T](want.X), convert[T](want.Dy)
		y, dx := make([]T, len(x)), make([]T, len(x))
		Activate(y, x, a, T(g.Alpha))
		near(t, name, y, want.Y, tol)
		s := x
		if a.FromOutput() {
			s = y
		}
		ActivateGrad(dx, s, dy, a, T(g.Alpha))
		near(t, name+" gradient", dx, want.Dx, 4*tol)
	}

	r, c := g.Rows, g.Cols
	rowsLike := func(name string, want differentiated, f func(dst, x []T, rows, cols int), grad func(dx, y, dy []T, rows, cols int)) {
		y, dx := make([]T, r*c), make([]T, r*c)
		f(y, convert[T](want.X), r, c)
		near(t, name, y, want.Y, tol)
		grad(dx, y, convert[T](want.Dy), r, c)
		near(t, name+" gradient", dx, want.Dx, 4*tol)
	}
	rowsLike("softmax", g.Softmax, Softmax[T], SoftmaxGrad[T])
	rowsLike("log-softmax", g.LogSoftmax, LogSoftmax[T], LogSoftmaxGrad[T])

	loss := func(name string, want differentiated, target []float64, f func(loss, z, t []T, rows, cols int),
		grad func(dz, z, t, dloss []T, rows, cols int),
	) {
		x, tt := convert[T](want.X), convert[T](target)
		y, dx := make([]T, r), make([]T, r*c)
		f(y, x, tt, r, c)
		near(t, name, y, want.Y, tol)
		grad(dx, x, tt, convert[T](want.Dy), r, c)
		near(t, name+" gradient", dx, want.Dx, 4*tol)
	}
	sparse := func(l, z, t []T, rows, cols int) { SoftmaxXentSparse(l, z, t, rows, cols) }
	loss("sparse cross-entropy", g.XentSparse, g.Labels, sparse, SoftmaxXentSparseGrad[T])
	loss("cross-entropy", g.Xent, g.Dist, SoftmaxXent[T], SoftmaxXentGrad[T])
	loss("sigmoid cross-entropy", g.SigmoidXent, g.Binary, SigmoidXent[T], SigmoidXentGrad[T])
	loss("mse", g.MSE, g.Binary, MSE[T], MSEGrad[T])
	loss("mae", g.MAE, g.Binary, MAE[T], MAEGrad[T])

	pool := &Pool{N: 2, H: 7, W: 6, C: 3, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1, OH: 4, OW: 3}
	arg := make([]uint8, len(g.MaxPool.Y))
	image := func(name string, want differentiated, f func(y, x []T), back func(dx, dy []T)) {
		y, dx := make([]T, len(want.Y)), make([]T, len(want.X))
		f(y, convert[T](want.X))
		near(t, name, y, want.Y, tol)
		back(dx, convert[T](want.Dy))
		near(t, name+" gradient", dx, want.Dx, 4*tol)
	}
	image("max pooling", g.MaxPool, func(y, x []T) { MaxPool2D(y, arg, x, pool) }, func(dx, dy []T) { MaxPool2DBack(dx, arg, dy, pool) })
	image("average pooling", g.AvgPool, func(y, x []T) { AvgPool2D(y, x, pool) }, func(dx, dy []T) { AvgPool2DBack(dx, dy, pool) })
	image("upsampling", g.Upsample, func(y, x []T) { Upsample2D(y, x, 2, 3, 2, 2, 2, 3) }, func(dx, dy []T) { Upsample2DGrad(dx, dy, 2, 3, 2, 2, 2, 3) })
	axes := make([]T, 2*3*4*5)
	for i := range axes {
		axes[i] = T(i)
	}
	moved := make([]T, len(axes))
	Permute(moved, axes, []int{2, 3, 4, 5}, []int{2, 0, 3, 1})
	near(t, "permute", moved, g.Permute, 0)

	for name, want := range g.Recurrent {
		checkGoldenRNN[T](t, name, &want, tol)
	}
	for name, want := range g.Optimizers {
		update := updates[T](name)
		if update == nil {
			t.Fatalf("optimizer %s: no update", name)
		}
		w := []T{1, -2, 0.5, 3, -0.1}
		for k, grad := range want.G {
			update(w, convert[T](grad), k+1)
			// In float32, 1-0.999 differs from numpy's by 1.3e-5.
			near(t, fmt.Sprintf("%s step %d", name, k+1), w, want.W[k], 4*tol)
		}
	}
}

// updates returns a step of one optimizer with the parameters of golden.py.
func updates[T Float](name string) func(w, g []T, step int) {
	a, b, c := make([]T, 5), make([]T, 5), make([]T, 5)
	switch name {
	case "sgd":
		return func(w, g []T, _ int) { SGD(w, g, nil, 0.1, 0, false) }
	case "sgd_momentum", "sgd_nesterov":
		return func(w, g []T, _ int) { SGD(w, g, a, 0.1, 0.9, name == "sgd_nesterov") }
	case "rmsprop":
		return func(w, g []T, _ int) { RMSprop(w, g, a, nil, nil, 0.01, 0.9, 0, 1e-7) }
	case "rmsprop_centered_momentum":
		return func(w, g []T, _ int) { RMSprop(w, g, a, b, c, 0.01, 0.9, 0.9, 1e-7) }
	case "adam":
		return func(w, g []T, k int) { Adam(w, g, a, b, nil, 0.01, 0.9, 0.999, 1e-7, k) }
	case "amsgrad":
		return func(w, g []T, k int) { Adam(w, g, a, b, c, 0.01, 0.9, 0.999, 1e-7, k) }
	case "adamw":
		return func(w, g []T, k int) {
			Scale(w, w, 1-0.01*0.004)
			Adam(w, g, a, b, nil, 0.01, 0.9, 0.999, 1e-7, k)
		}
	case "nadam":
		return func(w, g []T, k int) { Nadam(w, g, a, b, 0.01, 0.9, 0.999, 1e-7, k) }
	case "adamax":
		return func(w, g []T, k int) { Adamax(w, g, a, b, 0.01, 0.9, 0.999, 1e-7, k) }
	case "adagrad":
		return func(w, g []T, _ int) { Adagrad(w, g, a, 0.01, 1e-7) }
	case "adadelta":
		return func(w, g []T, _ int) { Adadelta(w, g, a, b, 0.5, 0.95, 1e-7) }
	case "lion":
		return func(w, g []T, _ int) { Lion(w, g, a, 0.01, 0.9, 0.99) }
	}
	return nil
}

func checkGoldenRNN[T Float](t *testing.T, name string, want *goldenRNN, tol float64) {
	s := &RNN{
		Batch: 3, Time: 4, In: 2, Units: 3, Act: Tanh,
		Cell: map[string]RNNCell{"simple": CellSimple, "gru": CellGRUResetAfter, "lstm": CellLSTM}[name],
	}
	like := func(x []float64) []T { return make([]T, len(x)) }
	r := &RNNTensors[T]{
		X: convert[T](want.X), W: convert[T](want.W), U: convert[T](want.U), Bias: convert[T](want.Bias), H0: convert[T](want.H0),
		Y: like(want.Y), HN: like(want.HN), Saved: make([]T, RNNSavedLen(s)),
	}
	d := &RNNGradients[T]{
		DY: convert[T](want.Dy), DHN: convert[T](want.Dhn),
		DX: like(want.Dx), DW: like(want.Dw), DU: like(want.Du), DBias: like(want.DBias), DH0: like(want.Dh0),
	}
	if s.Cell == CellLSTM {
		r.C0, r.CN, d.DCN, d.DC0 = convert[T](want.C0), like(want.CN), convert[T](want.Dcn), like(want.Dc0)
	}
	RNNForward(s, r)
	near(t, name+" y", r.Y, want.Y, tol)
	near(t, name+" last h", r.HN, want.HN, tol)
	RNNBackward(s, r, d)
	near(t, name+" dx", d.DX, want.Dx, 4*tol)
	near(t, name+" dw", d.DW, want.Dw, 4*tol)
	near(t, name+" du", d.DU, want.Du, 4*tol)
	near(t, name+" dbias", d.DBias, want.DBias, 4*tol)
	near(t, name+" dh0", d.DH0, want.Dh0, 4*tol)
	if s.Cell == CellLSTM {
		near(t, name+" last c", r.CN, want.CN, tol)
		near(t, name+" dc0", d.DC0, want.Dc0, 4*tol)
	}
}
