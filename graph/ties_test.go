// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"testing"
)

// TestDerivativesAtTies differentiates functions of two numbers where their usual formulas are 0·Inf, Inf - Inf or
// |a - b| at 0. The derivatives are those of a calculation by hand: of log(eᵃ + eᵇ) with p = eᵃ/(eᵃ + eᵇ) they are p and
// 1 - p, then p(1 - p)·(1, -1; -1, 1); of aᵇ they are b·aᵇ⁻¹ and aᵇ·log a, that of both is aᵇ⁻¹·(1 + b·log a). The
// values at infinities are numpy.logaddexp's.
func TestDerivativesAtTies(t *testing.T) {
	inf, log2 := math.Inf(1), math.Log(2)
	for _, test := range []struct {
		name    string
		f       func(a, b *Node) (*Node, error)
		a, b, y float64
		grad    [2]float64
		hessian []float64 // the first elements; those by b of a power of 0 or less are 0, as documented, and no derivatives
	}{
		{"log_add_exp", LogAddExp, 1.5, 1.5, 1.5 + log2, [2]float64{0.5, 0.5}, []float64{0.25, -0.25, -0.25, 0.25}},
		{"log_add_exp", LogAddExp, log2, 0, math.Log(3), [2]float64{2. / 3, 1. / 3}, []float64{2. / 9, -2. / 9, -2. / 9, 2. / 9}},
		{"log_add_exp", LogAddExp, 0, 200, 200, [2]float64{0, 1}, []float64{0, 0, 0, 0}},
		{"log_add_exp", LogAddExp, inf, inf, inf, [2]float64{0.5, 0.5}, nil},
		{"log_add_exp", LogAddExp, -inf, -inf, -inf, [2]float64{0.5, 0.5}, nil},
		{"log_add_exp", LogAddExp, inf, -inf, inf, [2]float64{1, 0}, nil},
		{"log_add_exp", LogAddExp, -inf, 3, 3, [2]float64{0, 1}, nil},
		{"pow", Pow, 0, 0, 1, [2]float64{0, 0}, nil},
		{"pow", Pow, 2, 0, 1, [2]float64{0, log2}, []float64{0, 0.5, 0.5, log2 * log2}},
		{"pow", Pow, 0, 1, 0, [2]float64{1, 0}, []float64{0}},
		{"pow", Pow, 0, 2, 0, [2]float64{0, 0}, []float64{2}},
		{"pow", Pow, -3, 2, 9, [2]float64{-6, 0}, []float64{2}},
	} {
		for dt, tolerance := range map[Dtype]float64{Float32: 1e-6, Float64: 1e-15} {
			g := New()
			var try Try
			x := try.Do(Input(g, dt, "x", 2))
			cost := try.Do(Sum(try.Do(test.f(try.Do(Slice(x, At(0, 0, 1))), try.Do(Slice(x, At(0, 1, 2)))))))
			if try.Err() != nil {
				t.Fatal(test.name, try.Err())
			}
			grads, err := Grad(cost, x)
			if err != nil {
				t.Fatal(test.name, err)
			}
			hessian := try.Do(Hessian(cost, x))
			if try.Err() != nil {
				t.Fatal(test.name, try.Err())
			}
			v := knownTensor([]number{number(test.a), number(test.b)}, dt, []int{2})
			p, err := Compile(cost, grads[0], hessian)
			if err == nil {
				err = Let(x, v)
			}
			if err == nil {
				err = p.RunAll()
			}
			if err != nil {
				t.Fatal(test.name, err)
			}
			what := fmt.Sprintf("%s(%v, %v) in %v", test.name, test.a, test.b, dt)
			compareNumbers(t, what, valuesOf(cost.Value()), []number{number(test.y)}, tolerance)
			compareNumbers(t, what+", gradient", valuesOf(grads[0].Value()), []number{number(test.grad[0]), number(test.grad[1])}, tolerance)
			var want []number
			for _, h := range test.hessian {
				want = append(want, number(h))
			}
			compareNumbers(t, what+", Hessian", valuesOf(hessian.Value())[:len(want)], want, tolerance)
		}
	}
}
