// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// metricOf is the metric of a case with its arguments, nil where this package has none.
func metricOf(a golden.Args) keraslike.Metric {
	switch name := a.String("metric"); name {
	case "binary_accuracy":
		if a["threshold"] != nil {
			return keraslike.BinaryAccuracyAt(a.Float("threshold"))
		}
		return keraslike.BinaryAccuracy
	case "root_mean_squared_error":
		return keraslike.RMSE
	case "mean_squared_error", "mean_absolute_error":
		return keraslike.LossFunc(name)
	case "top_k_categorical_accuracy":
		return keraslike.TopKCategoricalAccuracy(a.Int("k"))
	case "sparse_top_k_categorical_accuracy":
		return keraslike.SparseTopKCategoricalAccuracy(a.Int("k"))
	case "precision", "recall":
		var opts []keraslike.MetricOption
		if a["threshold"] != nil {
			opts = append(opts, keraslike.Threshold(a.Float("threshold")))
		}
		if name == "recall" {
			return keraslike.Recall(opts...)
		}
		return keraslike.Precision(opts...)
	case "f1_score":
		var opts []keraslike.MetricOption
		if average := a.String("average"); average != "" {
			opts = append(opts, keraslike.ClassAverage(average))
		}
		if a["threshold"] != nil {
			opts = append(opts, keraslike.Threshold(a.Float("threshold")))
		}
		return keraslike.F1Score(opts...)
	case "auc":
		var opts []keraslike.MetricOption
		if a["num_thresholds"] != nil {
			opts = append(opts, keraslike.Thresholds(a.Int("num_thresholds")))
		}
		if a.String("curve") == "PR" {
			opts = append(opts, keraslike.PRCurve)
		}
		return keraslike.AUC(opts...)
	case "cosine_similarity":
		return keraslike.Cosine()
	case "r2_score":
		return keraslike.R2Score()
	case "auc_exact": // what Keras's AUC approaches, not a metric
		return nil
	default:
		return keraslike.MetricFunc(name)
	}
}

// TestEveryMetricValue streams every metric, with every setting and with weights,
// over unequal batches and compares it after each with testdata/golden/metrics.json.
// Inputs are exact in float32 and sums float64, so that 1e-9 is rounding.
func TestEveryMetricValue(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range golden.Load(t, "metrics") {
		metric := metricOf(c.Args)
		if metric == nil {
			continue
		}
		seen[metric.Name()] = true
		t.Run(c.Name, func(t *testing.T) {
			checkStreamed(t, c, metric, 1e-9)
		})
	}
	if len(seen) != 16 {
		t.Errorf("%d metrics have known values, want 16", len(seen))
	}
}

// checkStreamed adds the case's batches to the metric and compares its values after each.
func checkStreamed(t *testing.T, c golden.Case, metric keraslike.Metric, tolerance float64) {
	t.Helper()
	pred, target := c.Inputs["pred"], c.Inputs["true"]
	m, err := metric.Begin(pred.Shape[1:], target.Shape[1:])
	if err != nil {
		t.Fatal(err)
	}
	weights, weighted := c.Inputs["sample_weight"]
	for range 2 { // the second time after Reset
		p, y, w := pred.Float32(), target.Float32(), weights.Float32()
		each, eachTarget := len(p)/pred.Shape[0], len(y)/target.Shape[0]
		var got []float64
		for _, n := range c.Args.Ints("batches") {
			if weighted {
				m.(keraslike.WeightedMeasurement).AddWeighted(n, p[:n*each], y[:n*eachTarget], w[:n])
				w = w[n:]
			} else {
				m.Add(n, p[:n*each], y[:n*eachTarget])
			}
			if m, ok := m.(keraslike.CheckedMeasurement); ok && m.Err() != nil {
				t.Fatal(m.Err())
			}
			p, y = p[n*each:], y[n*eachTarget:]
			rows, hasRows := m.(keraslike.MatrixMeasurement)
			values, hasValues := m.(keraslike.VectorMeasurement)
			switch {
			case hasRows:
				got = append(got, slices.Concat(rows.Rows()...)...)
			case hasValues && len(c.Want["results"].Shape) > 1:
				got = append(got, values.Values()...)
			default:
				got = append(got, m.Value())
			}
		}
		golden.Close(t, "results", got, c.Want["results"], tolerance, tolerance)
		m.Reset()
	}
}

