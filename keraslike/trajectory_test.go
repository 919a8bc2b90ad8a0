// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// trajectoryNets are the nets of testdata/golden/trajectories.json.
func trajectoryNets(kind string) []keraslike.Part {
	switch kind {
	case "convnet":
		return []keraslike.Part{
			keraslike.Input(8, 8, 1),
			keraslike.Conv2D(4, 3, keraslike.ReLU, keraslike.Name("conv2d_1")),
			keraslike.MaxPooling2D(2),
			keraslike.Conv2D(6, 3, keraslike.Strides(2), keraslike.SamePadding, keraslike.ReLU, keraslike.Name("conv2d_2")),
			keraslike.AveragePooling2D(2, keraslike.Strides(1), keraslike.SamePadding),
			keraslike.Flatten(),
			keraslike.Dense(3, keraslike.Softmax),
		}
	case "batchnorm_net":
		return []keraslike.Part{
			keraslike.Input(8, 8, 1),
			keraslike.Conv2D(5, 3, keraslike.NoBias),
			keraslike.BatchNormalization(),
			keraslike.Activation(keraslike.ReLU),
			keraslike.GlobalAveragePooling2D(),
			keraslike.Dense(3, keraslike.Softmax),
		}
	case "gru_net":
		return []keraslike.Part{keraslike.Input(7, 3), keraslike.GRU(4), keraslike.Dense(1)}
	case "lstm_net":
		return []keraslike.Part{
			keraslike.Input(7, 3),
			keraslike.LSTM(4, keraslike.ReturnSequences),
			keraslike.GlobalAveragePooling1D(),
			keraslike.Dense(1),
		}
	case "embedding_net":
		return []keraslike.Part{
			keraslike.Input(9),
			keraslike.Embedding(12, 4),
			keraslike.Conv1D(5, 3, keraslike.ReLU),
			keraslike.GlobalMaxPooling1D(),
			keraslike.Dense(1, keraslike.Sigmoid),
		}
	}
	return nil
}

// TestTrajectories trains for ten steps from given weights on given data and compares
// every loss with PyTorch's, in float64, to 1e-4 of it, and the last weights.
func TestTrajectories(t *testing.T) {
	seen := map[string]int{}
	for _, c := range golden.Load(t, "trajectories") {
		kind, _, _ := strings.Cut(c.Name, "_RMSprop")
		kind = strings.TrimSuffix(kind, "_Adam")
		parts := trajectoryNets(kind)
		if parts == nil {
			t.Errorf("%s: the net is unknown", c.Name)
			continue
		}
		seen[kind]++
		t.Run(c.Name, func(t *testing.T) {
			rate := c.Args.Float("learning_rate")
			o := keraslike.RMSprop(rate)
			if c.Args.String("optimizer") == "Adam" {
				o = keraslike.Adam(rate)
			}
			m := keraslike.Sequential(kind, parts...)
			if err := m.Compile(o, keraslike.LossFunc(c.Args.String("loss"))); err != nil {
				t.Fatal(err)
			}
			for _, w := range m.Weights() {
				if given, ok := c.Inputs[w.Path()]; ok { // not the moving statistics
					setWeight(t, m, w.Path(), given.Float32())
				}
			}
			x, y, n := c.Inputs["x"], c.Inputs["y"], c.Args.Int("batch_size")
			var losses []float64
			for step := range 10 {
				at := step % (x.Shape[0] / n)
				result, err := m.TrainOnBatch(rowsOf(x, at*n, n), rowsOf(y, at*n, n))
				if err != nil {
					t.Fatal(err)
				}
				losses = append(losses, result.Loss())
			}
			golden.Close(t, "loss", losses, c.Want["loss"], 1e-4, 0)
			for _, w := range m.Weights() {
				if want, ok := c.Want["final/"+w.Path()]; ok {
					golden.Close(t, w.Path(), w.Values(), want, 1e-3, 1e-4)
				}
			}
		})
	}
	if len(seen) != 5 {
		t.Errorf("trajectories %v, want those of 5 nets", seen)
	}
}

// rowsOf are n samples of a table.
func rowsOf(a golden.Array, from, n int) graph.Value {
	each := len(a.Data) / a.Shape[0]
	return tensor.New(tensor.WithShape(append([]int{n}, a.Shape[1:]...)...), tensor.WithBacking(a.Float32()[from*each:(from+n)*each]))
}
