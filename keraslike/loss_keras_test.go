// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// kerasLoss makes the loss of a case from Keras's class and arguments; length is that of targets.
func kerasLoss(t *testing.T, a golden.Args, length int) k.Loss {
	var opts []k.LossOption
	when := func(arg string, option func() k.LossOption) {
		if a[arg] != nil {
			opts = append(opts, option())
		}
	}
	name := a.String("loss")
	when("axis", func() k.LossOption {
		if _, ok := a["axis"].([]any); ok {
			return k.AlongAxis(a.Ints("axis")...)
		}
		return k.AlongAxis(a.Int("axis"))
	})
	when("ignore_class", func() k.LossOption { return k.IgnoreClass(a.Int("ignore_class")) })
	when("label_smoothing", func() k.LossOption { return k.LabelSmoothing(a.Float("label_smoothing")) })
	if a.Bool("from_logits") {
		opts = append(opts, k.FromLogits)
	}
	number := func(arg string, otherwise float64) float64 {
		if a[arg] == nil {
			return otherwise
		}
		return a.Float(arg)
	}
	switch name {
	case "CategoricalGeneralizedCrossEntropy":
		return k.CategoricalGeneralizedCrossEntropy(a.Float("q"))
	case "CTC":
		return k.CTC(length)
	case "Dice":
		return k.Dice(opts...)
	case "Tversky":
		return k.Tversky(number("alpha", 0.5), number("beta", 0.5), opts...)
	case "Circle":
		when("gamma", func() k.LossOption { return k.CircleGamma(a.Float("gamma")) })
		when("margin", func() k.LossOption { return k.CircleMargin(a.Float("margin")) })
		if keep, ok := a["remove_diagonal"].(bool); ok && !keep {
			opts = append(opts, k.KeepDiagonal)
		}
		return k.Circle(opts...)
	case "CategoricalFocalCrossentropy", "BinaryFocalCrossentropy":
		opts = append(opts, k.FocalAlpha(a.Float("alpha")), k.FocalGamma(a.Float("gamma")))
		if name == "CategoricalFocalCrossentropy" {
			return k.CategoricalFocalCrossentropy(opts...)
		}
		if a.Bool("apply_class_balancing") {
			opts = append(opts, k.ClassBalancing)
		}
		return k.BinaryFocalCrossentropy(opts...)
	case "SparseCategoricalCrossentropy":
		return k.SparseCategoricalCrossentropy.With(opts...)
	case "CategoricalCrossentropy":
		return k.CategoricalCrossentropy.With(opts...)
	case "BinaryCrossentropy":
		return k.BinaryCrossentropy.With(opts...)
	case "CosineSimilarity":
		return k.CosineSimilarity.With(opts...)
	}
	t.Fatalf("loss %q is unknown", name)
	return nil
}

// predictions is a layer whose output is its weight: the predictions of a whole batch.
type predictions struct{ Shape k.Shape }

func (predictions) Kind() string { return "Predictions" }

func (d predictions) Build(b *k.Builder, _ []k.Shape) (k.Shape, error) {
	b.Weight("p", k.Zeros(), k.Regularizer{}, d.Shape...)
	return d.Shape[1:], nil
}

func (predictions) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Slice(s.Weight("p"), graph.At(0, 0, in[0].Shape()[0])))
}