// Every loss is a metric too: of a model without penalties it equals the loss.
func TestLossesAsMetrics(t *testing.T) {
	x, y := tensorOf([]int{4, 2}, []float32{1, 2, -1, 0.5, 0, 3, 2, 2}), tensorOf([]int{4, 3}, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0})
	for _, loss := range []keraslike.LossFunc{
		keraslike.MeanSquaredError, keraslike.MeanAbsoluteError, keraslike.MeanAbsolutePercentageError, keraslike.MeanSquaredLogarithmicError,
		keraslike.LogCosh, keraslike.BinaryCrossentropy, keraslike.CategoricalCrossentropy, keraslike.KLDivergence, keraslike.Poisson,
		keraslike.Hinge, keraslike.SquaredHinge, keraslike.CategoricalHinge,
	} {
		m := keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(3), keraslike.Activation(keraslike.Softmax))
		if err := m.Compile(keraslike.SGD(0.1), loss, loss, keraslike.Seed(3)); err != nil {
			t.Fatal(err)
		}
		logs, err := m.Evaluate(t.Context(), dataOf(t, x, y), keraslike.BatchSize(3))
		if err != nil {
			t.Fatal(err)
		}
		value := logs.Get("loss")
		metric, ok := logs.Lookup(string(loss))
		if !ok || !near(value, metric, 1e-5) {
			t.Errorf("%s is %g as a loss and %g as a metric", loss, value, metric)
		}
	}
}

func TestEvaluateWithAndOwnMetrics(t *testing.T) {
	m := toyModel(t, keraslike.CustomRowMetric("largest", func(p, _ []float32) float64 { return float64(slices.Max(p)) }))
	data := toyData(t, 40, 5)
	list, err := m.EvaluateWith(t.Context(), data, keraslike.ConfusionMatrix, keraslike.SparseTopKCategoricalAccuracy(3))
	if err != nil {
		t.Fatal(err)
	}
	var all float64
	for _, row := range list[0].(keraslike.MatrixMeasurement).Rows() {
		for _, n := range row {
			all += n
		}
	}
	if all != 40 || list[1].Value() != 1 {
		t.Errorf("confusion matrix of %v samples and top-3 accuracy %v, want 40 and 1", all, list[1].Value())
	}
	logs, err := m.Evaluate(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := logs.Lookup("largest"); !ok || v < 1.0/3 || v > 1 {
		t.Errorf("mean largest probability is %v", v)
	}
}

func TestMetricMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		metric keraslike.Metric
		want   string
	}{
		"cosine loss": {keraslike.CosineSimilarity, "the metric is Cosine"},
		"top 0":       {keraslike.TopKCategoricalAccuracy(0), "k is 0"},
		"thresholds":  {keraslike.AUC(keraslike.Thresholds(1)), "1 thresholds"},
		"average":     {keraslike.F1Score(keraslike.ClassAverage("median")), `average "median" is unknown`},
		"own":         {keraslike.CustomMetric("mine", nil), `metric "mine"`},
		"name":        {keraslike.MetricFunc("cuteness"), `"cuteness"`},
	} {
		m := keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(3, keraslike.Softmax))
		t.Run(name, func(t *testing.T) {
			wantError(t, m.Compile(keraslike.SGD(0.1), keraslike.CategoricalCrossentropy, c.metric), c.want)
		})
	}
}

func near(a, b, rel float64) bool {
	d := a - b
	if d < 0 {
		d = -d
	}
	return d <= rel*max(1, max(a, -a))
}

func ExampleModel_EvaluateWith() {
	m := keraslike.Sequential("xor", keraslike.Input(1), keraslike.Dense(1, keraslike.Sigmoid))
	if err := m.Compile(keraslike.SGD(0.1), keraslike.BinaryCrossentropy); err != nil {
		fmt.Println(err)
		return
	}
	w, _ := m.Weight("dense/kernel")
	_ = w.Set([]float32{4})
	data, _ := keraslike.Data(keraslike.ArrayOf(tensorOf([]int{4, 1}, []float32{-1, -2, 1, 3})), keraslike.ArrayOf(tensorOf([]int{4, 1}, []float32{0, 0, 0, 1})))
	list, err := m.EvaluateWith(context.Background(), data, keraslike.ConfusionMatrix, keraslike.Precision())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list[0].(keraslike.MatrixMeasurement).Rows(), list[1].Value())
	// Output: [[2 1] [0 1]] 0.5
}
