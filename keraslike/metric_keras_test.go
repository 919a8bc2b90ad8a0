// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// kerasMetric makes the metric of a case from Keras's class and arguments.
func kerasMetric(t *testing.T, a golden.Args) k.Metric {
	var opts []k.MetricOption
	when := func(arg string, option func() k.MetricOption) {
		if a[arg] != nil {
			opts = append(opts, option())
		}
	}
	flag := func(arg string, value bool, option k.MetricOption) {
		if v, ok := a[arg].(bool); ok && v == value {
			opts = append(opts, option)
		}
	}
	floats := func(arg string) []float64 {
		if v, ok := a[arg].(float64); ok {
			return []float64{v}
		}
		var list []float64
		for _, v := range a[arg].([]any) {
			list = append(list, v.(float64))
		}
		return list
	}
	when("thresholds", func() k.MetricOption { return k.Threshold(floats("thresholds")...) })
	when("threshold", func() k.MetricOption { return k.Threshold(a.Float("threshold")) })
	when("num_thresholds", func() k.MetricOption { return k.Thresholds(a.Int("num_thresholds")) })
	when("class_id", func() k.MetricOption { return k.ClassID(a.Int("class_id")) })
	when("top_k", func() k.MetricOption { return k.TopK(a.Int("top_k")) })
	when("curve", func() k.MetricOption { return k.AUCCurve(a.String("curve")) })
	when("summation_method", func() k.MetricOption { return k.AUCSummation(a.String("summation_method")) })
	when("label_weights", func() k.MetricOption { return k.LabelWeights(floats("label_weights")...) })
	when("average", func() k.MetricOption { return k.ClassAverage(a.String("average")) })
	when("ignore_class", func() k.MetricOption { return k.IgnoreClass(a.Int("ignore_class")) })
	when("axis", func() k.MetricOption { return k.AlongAxis(a.Int("axis")) })
	when("class_aggregation", func() k.MetricOption { return k.OutputAverage(a.String("class_aggregation")) })
	when("num_regressors", func() k.MetricOption { return k.Regressors(a.Int("num_regressors")) })
	flag("multi_label", true, k.MultiLabel)
	flag("from_sorted_ids", true, k.FromSortedIDs)
	flag("sparse_y_true", false, k.OneHotTargets)
	flag("sparse_y_pred", false, k.OneHotPredictions)
	flag("sparse_y_pred", true, k.SparsePredictions)
	classes, targets := a.Int("num_classes"), a.Ints("target_class_ids")
	name := a.String("metric")
	if strings.HasSuffix(name, "Crossentropy") {
		var loss []k.LossOption
		if a.Bool("from_logits") {
			loss = append(loss, k.FromLogits)
		}
		if a["label_smoothing"] != nil {
			loss = append(loss, k.LabelSmoothing(a.Float("label_smoothing")))
		}
		return k.LossMetric(map[string]k.LossFunc{
			"BinaryCrossentropy": k.BinaryCrossentropy, "CategoricalCrossentropy": k.CategoricalCrossentropy,
			"SparseCategoricalCrossentropy": k.SparseCategoricalCrossentropy,
		}[name].With(loss...))
	}
	flag("from_logits", true, k.FromLogits)
	at := func(arg string, f func(float64, ...k.MetricOption) k.Metric) k.Metric {
		return f(a.Float(arg), opts...)
	}
	switch name {
	case "TruePositives":
		return k.TruePositives(opts...)
	case "TrueNegatives":
		return k.TrueNegatives(opts...)
	case "FalsePositives":
		return k.FalsePositives(opts...)
	case "FalseNegatives":
		return k.FalseNegatives(opts...)
	case "Precision":
		return k.Precision(opts...)
	case "Recall":
		return k.Recall(opts...)
	case "SensitivityAtSpecificity":
		return at("specificity", k.SensitivityAtSpecificity)
	case "SpecificityAtSensitivity":
		return at("sensitivity", k.SpecificityAtSensitivity)
	case "PrecisionAtRecall":
		return at("recall", k.PrecisionAtRecall)
	case "RecallAtPrecision":
		return at("precision", k.RecallAtPrecision)
	case "AUC":
		return k.AUC(opts...)
	case "FBetaScore":
		return at("beta", k.FBetaScore)
	case "IoU":
		return k.IoU(classes, targets, opts...)
	case "MeanIoU":
		return k.MeanIoU(classes, opts...)
	case "BinaryIoU":
		if len(targets) > 0 {
			opts = append(opts, k.TargetClasses(targets...))
		}
		return k.BinaryIoU(opts...)
	case "OneHotIoU":
		return k.OneHotIoU(classes, targets, opts...)
	case "OneHotMeanIoU":
		return k.OneHotMeanIoU(classes, opts...)
	case "CosineSimilarity":
		return k.Cosine(opts...)
	case "PearsonCorrelation":
		return k.PearsonCorrelation(opts...)
	case "ConcordanceCorrelation":
		return k.ConcordanceCorrelation(opts...)
	case "R2Score":
		return k.R2Score(opts...)
	case "Accuracy":
		return k.ExactAccuracy
	case "Sum":
		return k.Sum
	case "Mean":
		return k.Mean
	case "SparseTopKCategoricalAccuracy":
		return k.SparseTopKCategoricalAccuracy(a.Int("k"), opts...)
	}
	t.Fatalf("no metric %s", name)
	return nil
}

