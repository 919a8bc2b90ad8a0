// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// everyMetric are all metrics of predictions (3) with targets of that shape, of class
// numbers, or of one prediction.
var everyMetric = map[string]struct {
	metric  k.Metric
	p, t    k.Shape
	targets []float32 // of two samples
}{
	"binary accuracy":          {k.BinaryAccuracy, k.Shape{3}, k.Shape{3}, oneHot},
	"binary accuracy at":       {k.BinaryAccuracyAt(0.3), k.Shape{3}, k.Shape{3}, oneHot},
	"categorical accuracy":     {k.CategoricalAccuracy, k.Shape{3}, k.Shape{3}, oneHot},
	"sparse accuracy":          {k.SparseCategoricalAccuracy, k.Shape{3}, k.Shape{}, classes},
	"accuracy":                 {k.Accuracy, k.Shape{3}, k.Shape{}, classes},
	"top 2":                    {k.TopKCategoricalAccuracy(2), k.Shape{3}, k.Shape{3}, oneHot},
	"sparse top 3":             {k.SparseTopKCategoricalAccuracy(3), k.Shape{3}, k.Shape{}, classes},
	"mae":                      {k.MAE, k.Shape{3}, k.Shape{3}, oneHot},
	"mse":                      {k.MSE, k.Shape{3}, k.Shape{3}, oneHot},
	"rmse":                     {k.RMSE, k.Shape{3}, k.Shape{3}, oneHot},
	"cosine":                   {k.Cosine(), k.Shape{3}, k.Shape{3}, oneHot},
	"r2":                       {k.R2Score(), k.Shape{3}, k.Shape{3}, oneHot},
	"confusion":                {k.ConfusionMatrix, k.Shape{3}, k.Shape{3}, oneHot},
	"sparse confusion":         {k.ConfusionMatrix, k.Shape{3}, k.Shape{}, classes},
	"precision":                {k.Precision(), k.Shape{3}, k.Shape{3}, oneHot},
	"recall":                   {k.Recall(), k.Shape{3}, k.Shape{3}, oneHot},
	"f1":                       {k.F1Score(), k.Shape{3}, k.Shape{3}, oneHot},
	"f1 micro":                 {k.F1Score(k.Micro, k.Threshold(0.5)), k.Shape{3}, k.Shape{3}, oneHot},
	"f1 weighted":              {k.F1Score(k.ByFrequency), k.Shape{3}, k.Shape{3}, oneHot},
	"auc":                      {k.AUC(), k.Shape{3}, k.Shape{3}, oneHot},
	"auc of logits":            {k.AUC(k.FromLogits), k.Shape{3}, k.Shape{3}, oneHot},
	"auc pr":                   {k.AUC(k.PRCurve), k.Shape{3}, k.Shape{3}, oneHot},
	"auc of labels":            {k.AUC(k.MultiLabel, k.LabelWeights(1, 2, 3)), k.Shape{3}, k.Shape{3}, oneHot},
	"auc of pr gain":           {k.AUC(k.PRGainCurve, k.Majoring), k.Shape{3}, k.Shape{3}, oneHot},
	"auc of own thresholds":    {k.AUC(k.Threshold(0.2, 0.6), k.LabelWeights(1, 2, 3)), k.Shape{3}, k.Shape{3}, oneHot},
	"true positives":           {k.TruePositives(), k.Shape{3}, k.Shape{3}, oneHot},
	"true negatives":           {k.TrueNegatives(k.Threshold(0.2, 0.1)), k.Shape{3}, k.Shape{3}, oneHot},
	"false positives":          {k.FalsePositives(), k.Shape{3}, k.Shape{3}, oneHot},
	"false negatives":          {k.FalseNegatives(), k.Shape{3}, k.Shape{3}, oneHot},
	"precision of top 2":       {k.Precision(k.TopK(2)), k.Shape{3}, k.Shape{3}, oneHot},
	"sensitivity":              {k.SensitivityAtSpecificity(0.3), k.Shape{3}, k.Shape{3}, oneHot},
	"specificity":              {k.SpecificityAtSensitivity(0.3), k.Shape{3}, k.Shape{3}, oneHot},
	"precision at recall":      {k.PrecisionAtRecall(0.3), k.Shape{3}, k.Shape{3}, oneHot},
	"recall at precision":      {k.RecallAtPrecision(0.3), k.Shape{3}, k.Shape{3}, oneHot},
	"f2":                       {k.FBetaScore(2), k.Shape{3}, k.Shape{3}, oneHot},
	"binary iou":               {k.BinaryIoU(), k.Shape{3}, k.Shape{3}, oneHot},
	"one-hot iou":              {k.OneHotIoU(3, []int{0, 1}), k.Shape{3}, k.Shape{3}, oneHot},
	"mean iou of scores":       {k.MeanIoU(3, k.OneHotPredictions), k.Shape{3}, k.Shape{}, classes},
	"pearson":                  {k.PearsonCorrelation(), k.Shape{3}, k.Shape{3}, oneHot},
	"concordance":              {k.ConcordanceCorrelation(), k.Shape{3}, k.Shape{3}, oneHot},
	"weighted r2":              {k.R2Score(k.VarianceWeighted, k.Regressors(1)), k.Shape{3}, k.Shape{3}, oneHot},
	"exact accuracy":           {k.ExactAccuracy, k.Shape{3}, k.Shape{3}, oneHot},
	"sum":                      {k.Sum, k.Shape{3}, k.Shape{3}, oneHot},
	"mean":                     {k.Mean, k.Shape{3}, k.Shape{3}, oneHot},
	"sorted ids":               {k.SparseTopKCategoricalAccuracy(2, k.FromSortedIDs), k.Shape{3}, k.Shape{}, classes},
	"huber":                    {k.LossMetric(k.Huber(1)), k.Shape{3}, k.Shape{3}, oneHot},
	"smoothed cross-entropy":   {k.LossMetric(k.CategoricalCrossentropy.With(k.LabelSmoothing(0.1))), k.Shape{3}, k.Shape{3}, oneHot},
	"mse loss":                 {k.MeanSquaredError, k.Shape{3}, k.Shape{3}, oneHot},
	"mape loss":                {k.MeanAbsolutePercentageError, k.Shape{3}, k.Shape{3}, oneHot},
	"msle loss":                {k.MeanSquaredLogarithmicError, k.Shape{3}, k.Shape{3}, oneHot},
	"log cosh":                 {k.LogCosh, k.Shape{3}, k.Shape{3}, oneHot},
	"binary cross-entropy":     {k.BinaryCrossentropy, k.Shape{3}, k.Shape{3}, oneHot},
	"cross-entropy":            {k.CategoricalCrossentropy, k.Shape{3}, k.Shape{3}, oneHot},
	"sparse cross-entropy":     {k.SparseCategoricalCrossentropy, k.Shape{3}, k.Shape{}, classes},
	"kl":                       {k.KLDivergence, k.Shape{3}, k.Shape{3}, oneHot},
	"poisson":                  {k.Poisson, k.Shape{3}, k.Shape{3}, oneHot},
	"hinge":                    {k.Hinge, k.Shape{3}, k.Shape{3}, oneHot},
	"squared hinge":            {k.SquaredHinge, k.Shape{3}, k.Shape{3}, oneHot},
	"categorical hinge":        {k.CategoricalHinge, k.Shape{3}, k.Shape{3}, oneHot},
	"confusion of one output":  {k.ConfusionMatrix, k.Shape{1}, k.Shape{1}, []float32{0, 1}},
	"named":                    {k.NamedMetric("mine", k.AUC()), k.Shape{3}, k.Shape{3}, oneHot},
	"binary accuracy of one":   {k.Accuracy, k.Shape{1}, k.Shape{1}, []float32{0, 1}},
	"precision of one":         {k.Precision(k.Threshold(0)), k.Shape{1}, k.Shape{1}, []float32{0, 1}},
	"r2 of one":                {k.R2Score(), k.Shape{1}, k.Shape{1}, []float32{0, 1}},
	"accuracy of distribution": {k.CategoricalAccuracy, k.Shape{3}, k.Shape{3}, []float32{0.5, 0.25, 0.25, 0, 0.5, 0.5}},
}

