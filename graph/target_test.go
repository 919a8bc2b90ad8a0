// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// towers are the losses of two expressions. Prediction and target are computed from the
// inputs by the function of their domain.
var towers = []struct {
	name string
	loss func(p, t *Node) (*Node, error)
	p, t func(x *Node) (*Node, error)
}{
	{"mse", MeanSquaredError, itself, itself},
	{"mae", MeanAbsoluteError, itself, itself},
	{"mape", MeanAbsolutePercentageError, itself, itself},
	{"msle", MeanSquaredLogarithmicError, sigmoid, sigmoid},
	{"huber", func(p, t *Node) (*Node, error) { return Huber(p, t, 0.5) }, itself, itself},
	{"log cosh", LogCosh, itself, itself},
	{"cosine", CosineSimilarity, itself, itself},
	{"poisson", Poisson, sigmoid, itself},
	{"kl divergence", KLDivergence, Softmax, Softmax},
	{"hinge", Hinge, itself, itself},
	{"squared hinge", SquaredHinge, itself, itself},
	{"categorical hinge", CategoricalHinge, itself, Softmax},
	{"sigmoid cross-entropy", SigmoidCrossEntropy, itself, sigmoid},
	{"softmax cross-entropy", SoftmaxCrossEntropy, itself, Softmax},
	{"softmax cross-entropy, any target", SoftmaxCrossEntropy, itself, itself},
	{"binary cross-entropy", BinaryCrossEntropy, sigmoid, sigmoid},
	{"categorical cross-entropy", CategoricalCrossEntropy, Softmax, Softmax},
	{"categorical cross-entropy of no distribution", CategoricalCrossEntropy, sigmoid, itself},
	{"binary focal", func(p, t *Node) (*Node, error) { return BinaryFocal(p, t, 0.3, 1.5, false) }, sigmoid, sigmoid},
	{"balanced focal", func(p, t *Node) (*Node, error) { return BinaryFocal(p, t, 0.3, 2.5, true) }, sigmoid, sigmoid},
	{"categorical focal", func(p, t *Node) (*Node, error) { return CategoricalFocal(p, t, 0.3, 2.5) }, Softmax, Softmax},
}

func itself(x *Node) (*Node, error)  { return Scale(x, 0.9) }
func sigmoid(x *Node) (*Node, error) { return Activate(x, Act(Sigmoid)) }

// TestGradientOfTargets checks the gradient of each loss with respect to prediction and target
// when both come from shared weights and the sample weights are trained too.
func TestGradientOfTargets(t *testing.T) {
	for _, l := range towers {
		for _, s := range [][]int{{1, 3}, {4, 3}, {3, 1}, {2, 3, 2}} {
			build := func(in Nodes) (*Node, error) {
				last := s[len(s)-1]
				var sides Nodes
				for k, domain := range []func(*Node) (*Node, error){l.p, l.t} {
					h, err := MulRow(in[k], in[2]) // the same weights on both sides
					if err == nil && last > 1 {
						h, err = domain(h)
					} else if err == nil {
						h, err = sigmoid(h)
					}
					if err != nil {
						return nil, err
					}
					sides = append(sides, h)
				}
				rows, err := l.loss(sides[0], sides[1])
				if err != nil {
					return nil, err
				}
				return WeightedMean(rows, in[3])
			}
			t.Run(fmt.Sprint(l.name, s), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(9, uint64(size(s))))
				report, err := CheckGradient(build, []*tensor.Dense{random(rng, s...), random(rng, s...), random(rng, s[len(s)-1]), random(rng, size(s[:len(s)-1]))})
				if err != nil {
					t.Fatal(err)
				}
				if off := report.Analytic - report.Numeric; report.Error > 1e-6 && max(off, -off) > 1e-8 { // smaller ones are below the resolution of the differences
					t.Error(report)
				}
			})
		}
	}
}

