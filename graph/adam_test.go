// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"strings"
	"testing"
)

// TestAdam minimizes w₀² + 2w₁² + 3w₂² from (1, -2, ½) at the rate 0.1. The weights after the first and the fifth
// step are those of keras.optimizers.Adam of Keras 3.15.1.
func TestAdam(t *testing.T) {
	testAdam[float32](t, 2e-6)
	testAdam[float64](t, 2e-7) // Keras rounds its settings to float32
}

func testAdam[T float32 | float64](t *testing.T, tol float64) {
	for _, test := range []struct {
		options     []AdamOption
		first, last [3]float64
	}{
		{nil,
			[3]float64{0.9000001566235193, -1.9000000380383395, 0.4000001039190297},
			[3]float64{0.5079641823847327, -1.502955903995377, 0.027814774751194468}},
		{[]AdamOption{Beta1(0.5), Beta2(0.9), Epsilon(1e-3)},
			[3]float64{0.9001578627899054, -1.9000395113623987, 0.40010529677267886},
			[3]float64{0.52758366631163, -1.5119812838354112, 0.07110055709187449}},
		{[]AdamOption{Beta1(0)},
			[3]float64{0.9000001566235193, -1.9000000380383395, 0.4000001039190297},
			[3]float64{0.5561720094196072, -1.5265500482747314, 0.12268789686484}},
	} {
		var try Try
		do, g := try.Do, New()
		pair, single := []T{1, -2}, []T{0.5}
		a, b := do(Variable(g, "a", pair, 2)), do(Variable(g, "b", single, 1, 1))
		factors := do(Variable(g, "factors", []T{1, 2}, 2))
		cost := do(Add(do(Sum(do(Mul(factors, do(Square(a)))))), do(Scale(do(Sum(do(Square(b)))), 3))))
		rate := do(Scalar(cost, 0.1))
		if err := try.Err(); err != nil {
			t.Fatal(err)
		}
		updates, err := Adam(cost, rate, Nodes{a, b}, test.options...)
		if err != nil {
			t.Fatal(err)
		}
		p, err := CompileOptions{Updates: updates}.Compile(cost)
		if err != nil {
			t.Fatal(err)
		}
		for step := 1; step <= 5; step++ {
			if err := p.RunAll(); err != nil {
				t.Fatal(err)
			}
			want := map[int][3]float64{1: test.first, 5: test.last}[step]
			for i, got := range []T{pair[0], pair[1], single[0]} {
				if want != [3]float64{} && !(math.Abs(float64(got)-want[i]) <= tol) {
					t.Errorf("%T, step %d: weight %d is %v, want %v", got, step, i, got, want[i])
				}
			}
		}
		if n := testing.AllocsPerRun(10, func() { _ = p.RunAll() }); n > 0 {
			t.Errorf("a step allocates %v times", n)
		}
	}
}

// TestAdamOfTwo: two calls have averages of their own, a rate can be changed between runs, and an update can be
// clipped.
func TestAdamOfTwo(t *testing.T) {
	var try Try
	do, g := try.Do, New()
	x, y, one := []float32{1}, []float32{1}, []float32{1}
	xn, yn := do(Variable(g, "x", x, 1)), do(Variable(g, "y", y, 1))
	rate := do(Variable(g, "rate", one))
	costX, costY := do(Sum(do(Square(xn)))), do(Sum(do(Square(yn))))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	ofX, err := Adam(costX, rate, Nodes{xn})
	if err != nil {
		t.Fatal(err)
	}
	ofY, err := Adam(costY, rate, Nodes{yn})
	if err != nil {
		t.Fatal(err)
	}
	ofX[0].Value = do(Clip(ofX[0].Value, 0.75, 2))
	p, err := CompileOptions{Updates: append(ofX, ofY...)}.Compile(costX, costY)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct{ rate, x, y float32 }{{0.125, 0.875, 0.875}, {0, 0.875, 0.875}, {0.5, 0.75, 0.375}} {
		if err := LetFloats(rate, []float32{want.rate}); err != nil {
			t.Fatal(err)
		}
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		// With gradients that hardly change a step is about as long as the rate.
		if math.Abs(float64(x[0]-want.x)) > 0.01 || math.Abs(float64(y[0]-want.y)) > 0.01 {
			t.Errorf("at the rate %v: %v and %v, want about %v and %v", want.rate, x[0], y[0], want.x, want.y)
		}
	}
}

func TestAdamErrors(t *testing.T) {
	var try Try
	do, g := try.Do, New()
	w, v := do(Variable(g, "w", []float32{1, 2}, 2)), do(Variable(g, "v", []float64{1}, 1))
	cost := do(Sum(do(Square(w))))
	rate, double := do(Scalar(w, 0.1)), do(Scalar(v, 0.1))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		rate    *Node
		weights Nodes
		option  AdamOption
		want    string
	}{
		{nil, Nodes{w}, Beta1(0.9), "adam: the rate is nil: an earlier expression failed"},
		{w, Nodes{w}, Beta1(0.9), "adam: the rate has shape (2), want a scalar"},
		{double, Nodes{w}, Beta1(0.9), `adam: the rate is of float64, weight "w" of float32`},
		{rate, Nodes{w}, Beta1(1), "adam: beta1 is 1, want 0 to less than 1"},
		{rate, Nodes{w}, Beta2(-0.5), "adam: beta2 is -0.5, want 0 to less than 1"},
		{rate, Nodes{w}, Epsilon(0), "adam: epsilon is 0, want a positive number"},
		{rate, Nodes{w}, Epsilon(math.NaN()), "adam: epsilon is NaN, want a positive number"},
		{rate, Nodes{nil}, Beta1(0.9), "adam: "},
		{rate, Nodes{v}, Beta1(0.9), "adam: "},
		{rate, Nodes{}, Beta1(0.9), "adam: "},
	} {
		if _, err := Adam(cost, test.rate, test.weights, test.option); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	if _, err := Adam(nil, rate, Nodes{w}); err == nil {
		t.Error("no error without a cost")
	}
}
