// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
)

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

var (
	_ Domained           = (*rowMean)(nil)
	_ SummingMeasurement = (*rowMean)(nil)
)

// newRowMean is the mean of a function of rows as long as those of predictions.
func newRowMean(m MetricFunc, p Shape, row func(p, t []float32) float64) *rowMean {
	return &rowMean{name: string(m), row: row, cols: lastAxis(p), targetCols: lastAxis(p)}
}

// forTargets is the measurement where targets have the shape that it wants.
func (r *rowMean) forTargets(p, got, want Shape) (Measurement, error) {
	if !got.Equal(want) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v for predictions %v", r.name, got, want, p)
	}
	return r, nil
}

// lastAxis is the length of the last axis, 1 without any.
func lastAxis(s Shape) int {
	if len(s) == 0 {
		return 1
	}
	return s[len(s)-1]
}

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

// heedLossWeights tells the weights of the loss of the samples that are added next, whether
// the metric is weighted or not; nil for none.
func (r *rowMean) heedLossWeights(weights []float32) { r.lossWeights = weights }

// excused reports whether a metric that is not weighted takes any target: one that counts
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

// Sums are those of the values and of the weights.
func (r *rowMean) Sums() []*float64 { return []*float64{&r.sum, &r.weight, &r.lost} }

// Reset forgets all rows.
func (r *rowMean) Reset() {
	r.forget()
	r.sum, r.weight = 0, 0
}

// CustomRowMetric is a metric of your own: the mean over rows of the last axis of a
// function of the row's predictions and targets. Load has to be told of it by WithCustomMetric.
func CustomRowMetric(name string, row func(prediction, target []float32) float64) Metric {
	return &customMetric{name, func(p, t Shape) (Measurement, error) {
		if len(p) == 0 || row == nil {
			return nil, fmt.Errorf("metric %s: want a function and predictions of at least one axis, got shape %v", name, p)
		}
		r := &rowMean{name: name, own: true, row: row, cols: p[len(p)-1], targetCols: 1}
		if rows := p.Size() / r.cols; t.Size()%rows == 0 {
			r.targetCols = t.Size() / rows
			return r, nil
		}
		return nil, fmt.Errorf("metric %s: targets have shape %v, which does not go with rows of predictions %v", name, t, p)
	}}
}
