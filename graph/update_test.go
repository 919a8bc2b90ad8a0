// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestDescent fits a line whose best parameters are known, in both float types.
func TestDescent(t *testing.T) {
	testDescent[float32](t, 1e-4)
	testDescent[float64](t, 1e-9)
}

func testDescent[T float32 | float64](t *testing.T, tol float64) {
	var try Try
	do, g := try.Do, New()
	w, b := []T{0}, []T{0}
	x, y := do(Variable(g, "x", []T{-1, 0, 1, 2}, 4)), do(Variable(g, "y", []T{1, 2, 3, 6}, 4)) // best: 2.2 + 1.6 x
	wn, bn := do(Variable(g, "w", w, 1)), do(Variable(g, "b", b, 1))
	e := do(Sub(do(Add(do(Mul(x, wn)), bn)), y))
	cost := do(Mean(do(Square(e))))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	updates, err := Descent(cost, 0.2, wn, bn)
	if err != nil {
		t.Fatal(err)
	}
	p, err := CompileOptions{Updates: updates}.Compile(cost)
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
	}
	if math.Abs(float64(w[0])-1.6) > tol || math.Abs(float64(b[0])-2.2) > tol {
		t.Errorf("the line is %v + %v x, want 2.2 + 1.6 x", b[0], w[0])
	}
	if n := testing.AllocsPerRun(10, func() { _ = p.RunAll() }); n > 0 {
		t.Errorf("a run with updates allocates %v times", n)
	}
}

// TestUpdates exchanges two variables, counts runs, and leaves results of the run before as they are.
func TestUpdates(t *testing.T) {
	var try Try
	do, g := try.Do, New()
	a, b, n, odd := []float32{1, 2}, []float32{3, 4}, []int64{0}, []bool{false}
	an, bn := do(Variable(g, "a", a, 2)), do(Variable(g, "b", b, 2))
	count := do(Variable(g, "n", n, 1))
	parity := do(Variable(g, "odd", odd, 1))
	sum := do(Add(an, bn))
	updates := []Update{
		{an, do(Sub(sum, an))}, {bn, do(Sub(sum, bn))},
		{count, do(Add(count, do(Constant(g, int64(1)))))}, {parity, do(Not(parity))},
	}
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	p, err := CompileOptions{Updates: updates}.Compile(sum)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(a, []float32{3, 4}) || !slices.Equal(b, []float32{1, 2}) || n[0] != 3 || !odd[0] {
		t.Errorf("after three runs: %v %v %v %v", a, b, n, odd)
	}
	if got := p.Floats(0); !slices.Equal(got, []float32{4, 6}) {
		t.Errorf("the sum is %v", got)
	}
}

// TestScalarUpdate: the value of a scalar is a copy that the update changes.
func TestScalarUpdate(t *testing.T) {
	var try Try
	g := New()
	x := try.Do(Variable(g, "x", []float32{3}))
	p, err := CompileOptions{Updates: []Update{{x, try.Do(Scale(x, 2))}}}.Compile(try.Do(Square(x)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []float32{9, 36, 144} {
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		if got := p.Floats(0)[0]; got != want {
			t.Errorf("the square is %v, want %v", got, want)
		}
	}
}

func TestWrongUpdates(t *testing.T) {
	var try Try
	do, g := try.Do, New()
	x, y := do(Variable(g, "x", []float32{1, 2}, 2)), do(Variable(g, "y", []float32{1, 2}, 2))
	sum := do(Sum(x))
	twice := do(Scale(x, 2))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		updates []Update
		want    string
	}{
		{[]Update{{nil, x}}, "no variable"},
		{[]Update{{x, nil}}, "no value"},
		{[]Update{{twice, x}}, "want a variable"},
		{[]Update{{x, sum}}, `update of "x": the value has shape () of float32, the variable (2) of float32`},
		{[]Update{{x, twice}, {x, twice}}, `two updates of "x"`},
		{[]Update{{y, twice}}, "neither a root nor a new value depends on it"},
		{[]Update{{x, y}}, `its value is the variable "y"`},
	} {
		if _, err := (CompileOptions{Updates: c.updates}).Compile(sum); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one about %q", err, c.want)
		}
	}
	if _, err := Variable(g, "z", []float32{1, 2}, 3); err == nil || !strings.Contains(err.Error(), "got 2 values, shape (3) wants 3") {
		t.Errorf("error %v", err)
	}
	if _, err := Variable(g, "x", []float32{1}, 1); err == nil {
		t.Error("two variables of one name")
	}
	if _, err := Descent(twice, 0.1, x); err == nil {
		t.Error("descent of a vector")
	}
}
