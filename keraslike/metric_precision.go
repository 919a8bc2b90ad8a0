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
func Precision(opts ...MetricOption) Metric { return newHits("precision", opts) }

// Recall is the fraction of true targets that were predicted as positive, tp/(tp + fn), 0 if
// there are none. Targets are as for Precision.
//
// Options: Threshold (0.5).
func Recall(opts ...MetricOption) Metric { return newHits("recall", opts) }

func newHits(name string, opts []MetricOption) Metric {
	m := &hits{name: name, Threshold: 0.5}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"Threshold": &m.Threshold})
	return m
}

type hits struct {
	name      string
	Threshold float64 `json:"threshold"`

	mistake error // in the options
}

func (m *hits) Name() string                    { return m.name }
func (m *hits) applyCompile(c *compileSettings) { c.measure(m) }
func (m *hits) goal() goal                      { return maximize }

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
	return &hitCount{hits: m}, nil
}

// hitCount counts true positives, false positives and false negatives.
type hitCount struct {
	domain
	*hits
	tp, fp, fn float64
}

var (
	_ Domained           = (*hitCount)(nil)
	_ SummingMeasurement = (*hitCount)(nil)
)

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

// Sums returns the counts.
func (m *hitCount) Sums() []*float64 { return []*float64{&m.tp, &m.fp, &m.fn, &m.lost} }

func (m *hitCount) Reset() {
	m.forget()
	m.tp, m.fp, m.fn = 0, 0, 0
}
