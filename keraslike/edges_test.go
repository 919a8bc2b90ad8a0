// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// The cases of testdata/golden/edges.json are Keras's own results in float32, so that
// 1e-5 is their rounding.
const edgeTolerance = 1e-5

// edges are the cases whose names begin so.
func edges(t *testing.T, kind string) (list []golden.Case) {
	t.Helper()
	for _, c := range golden.Load(t, "edges") {
		if strings.HasPrefix(c.Name, kind+" ") {
			list = append(list, c)
		}
	}
	if len(list) < 50 {
		t.Fatalf("%d cases of %s, want at least 50", len(list), kind)
	}
	return list
}

// edgeLoss is lossOf with Keras's defaults for what the case leaves out.
func edgeLoss(c golden.Case) k.Loss {
	name, a := c.Args.String("loss"), c.Args
	if name == "huber" {
		return k.Huber(1)
	}
	if strings.HasSuffix(name, "focal_crossentropy") {
		opts := []k.LossOption{k.LabelSmoothing(a.Float("label_smoothing"))}
		if a["gamma"] != nil {
			opts = append(opts, k.FocalGamma(a.Float("gamma")))
		}
		if a["alpha"] != nil {
			opts = append(opts, k.FocalAlpha(a.Float("alpha")))
		}
		if a.Bool("apply_class_balancing") {
			opts = append(opts, k.ClassBalancing)
		}
		if name[0] == 'b' {
			return k.BinaryFocalCrossentropy(opts...)
		}
		return k.CategoricalFocalCrossentropy(opts...)
	}
	return lossOf(c)
}

// Losses at the edges of their domains: probabilities of 0 and 1 and near them, short
// vectors, errors that are far or near, with label smoothing and without.
func TestLossEdges(t *testing.T) {
	for _, c := range edges(t, "loss") {
		pred := c.Inputs["pred"]
		m, r := probed(t, edgeLoss(c), pred.Shape)
		got, _, _ := differentiate(t, m, r, pred, c.Inputs["true"])
		want := c.Want["loss"].Data[0]
		if !(math.Abs(got-want) <= edgeTolerance*max(1, math.Abs(want))) {
			t.Errorf("%s %v of %v and %v is %.9g, want %.9g", c.Name, c.Args, pred.Data, c.Inputs["true"].Data, got, want)
		}
		if metric, ok := edgeLoss(c).(k.LossFunc); ok && metric != k.CosineSimilarity {
			if got := measured(t, metric, c)[0]; !(math.Abs(got-want) <= edgeTolerance*max(1, math.Abs(want))) {
				t.Errorf("%s as a metric is %.9g, want %.9g", c.Name, got, want)
			}
		}
	}
}

// measured streams a case through a metric, by its batches, and gives the values after
// each; without batches the case is one sample.
func measured(t *testing.T, metric k.Metric, c golden.Case) (got []float64) {
	t.Helper()
	pred, target := c.Inputs["pred"], c.Inputs["true"]
	batches, shape, targetShape := c.Args.Ints("batches"), pred.Shape, target.Shape
	if len(batches) == 0 {
		batches = []int{1}
	} else {
		shape, targetShape = shape[1:], targetShape[1:]
	}
	m, err := metric.Begin(shape, targetShape)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	p, y, w := pred.Float32(), target.Float32(), c.Inputs["sample_weight"].Float32()
	each, eachTarget := k.Shape(shape).Size(), k.Shape(targetShape).Size()
	for _, n := range batches {
		if len(w) > 0 {
			m.(k.WeightedMeasurement).AddWeighted(n, p[:n*each], y[:n*eachTarget], w[:n])
			w = w[n:]
		} else {
			m.Add(n, p[:n*each], y[:n*eachTarget])
		}
		p, y = p[n*each:], y[n*eachTarget:]
		if v, ok := m.(k.VectorMeasurement); ok && len(c.Want["results"].Data) > len(batches) {
			got = append(got, v.Values()...)
		} else {
			got = append(got, m.Value())
		}
	}
	if d, ok := m.(k.CheckedMeasurement); ok && d.Err() != nil {
		t.Errorf("%s: %v", c.Name, d.Err())
	}
	return got
}

// Metrics with ties, rows of zeros, soft labels, predictions on thresholds and
// weights that are 0 or negative.
func TestMetricEdges(t *testing.T) {
	for _, c := range edges(t, "metric") {
		metric := metricOf(c.Args)
		if c.Args.String("metric") == "auc" && c.Args.Bool("from_logits") {
			metric = k.AUC(k.FromLogits)
		}
		got, want := measured(t, metric, c), c.Want["results"].Data
		for i := range want {
			if !(math.Abs(got[i]-want[i]) <= edgeTolerance*max(1, math.Abs(want[i]))) {
				t.Errorf("%s %v: after batches %v, want %v", c.Name, c.Args, got, want)
				break
			}
		}
	}
}

