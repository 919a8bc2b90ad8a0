// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

var (
	_ = registerMetric("precision", func() Metric { return Precision() })
	_ = registerMetric("recall", func() Metric { return Recall() })
)

// Precision is the fraction of positive predictions that are true, tp/(tp + fp), 0 if there
// are none. Targets are 0 and 1; as in Keras, any value between counts as true.
// See https://keras.io/api/metrics/classification_metrics/.
//
// Options: Threshold (0.5); for logits use Threshold(0).
func Precision(opts ...MetricOption) Metric { return newPrecisionRecall("precision", opts) }

// Recall is the fraction of true targets that were predicted as positive, tp/(tp + fn), 0 if
// there are none. Targets are as for Precision.
//
// Options: Threshold (0.5).
func Recall(opts ...MetricOption) Metric { return newPrecisionRecall("recall", opts) }

func newPrecisionRecall(name string, opts []MetricOption) Metric {
	m := &precisionRecall{name: name, Threshold: 0.5}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"Threshold": &m.Threshold})
	return m
}

type precisionRecall struct {
	name      string
	Threshold float64 `json:"threshold"`

	mistake error // in the options
}

func (m *precisionRecall) Name() string                    { return m.name }
func (m *precisionRecall) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *precisionRecall) goal() goal                      { return maximize }

func (m *precisionRecall) Begin(p, t Shape) (Measurement, error) {
	if m.mistake != nil {
		return nil, fmt.Errorf("metric %s: %w", m.name, m.mistake)
	}
	if !t.Equal(p) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v as predictions", m.name, t, p)
	}
	if math.IsNaN(m.Threshold) || math.IsInf(m.Threshold, 0) {
		return nil, fmt.Errorf("metric %s: threshold is %g, want a finite number", m.name, m.Threshold)
	}
	return &hitCounts{precisionRecall: m}, nil
}

// hitCounts counts true positives, false positives and false negatives.
type hitCounts struct {
	domain
	*precisionRecall
	tp, fp, fn float64
}

var (
	_ CheckedMeasurement = (*hitCounts)(nil)
	_ SummingMeasurement = (*hitCounts)(nil)
)

func (m *hitCounts) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *hitCounts) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	each := len(p) / n
	for i, v := range p {
		w := 1.0
		if weights != nil {
			w = float64(weights[i/each])
		}
		if w != 0 && m.reject(m.name, i/each, n, probabilities.check("target", t[i:i+1], 0)) {
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

func (m *hitCounts) Value() float64 {
	if m.name == "recall" {
		return m.valueOrNaN(ratio(m.tp, m.tp+m.fn))
	}
	return m.valueOrNaN(ratio(m.tp, m.tp+m.fp))
}

// Sums returns the counts.
func (m *hitCounts) Sums() []*float64 { return []*float64{&m.tp, &m.fp, &m.fn, &m.invalid} }

func (m *hitCounts) Reset() {
	m.reset()
	m.tp, m.fp, m.fn = 0, 0, 0
}
