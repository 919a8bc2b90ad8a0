// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// Regularizers and constraints of weights act as in Keras: with the penalties of kernels of ones by
// hand, Σ|w|, and recurrent kernels of ones that UnitNorm brings to columns of length 1, as Keras does
// after each update. Those of weights that the layer omits are accepted, as Keras writes them.
func TestRestraintsOfFiles(t *testing.T) {
	const (
		l1   = `{"class_name":"L1","config":{"l1":1}}`
		unit = `{"class_name":"UnitNorm","config":{"axis":0}}`
	)
	for _, c := range []struct {
		class, config string
		shape         []int
		weight        string
		penalty       float64
		length        float64 // of the first column of the weight after an update, 0 for unchanged
	}{
		{"LSTM", `{"units":2,"recurrent_constraint":` + unit + `,"recurrent_regularizer":` + l1 + `}`, []int{3, 1}, "l/recurrent_kernel", 16, 1},
		{"GRU", `{"units":2,"recurrent_constraint":` + unit + `}`, []int{3, 1}, "l/recurrent_kernel", 0, 1},
		{"ConvLSTM1D", `{"filters":1,"kernel_size":[1],"recurrent_constraint":` + unit + `}`, []int{2, 3, 1}, "l/recurrent_kernel", 0, 1},
		{"DepthwiseConv1D", `{"kernel_size":[2],"depthwise_regularizer":` + l1 + `,"depthwise_constraint":` + unit + `}`, []int{3, 1}, "l/kernel", 2, 1},
		{"SeparableConv1D", `{"filters":1,"kernel_size":[2],"depthwise_regularizer":` + l1 + `,"pointwise_regularizer":` + l1 + `}`, []int{3, 1}, "l/depthwise_kernel", 3, 0},
		{"Dense", `{"units":1,"use_bias":false,"bias_constraint":` + unit + `,"bias_regularizer":` + l1 + `}`, []int{2}, "l/kernel", 0, 0},
		{"BatchNormalization", `{"scale":false,"gamma_regularizer":` + l1 + `,"beta_regularizer":` + l1 + `}`, []int{2}, "l/beta", 2, 0},
		{"GroupNormalization", `{"groups":1,"center":false,"beta_constraint":` + unit + `,"gamma_regularizer":` + l1 + `}`, []int{2}, "l/gamma", 2, 0},
		{"LayerNormalization", `{"scale":false,"center":false,"gamma_constraint":` + unit + `,"beta_regularizer":` + l1 + `}`, []int{2}, "", 0, 0},
	} {
		a := newArgs(json.RawMessage(c.config), 3, []k.Shape{c.shape}, nil)
		l := classes[c.class].read(a)
		if err := a.finish(); err != nil || len(a.notes) > 0 {
			t.Errorf("%s: error %v, notes %q", c.class, err, a.notes)
			continue
		}
		if err := k.Configure(l, k.Name("l")); err != nil {
			t.Fatal(err)
		}
		m := k.Sequential("m", k.Input(c.shape...), l, k.Flatten(), k.Dense(1, k.Name("last"), k.KernelInitializer(k.Zeros())))
		if err := m.Compile(k.SGD(0), k.MSE); err != nil {
			t.Fatal(c.class, err)
		}
		for _, w := range m.Weights() {
			if path := m.WeightPath(w); path[:2] == "l/" {
				if err := w.Set(ones(len(w.Values()))); err != nil {
					t.Fatal(err)
				}
			}
		}
		x, err := k.NewArray(ones(sizeOf(c.shape)), append([]int{1}, c.shape...)...)
		if err != nil {
			t.Fatal(err)
		}
		y, err := k.Column([]float32{0})
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.TrainOnBatch(x.Tensor(), y.Tensor())
		if err != nil {
			t.Fatal(c.class, err)
		}
		if math.Abs(r.Loss()-c.penalty) > 1e-6 {
			t.Errorf("%s: penalty %g, want %g", c.class, r.Loss(), c.penalty)
		}
		if c.weight == "" {
			continue
		}
		w, err := m.Weight(c.weight)
		if err != nil {
			t.Fatal(err)
		}
		if c.length == 0 {
			continue
		}
		var squares float64
		columns := len(w.Values()) / w.Shape()[0]
		for i := 0; i < len(w.Values()); i += columns {
			squares += float64(w.Values()[i]) * float64(w.Values()[i])
		}
		if math.Abs(math.Sqrt(squares)-c.length) > 1e-6 {
			t.Errorf("%s: the first column of %s has length %g, want %g", c.class, c.weight, math.Sqrt(squares), c.length)
		}
	}
}

func ones(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 1
	}
	return out
}