// TestGradientOfTargetsInFloat32 compares the two element types.
func TestGradientOfTargetsInFloat32(t *testing.T) {
	for _, l := range towers {
		c := map[Dtype]*chain{}
		for _, dt := range []Dtype{Float64, Float32} {
			var err error
			c[dt], err = newChain(dt, []int{5, 4}, unary{name: l.name, build: func(x node, p param) (node, error) {
				a, err := l.p(x)
				if err != nil {
					return nil, err
				}
				b, err := l.t(p(5, 4))
				if err != nil {
					return nil, err
				}
				return l.loss(a, b)
			}})
			if err == nil {
				err = c[dt].differentiate()
			}
			if err != nil {
				t.Fatal(err)
			}
			p, err := Compile(c[dt].roots()...)
			if err == nil {
				err = p.RunAll()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		var r GradientReport
		r.compare(1, Shape{5, 4}, widened(c[Float32].gradients[1].Value()), data[float64](c[Float64].gradients[1].Value()))
		if r.Error > 1e-4 {
			t.Errorf("%s: float32 (analytic) and float64 (numeric): %v", l.name, &r)
		}
	}
}

// TestGradientOfSignedLabels: in a hinge loss, targets 0 and 1 stand for -1 and 1, so the
// gradient with respect to them is twice as large: -2·p/n where the margin is violated.
func TestGradientOfSignedLabels(t *testing.T) {
	for _, test := range []struct{ target, want []float64 }{
		{[]float64{0, 1}, []float64{-0.4, 0.6}},
		{[]float64{-1, 1}, []float64{-0.2, 0.3}},
	} {
		g := New()
		p, _ := Input(g, Float64, "p", 1, 2)
		y, _ := Input(g, Float64, "t", 1, 2)
		_ = Let(p, valueOf(Float64, []float64{0.4, -0.6}, 1, 2))
		_ = Let(y, valueOf(Float64, test.target, 1, 2))
		rows, _ := Hinge(p, y)
		cost, _ := Sum(rows)
		grads, err := Grad(cost, y)
		if err != nil {
			t.Fatal(err)
		}
		program, err := Compile(grads...)
		if err == nil {
			err = program.RunAll()
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range data[float64](grads[0].Value()) {
			if d := got - test.want[i]; max(d, -d) > 1e-12 {
				t.Errorf("targets %v: gradient %d is %v, want %v", test.target, i, got, test.want[i])
			}
		}
	}
}

// TestNoGradient: an op without a gradient is reported by name, even if another path to the
// cost has one.
func TestNoGradient(t *testing.T) {
	for name, test := range map[string]struct {
		build func(x, w *Node) (*Node, error)
		want  string
	}{
		"labels": {func(x, w *Node) (*Node, error) {
			y, _ := MatMul(x, w)
			labels, err := Slice(y, At(1, 0, 1))
			if err != nil {
				return nil, err
			}
			if labels, err = Reshape(labels, 2); err != nil {
				return nil, err
			}
			return SparseSoftmaxCrossEntropy(y, labels)
		}, "sparse_softmax_xent: has no gradient with respect to its input 1 of shape (2)"},
		"ids": {func(x, w *Node) (*Node, error) {
			y, _ := MatMul(x, w)
			return Embedding(y, w)
		}, "embedding: has no gradient with respect to its input 0 of shape (2, 3)"},
		"a sum of columns": {func(x, w *Node) (*Node, error) {
			y, _ := MatMul(x, w)
			sum, err := ColumnSum(y)
			if err != nil {
				return nil, err
			}
			return AddRow(y, sum)
		}, "column_sum: has no gradient with respect to its input 0"},
		"given statistics": {func(x, w *Node) (*Node, error) {
			y, mean, variance, err := BatchNorm(w, nil, nil, 0.1)
			if err != nil {
				return nil, err
			}
			return Normalize(y, mean, variance, nil, nil, 0.1)
		}, "has no gradient with respect to its input"},
		"a mask alone": {func(x, w *Node) (*Node, error) {
			y, _ := MatMul(x, w)
			mask, err := MaskOfRows(y, 0)
			if err != nil {
				return nil, err
			}
			return MaskSteps(x, mask)
		}, `any_not_equal{to=0}: has derivative 0, so there is no gradient with respect to "w"`},
		"nothing": {func(x, w *Node) (*Node, error) { return Scale(x, 2) }, `there is none with respect to "w"`},
	} {
		g := New()
		x, _ := Input(g, Float32, "x", 2, 3)
		w, _ := Input(g, Float32, "w", 3, 3)
		y, err := test.build(x, w)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cost, err := Sum(y)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err = Grad(cost, w); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
		if cost.Deriv() != nil {
			t.Errorf("%s: the rejected gradient left traces in the graph", name)
		}
	}
}
