// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// lossOf is the loss of a case with its arguments.
func lossOf(c golden.Case) keraslike.Loss {
	name, a := c.Args.String("loss"), c.Args
	switch name {
	case "huber":
		return keraslike.Huber(a.Float("delta"))
	case "binary_focal_crossentropy", "categorical_focal_crossentropy":
		opts := []keraslike.LossOption{keraslike.LabelSmoothing(a.Float("label_smoothing"))}
		if a["alpha"] != nil {
			opts = append(opts, keraslike.FocalAlpha(a.Float("alpha")), keraslike.FocalGamma(a.Float("gamma")))
		}
		if a.Bool("from_logits") {
			opts = append(opts, keraslike.FromLogits)
		}
		if a.Bool("apply_class_balancing") {
			opts = append(opts, keraslike.ClassBalancing)
		}
		if strings.HasPrefix(name, "binary") {
			return keraslike.BinaryFocalCrossentropy(opts...)
		}
		return keraslike.CategoricalFocalCrossentropy(opts...)
	}
	var opts []keraslike.LossOption
	if a.Bool("from_logits") {
		opts = append(opts, keraslike.FromLogits)
	}
	if s := a.Float("label_smoothing"); s != 0 {
		opts = append(opts, keraslike.LabelSmoothing(s))
	}
	if len(opts) == 0 {
		return keraslike.LossFunc(name)
	}
	return keraslike.LossFunc(name).With(opts...)
}

// TestEveryLossValue compares every loss, with every setting, and its gradient
// with testdata/golden/losses.json: predictions come straight from the data, so
// that probabilities are probabilities and logits are named.
func TestEveryLossValue(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range golden.Load(t, "losses") {
		if _, weights := c.Inputs["sample_weight"]; weights {
			continue
		}
		loss := lossOf(c)
		seen[loss.Name()] = true
		t.Run(c.Name, func(t *testing.T) {
			pred := c.Inputs["pred"]
			m, r := probed(t, loss, pred.Shape)
			value, dpred, _ := differentiate(t, m, r, pred, c.Inputs["true"])
			rounding := float64(slices.Max(pred.Float32())) / (1 << 24) // of log Σ exp(z) - z
			if want := c.Want["loss"].Data[0]; !(math.Abs(value-want) <= relative*math.Abs(want)+absolute+rounding) {
				t.Errorf("loss is %.9g, want %.9g", value, want)
			}
			golden.Close(t, "dpred", dpred, c.Want["dpred"], 5e-6, absolute)
		})
	}
	if len(seen) != 17 {
		t.Errorf("%d losses have known values, want 17", len(seen))
	}
}

// A cross-entropy takes the logits of its own activation only: softmax outputs
// are probabilities to the binary one, and Keras normalizes what sigmoid gives
// the categorical one.
func TestCrossentropyOfOtherActivation(t *testing.T) {
	x := golden.Array{Shape: []int{3}, Data: []float64{0.5, -1, 2}}
	target := golden.Array{Shape: []int{3}, Data: []float64{0, 0, 1}}
	for _, c := range []struct {
		loss keraslike.LossFunc
		last keraslike.ActivationFunc
	}{{keraslike.BinaryCrossentropy, keraslike.Softmax}, {keraslike.CategoricalCrossentropy, keraslike.Sigmoid}} {
		m, r := probed(t, c.loss, x.Shape, keraslike.Activation(c.last))
		value, _, p := differentiate(t, m, r, x, target)
		var want, sum float64
		for _, v := range p {
			sum += float64(v)
		}
		if c.loss == keraslike.BinaryCrossentropy {
			want = -(math.Log(1-float64(p[0])) + math.Log(1-float64(p[1])) + math.Log(float64(p[2]))) / 3
		} else {
			want = -math.Log(float64(p[2]) / sum)
		}
		if math.Abs(value-want) > 1e-5 {
			t.Errorf("%s behind %s is %g, want %g", c.loss, c.last, value, want)
		}
	}
}