var (
	oneHot  = []float32{1, 0, 0, 0, 1, 0}
	classes = []float32{0, 1}
)

// Where a prediction or a target is NaN or infinite, in any place, no metric has a
// plausible number; after Reset it has one again.
func TestMetricsOfInvalidValues(t *testing.T) {
	for name, c := range everyMetric {
		t.Run(name, func(t *testing.T) {
			m, err := c.metric.Begin(c.p, c.t)
			if err != nil {
				t.Fatal(err)
			}
			n := 2 * c.p.Size()
			good := func() []float32 { return []float32{0.7, 0.2, 0.1, 0.25, 0.5, 0.25}[:n] }
			value := func(p, y []float32) float64 {
				m.Reset()
				m.Add(2, p, y)
				if v, ok := m.(k.VectorMeasurement); ok && math.IsNaN(m.Value()) {
					for _, one := range v.Values() {
						if !math.IsNaN(one) {
							t.Errorf("the values are %v beside NaN", v.Values())
						}
					}
				}
				if v, ok := m.(k.MatrixMeasurement); ok && math.IsNaN(m.Value()) && !math.IsNaN(v.Rows()[0][0]) {
					t.Errorf("the matrix is %v beside NaN", v.Rows())
				}
				return m.Value()
			}
			if v := value(good(), c.targets); math.IsNaN(v) {
				t.Fatalf("of good numbers it is NaN: %v", m.(k.CheckedMeasurement).Err())
			}
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				for i := range n {
					p := good()
					p[i] = float32(bad)
					if v := value(p, c.targets); !math.IsNaN(v) {
						t.Errorf("of prediction %v at %d it is %v, want NaN", bad, i, v)
					}
				}
				for i := range c.targets {
					y := append([]float32{}, c.targets...)
					y[i] = float32(bad)
					if v := value(good(), y); !math.IsNaN(v) {
						t.Errorf("of target %v at %d it is %v, want NaN", bad, i, v)
					}
				}
			}
			if v := value(good(), c.targets); math.IsNaN(v) {
				t.Error("after Reset it is NaN")
			}
		})
	}
}

