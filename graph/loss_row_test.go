// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"
)

// TestGradientOfRowLosses compares the gradient of every row loss with differences, for
// predictions that are probabilities and targets suited to each loss, away from kinks.
func TestGradientOfRowLosses(t *testing.T) {
	type loss func(p, t *Node) (*Node, error)
	losses := map[string]loss{
		"mape": MeanAbsolutePercentageError, "msle": MeanSquaredLogarithmicError, "log_cosh": LogCosh,
		"huber":            func(p, t *Node) (*Node, error) { return Huber(p, t, 0.3) },
		"binary_xent":      BinaryCrossEntropy,
		"categorical_xent": CategoricalCrossEntropy,
		"binary_focal":     func(p, t *Node) (*Node, error) { return BinaryFocal(p, t, 0.3, 1.5, true) },
		"gamma_0":          func(p, t *Node) (*Node, error) { return BinaryFocal(p, t, 0.3, 0, false) },
		"focal":            func(p, t *Node) (*Node, error) { return CategoricalFocal(p, t, 0.3, 2.5) },
		"kl":               KLDivergence, "poisson": Poisson, "cosine": CosineSimilarity,
		"hinge": Hinge, "squared_hinge": SquaredHinge, "categorical_hinge": CategoricalHinge,
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for name, build := range losses {
		for _, s := range [][]int{{1, 1}, {1, 4}, {3, 1}, {5, 3}, {2, 3, 4}} {
			p, y := make([]float64, size(s)), make([]float64, size(s))
			for i := range p {
				p[i], y[i] = 0.1+0.8*rng.Float64(), float64(rng.IntN(2))
			}
			if name == "hinge" {
				for i := range y {
					y[i] = 2*y[i] - 1
				}
			}
			report, err := CheckGradient(func(in Nodes) (*Node, error) { return build(in[0], in[1]) },
				[]*tensor.Dense{of(s, p), of(s, y)}, Fixed(1))
			if err != nil {
				t.Fatal(err)
			}
			if report.Error > 1e-6 {
				t.Errorf("%s of %v: %v", name, s, report)
			}
		}
	}
	report, err := CheckGradient(func(in Nodes) (*Node, error) { return SparseCategoricalCrossEntropy(in[0], in[1]) },
		[]*tensor.Dense{of([]int{2, 3}, []float64{0.2, 0.3, 0.6, 0.5, 0.1, 0.4}), of([]int{2}, []float64{2, 0})}, Fixed(1))
	if err != nil || report.Error > 1e-6 {
		t.Errorf("sparse: %v, %v", report, err)
	}
	report, err = CheckGradient(func(in Nodes) (*Node, error) { return Affine(in[0], -1.5, 0.25) }, []*tensor.Dense{of([]int{3}, []float64{1, 2, 3})})
	if err != nil || report.Error > 1e-6 {
		t.Errorf("affine: %v, %v", report, err)
	}
}

func of(shape []int, values []float64) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
}

func TestGradientOfL1(t *testing.T) {
	report, err := CheckGradient(func(in Nodes) (*Node, error) { return L1(in[0], 0.3) }, []*tensor.Dense{of([]int{2, 3}, []float64{1, -2, 3, -0.5, 0.25, -4})})
	if err != nil || report.Error > 1e-6 {
		t.Errorf("%v, %v", report, err)
	}
}
