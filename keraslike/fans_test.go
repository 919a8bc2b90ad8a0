// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// Kernels of EinsumDense and of attention have several axes of inputs or outputs, which count in fan_in and fan_out
// as such. The fans are those of testdata/fans.py; each kernel is drawn from U(-l, l), l = √(6/(fan_in + fan_out)).
func TestFansOfSeveralAxes(t *testing.T) {
	for i, c := range []struct {
		layer  k.Layer
		inputs int
		fans   [][2]float64
	}{
		{k.EinsumDense("abc,cde->abde", []int{k.Any, 8, 20}), 1, [][2]float64{{40, 160}}},
		{k.EinsumDense("abc,bcd->abd", []int{6, 50}), 1, [][2]float64{{40, 300}}},
		{k.EinsumDense("abc,bcd->ad", []int{50}), 1, [][2]float64{{240, 50}}},
		{k.SpectralNormalization(k.EinsumDense("abc,bcd->ad", []int{50})), 1, [][2]float64{{240, 50}}},
		{k.MultiHeadAttention(4, 15, k.ValueDim(12), k.OutputDim(50), k.NoBias), 2, [][2]float64{{40, 60}, {40, 60}, {40, 48}, {48, 50}}},
		{k.GroupQueryAttention(15, 4, 2, k.NoBias), 2, [][2]float64{{40, 60}, {40, 30}, {40, 30}, {60, 40}}},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			x := k.Input(6, 40)
			in := []*k.Tensor{x, x}[:c.inputs]
			m := k.NewModel("m", []*k.Tensor{x}, []*k.Tensor{c.layer.Apply(in...)})
			if err := m.Build(1); err != nil {
				t.Fatal(err)
			}
			for j, fans := range c.fans {
				largest := 0.0
				for _, v := range m.Weights()[j].Values() {
					largest = max(largest, math.Abs(float64(v)))
				}
				if limit := math.Sqrt(6 / (fans[0] + fans[1])); largest > limit || largest < 0.98*limit {
					t.Errorf("the largest value of %s is %.4f, want a little less than %.4f", m.WeightPath(m.Weights()[j]), largest, limit)
				}
			}
		})
	}
}
