// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// ClassAverage is an option of F1Score and FBetaScore that selects how the scores of the classes
// are averaged. The default is Macro.
type ClassAverage string

// The averages.
const (
	Macro ClassAverage = "macro" // the mean over the classes
	Micro ClassAverage = "micro" // the score of the counts of all classes together
	// ByFrequency is the mean weighted by the frequency of each class, "weighted" in Keras.
	ByFrequency ClassAverage = "weighted"
)

const (
	f1Name    = "f1_score"
	fbetaName = "fbeta_score"
)

// F1Score is FBetaScore with β = 1, the harmonic mean of precision and recall.
//
// See https://keras.io/api/metrics/classification_metrics/.
//
// Options: ClassAverage (Macro), which is Macro, Micro or ByFrequency; Threshold (none).
func F1Score(opts ...MetricOption) Metric { return newFBeta(f1Name, 1, opts) }

// FBetaScore is the weighted harmonic mean of precision and recall, in which recall counts β times as
// much as precision: (1 + β²)·p·r/(β²·p + r + ε) with p = tp/(tp + fp + ε), r = tp/(tp + fn + ε) and
// ε = 1e-7, for one-hot or multi-hot targets. Without a Threshold the largest predictions of a row
// count as positive, except in a row of zeros. Its Measurement is a VectorMeasurement with one score
// for each class, which is what Keras returns by default.
//
// See https://keras.io/api/metrics/classification_metrics/.
//
// Options: ClassAverage (Macro), which is Macro, Micro or ByFrequency; Threshold (none).
func FBetaScore(beta float64, opts ...MetricOption) Metric { return newFBeta(fbetaName, beta, opts) }

func newFBeta(name string, beta float64, opts []MetricOption) Metric {
	m := &fbeta{name: name, Average: Macro, Beta: beta}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"ClassAverage": &m.Average, "Threshold": &m.Threshold})
	return m
}

func (a ClassAverage) applyMetric(s *settable) { assignOption(s, "ClassAverage", a) }

var (
	_ = registerMetric(f1Name, func() Metric { return F1Score() })
	_ = registerMetric(fbetaName, func() Metric { return FBetaScore(1) })
)

type fbeta struct {
	name      string
	Beta      float64      `json:"beta"`
	Average   ClassAverage `json:"average"`
	Threshold []float64    `json:"threshold,omitempty"`

	mistake error // in the options
}

func (m *fbeta) Name() string                    { return m.name }
func (m *fbeta) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *fbeta) goal() goal                      { return maximize }
func (m *fbeta) memory(output Shape) float64     { return 3 * bytesOfNumber * classesOf(output) }

func (m *fbeta) Begin(p, t Shape) (Measurement, error) {
	fail := func(err error) (Measurement, error) { return nil, fmt.Errorf("metric %s: %w", m.name, err) }
	switch {
	case m.mistake != nil:
		return fail(m.mistake)
	case !(m.Beta > 0 && m.Beta*m.Beta <= math.MaxFloat32):
		return fail(fmt.Errorf("beta is %g, want a finite number above 0", m.Beta))
	case len(p) == 0 || !t.Equal(p):
		return fail(fmt.Errorf("targets have shape %v, predictions %v, want one shape with classes along the last axis", t, p))
	case m.Average != Macro && m.Average != Micro && m.Average != ByFrequency:
		return fail(fmt.Errorf("average %q is unknown, want macro, micro or weighted", m.Average))
	case m.Threshold != nil && len(m.Threshold) != 1:
		return fail(fmt.Errorf("got %d thresholds, want one", len(m.Threshold)))
	}
	if err := checkThresholds(m.Threshold); err != nil {
		return fail(err)
	}
	n := p[len(p)-1]
	return &fbetaCounts{fbeta: m, tp: make([]float64, n), fp: make([]float64, n), fn: make([]float64, n)}, nil
}

var (
	_ VectorMeasurement  = (*fbetaCounts)(nil)
	_ CheckedMeasurement = (*fbetaCounts)(nil)
	_ SummingMeasurement = (*fbetaCounts)(nil)
)

type fbetaCounts struct {
	domain
	*fbeta
	tp, fp, fn []float64 // by class
}

func (m *fbetaCounts) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *fbetaCounts) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	cols := len(m.tp)
	rows := len(p) / cols
	for i := range rows {
		p, t := p[i*cols:(i+1)*cols], t[i*cols:(i+1)*cols]
		w, largest := 1.0, p[argmax(p)]
		if weights != nil {
			w = float64(weights[i/(rows/n)])
		}
		if w != 0 && m.reject(m.name, i, rows, probabilities.check("target", t, 0)) {
			continue
		}
		for j, v := range p {
			hit := v >= largest && (v > 1e-9 || v < -1e-9)
			if m.Threshold != nil {
				hit = v > float32(m.Threshold[0])
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
func (m *fbetaCounts) Values() []float64 {
	values := make([]float64, len(m.tp))
	for j := range values {
		values[j] = m.valueOrNaN(m.score(m.tp[j], m.fp[j], m.fn[j]))
	}
	return values
}

func (m *fbeta) score(tp, fp, fn float64) float64 {
	const epsilon = 1e-7
	precision, recall, square := tp/(tp+fp+epsilon), tp/(tp+fn+epsilon), m.Beta*m.Beta
	return (1 + square) * precision * recall / (square*precision + recall + epsilon)
}

func (m *fbetaCounts) Value() float64 {
	var tp, fp, fn, sum, support float64
	for j := range m.tp {
		tp, fp, fn = tp+m.tp[j], fp+m.fp[j], fn+m.fn[j]
		score, true := m.score(m.tp[j], m.fp[j], m.fn[j]), m.tp[j]+m.fn[j]
		if m.Average == Macro {
			true = 1
		}
		sum, support = sum+score*true, support+true
	}
	switch m.Average {
	case Micro:
		return m.valueOrNaN(m.score(tp, fp, fn))
	case Macro:
		return m.valueOrNaN(sum / support)
	}
	return m.valueOrNaN(sum / (support + 1e-7))
}

// Sums returns the counts by class.
func (m *fbetaCounts) Sums() []*float64 { return append(addresses(m.tp, m.fp, m.fn), &m.invalid) }

func (m *fbetaCounts) Reset() {
	m.reset()
	clear(m.tp)
	clear(m.fp)
	clear(m.fn)
}
