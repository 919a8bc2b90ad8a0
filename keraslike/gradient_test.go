// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"slices"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// branched is a functional base with a concatenation, as in SqueezeNet, nested in
// another model, nested in a classifier: classifier / body / base. All of it is smooth.
func branched(t *testing.T) (m, head, tail *keraslike.Model) {
	t.Helper()
	in := keraslike.Input(6, 5, 2)
	x := keraslike.Conv2D(4, 3, keraslike.Tanh, keraslike.Name("squeeze")).Apply(in)
	a := keraslike.Conv2D(3, 1, keraslike.Softplus, keraslike.Name("expand1")).Apply(x)
	b := keraslike.Conv2D(2, 3, keraslike.SamePadding, keraslike.Softplus, keraslike.Name("expand3")).Apply(x)
	c := keraslike.Concatenate(keraslike.Name("concat")).Apply(a, b)
	head = keraslike.NewModel("base", []*keraslike.Tensor{in}, []*keraslike.Tensor{c})
	body := keraslike.Sequential("body", keraslike.Input(6, 5, 2), keraslike.Rescaling(2, -0.5), head)
	tail = keraslike.Sequential("top", keraslike.Input(4, 3, 5),
		keraslike.Conv2D(4, 2, keraslike.Tanh, keraslike.Name("conv")), keraslike.Flatten(),
		keraslike.Dropout(0.5), keraslike.Dense(3, keraslike.Name("logits")), keraslike.Activation(keraslike.Softmax, keraslike.Name("softmax")))
	m = keraslike.Sequential("classifier", keraslike.Input(6, 5, 2), body, tail)
	if err := m.Build(3); err != nil {
		t.Fatal(err)
	}
	return m, head, tail
}

// differences are central differences of Σ direction·f(x).
func differences(t *testing.T, m *keraslike.Model, shape []int, x, direction []float32) []float32 {
	t.Helper()
	const h = 1.0 / 64
	at := func(x []float32) (sum float64) {
		y, err := m.Predict(keraslike.ArrayOf(tensorOf(append([]int{1}, shape...), x)))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range y.Values() {
			sum += float64(direction[i]) * float64(v)
		}
		return sum
	}
	gradient := make([]float32, len(x))
	for i := range x {
		up, down := slices.Clone(x), slices.Clone(x)
		up[i] += h
		down[i] -= h
		gradient[i] = float32((at(up) - at(down)) / (2 * h))
	}
	return gradient
}

func wantNear(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d values, want %d", what, len(got), len(want))
		return
	}
	worst, largest := 0.0, 0.0
	for i := range want {
		worst = math.Max(worst, math.Abs(float64(got[i]-want[i])))
		largest = math.Max(largest, math.Abs(float64(want[i])))
	}
	if largest == 0 || worst > 2e-3*largest {
		t.Errorf("%s is off by %g where the largest is %g", what, worst, largest)
	}
}

func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32((i*7)%11)/11 - 0.4
	}
	return x
}

