// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/internal/kernel"
)

// Metric measures a model beside its loss, streaming over the batches of an
// epoch. Formulas: https://keras.io/api/metrics/.
type Metric interface {
	CompileOption
	// Name is the name in logs and in History.
	Name() string
	// Begin makes a new measurement for predictions and targets of these
	// sample shapes.
	Begin(prediction, target Shape) (Measurement, error)
}

// Measurement adds up one metric over batches.
type Measurement interface {
	// Add takes n samples. The slices are valid during the call only.
	Add(n int, prediction, target []float32)
	// Value is the metric over all samples since the last Reset; NaN before any.
	Value() float64
	// Reset forgets all samples.
	Reset()
}

// WeightedMeasurement is a Measurement that can give samples weights, as the
// metrics of WeightedMetrics do. All of this package are.
type WeightedMeasurement interface {
	Measurement
	// AddWeighted is Add with a weight for each of the n samples.
	AddWeighted(n int, prediction, target, weights []float32)
}

// MetricFunc is a metric of this package that is a mean over rows, by its
// Keras name.
type MetricFunc string

// The metrics.
const (
	// Accuracy is BinaryAccuracy, CategoricalAccuracy or
	// SparseCategoricalAccuracy, by the shapes of output and target.
	Accuracy                  MetricFunc = "accuracy"
	BinaryAccuracy            MetricFunc = "binary_accuracy"             // share of [p > 1/2] that equal t, which is 0 or 1
	CategoricalAccuracy       MetricFunc = "categorical_accuracy"        // share of rows with argmax p = argmax t
	SparseCategoricalAccuracy MetricFunc = "sparse_categorical_accuracy" // share of rows with argmax p = t
	MAE                       MetricFunc = "mae"                         // mean |p - t|
	MSE                       MetricFunc = "mse"                         // mean (p - t)²
	RMSE                      MetricFunc = "rmse"                        // √MSE over all samples seen
	Cosine                    MetricFunc = "cosine_similarity"           // mean of p·t/(|p|·|t|)
	R2Score                   MetricFunc = "r2_score"                    // 1 - Σ (t - p)²/Σ (t - mean t)², the mean over the outputs
	ConfusionMatrix           MetricFunc = "confusion_matrix"            // a Matrix: how often class i was taken for j; its value is the accuracy
)

var metricFuncs = []MetricFunc{Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, MAE, MSE, RMSE, Cosine, R2Score, ConfusionMatrix}

// Name is the Keras name.
func (m MetricFunc) Name() string { return string(m) }

func (m MetricFunc) applyCompile(c *compiled) { c.metrics = append(c.metrics, outputMetric{Metric: m}) }

// Begin resolves Accuracy and checks the shapes.
func (m MetricFunc) Begin(p, t Shape) (Measurement, error) {
	classes := 1
	if len(p) > 0 {
		classes = p[len(p)-1]
	}
	if m == Accuracy {
		switch {
		case len(t) == len(p)-1 && p[:len(t)].Equal(t):
			m = SparseCategoricalAccuracy
		case classes > 1:
			m = CategoricalAccuracy
		default:
			m = BinaryAccuracy
		}
	}
	want := p
	r := &rowMean{name: string(m), cols: classes, targetCols: classes}
	switch m {
	case BinaryAccuracy:
		r.row, r.targets, r.hits = binaryRow(0.5), probabilities, true
	case CategoricalAccuracy:
		r.row = categoricalRow
	case SparseCategoricalAccuracy:
		r.row, r.targetCols, r.targets, r.hits = sparseRow, 1, classNumbers(classes), true
		want = p[:max(0, len(p)-1)]
	case MAE:
		r.row = absoluteRow
	case MSE:
		r.row = squareRow
	case RMSE:
		r.row, r.root = squareRow, true
	case Cosine:
		loss := kernel.Cosine[float32]()
		r.row = func(p, t []float32) float64 { return -loss.Value(p, t) }
	case R2Score:
		if !t.Equal(p) || len(p) == 0 {
			return nil, fmt.Errorf("metric %s: targets have shape %v, predictions %v, want one shape of at least one axis", m, t, p)
		}
		return newR2(p.Size()), nil
	case ConfusionMatrix:
		return newConfusion(p, t)
	default:
		return nil, fmt.Errorf("metric %q: unknown, want one of %q, a loss or a metric made by a function", string(m), metricFuncs)
	}
	if !t.Equal(want) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v for predictions %v", m, t, want, p)
	}
	return r, nil
}

