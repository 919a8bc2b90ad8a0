// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// TestMaskOfEachHead: a mask for each head that is the same for all is that for all heads, beside every other mask.
func TestMaskOfEachHead(t *testing.T) {
	const batch, steps, heads = 3, 5, 2
	x, mask := make([]float32, batch*steps*4), make([]float32, batch*steps*steps)
	for i := range x {
		x[i] = float32(i*37%19)/10 - 1
		if sample, step := i/4/steps, i/4%steps; step >= steps-sample {
			x[i] = 0 // is masked
		}
	}
	for i := range mask {
		mask[i] = float32(min(1, i*7%3))
	}
	byHead := make([]float32, 0, heads*len(mask))
	for i := range batch {
		for range heads {
			byHead = append(byHead, mask[i*steps*steps:(i+1)*steps*steps]...)
		}
	}
	array := func(values []float32, shape ...int) *k.Array {
		a, err := k.NewArray(values, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, l := range map[string]func() k.Layer{
		"plain":        func() k.Layer { return k.MultiHeadAttention(heads, 3, k.AttentionMask) },
		"window, gate": func() k.Layer { return k.MultiHeadAttention(heads, 3, k.AttentionMask, k.SlidingWindow(3), k.UseGate) },
		"scores":       func() k.Layer { return k.MultiHeadAttention(heads, 3, k.AttentionMask, k.ReturnScores, k.CausalMask) },
		"scores, window": func() k.Layer {
			return k.MultiHeadAttention(heads, 3, k.AttentionMask, k.ReturnScores, k.SlidingWindow(2))
		},
		"groups": func() k.Layer { return k.GroupQueryAttention(4, heads, 1, k.AttentionMask) },
	} {
		var want []*k.Array
		for _, m := range []*k.Array{array(mask, batch, steps, steps), array(byHead, batch, heads, steps, steps)} {
			in, hide := k.Input(steps, 4), k.Input(m.Shape()[1:]...)
			y := l().Apply(k.Masking(0).Apply(in), hide)
			out := []*k.Tensor{y}
			if strings.HasPrefix(name, "scores") {
				out = append(out, y.Output(1))
			}
			model := k.NewModel("m", []*k.Tensor{in, hide}, out)
			if err := model.Build(1); err != nil {
				t.Fatal(err)
			}
			got, err := model.PredictAll(array(x, batch, steps, 4), m)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
				continue
			}
			for i, a := range got {
				for j, v := range a.Values() {
					if math.Abs(float64(v-want[i].Values()[j])) > 1e-6 {
						t.Fatalf("%s: output %d: number %d is %v, want %v", name, i, j, v, want[i].Values()[j])
					}
				}
			}
		}
	}
}