// Metrics take part in every training step and allocate nothing.
func TestMetricsAllocateNothing(t *testing.T) {
	for name, c := range everyMetric {
		m, err := c.metric.Begin(c.p, c.t)
		if err != nil {
			t.Fatal(err)
		}
		p, weights := []float32{0.7, 0.2, 0.1, 0.25, 0.5, 0.25}[:2*c.p.Size()], []float32{1, 2}
		if n := testing.AllocsPerRun(10, func() { m.(k.WeightedMeasurement).AddWeighted(2, p, c.targets, weights) }); n != 0 {
			t.Errorf("%s allocates %v times for a batch", name, n)
		}
	}
}

// What is outside a metric's domain is an error that names it.
func TestMetricDomains(t *testing.T) {
	probability, class := "want 0 to 1", "want a class number, an integer from 0 to 2"
	p3, p1 := []float32{0.7, 0.2, 0.1}, []float32{0.4}
	for name, c := range map[string]struct {
		metric k.Metric
		p, y   []float32
		want   []string
	}{
		"auc of logits":               {k.AUC(), []float32{-4}, []float32{0}, []string{"metric auc: prediction is -4", probability, "FromLogits"}},
		"auc above 1":                 {k.AUC(k.PRCurve), []float32{1.5}, []float32{1}, []string{"prediction is 1.5"}},
		"auc of -1":                   {k.AUC(), p1, []float32{-1}, []string{"target is -1", probability}},
		"precision of 255":            {k.Precision(), p1, []float32{255}, []string{"metric precision: target is 255", probability}},
		"recall of -1":                {k.Recall(), p1, []float32{-1}, []string{"metric recall: target is -1", probability}},
		"f1 of 2":                     {k.F1Score(), p3, []float32{0, 2, 0}, []string{"metric f1_score: target is 2", probability}},
		"binary accuracy of 255":      {k.BinaryAccuracy, p1, []float32{255}, []string{"metric binary_accuracy: target is 255"}},
		"binary accuracy at of -1":    {k.BinaryAccuracyAt(0.3), p1, []float32{-1}, []string{"metric binary_accuracy_at: target is -1"}},
		"sparse accuracy of 3":        {k.SparseCategoricalAccuracy, p3, []float32{3}, []string{"target is 3", class}},
		"sparse accuracy of -1":       {k.SparseCategoricalAccuracy, p3, []float32{-1}, []string{"target is -1", class}},
		"sparse accuracy of 0.5":      {k.SparseCategoricalAccuracy, p3, []float32{0.5}, []string{"target is 0.5", class}},
		"sparse top-k of 1.5":         {k.SparseTopKCategoricalAccuracy(2), p3, []float32{1.5}, []string{"target is 1.5", class}},
		"confusion of 3":              {k.ConfusionMatrix, p3, []float32{3}, []string{"metric confusion_matrix: target is 3", class}},
		"confusion of 0.5":            {k.ConfusionMatrix, p1, []float32{0.5}, []string{"target is 0.5", "an integer from 0 to 1"}},
		"sparse cross-entropy of 3":   {k.SparseCategoricalCrossentropy, p3, []float32{3}, []string{"target is 3", class}},
		"cross-entropy of logits":     {k.BinaryCrossentropy, []float32{3}, []float32{1}, []string{"metric binary_crossentropy: prediction is 3", probability}},
		"categorical of logits":       {k.CategoricalCrossentropy, []float32{2, -1, 0}, []float32{1, 0, 0}, []string{"prediction is -1", "want at least 0"}},
		"sparse of logits":            {k.SparseCategoricalCrossentropy, []float32{2, -1, 0}, []float32{1}, []string{"prediction is -1"}},
		"kl of 2":                     {k.KLDivergence, p3, []float32{2, 0, 0}, []string{"target is 2"}},
		"poisson of -1":               {k.Poisson, p1, []float32{-1}, []string{"target is -1", "want at least 0"}},
		"hinge of 2":                  {k.Hinge, p1, []float32{2}, []string{"target is 2", "want -1 and 1 or 0 and 1"}},
		"precision at recall of 2":    {k.PrecisionAtRecall(0.5), []float32{2}, []float32{1}, []string{"metric precision_at_recall: prediction is 2", probability}},
		"true positives of 255":       {k.TruePositives(), p1, []float32{255}, []string{"metric true_positives: target is 255"}},
		"iou of class 3":              {k.MeanIoU(3), []float32{0, 1, 1}, []float32{0, 3, 1}, []string{"metric mean_io_u: target is 3", class}},
		"iou of half a class":         {k.MeanIoU(3), []float32{0, 0.5, 1}, []float32{0, 2, 1}, []string{"metric mean_io_u: prediction is 0.5", class}},
		"named":                       {k.NamedMetric("mine", k.AUC()), []float32{-4}, []float32{0}, []string{"prediction is -4"}},
		"binary cross-entropy of 255": {k.BinaryCrossentropy, p1, []float32{255}, []string{"target is 255"}},
	} {
		t.Run(name, func(t *testing.T) {
			shape := k.Shape{len(c.y)}
			if len(c.y) < len(c.p) {
				shape = k.Shape{}
			}
			m, err := c.metric.Begin(k.Shape{len(c.p)}, shape)
			if err != nil {
				t.Fatal(err)
			}
			m.Add(1, c.p, c.y)
			if v := m.Value(); !math.IsNaN(v) {
				t.Errorf("value is %v, want NaN", v)
			}
			d := m.(k.CheckedMeasurement)
			wantError(t, d.Err(), c.want...)
			m.(k.WeightedMeasurement).AddWeighted(1, c.p, c.y, []float32{1})
			if m.Reset(); d.Err() != nil {
				t.Errorf("after Reset: %v", d.Err())
			}
			if m.(k.WeightedMeasurement).AddWeighted(1, c.p, c.y, []float32{0}); d.Err() != nil {
				t.Errorf("of weight 0: %v", d.Err())
			}
		})
	}
}