// rowMean is the mean over rows of a function of a row of the prediction and
// the row of the target that goes with it.
type rowMean struct {
	domain
	name                 string
	row                  func(p, t []float32) float64
	cols, targetCols     int
	targets, predictions *numbers // that the row has a value for
	own                  bool     // row is the user's, which knows its domain itself
	root                 bool
	signed               bool      // where all targets of a batch are 0 or 1, 0 stands for -1
	signs                []float32 // of a row
	hits                 bool      // row counts hits, of which a target outside is none
	lossWeights          []float32 // of the samples that are added, whether the metric heeds them or not
	sum, weight          float64
}

var _ Domained = (*rowMean)(nil)

// Add takes the rows of n samples.
func (r *rowMean) Add(n int, p, t []float32) { r.AddWeighted(n, p, t, nil) }

// AddWeighted takes the rows of n samples, each with its sample's weight.
func (r *rowMean) AddWeighted(n int, p, t, weights []float32) {
	rows := len(p) / r.cols
	if !r.own {
		r.look(p, t)
	}
	binary := r.signed && !slices.ContainsFunc(t, func(v float32) bool { return v != 0 && v != 1 })
	for i := range rows {
		w, p, t := 1.0, p[i*r.cols:(i+1)*r.cols], t[i*r.targetCols:(i+1)*r.targetCols]
		if weights != nil {
			w = float64(weights[i/(rows/n)])
		}
		if w != 0 && !r.excused(i, rows) && (r.outside(r.name, i, rows, r.targets.check("target", t, 0)) ||
			r.outside(r.name, i, rows, r.predictions.check("prediction", p, predictionRounding))) {
			continue
		}
		if binary {
			for j, v := range t {
				r.signs[j] = 2*v - 1
			}
			t = r.signs
		}
		r.sum += w * r.row(p, t)
		r.weight += w
	}
}

// excused tells whether a metric that is not weighted takes any target: one that counts
// hits takes the label -1 of a sample that has weight 0 in the loss for a miss, as Keras does.
func (r *rowMean) excused(row, rows int) bool {
	return r.hits && r.lossWeights != nil && r.lossWeights[row/(rows/len(r.lossWeights))] == 0
}

// Value is the mean, or its root.
func (r *rowMean) Value() float64 {
	v := r.value(r.sum / r.weight)
	if r.root {
		return math.Sqrt(v)
	}
	return v
}

// Reset forgets all rows.
func (r *rowMean) Reset() {
	r.forget()
	r.sum, r.weight = 0, 0
}

// binaryRow is the share of predictions on the target's side of a threshold. As in
// Keras a target between 0 and 1 is on neither.
func binaryRow(threshold float64) func(p, t []float32) float64 {
	return func(p, t []float32) float64 {
		n := 0
		for j, v := range p {
			if indicator(v > float32(threshold)) == float64(t[j]) {
				n++
			}
		}
		return float64(n) / float64(len(p))
	}
}

func categoricalRow(p, t []float32) float64 { return indicator(argmax(p) == argmax(t)) }

func sparseRow(p, t []float32) float64 { return indicator(argmax(p) == int(t[0])) }

func absoluteRow(p, t []float32) float64 {
	var s float64
	for j, v := range p {
		s += math.Abs(float64(v) - float64(t[j]))
	}
	return s / float64(len(p))
}

func squareRow(p, t []float32) float64 {
	var s float64
	for j, v := range p {
		d := float64(v) - float64(t[j])
		s += d * d
	}
	return s / float64(len(p))
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
