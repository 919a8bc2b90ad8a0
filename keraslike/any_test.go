// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// formulaData are the data of testdata/golden/any_length.py: values of 1/32 from -1 to 1.
func formulaData(scale float32, shape ...int) *tensor.Dense {
	values := make([]float32, k.Shape(shape).Size())
	for n := range values {
		values[n] = float32((n*37+n/11*5)%65-32) / 32 * scale
	}
	return tensorOf(shape, values)
}

// wholeData are numbers from 1; the last steps of sample i are i·padded zeros.
func wholeData(below, samples, steps, padded int) *tensor.Dense {
	values := make([]float32, samples*steps)
	for n := range values {
		if i := n / steps; n%steps < steps-min(steps-1, i*padded) {
			values[n] = float32((n*7+n/13)%(below-1) + 1)
		}
	}
	return tensorOf([]int{samples, steps}, values)
}

// zeroData are formulaData of four samples, the second and the fourth of which end in zeros.
func zeroData(n int) *tensor.Dense {
	x := formulaData(1, 4, n, 3)
	clear(x.Float32s()[(n+n-n/4)*3 : 2*n*3])
	clear(x.Float32s()[(3*n+n-n/2)*3:])
	return x
}

// anyLengthNet is a net of testdata/golden/any_length.json.
type anyLengthNet struct {
	model     *k.Model
	optimizer k.Optimizer
	loss      k.Loss
	x, y      func(n int) *tensor.Dense
	lengths   []int // of the batches
	at        map[string]*tensor.Dense
}

func anyLengthNets() map[string]anyLengthNet {
	lengths := []int{20, 50, 20, 50}
	features := func(f int) func(n int) *tensor.Dense {
		return func(n int) *tensor.Dense { return formulaData(1, 4, n, f) }
	}
	one := func(int) *tensor.Dense { return formulaData(0.5, 4, 1) }
	perStep := func(n int) *tensor.Dense { return formulaData(0.5, 4, n, 2) }
	at := func(x func(n int) *tensor.Dense, lengths ...int) map[string]*tensor.Dense {
		all := map[string]*tensor.Dense{}
		for _, n := range lengths {
			all[fmt.Sprint(n)] = x(n)
		}
		return all
	}
	two := func(f int) func(n int) *tensor.Dense {
		return func(n int) *tensor.Dense { return formulaData(1, 2, n, f) }
	}
	series := k.Input(k.Any, 4)
	attended := k.LayerNormalization().Apply(k.Add().Apply(series, k.MultiHeadAttention(2, 3).Apply(series)))
	return map[string]anyLengthNet{
		"recurrent": {
			k.Sequential("m", k.Input(k.Any, 3), k.LSTM(4, k.ReturnSequences), k.GRU(3), k.Dense(1)),
			k.Adam(0.05), k.MSE, features(3), one, lengths, at(two(3), 1, 7, 5000),
		},
		"convolutional": {
			k.Sequential("m", k.Input(k.Any, 3), k.Conv1D(4, 3, k.SamePadding, k.ReLU), k.MaxPooling1D(2, k.SamePadding),
				k.Conv1D(3, 2, k.CausalPadding), k.GlobalAveragePooling1D(), k.Dense(1)),
			k.SGD(0.05, k.Momentum(0.9)), k.MSE, features(3), one, lengths, at(two(3), 1, 7, 5000),
		},
		"per_step": {
			k.Sequential("m", k.Input(k.Any, 3), k.Bidirectional(k.SimpleRNN(3, k.ReturnSequences)), k.BatchNormalization(), k.TimeDistributed(k.Dense(2))),
			k.RMSprop(0.01), k.MSE, features(3), perStep, lengths, at(two(3), 1, 7, 5000),
		},
		"attention": {
			k.NewModel("m", []*k.Tensor{series}, []*k.Tensor{k.Dense(1).Apply(k.GlobalMaxPooling1D().Apply(attended))}),
			k.SGD(0.05), k.MSE, features(4), one, lengths, at(two(4), 1, 7, 500),
		},
		"masked": {
			k.Sequential("m", k.Input(k.Any), k.Embedding(12, 4, k.MaskZero), k.GRU(3, k.ReturnSequences), k.LSTM(3), k.Dense(1)),
			k.SGD(0.1), k.MSE, func(n int) *tensor.Dense { return wholeData(12, 4, n, 5) }, one, lengths,
			at(func(n int) *tensor.Dense { return wholeData(12, 3, n, 2) }, 1, 7, 5000),
		},
		"masked_steps": {
			k.Sequential("m", k.Input(k.Any, 3), k.Masking(0), k.LSTM(4, k.ReturnSequences), k.Dense(2)),
			k.SGD(0.1), k.MSE, zeroData, perStep, lengths, at(zeroData, 1, 7, 5000),
		},
		"fully_convolutional": {
			k.Sequential("m", k.Input(k.Any, k.Any, 3), k.Conv2D(4, 3, k.SamePadding, k.ReLU), k.MaxPooling2D(2, k.SamePadding), k.BatchNormalization(),
				k.Conv2D(5, 3, k.SamePadding, k.ReLU), k.Conv2DTranspose(3, 2, k.Strides(2), k.ReLU), k.Conv2D(1, 1, k.Sigmoid)),
			k.Adam(0.01), k.BinaryCrossentropy,
			func(n int) *tensor.Dense { return formulaData(1, 2, n, n, 3) },
			func(n int) *tensor.Dense {
				y := formulaData(1, 2, n, n, 1)
				for i, v := range y.Float32s() {
					y.Float32s()[i] = 0
					if v > 0 {
						y.Float32s()[i] = 1
					}
				}
				return y
			},
			[]int{64, 64, 64},
			map[string]*tensor.Dense{"97x131": formulaData(1, 1, 97, 131, 3), "1x1": formulaData(1, 1, 1, 1, 3)},
		},
	}
}