// Fit, Evaluate and EvaluateWith end with the error, which names the sample.
func TestMetricDomainInFit(t *testing.T) {
	x, y := tensorOf([]int{4, 1}, []float32{-4, -3, 2, 3}), tensorOf([]int{4, 1}, []float32{0, 0, 1, 1})
	make := func(options ...k.CompileOption) *k.Model {
		m := k.Sequential("m", k.Input(1), k.Activation(k.Linear), k.Dense(1, k.KernelInitializer(k.Ones())))
		if err := m.Compile(k.SGD(0), k.BinaryCrossentropy.With(k.FromLogits), options...); err != nil {
			t.Fatal(err)
		}
		return m
	}
	data := dataOf(t, x, y)
	m := make(k.AUC())
	_, err := m.Fit(t.Context(), data, k.KeepOrder, k.BatchSize(2))
	wantError(t, err, "step 1", "sample 0", "metric auc: prediction is -4")
	_, err = m.Evaluate(t.Context(), data)
	wantError(t, err, "evaluate", "metric auc: prediction is -4")
	_, err = make().EvaluateWith(t.Context(), data, k.AUC())
	wantError(t, err, "evaluate", "metric auc: prediction is -4")
	logs, err := make(k.AUC(k.FromLogits), k.NamedMetric("pr", k.AUC(k.PRCurve, k.FromLogits))).Evaluate(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"auc", "pr"} {
		if v := logs.Get(name); math.Abs(v-1) > 1e-6 { // Keras: 1
			t.Errorf("%s of logits is %v, want 1", name, v)
		}
	}
}