// TestKerasMetrics streams metrics over unequal batches and compares them after each with Keras's own
// values in testdata/golden/metrics_keras.json, which are of float32: to 2e-6.
func TestKerasMetrics(t *testing.T) {
	for _, c := range golden.Load(t, "metrics_keras") {
		t.Run(c.Name, func(t *testing.T) { checkStreamed(t, c, kerasMetric(t, c.Args), 2e-6) })
	}
}

// The classes may be along any axis, and scores give the values of the class numbers that they mean.
func TestIoUAlongAxes(t *testing.T) {
	numbers := []float32{0, 2, 1, 1, 2, 0} // of one sample of (2, 3)
	truth := []float32{0, 2, 2, 1, 1, 0}
	scores := func(inner int) []float32 {
		out := make([]float32, 3*len(numbers))
		for i, c := range numbers {
			out[i/inner*inner*3+int(c)*inner+i%inner] = 1
		}
		return out
	}
	value := func(m k.Metric, p, t2 k.Shape, pred []float32) float64 {
		measure, err := m.Begin(p, t2)
		if err != nil {
			t.Fatal(err)
		}
		measure.Add(1, pred, truth)
		return measure.Value()
	}
	want := value(k.MeanIoU(3), k.Shape{2, 3}, k.Shape{2, 3}, numbers)
	for axis, shape := range map[int]k.Shape{1: {3, 2, 3}, 2: {2, 3, 3}, -1: {2, 3, 3}, 3: {2, 3, 3}} {
		inner := map[int]int{1: 6, 2: 3, -1: 1, 3: 1}[axis]
		if got := value(k.MeanIoU(3, k.OneHotPredictions, k.AlongAxis(axis)), shape, k.Shape{2, 3}, scores(inner)); got != want {
			t.Errorf("along axis %d it is %v, want %v", axis, got, want)
		}
	}
	if want == 0 || want == 1 {
		t.Errorf("the value is %v", want)
	}
}