// TestAnyLength trains at two lengths in turn and predicts at others, as Keras does with None, and
// again after saving and loading.
func TestAnyLength(t *testing.T) {
	cases := golden.Load(t, "any_length")
	nets := anyLengthNets()
	if len(cases) != len(nets) {
		t.Fatalf("%d cases of Keras, %d nets", len(cases), len(nets))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			net := nets[c.Name]
			m := net.model
			if err := m.Compile(net.optimizer, net.loss); err != nil {
				t.Fatal(err)
			}
			for i, w := range m.Weights() {
				if err := w.Set(c.Inputs[fmt.Sprint("w", i)].Float32()); err != nil {
					t.Fatal(err)
				}
			}
			for i, n := range net.lengths {
				loss, err := m.TrainOnBatch(net.x(n), net.y(n))
				if err != nil {
					t.Fatal(err)
				}
				wantKeras(t, fmt.Sprintf("loss %d", i), []float32{float32(loss)}, c.Want["losses"].Float32()[i:i+1])
			}
			for i, w := range m.Weights() {
				wantKeras(t, w.Path(), w.Values(), c.Want[fmt.Sprint("w", i)].Float32())
			}
			path := filepath.Join(t.TempDir(), "m.safetensors")
			if err := m.Save(path); err != nil {
				t.Fatal(err)
			}
			loaded, err := k.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if !loaded.Inputs()[0].Shape().Equal(m.Inputs()[0].Shape()) {
				t.Errorf("loaded with input %v, want %v", loaded.Inputs()[0].Shape(), m.Inputs()[0].Shape())
			}
			for at, x := range net.at {
				y, err := m.Predict(k.ArrayOf(x))
				if err != nil {
					t.Fatal(err)
				}
				again, err := loaded.Predict(k.ArrayOf(x))
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(again.Shape(), y.Shape()) || !slices.Equal(again.Values(), y.Values()) {
					t.Errorf("at %s the loaded model predicts %v, the saved one %v", at, again, y)
				}
				if got, want := fmt.Sprint(y.Shape()), fmt.Sprint(c.Want["shape "+at].Data); got != want {
					t.Errorf("the prediction at %s has shape %s, want %s", at, got, want)
				}
				kept := y.Values()
				if len(kept) > 1000 {
					kept = nil
					for i := 0; i < len(y.Values()); i += c.Args.Int("step") {
						kept = append(kept, y.Values()[i])
					}
				}
				wantKeras(t, "prediction at "+at, kept, c.Want["y "+at].Float32())
			}
		})
	}
}

// wantKeras compares with numbers that were computed in float32 in another order.
func wantKeras(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d values, want %d", what, len(got), len(want))
		return
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= 2e-5+1e-4*math.Abs(float64(w))) {
			t.Errorf("%s, value %d: got %v, want %v", what, i, got[i], w)
			return
		}
	}
}
