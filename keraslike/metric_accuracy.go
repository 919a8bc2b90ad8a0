// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
)

// The accuracy metrics.
const (
	// Accuracy is BinaryAccuracy, CategoricalAccuracy or SparseCategoricalAccuracy,
	// depending on the shapes of output and target.
	Accuracy                  MetricFunc = "accuracy"
	BinaryAccuracy            MetricFunc = "binary_accuracy"             // fraction of elements with [p > 1/2] = t, t 0 or 1
	CategoricalAccuracy       MetricFunc = "categorical_accuracy"        // fraction of rows with argmax p = argmax t
	SparseCategoricalAccuracy MetricFunc = "sparse_categorical_accuracy" // fraction of rows with argmax p = t
	// ExactAccuracy is the fraction of elements with p = t, for predictions that are class numbers
	// themselves. It is Keras's class Accuracy.
	ExactAccuracy MetricFunc = "exact_accuracy"
)

const (
	binaryAccuracyAt   = "binary_accuracy_at"
	topKAccuracy       = "top_k_categorical_accuracy"
	sparseTopKAccuracy = "sparse_top_k_categorical_accuracy"
)

var (
	_ = registerMetricFunc(Accuracy, metricKind{begin: beginAccuracy, goal: maximize})
	_ = registerMetricFunc(BinaryAccuracy, metricKind{begin: beginBinaryAccuracy, goal: maximize})
	_ = registerMetricFunc(CategoricalAccuracy, metricKind{begin: beginCategoricalAccuracy, goal: maximize})
	_ = registerMetricFunc(SparseCategoricalAccuracy, metricKind{begin: beginSparseAccuracy, goal: maximize})
	_ = registerMetricFunc(ExactAccuracy, metricKind{begin: beginExactAccuracy, goal: maximize})
	_ = registerMetric(binaryAccuracyAt, func() Metric { return BinaryAccuracyAt(0.5) })
	_ = registerMetric(topKAccuracy, func() Metric { return TopKCategoricalAccuracy(5) })
	_ = registerMetric(sparseTopKAccuracy, func() Metric { return SparseTopKCategoricalAccuracy(5) })
)

func beginAccuracy(p, t Shape) (Measurement, error) {
	switch {
	case len(t) == len(p)-1 && p[:len(t)].Equal(t):
		return beginSparseAccuracy(p, t)
	case lastAxis(p) > 1:
		return beginCategoricalAccuracy(p, t)
	}
	return beginBinaryAccuracy(p, t)
}

func beginBinaryAccuracy(p, t Shape) (Measurement, error) {
	r := newRowMean(BinaryAccuracy, p, binaryRow(0.5))
	r.targets, r.countsHits = probabilities, true
	return r.forTargets(p, t, p)
}

func beginCategoricalAccuracy(p, t Shape) (Measurement, error) {
	return newRowMean(CategoricalAccuracy, p, categoricalRow).forTargets(p, t, p)
}

func beginSparseAccuracy(p, t Shape) (Measurement, error) {
	r := newRowMean(SparseCategoricalAccuracy, p, sparseRow)
	r.targetCols, r.targets, r.countsHits = 1, classRange(r.cols), true
	return r.forTargets(p, t, p[:max(0, len(p)-1)])
}

func beginExactAccuracy(p, t Shape) (Measurement, error) {
	return newRowMean(ExactAccuracy, p, exactRow).forTargets(p, t, p)
}

func exactRow(p, t []float32) float64 {
	n := 0
	for j, v := range p {
		n += int(indicator(v == t[j]))
	}
	return float64(n) / float64(len(p))
}

// binaryRow computes the fraction of predictions on the target's side of a threshold. As in
// Keras, a target between 0 and 1 is on neither side.
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

// BinaryAccuracyAt is BinaryAccuracy with the given threshold for predictions instead of
// 1/2.
func BinaryAccuracyAt(threshold float64) Metric { return &accuracyAt{threshold} }

type accuracyAt struct {
	Threshold float64 `json:"threshold"`
}

func (m *accuracyAt) Name() string                    { return binaryAccuracyAt }
func (m *accuracyAt) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *accuracyAt) goal() goal                      { return maximize }

func (m *accuracyAt) Begin(p, t Shape) (Measurement, error) {
	if !t.Equal(p) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v as predictions", binaryAccuracyAt, t, p)
	}
	if math.IsNaN(m.Threshold) || math.IsInf(m.Threshold, 0) {
		return nil, fmt.Errorf("metric %s: threshold is %g, want a finite number", binaryAccuracyAt, m.Threshold)
	}
	cols := lastAxis(p)
	return &rowMean{name: binaryAccuracyAt, row: binaryRow(m.Threshold), cols: cols, targetCols: cols, targets: probabilities, countsHits: true}, nil
}

// TopKCategoricalAccuracy is the fraction of rows whose true class is among the k largest
// predictions, for one-hot targets. Keras's default k is 5.
func TopKCategoricalAccuracy(k int) Metric { return &topK{name: topKAccuracy, K: k} }

// SparseTopKCategoricalAccuracy is TopKCategoricalAccuracy for targets that are class
// numbers. With FromSortedIDs predictions are class numbers, too, the most probable first.
//
// Options: FromSortedIDs (off).
func SparseTopKCategoricalAccuracy(k int, opts ...MetricOption) Metric {
	m := &topK{name: sparseTopKAccuracy, sparse: true, K: k}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"FromSortedIDs": &m.FromSortedIDs})
	return m
}

// FromSortedIDs declares that predictions of SparseTopKCategoricalAccuracy are class numbers in
// descending order of their scores, such as those that an approximate search returns.
const FromSortedIDs MetricFlag = "FromSortedIDs"

type topK struct {
	name          string
	sparse        bool // targets are class numbers
	K             int  `json:"k"`
	FromSortedIDs bool `json:"from_sorted_ids,omitempty"`

	mistake error // in the options
}

func (m *topK) Name() string                    { return m.name }
func (m *topK) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *topK) goal() goal                      { return maximize }

func (m *topK) Begin(p, t Shape) (Measurement, error) {
	if m.mistake != nil {
		return nil, fmt.Errorf("metric %s: %w", m.name, m.mistake)
	}
	if m.K < 1 || len(p) == 0 {
		return nil, fmt.Errorf("metric %s: k is %d and predictions have shape %v, want k of at least 1 and classes along the last axis", m.name, m.K, p)
	}
	r := &rowMean{name: m.name, cols: p[len(p)-1], targetCols: p[len(p)-1]}
	want, class := p, argmax
	if m.sparse {
		want, class, r.targetCols = p[:len(p)-1], func(t []float32) int { return int(t[0]) }, 1
		r.targets, r.countsHits = classRange(r.cols), true
	}
	if !t.Equal(want) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v for predictions %v", m.name, t, want, p)
	}
	if m.FromSortedIDs {
		r.targets, r.row = nil, func(p, t []float32) float64 { return indicator(slices.Contains(p[:min(m.K, len(p))], t[0])) }
		return r, nil
	}
	r.row = func(p, t []float32) float64 {
		c := class(t)
		if c < 0 || c >= len(p) {
			return 0
		}
		larger := 0
		for _, v := range p {
			if v > p[c] {
				larger++
			}
		}
		return indicator(larger < m.K)
	}
	return r, nil
}