// A wrong option is an error that names it.
func TestMetricOptionMistakes(t *testing.T) {
	three, pair := k.Shape{3}, k.Shape{4, 2}
	for _, c := range []struct {
		metric k.Metric
		p, t   k.Shape
		want   string
	}{
		{k.Precision(k.ClassID(3)), three, three, "metric precision: ClassID is 3, want 0 to 2"},
		{k.Recall(k.ClassID(-1)), three, three, "metric recall: ClassID is -1"},
		{k.Precision(k.TopK(0)), three, three, "TopK is 0, want 1 to 3"},
		{k.Precision(k.TopK(4)), three, three, "TopK is 4, want 1 to 3: predictions have shape (batch, 3)"},
		{k.Precision(k.Threshold()), three, three, "0 thresholds, want 1"},
		{k.TruePositives(k.TopK(1)), three, three, "metric true_positives: TopK does not fit, want Threshold"},
		{k.PrecisionAtRecall(1.5), three, three, "metric precision_at_recall: recall is 1.5, want 0 to 1"},
		{k.SensitivityAtSpecificity(-1), three, three, "specificity is -1"},
		{k.SpecificityAtSensitivity(0.5, k.Thresholds(0)), three, three, "0 thresholds"},
		{k.RecallAtPrecision(0.5, k.ClassID(7)), three, three, "ClassID is 7"},
		{k.AUC(k.AUCCurve("DET")), three, three, `AUCCurve "DET" is unknown`},
		{k.AUC(k.AUCSummation("x")), three, three, `AUCSummation "x" is unknown`},
		{k.AUC(k.MultiLabel), pair, pair, "MultiLabel: predictions have shape (batch, 4, 2), want one axis"},
		{k.AUC(k.LabelWeights(1, 2)), three, three, "LabelWeights: got 2 weights, predictions have shape (batch, 3)"},
		{k.AUC(k.LabelWeights(1, -2, 1)), three, three, "weight of a label is -2"},
		{k.AUC(k.LabelWeights(0, 0, 0)), three, three, "LabelWeights are all 0"},
		{k.AUC(k.Threshold(0.5), k.Thresholds(10)), three, three, "got both Threshold and Thresholds"},
		{k.AUC(k.Threshold(2)), three, three, "threshold is 2, want 0 to 1"},
		{k.FBetaScore(0), three, three, "metric fbeta_score: beta is 0"},
		{k.FBetaScore(1, k.Threshold(0.1, 0.2)), three, three, "got 2 thresholds, want one"},
		{k.IoU(1, []int{0}), three, three, "metric io_u: 1 classes, want 2"},
		{k.IoU(3, []int{3}), three, three, "target class is 3, want 0 to 2"},
		{k.IoU(3, []int{}), three, three, "got no target classes"},
		{k.MeanIoU(3), k.Shape{5, 3}, k.Shape{5}, "with scores of 3 classes along an axis use OneHotPredictions"},
		{k.MeanIoU(4, k.OneHotPredictions), k.Shape{5, 3}, k.Shape{5}, "predictions have shape (batch, 5, 3), want length 4 of the axis of the classes"},
		{k.MeanIoU(3, k.OneHotPredictions, k.AlongAxis(5)), k.Shape{5, 3}, k.Shape{5}, "AlongAxis: axis is 5"},
		{k.MeanIoU(3, k.OneHotPredictions, k.AlongAxis(1)), k.Shape{3, k.Any}, k.Shape{k.Any}, "want fixed lengths behind the axis"},
		{k.BinaryIoU(k.TargetClasses(2)), three, three, "target class is 2, want 0 to 1"},
		{k.Cosine(k.AlongAxis(0)), three, three, "metric cosine_similarity: AlongAxis: axis is 0"},
		{k.PearsonCorrelation(), k.Shape{1}, k.Shape{1}, "want at least two values in a row"},
		{k.R2Score(k.Regressors(-1)), three, three, "-1 regressors"},
		{k.R2Score(k.OutputAverage("sum")), three, three, `OutputAverage "sum" is unknown`},
		{k.SparseTopKCategoricalAccuracy(2, k.TopK(1)), three, k.Shape{}, "TopK does not fit, want FromSortedIDs"},
		{k.LossMetric(nil), three, three, "LossMetric of nil"},
		{k.LossMetric(k.MSE.With(k.FromLogits)), three, three, "metric mse: not a cross-entropy"},
		{k.LossMetric(k.Huber(-1)), three, three, "metric huber: delta is -1"},
		{k.LossMetric(k.Huber(1)), three, k.Shape{}, "metric huber: targets have shape (batch), want (batch, 3)"},
	} {
		if _, err := c.metric.Begin(c.p, c.t); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v lacks %q", err, c.want)
		}
	}
}

// LossMetric measures what a loss measures, with weights, masked steps and losses of one value, and is
// saved with its loss.
func TestLossMetric(t *testing.T) {
	begin := func(l k.Loss, p, target k.Shape) k.WeightedMeasurement {
		m, err := k.LossMetric(l).Begin(p, target)
		if err != nil {
			t.Fatal(err)
		}
		return m.(k.WeightedMeasurement)
	}
	p, y, w := []float32{1, -2, 0.5, 3, 0, 1}, []float32{0, 1, 1, 2, 0, 0}, []float32{1, 0, 2}
	m := begin(k.Huber(1), k.Shape{k.Any, 2}, k.Shape{k.Any, 2})
	m.AddWeighted(3, p, y, w) // steps of a masked series
	// Rows: (0.5 + 2.5)/2, ..., (0 + 0.5)/2.
	if got, want := m.Value(), (1.5*1+0.25*2)/3; !near(got, want, 1e-6) {
		t.Errorf("weighted it is %v, want %v", got, want)
	}
	labels := begin(k.SparseCategoricalCrossentropy.With(k.FromLogits), k.Shape{2}, k.Shape{})
	labels.AddWeighted(3, p, []float32{0, -1, 1}, w) // the label of weight 0 does not matter
	if err := labels.(k.CheckedMeasurement).Err(); err != nil || !(labels.Value() > 0) {
		t.Errorf("a label of weight 0: %v, %v", labels.Value(), err)
	}
	labels.Add(3, p, []float32{0, -1, 1})
	wantError(t, labels.(k.CheckedMeasurement).Err(), "metric sparse_categorical_crossentropy: target is -1")
	logits := begin(k.BinaryCrossentropy.With(k.LabelSmoothing(0.1)), k.Shape{2}, k.Shape{2})
	logits.Add(3, p, []float32{0, 1, 1, 0, 0, 0})
	wantError(t, logits.(k.CheckedMeasurement).Err(), "metric binary_crossentropy: prediction is -2")
	m.Reset()
	if n := testing.AllocsPerRun(10, func() { m.AddWeighted(3, p, y, w) }); n != 0 {
		t.Errorf("it allocates %v times for a batch", n)
	}
	if !slices.Equal(p, []float32{1, -2, 0.5, 3, 0, 1}) {
		t.Error("the predictions were changed")
	}
}
