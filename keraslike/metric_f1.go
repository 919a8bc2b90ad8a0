// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// F1Average is an option of F1Score that selects how the scores of the classes are averaged.
// The default is Macro.
type F1Average string

// The averages.
const (
	Macro F1Average = "macro" // the mean over the classes
	Micro F1Average = "micro" // the score of the counts of all classes together
	// ByFrequency is the mean weighted by the frequency of each class, "weighted" in Keras.
	ByFrequency F1Average = "weighted"
)

// F1Score is the harmonic mean of precision and recall, 2·p·r/(p + r + ε) with
// p = tp/(tp + fp + ε), r = tp/(tp + fn + ε) and ε = 1e-7, for one-hot or multi-hot targets.
// Without a Threshold the largest predictions of a row count as positive, except in a row of
// zeros. Its Measurement is a VectorMeasurement with one score for each class.
//
// See https://keras.io/api/metrics/classification_metrics/.
//
// Options: F1Average (Macro), which is Macro, Micro or ByFrequency; Threshold (none).
func F1Score(opts ...MetricOption) Metric {
	m := &f1{Average: Macro}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{
		"F1Average": &m.Average, "Threshold": func(v float64) { m.Threshold = &v },
	})
	return m
}

func (a F1Average) applyMetric(s *settable) { assignOption(s, "F1Average", a) }

var _ = registerMetric("f1_score", func() Metric { return F1Score() })

type f1 struct {
	Average   F1Average `json:"average"`
	Threshold *float64  `json:"threshold,omitempty"`

	mistake error // in the options
}

func (m *f1) Name() string                    { return "f1_score" }
func (m *f1) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *f1) goal() goal                      { return maximize }
func (m *f1) memory(output Shape) float64     { return 3 * bytesOfNumber * classesOf(output) }

func (m *f1) Begin(p, t Shape) (Measurement, error) {
	if m.mistake != nil {
		return nil, fmt.Errorf("metric f1_score: %w", m.mistake)
	}
	if len(p) == 0 || !t.Equal(p) {
		return nil, fmt.Errorf("metric f1_score: targets have shape %v, predictions %v, want one shape with classes along the last axis", t, p)
	}
	if m.Average != Macro && m.Average != Micro && m.Average != ByFrequency {
		return nil, fmt.Errorf("metric f1_score: average %q is unknown, want macro, micro or weighted", m.Average)
	}
	if v := m.Threshold; v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
		return nil, fmt.Errorf("metric f1_score: threshold is %g, want a finite number", *v)
	}
	n := p[len(p)-1]
	return &f1Counts{f1: m, tp: make([]float64, n), fp: make([]float64, n), fn: make([]float64, n)}, nil
}

var (
	_ VectorMeasurement  = (*f1Counts)(nil)
	_ CheckedMeasurement = (*f1Counts)(nil)
	_ SummingMeasurement = (*f1Counts)(nil)
)

type f1Counts struct {
	domain
	*f1
	tp, fp, fn []float64 // by class
}

func (m *f1Counts) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *f1Counts) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	cols := len(m.tp)
	rows := len(p) / cols
	for i := range rows {
		p, t := p[i*cols:(i+1)*cols], t[i*cols:(i+1)*cols]
		w, largest := 1.0, p[argmax(p)]
		if weights != nil {
			w = float64(weights[i/(rows/n)])
		}
		if w != 0 && m.reject("f1_score", i, rows, probabilities.check("target", t, 0)) {
			continue
		}
		for j, v := range p {
			hit := v >= largest && (v > 1e-9 || v < -1e-9)
			if m.Threshold != nil {
				hit = v > float32(*m.Threshold)
			}
			y := float64(t[j])
			if hit {
				m.tp[j], m.fp[j] = m.tp[j]+w*y, m.fp[j]+w*(1-y)
			} else {
				m.fn[j] += w * y
			}
		}
	}
}

// Values returns the score of each class.
func (m *f1Counts) Values() []float64 {
	values := make([]float64, len(m.tp))
	for j := range values {
		values[j] = m.valueOrNaN(f1Of(m.tp[j], m.fp[j], m.fn[j]))
	}
	return values
}

func f1Of(tp, fp, fn float64) float64 {
	const epsilon = 1e-7
	precision, recall := tp/(tp+fp+epsilon), tp/(tp+fn+epsilon)
	return 2 * precision * recall / (precision + recall + epsilon)
}

func (m *f1Counts) Value() float64 {
	var tp, fp, fn, sum, support float64
	for j := range m.tp {
		tp, fp, fn = tp+m.tp[j], fp+m.fp[j], fn+m.fn[j]
		score, true := f1Of(m.tp[j], m.fp[j], m.fn[j]), m.tp[j]+m.fn[j]
		if m.Average == Macro {
			true = 1
		}
		sum, support = sum+score*true, support+true
	}
	switch m.Average {
	case Micro:
		return m.valueOrNaN(f1Of(tp, fp, fn))
	case Macro:
		return m.valueOrNaN(sum / support)
	}
	return m.valueOrNaN(sum / (support + 1e-7))
}

// Sums returns the counts by class.
func (m *f1Counts) Sums() []*float64 { return append(addresses(m.tp, m.fp, m.fn), &m.invalid) }

func (m *f1Counts) Reset() {
	m.reset()
	clear(m.tp)
	clear(m.fp)
	clear(m.fn)
}