func TestCustomLoss(t *testing.T) {
	quartic := keraslike.CustomLoss("quartic", func(p, y *graph.Node) (*graph.Node, error) {
		e, err := graph.Sub(p, y)
		if err != nil {
			return nil, err
		}
		e2, err := graph.Mul(e, e)
		if err != nil {
			return nil, err
		}
		return graph.Mul(e2, e2)
	})
	x, y := golden.Array{Shape: []int{2}, Data: []float64{1, 3}}, golden.Array{Shape: []int{2}, Data: []float64{2, 1}}
	m, r := probed(t, quartic, x.Shape)
	value, dx, _ := differentiate(t, m, r, x, y)
	if value != 8.5 || dx[0] != -2 || dx[1] != 16 { // (1 + 16)/2 and 4e³/2
		t.Errorf("loss %g with gradient %v, want 8.5 and [-2 16]", value, dx)
	}
}

func TestLossMistakes(t *testing.T) {
	compile := func(l keraslike.Loss, units int) error {
		return keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(units)).Compile(keraslike.SGD(0.1), l)
	}
	wantError(t, compile(keraslike.MeanSquaredError.With(keraslike.FromLogits), 1), "mean_squared_error", "not a cross-entropy")
	wantError(t, compile(keraslike.SparseCategoricalCrossentropy.With(keraslike.LabelSmoothing(0.1)), 3), "cannot be smoothed", "categorical_crossentropy")
	wantError(t, compile(keraslike.BinaryCrossentropy.With(keraslike.LabelSmoothing(2)), 1), "label smoothing is 2", "0 to 1")
	wantError(t, compile(keraslike.Huber(0), 1), "huber", "delta is 0")
	wantError(t, compile(keraslike.CategoricalFocalCrossentropy(keraslike.ClassBalancing), 3), "ClassBalancing does not fit, want AlongAxis, FocalAlpha, FocalGamma, FromLogits, LabelSmoothing")
	wantError(t, compile(keraslike.CosineSimilarity.With(keraslike.FromLogits), 3), "cosine_similarity", "not a cross-entropy", "want AlongAxis")
	wantError(t, compile(keraslike.CosineSimilarity.With(keraslike.AlongAxis(2)), 3), "cosine_similarity: AlongAxis: axis is 2")
	wantError(t, compile(keraslike.CategoricalCrossentropy.With(keraslike.AlongAxis(0)), 3), "AlongAxis: axis is 0")
	wantError(t, compile(keraslike.CategoricalCrossentropy.With(keraslike.AlongAxis(1, 2)), 3), "AlongAxis: got 2 axes, want one")
	wantError(t, compile(keraslike.CategoricalCrossentropy.With(keraslike.IgnoreClass(1)), 3), "IgnoreClass does not fit", "sparse_categorical_crossentropy")
	wantError(t, compile(keraslike.SparseCategoricalCrossentropy.With(keraslike.IgnoreClass(1<<30)), 3), "IgnoreClass is 1073741824")
	wantError(t, compile(keraslike.Dice(keraslike.AlongAxis(1, -1)), 3), "dice: AlongAxis", "axis 1 twice")
	wantError(t, compile(keraslike.Dice(keraslike.FromLogits), 3), "dice: FromLogits does not fit, want AlongAxis")
	wantError(t, compile(keraslike.Tversky(-1, 0), 3), "tversky: alpha is -1")
	wantError(t, compile(keraslike.CategoricalGeneralizedCrossEntropy(1), 3), "categorical_generalized_cross_entropy: q is 1, want 0 < q < 1")
	wantError(t, compile(keraslike.CategoricalGeneralizedCrossEntropy(0.5), 1), "at least two classes")
	wantError(t, compile(keraslike.Circle(keraslike.CircleGamma(0)), 3), "circle: gamma is 0")
	wantError(t, compile(keraslike.Circle(keraslike.FocalAlpha(0)), 3), "circle: FocalAlpha does not fit, want CircleGamma, CircleMargin, KeepDiagonal")
	wantError(t, compile(keraslike.CategoricalHinge, 1), "categorical_hinge", "two classes")
	wantError(t, compile(keraslike.LossFunc("mes"), 1), `loss "mes"`, "unknown")
	wantError(t, compile(keraslike.CustomLoss("mine", func(_, _ *graph.Node) (*graph.Node, error) { return nil, nil }), 1), `loss "mine"`, "no node")
}
