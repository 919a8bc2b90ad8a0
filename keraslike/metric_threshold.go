// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// metricKinds makes the metrics that have settings, with their defaults.
var metricKinds = map[string]func() Metric{
	"precision":                         func() Metric { return Precision() },
	"recall":                            func() Metric { return Recall() },
	"binary_accuracy_at":                func() Metric { return BinaryAccuracyAt(0.5) },
	"f1_score":                          func() Metric { return F1Score() },
	"auc":                               func() Metric { return AUC() },
	"top_k_categorical_accuracy":        func() Metric { return TopKCategoricalAccuracy(5) },
	"sparse_top_k_categorical_accuracy": func() Metric { return SparseTopKCategoricalAccuracy(5) },
}

// Threshold is the prediction above which a metric takes a class for present. The
// default is 0.5, in F1Score the row's largest prediction.
type Threshold float64

// Precision is the share of what was predicted that is true, tp/(tp + fp), 0 where
// nothing was predicted. Targets are 0 and 1; as in Keras any between them is true.
// Option: Threshold, which for logits is 0.
// See https://keras.io/api/metrics/classification_metrics/.
func Precision(opts ...ThresholdOption) Metric { return newHits("precision", opts) }

// Recall is the share of what is true that was predicted, tp/(tp + fn), 0 where
// nothing is true. Targets and option are Precision's.
func Recall(opts ...ThresholdOption) Metric { return newHits("recall", opts) }

// BinaryAccuracyAt is BinaryAccuracy with another threshold than 1/2 for the
// predictions.
func BinaryAccuracyAt(threshold float64) Metric {
	return newHits("binary_accuracy_at", []ThresholdOption{Threshold(threshold)})
}

// ThresholdOption is an option of Precision and Recall: Threshold.
type ThresholdOption interface{ applyHits(*hits) }

func (v Threshold) applyHits(m *hits) { m.Threshold = float64(v) }

func newHits(name string, opts []ThresholdOption) Metric {
	m := &hits{name: name, Threshold: 0.5}
	for _, o := range given(opts, &m.mistake) {
		o.applyHits(m)
	}
	return m
}

type hits struct {
	name      string
	Threshold float64 `json:"threshold"`

	mistake error // in the options
}

func (m *hits) Name() string             { return m.name }
func (m *hits) applyCompile(c *compiled) { c.metrics = append(c.metrics, outputMetric{Metric: m}) }

func (m *hits) Begin(p, t Shape) (Measurement, error) {
	if m.mistake != nil {
		return nil, fmt.Errorf("metric %s: %w", m.name, m.mistake)
	}
	if !t.Equal(p) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v as predictions", m.name, t, p)
	}
	if math.IsNaN(m.Threshold) || math.IsInf(m.Threshold, 0) {
		return nil, fmt.Errorf("metric %s: threshold is %g, want a finite number", m.name, m.Threshold)
	}
	if m.name == "binary_accuracy_at" {
		cols := max(1, p.Size())
		return &rowMean{name: m.name, row: binaryRow(m.Threshold), cols: cols, targetCols: cols, targets: probabilities, hits: true}, nil
	}
	return &hitCount{hits: m}, nil
}

// hitCount counts true and false positives and false negatives.
type hitCount struct {
	domain
	*hits
	tp, fp, fn float64
}

var _ Domained = (*hitCount)(nil)

func (m *hitCount) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *hitCount) AddWeighted(n int, p, t, weights []float32) {
	m.look(p, t)
	each := len(p) / n
	for i, v := range p {
		w := 1.0
		if weights != nil {
			w = float64(weights[i/each])
		}
		if w != 0 && m.outside(m.name, i/each, n, probabilities.check("target", t[i:i+1], 0)) {
			continue
		}
		switch hit, is := v > float32(m.Threshold), t[i] != 0; {
		case hit && is:
			m.tp += w
		case hit:
			m.fp += w
		case is:
			m.fn += w
		}
	}
}

func (m *hitCount) Value() float64 {
	if m.name == "recall" {
		return m.value(ratio(m.tp, m.tp+m.fn))
	}
	return m.value(ratio(m.tp, m.tp+m.fp))
}

func (m *hitCount) Reset() {
	m.forget()
	m.tp, m.fp, m.fn = 0, 0, 0
}

// ratio is a/b, 0 for b = 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// TopKCategoricalAccuracy is the share of rows whose true class, a one-hot target's
// largest, is among the k largest predictions. Keras's default k is 5.
func TopKCategoricalAccuracy(k int) Metric { return &topK{"top_k_categorical_accuracy", k} }

// SparseTopKCategoricalAccuracy is TopKCategoricalAccuracy for class numbers.
func SparseTopKCategoricalAccuracy(k int) Metric {
	return &topK{"sparse_top_k_categorical_accuracy", k}
}

type topK struct {
	name string
	K    int `json:"k"`
}

func (m *topK) Name() string             { return m.name }
func (m *topK) applyCompile(c *compiled) { c.metrics = append(c.metrics, outputMetric{Metric: m}) }

func (m *topK) Begin(p, t Shape) (Measurement, error) {
	if m.K < 1 || len(p) == 0 {
		return nil, fmt.Errorf("metric %s: k is %d and predictions have shape %v, want k of at least 1 and classes along the last axis", m.name, m.K, p)
	}
	r := &rowMean{name: m.name, cols: p[len(p)-1], targetCols: p[len(p)-1]}
	want, class := p, argmax
	if m.name[0] == 's' {
		want, class, r.targetCols = p[:len(p)-1], func(t []float32) int { return int(t[0]) }, 1
		r.targets, r.hits = classNumbers(r.cols), true
	}
	if !t.Equal(want) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v for predictions %v", m.name, t, want, p)
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