// TestLossesOfKeras compares losses of a batch, by Fit, Evaluate and LossMetric, and their gradients
// with those of Keras in testdata/golden/losses_keras.json, which are of float32.
func TestLossesOfKeras(t *testing.T) {
	for _, c := range golden.Load(t, "losses_keras") {
		t.Run(c.Name, func(t *testing.T) {
			p, target := c.Inputs["pred"], c.Inputs["true"]
			n := p.Shape[0]
			r, loss := &recorder{}, kerasLoss(t, c.Args, target.Shape[len(target.Shape)-1])
			m := k.Sequential("m", k.Input(1), k.Custom(predictions{p.Shape}))
			weights, weighted := c.Inputs["sample_weight"]
			var metrics []k.CompileOption
			if !weighted {
				metrics = append(metrics, k.LossMetric(loss))
			}
			if err := m.Compile(r, loss, metrics...); err != nil {
				t.Fatal(err)
			}
			setWeight(t, m, "predictions/p", p.Float32())
			data := dataOf(t, tensorOf([]int{n, 1}, make([]float32, n)), tensorOf(target.Shape, target.Float32()))
			if weighted {
				var err error
				if data, err = k.Weighted(data, weights.Float32()); err != nil {
					t.Fatal(err)
				}
			}
			h, err := m.Fit(t.Context(), data, k.BatchSize(n), k.KeepOrder)
			if err != nil {
				t.Fatal(err)
			}
			logs, err := m.Evaluate(t.Context(), data, k.BatchSize(n))
			if err != nil {
				t.Fatal(err)
			}
			want := c.Want["loss"].Data[0]
			values := map[string]float64{"Fit": h.Last("loss"), "Evaluate": logs.Get("loss")}
			if !weighted {
				values["LossMetric"] = logs.Get(loss.Name())
			}
			for by, got := range values {
				if !(math.Abs(got-want) <= 4e-6*math.Abs(want)+absolute) {
					t.Errorf("loss by %s is %.9g, want %.9g", by, got, want)
				}
			}
			golden.Close(t, "dpred", r.gradients[0], c.Want["dpred"], 2e-5, absolute)
		})
	}
}

// Losses of class numbers and labels with settings are saved, and train on as before.
func TestSavedLossesOfClasses(t *testing.T) {
	for name, loss := range map[string]k.Loss{
		"generalized": k.CategoricalGeneralizedCrossEntropy(0.25), "circle": k.Circle(k.CircleGamma(3), k.CircleMargin(0.25), k.KeepDiagonal),
		"ignored": k.SparseCategoricalCrossentropy.With(k.IgnoreClass(2), k.AlongAxis(1)),
	} {
		t.Run(name, func(t *testing.T) {
			x, labels := blobs(30, 6)
			data := dataOf(t, x, labels)
			m := k.Sequential("m", k.Input(toyFeatures), k.Dense(toyClasses), k.Activation(k.Softmax))
			if err := m.Compile(k.SGD(0.1), loss, k.LossMetric(loss), k.Seed(2)); err != nil {
				t.Fatal(err)
			}
			path := t.TempDir() + "/m.reef"
			if err := m.Save(path, k.WithOptimizer); err != nil {
				t.Fatal(err)
			}
			again, err := k.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			var texts [2]string
			for i, m := range []*k.Model{m, again} {
				h, err := m.Fit(t.Context(), data, k.BatchSize(7), k.Epochs(2))
				if err != nil {
					t.Fatal(err)
				}
				texts[i] = fmt.Sprint(h.Get("loss"), h.Get(loss.Name()), weightsOf(m))
			}
			if texts[0] != texts[1] {
				t.Errorf("trained on:\n%s\nafter loading:\n%s", texts[0], texts[1])
			}
		})
	}
}

// Along another axis than the last, the mask of steps would be that of other rows.
func TestMaskAndAxis(t *testing.T) {
	for name, loss := range map[string]k.Loss{
		"dice": k.Dice(k.AlongAxis(1)), "categorical_crossentropy": k.CategoricalCrossentropy.With(k.AlongAxis(1)),
	} {
		m := k.Sequential("m", k.Input(3, 3), k.Masking(0), k.Dense(3, k.Sigmoid))
		if err := m.Compile(k.SGD(0.1), loss); err == nil {
			_, err = m.Fit(t.Context(), dataOf(t, tensorOf([]int{1, 3, 3}, make([]float32, 9)), tensorOf([]int{1, 3, 3}, make([]float32, 9))))
			wantError(t, err, name, "the output has a mask of its steps")
		} else {
			wantError(t, err, name, "the output has a mask of its steps")
		}
	}
}

// The gradient of a target whose probability is 0 is 0, not infinite.
func TestGeneralizedOfZero(t *testing.T) {
	x := golden.Array{Shape: []int{2}, Data: []float64{0, 1}}
	m, r := probed(t, k.CategoricalGeneralizedCrossEntropy(0.5), x.Shape)
	value, dx, _ := differentiate(t, m, r, x, golden.Array{Data: []float64{0}})
	if value != 2 || dx[0] != 0 || dx[1] != 0 {
		t.Errorf("loss %g with gradient %v, want 2 and zeros", value, dx)
	}
}