// R2Score by hand and, in the last case, by scikit-learn's definition of a constant
// that is hit exactly.
func TestR2OfCloseTargets(t *testing.T) {
	for _, c := range []struct {
		p, y []float32
		want float64
	}{
		{[]float32{1e6, 1e6}, []float32{1e6, 1e6 + 0.125}, -1},
		{[]float32{3e6 + 1, 3e6, 3e6}, []float32{3e6, 3e6 + 0.25, 3e6 + 0.5}, 1 - (1+0.0625+0.25)/(2*0.0625)},
		{[]float32{1e-6, 2e-6}, []float32{2e-6, 1e-6}, -3},
		{[]float32{4, 5, 6}, []float32{5, 5, 5}, 0},
		{[]float32{5, 5, 5}, []float32{5, 5, 5}, 1},
		{[]float32{1e6, 1e6}, []float32{1e6, 1e6}, 1},
	} {
		for _, batch := range []int{1, len(c.p)} { // the same in batches of one
			m, err := k.R2Score().Begin(k.Shape{1}, k.Shape{1})
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(c.p); i += batch {
				m.Add(batch, c.p[i:i+batch], c.y[i:i+batch])
			}
			if got := m.Value(); !(math.Abs(got-c.want) <= 1e-6*max(1, math.Abs(c.want))) {
				t.Errorf("R2 of %v for %v is %v, want %v", c.p, c.y, got, c.want)
			}
		}
	}
}

// Two series of one name: the error says the way out, which works and is saved.
func TestNamed(t *testing.T) {
	make := func(options ...k.CompileOption) (*k.Model, error) {
		m := k.Sequential("m", k.Input(1), k.Dense(1, k.Sigmoid))
		return m, m.Compile(k.SGD(0.1), k.BinaryCrossentropy, options...)
	}
	_, err := make(k.AUC(), k.AUC(k.PRCurve))
	wantError(t, err, `two series would be named "auc"`, "NamedMetric")
	_, err = make(k.NamedMetric("", k.AUC()))
	wantError(t, err, "want a name and a metric")
	m, err := make(k.AUC(), k.NamedMetric("auc_pr", k.AUC(k.PRCurve)), k.WeightedMetrics(k.NamedMetric("weighted", k.Accuracy)), k.NamedMetric("rmse_again", k.NamedMetric("lost", k.RMSE)))
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/m.safetensors"
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := k.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	data := dataOf(t, tensorOf([]int{2, 1}, []float32{-1, 2}), tensorOf([]int{2, 1}, []float32{0, 1}))
	for _, m := range []*k.Model{m, loaded} {
		logs, err := m.Evaluate(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"auc", "auc_pr", "weighted", "rmse_again"} {
			if _, ok := logs.Lookup(name); !ok {
				t.Errorf("there is no %q in %v", name, logs)
			}
		}
	}
}