// TestGradientDifferences compares gradients with central differences of models cut
// at both ends of the gradient.
func TestGradientDifferences(t *testing.T) {
	m, head, tail := branched(t)
	logits, err := m.SubModel("top/logits")
	if err != nil {
		t.Fatal(err)
	}
	tailLogits, err := tail.SubModel("logits")
	if err != nil {
		t.Fatal(err)
	}
	x := ramp(6 * 5 * 2)
	y, err := m.SubModel("body")
	if err != nil {
		t.Fatal(err)
	}
	inner := predictAll(t, y, tensorOf([]int{1, 6, 5, 2}, x))[0].Values()
	for name, c := range map[string]struct {
		model     *keraslike.Model
		of, at    string
		whole     *keraslike.Model // what the differences are taken of
		shape     []int
		at0       []float32
		direction []float32
	}{
		"scores before softmax by input": {m, "", "", logits, []int{6, 5, 2}, x, []float32{1, 0, -2}},
		"probabilities by input":         {m, "top/softmax", "", m, []int{6, 5, 2}, x, []float32{0, 1, 0}},
		"scores by nested concatenation": {m, "", "body/base/concat", tailLogits, []int{4, 3, 5}, inner, []float32{0, 0, 1}},
		"scores by nested model":         {m, "", "body/base", tailLogits, []int{4, 3, 5}, inner, []float32{1, 1, 0}},
		"channels by input, functional":  {head, "concat", "", head, []int{6, 5, 2}, x, ramp(60)},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := c.model.Gradient(c.of, c.at)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // a second run computes the same
				of, at, gradient, err := g.Run(x, c.direction)
				if err != nil {
					t.Fatal(err)
				}
				wantNear(t, "activation", at, c.at0)
				whole, err := c.whole.Predict(keraslike.ArrayOf(tensorOf(append([]int{1}, c.shape...), c.at0)))
				if err != nil {
					t.Fatal(err)
				}
				wantNear(t, "value", of, whole.Values())
				wantNear(t, "gradient", gradient, differences(t, c.whole, c.shape, c.at0, c.direction))
			}
			if g.Source().Size() != len(c.direction) || !g.At().Equal(c.shape) {
				t.Errorf("shapes are %v and %v", g.Source(), g.At())
			}
		})
	}
	// A layer with respect to itself.
	g, err := m.Gradient("top/conv", "top/conv")
	if err != nil {
		t.Fatal(err)
	}
	_, _, gradient, err := g.Run(x, ramp(3*2*4))
	if err != nil || !slices.Equal(gradient, ramp(3*2*4)) {
		t.Errorf("gradient of a layer with respect to itself is %v (%v)", gradient, err)
	}
}

func TestGradientErrors(t *testing.T) {
	m, _, _ := branched(t)
	for _, c := range [][3]string{
		{"bottom", "", `gradient: model "classifier": there is no layer "bottom"`},
		{"", "body/base/fire", `there is no layer "body/base/fire"`},
		{"body/base/squeeze", "top/conv", `layer "body/base/squeeze" does not depend on layer "top/conv"`},
		{"body/base/expand1", "body/base/expand3", "does not depend on"},
	} {
		_, err := m.Gradient(c[0], c[1])
		wantError(t, err, c[2])
	}
	g, err := m.Gradient("", "")
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = g.Run(ramp(59), ramp(3))
	wantError(t, err, "the input has 59 values, want 60")
	_, _, _, err = g.Run(ramp(60), ramp(2))
	wantError(t, err, "the direction has 2 values, want 3")
	_, _, _, err = g.Run(append(ramp(59), float32(math.NaN())), ramp(3))
	wantError(t, err, "input 0 of sample 0: value 59 is NaN")
	_, err = keraslike.Sequential("raw", keraslike.Input(2), keraslike.Dense(1)).Gradient("", "")
	wantError(t, err, `model "raw" has no weights yet`)
	_, err = keraslike.Sequential("wrong", keraslike.Dense(1)).Gradient("", "")
	wantError(t, err, "want an Input")
	in := keraslike.Input(2)
	two := keraslike.NewModel("two", []*keraslike.Tensor{in}, []*keraslike.Tensor{keraslike.Dense(1).Apply(in), keraslike.Dense(1).Apply(in)})
	if err := two.Build(1); err != nil {
		t.Fatal(err)
	}
	_, err = two.Gradient("", "")
	wantError(t, err, `model "two" has 1 input and 2 outputs`)
	if _, err := two.Gradient("dense_1", ""); err != nil {
		t.Errorf("a named layer of two outputs: %v", err)
	}
}

func TestLayers(t *testing.T) {
	m, _, _ := branched(t)
	var got []string
	for _, l := range m.Layers() {
		got = append(got, l.Path+" "+l.Kind+" "+l.Output.String())
	}
	want := []string{
		"input Input (batch, 6, 5, 2)", "body/rescaling Rescaling (batch, 6, 5, 2)",
		"body/base/squeeze Conv2D (batch, 4, 3, 4)", "body/base/expand1 Conv2D (batch, 4, 3, 3)", "body/base/expand3 Conv2D (batch, 4, 3, 2)",
		"body/base/concat Concatenate (batch, 4, 3, 5)",
		"top/conv Conv2D (batch, 3, 2, 4)", "top/flatten Flatten (batch, 24)", "top/dropout Dropout (batch, 24)", "top/logits Dense (batch, 3)", "top/softmax Activation (batch, 3)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("layers are\n%q\nwant\n%q", got, want)
	}
}
