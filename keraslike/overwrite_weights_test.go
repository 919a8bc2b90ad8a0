// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// OverwriteWeights counts updates: with AccumulateGradients the averages replace the weights after each batch of
// every third update. The numbers are those of testdata/overwrite_weights.py.
func TestOverwriteWeightsWhileAccumulating(t *testing.T) {
	m := k.Sequential("m", k.Input(2), k.Dense(1, k.NoBias))
	if err := m.Compile(k.SGD(0.5, k.AccumulateGradients(2), k.AverageWeights(0.5), k.OverwriteWeights(3)), k.MSE); err != nil {
		t.Fatal(err)
	}
	if err := m.Weights()[0].Set([]float32{0.5, -0.25}); err != nil {
		t.Fatal(err)
	}
	x, y := []float32{0.25, 0.5, 0.75, -0.25}, []float32{1, -1}
	for i, want := range [][2]float64{
		{0.5000000, -0.2500000}, {-0.2460938, 0.1445312}, {-0.2460938, 0.1445312}, {-0.6226196, 0.4143066},
		{-0.5284882, 0.3468628}, {-0.6360314, 0.4518721}, {-0.6360314, 0.4518721}, {-0.8083441, 0.6453826},
		{-0.8083441, 0.6453826}, {-0.8841048, 0.7988813}, {-0.8543952, 0.7484123}, {-0.8738520, 0.8148052},
	} {
		from := i % 2
		in, err := k.NewArray(x[2*from:], 2-from, 2)
		if err != nil {
			t.Fatal(err)
		}
		target, err := k.NewArray(y[from:], 2-from, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.TrainOnBatch(in.Tensor(), target.Tensor()); err != nil {
			t.Fatal(err)
		}
		for j, v := range m.Weights()[0].Values() {
			if math.Abs(float64(v)-want[j]) > 1e-6 {
				t.Errorf("after batch %d the kernel is %v, want %v", i+1, m.Weights()[0].Values(), want)
			}
		}
	}
}
