// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
)

// rowMean is the mean over rows of a function of a row of the prediction and the
// corresponding row of the target.
type rowMean struct {
	domain
	name                 string
	row                  func(p, t []float32) float64
	cols, targetCols     int
	inner                int         // elements from one of a row to the next; 0 for 1
	gathered             []float32   // a row of predictions and one of targets, if inner is more than 1
	targets, predictions *valueRange // for which row is defined
	custom               bool        // row is a user's function, which takes any number
	root                 bool        // of the mean
	signed               bool        // if all targets of a batch are 0 or 1, 0 means -1
	signs                []float32   // of a row
	countsHits           bool        // row counts hits; an invalid target is a miss
	lossWeights          []float32   // sample weights of the loss, even if the metric is not weighted
	sum, weight          float64
}

var (
	_ CheckedMeasurement = (*rowMean)(nil)
	_ SummingMeasurement = (*rowMean)(nil)
)

// newRowMean makes a rowMean whose target rows are as long as those of predictions.
func newRowMean(m MetricFunc, p Shape, row func(p, t []float32) float64) *rowMean {
	return &rowMean{name: string(m), row: row, cols: lastAxis(p), targetCols: lastAxis(p)}
}

// start prepares rows whose elements are not adjacent.
func (r *rowMean) start() *rowMean {
	if r.inner > 1 {
		r.gathered = make([]float32, r.cols+r.targetCols)
	}
	return r
}

// rowAt returns row i of predictions and targets.
func (r *rowMean) rowAt(i int, p, t []float32) (row, target []float32) {
	if r.inner <= 1 {
		return p[i*r.cols : (i+1)*r.cols], t[i*r.targetCols : (i+1)*r.targetCols]
	}
	at := i/r.inner*r.inner*r.cols + i%r.inner
	row, target = r.gathered[:r.cols], r.gathered[r.cols:]
	for j := range row {
		row[j], target[j] = p[at+j*r.inner], t[at+j*r.inner]
	}
	return row, target
}

// forTargets returns the measurement, or an error if the targets do not have the wanted
// shape.
func (r *rowMean) forTargets(p, got, want Shape) (Measurement, error) {
	if !got.Equal(want) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v for predictions %v", r.name, got, want, p)
	}
	return r, nil
}

// lastAxis returns the length of the last axis, 1 if there are no axes.
func lastAxis(s Shape) int {
	if len(s) == 0 {
		return 1
	}
	return s[len(s)-1]
}

// Add adds the rows of n samples.
func (r *rowMean) Add(n int, p, t []float32) { r.AddWeighted(n, p, t, nil) }

// AddWeighted adds the rows of n samples, each with the weight of its sample.
func (r *rowMean) AddWeighted(n int, p, t, weights []float32) {
	rows := len(p) / r.cols
	if weights != nil && rows%n != 0 {
		r.reject(r.name, 0, 1, fmt.Errorf("has %d values, which cannot have the weights of %d steps: its rows are not along the last axis", rows, n))
		return
	}
	if !r.custom {
		r.checkFinite(p, t)
	}
	binary := r.signed && !slices.ContainsFunc(t, func(v float32) bool { return v != 0 && v != 1 })
	for i := range rows {
		w := 1.0
		p, t := r.rowAt(i, p, t)
		if weights != nil {
			w = float64(weights[i/(rows/n)])
		}
		if w != 0 && !r.exempt(i, rows) && (r.reject(r.name, i, rows, r.targets.check("target", t, 0)) ||
			r.reject(r.name, i, rows, r.predictions.check("prediction", p, predictionRounding))) {
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

// heedLossWeights sets the sample weights of the loss for the next batch, whether or not the
// metric is weighted; nil for none.
func (r *rowMean) heedLossWeights(weights []float32) { r.lossWeights = weights }

// exempt reports whether a metric that is not weighted accepts an invalid target: if it
// counts hits, the label -1 of a sample with weight 0 in the loss is a miss, as in Keras.
func (r *rowMean) exempt(row, rows int) bool {
	return r.countsHits && len(r.lossWeights) > 0 && r.lossWeights[row/max(1, rows/len(r.lossWeights))] == 0
}

// Value returns the mean or its square root.
func (r *rowMean) Value() float64 {
	v := r.valueOrNaN(r.sum / r.weight)
	if r.root {
		return math.Sqrt(v)
	}
	return v
}

// Sums returns the sums of values and weights.
func (r *rowMean) Sums() []*float64 { return []*float64{&r.sum, &r.weight, &r.invalid} }

// Reset discards all rows.
func (r *rowMean) Reset() {
	r.reset()
	r.sum, r.weight = 0, 0
}

// CustomRowMetric makes your own metric from a function of the predictions and targets of
// one row of the last axis; the metric is the mean over all rows. To load a model that was
// saved with it, pass it to Load by WithCustomMetric.
func CustomRowMetric(name string, row func(prediction, target []float32) float64) Metric {
	return &customMetric{name, func(p, t Shape) (Measurement, error) {
		if len(p) == 0 || row == nil {
			return nil, fmt.Errorf("metric %s: want a function and predictions with at least one axis, got shape %v", name, p)
		}
		r := &rowMean{name: name, custom: true, row: row, cols: p[len(p)-1], targetCols: 1}
		one, target := p.at(1), t.at(1)
		if rows := one.Size() / r.cols; target.Size()%rows == 0 {
			r.targetCols = target.Size() / rows
			return r, nil
		}
		return nil, fmt.Errorf("metric %s: targets have shape %v, which does not go with rows of predictions %v", name, t, p)
	}}
}