// masked gives its first input the second as a mask.
type masked struct{}

func (masked) Kind() string                                      { return "Masked" }
func (masked) Build(_ *k.Builder, in []k.Shape) (k.Shape, error) { return in[0], nil }
func (masked) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	s.SetMask(0, in[1])
	return in[0]
}

// shift adds a weight of the shape of a batch, whose gradient is that of the input.
type shift struct{ samples int }

func (shift) Kind() string { return "Shift" }

func (d shift) Build(b *k.Builder, in []k.Shape) (k.Shape, error) {
	b.Weight("by", k.Zeros(), k.Regularizer{}, append([]int{d.samples}, in[0]...)...)
	return in[0], nil
}

func (d shift) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Add(in[0], s.Do(graph.Slice(s.Weight("by"), graph.At(0, 0, s.Batch())))))
}

// What merging layers make of masks and of masked values, and where the gradients go.
func TestMaskEdges(t *testing.T) {
	dot := k.CustomLoss("dot", func(p, r *graph.Node) (*graph.Node, error) { return graph.Mul(p, r) })
	for _, c := range edges(t, "masks") {
		t.Run(c.Name, func(t *testing.T) {
			var in, merged []*k.Tensor
			var values []*tensor.Dense
			feed := func(name string) *k.Tensor {
				a := c.Inputs[name]
				x := k.NamedInput("in_"+name, a.Shape[1:]...)
				in, values = append(in, x), append(values, tensorOf(a.Shape, a.Float32()))
				return x
			}
			for i := 0; ; i++ {
				x, m := fmt.Sprint("x", i), fmt.Sprint("m", i)
				if _, ok := c.Inputs[x]; !ok {
					break
				}
				one := k.Custom(shift{2}).Apply(feed(x))
				if _, ok := c.Inputs[m]; ok {
					one = k.Custom(masked{}).Apply(one, feed(m))
				}
				merged = append(merged, one)
			}
			y := mergeOf(c.Args.String("layer")).Apply(merged...)
			both := k.NewModel("both", in, []*k.Tensor{y, k.Custom(maskOf{}).Apply(y)})
			if err := both.Build(1); err != nil {
				t.Fatal(err)
			}
			got, err := both.PredictSource(t.Context(), sourceOf(t, values, nil))
			if err != nil {
				t.Fatal(err)
			}
			closeTo(t, "y", got[0].Values(), c.Want["y"].Float32())
			mask := got[1].Values()
			if want, ok := c.Want["mask"]; ok {
				closeTo(t, "mask", mask, want.Float32())
			} else if slices.Contains(mask, 0) {
				t.Errorf("mask is %v, want none", mask)
			}

			// The mask is stopped, so that the loss counts all steps: Σ y·r divided by their number.
			flat := k.NewModel("flat", in, []*k.Tensor{k.Flatten().Apply(y)})
			rec, r := &recorder{}, c.Inputs["r"]
			if err := flat.Compile(rec, dot); err != nil {
				t.Fatal(err)
			}
			targets := tensorOf([]int{r.Shape[0], k.Shape(r.Shape[1:]).Size()}, r.Float32())
			if _, err := flat.Fit(t.Context(), sourceOf(t, values, []*tensor.Dense{targets}), k.KeepOrder); err != nil {
				t.Fatal(err)
			}
			for i, g := range rec.gradients {
				for j := range g {
					g[j] *= float32(len(r.Data))
				}
				closeTo(t, fmt.Sprint("dx", i), g, c.Want[fmt.Sprint("dx", i)].Float32())
			}
		})
	}
}

func sourceOf(t *testing.T, inputs, targets []*tensor.Dense) k.Source {
	t.Helper()
	s, err := k.MultiData(k.ArraysOf(inputs...), k.ArraysOf(targets...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mergeOf(name string) k.Layer {
	switch name {
	case "Add":
		return k.Add()
	case "Subtract":
		return k.Subtract()
	case "Multiply":
		return k.Multiply()
	case "Average":
		return k.Average()
	case "Maximum":
		return k.Maximum()
	case "Minimum":
		return k.Minimum()
	case "Concatenate1":
		return k.Concatenate(k.Axis(1))
	}
	return k.Concatenate()
}
