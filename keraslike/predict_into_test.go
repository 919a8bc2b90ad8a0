// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"slices"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// twoByTwo is a model with two inputs and two outputs.
func twoByTwo(t testing.TB) *keraslike.Model {
	t.Helper()
	a, b := keraslike.NamedInput("a", 4), keraslike.NamedInput("b", 3, 2)
	joined := keraslike.Concatenate().Apply(keraslike.Dense(5, keraslike.ReLU).Apply(a), keraslike.Flatten().Apply(b))
	m := keraslike.NewModel("two by two", []*keraslike.Tensor{a, b}, []*keraslike.Tensor{
		keraslike.Dense(2, keraslike.Softmax).Apply(joined),
		keraslike.Reshape([]int{2, 3}).Apply(keraslike.Dense(6).Apply(joined)),
	})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	return m
}

// arrayOf is an array of different numbers.
func arrayOf(t testing.TB, shape ...int) *keraslike.Array {
	t.Helper()
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i*37%101)/50 - 1
	}
	a, err := keraslike.NewArray(values, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// PredictInto gives what PredictAll gives, and allocates nothing, for one sample, for one
// batch and for several.
func TestPredictInto(t *testing.T) {
	m := twoByTwo(t)
	for _, n := range []int{1, 5, 128, 300} {
		x := []*keraslike.Array{arrayOf(t, n, 4), arrayOf(t, n, 3, 2)}
		want, err := m.PredictAll(x...)
		if err != nil {
			t.Fatal(err)
		}
		out := []*keraslike.Array{arrayOf(t, n, 2), arrayOf(t, n, 2, 3)}
		run := func() {
			if err := m.PredictInto(out, x...); err != nil {
				t.Fatal(err)
			}
		}
		run()
		for k := range want {
			if !slices.Equal(out[k].Values(), want[k].Values()) || !slices.Equal(out[k].Shape(), want[k].Shape()) {
				t.Errorf("%d samples: output %d is %v, want %v", n, k, out[k], want[k])
			}
		}
		if allocs := testing.AllocsPerRun(50, run); allocs > 0 {
			t.Errorf("%d samples: %v allocations, want none", n, allocs)
		}
	}
}

func TestPredictIntoErrors(t *testing.T) {
	m := twoByTwo(t)
	a, b := arrayOf(t, 3, 4), arrayOf(t, 3, 3, 2)
	shared, err := keraslike.NewArray(a.Values()[2:8], 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	y, z := arrayOf(t, 3, 2), arrayOf(t, 3, 2, 3)
	nan := arrayOf(t, 3, 4)
	zero := float32(0)
	nan.Values()[6] = zero / zero
	for _, c := range []struct {
		out, x []*keraslike.Array
		want   string
	}{
		{nil, []*keraslike.Array{a, b}, "got 0 outputs"},
		{[]*keraslike.Array{y, nil}, []*keraslike.Array{a, b}, "output 1 is for 0 samples, the inputs have 3"},
		{[]*keraslike.Array{y, arrayOf(t, 2, 2, 3)}, []*keraslike.Array{a, b}, "output 1 is for 2 samples, the inputs have 3"},
		{[]*keraslike.Array{y, arrayOf(t, 3, 3, 2)}, []*keraslike.Array{a, b}, "output 1 has shape (3, 3, 2), the model's has (3, 2, 3)"},
		{[]*keraslike.Array{shared, z}, []*keraslike.Array{a, b}, "output 0 shares memory with input 0"},
		{[]*keraslike.Array{z, z}, []*keraslike.Array{a, b}, "output 1 shares memory with output 0"},
		{[]*keraslike.Array{y, z}, []*keraslike.Array{a}, "1 input,"},
		{[]*keraslike.Array{y, z}, []*keraslike.Array{b, a}, "input 0"},
		{[]*keraslike.Array{y, z}, []*keraslike.Array{nan, b}, "input 0 of sample 1: value 2 is NaN"},
	} {
		wantError(t, m.PredictInto(c.out, c.x...), "predict into", c.want)
	}
	wantError(t, keraslike.Sequential("m", keraslike.Input(1), keraslike.Dense(1)).PredictInto(nil), "has no weights yet")
}
