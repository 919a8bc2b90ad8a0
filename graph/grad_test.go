// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"testing"
)

// TestGradBesideUnusedConstants: constants that nothing uses yet can be used after a gradient was derived.
func TestGradBesideUnusedConstants(t *testing.T) {
	var try Try
	do, g := try.Do, New()
	x := do(Variable(g, "x", []float32{1, 2}, 2))
	cost := do(Sum(do(Square(x))))
	half, quarter := do(Scalar(cost, 0.5)), do(Scalar(cost, 0.25))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(cost, x)
	if err != nil {
		t.Fatal(err)
	}
	products := []*Node{do(Mul(grads[0], half)), do(Mul(grads[0], quarter))}
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	p, err := Compile(products...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	if got := append(slices.Clone(p.Floats(0)), p.Floats(1)...); !slices.Equal(got, []float32{1, 2, 0.5, 1}) {
		t.Errorf("2x times a half and times a quarter is %v, want 1, 2 and 0.5, 1", got)
	}
}

// TestGradBesideOneUnusedConstant: of Σ x_j·w_ij it is the sum of each column of w.
func TestGradBesideOneUnusedConstant(t *testing.T) {
	var try Try
	do, g := try.Do, New()
	x := do(Variable(g, "x", []float64{1, 2}, 2))
	w := do(Constant(g, knownTensor([]number{1, 2, 3, 4}, Float64, []int{2, 2})))
	do(Constant(g, knownTensor([]number{5, 6, 7, 8}, Float64, []int{2, 2})))
	cost := do(Sum(do(Mul(x, w))))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(cost, x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(grads...)
	if err == nil {
		err = p.RunAll()
	}
	if err != nil {
		t.Fatal(err)
	}
	compareNumbers(t, "the gradient", valuesOf(grads[0].Value()), []number{4, 6}, 0)
}
