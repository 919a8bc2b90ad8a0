// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/kernel"
)

const (
	cosineName      = "cosine_similarity"
	pearsonName     = "pearson_correlation"
	concordanceName = "concordance_correlation"
)

var (
	_ = registerMetric(cosineName, func() Metric { return Cosine() })
	_ = registerMetric(pearsonName, func() Metric { return PearsonCorrelation() })
	_ = registerMetric(concordanceName, func() Metric { return ConcordanceCorrelation() })
)

// Cosine is the mean over all rows of the cosine p·t/(|p|·|t|) of the angle between prediction and
// target. Keras names it CosineSimilarity, like the loss, which has the opposite sign.
// See https://keras.io/api/metrics/regression_metrics/.
//
// Options: AlongAxis (-1).
func Cosine(opts ...MetricOption) Metric { return newCorrelation(cosineName, opts) }

// PearsonCorrelation is the mean over all rows of Pearson's correlation cov(p, t)/(σ_p·σ_t) of the
// predictions and targets in a row, NaN if those of a row are all equal.
// See https://keras.io/api/metrics/correlation_metrics/.
//
// Options: AlongAxis (-1).
func PearsonCorrelation(opts ...MetricOption) Metric { return newCorrelation(pearsonName, opts) }

// ConcordanceCorrelation is the mean over all rows of Lin's concordance correlation coefficient
// 2·cov(p, t)/(σ_p² + σ_t² + (mean p - mean t)² + ε) of the predictions and targets in a row,
// ε = 1e-7 (Lin 1989). See https://keras.io/api/metrics/correlation_metrics/.
//
// Options: AlongAxis (-1).
func ConcordanceCorrelation(opts ...MetricOption) Metric {
	return newCorrelation(concordanceName, opts)
}

func newCorrelation(name string, opts []MetricOption) Metric {
	m := &correlation{name: name, Axis: -1}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"AlongAxis": &m.Axis})
	return m
}

// correlation is a mean over rows along an axis.
type correlation struct {
	name string
	Axis int `json:"axis"`

	mistake error // in the options
}

func (m *correlation) Name() string                    { return m.name }
func (m *correlation) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *correlation) goal() goal                      { return maximize }

func (m *correlation) Begin(p, t Shape) (Measurement, error) {
	fail := func(err error) (Measurement, error) { return nil, fmt.Errorf("metric %s: %w", m.name, err) }
	if m.mistake != nil {
		return fail(m.mistake)
	}
	if !t.Equal(p) {
		return fail(fmt.Errorf("targets have shape %v, want %v as predictions", t, p))
	}
	r := &rowMean{name: m.name, cols: 1, targetCols: 1}
	if len(p) > 0 || m.Axis != -1 {
		i, err := axisOf(m.Axis, p)
		if err != nil {
			return fail(fmt.Errorf("AlongAxis: %w", err))
		}
		if r.cols, r.targetCols, r.inner = p[i], p[i], Shape(p[i+1:]).Size(); r.inner == Any || r.cols == Any {
			return fail(fmt.Errorf("AlongAxis is %d, predictions have shape %v, want fixed lengths from that axis on", m.Axis, p))
		}
	}
	if m.name != cosineName && r.cols < 2 {
		return fail(fmt.Errorf("predictions have shape %v, want at least two values in a row", p))
	}
	switch m.name {
	case cosineName:
		loss := kernel.Cosine[float32]()
		r.row = func(p, t []float32) float64 { return -loss.Value(p, t) }
	case pearsonName:
		r.row = pearsonRow
	default:
		r.row = concordanceRow
	}
	return r.start(), nil
}

// moments are those of the predictions and targets of a row.
type moments struct{ meanP, meanT, varP, varT, cov float64 }

func momentsOf(p, t []float32) (m moments) {
	n := float64(len(p))
	for j, v := range p {
		m.meanP, m.meanT = m.meanP+float64(v)/n, m.meanT+float64(t[j])/n
	}
	for j, v := range p {
		a, b := float64(v)-m.meanP, float64(t[j])-m.meanT
		m.varP, m.varT, m.cov = m.varP+a*a/n, m.varT+b*b/n, m.cov+a*b/n
	}
	return m
}

func pearsonRow(p, t []float32) float64 {
	m := momentsOf(p, t)
	return m.cov / math.Sqrt(m.varP*m.varT)
}

func concordanceRow(p, t []float32) float64 {
	m := momentsOf(p, t)
	return 2 * m.cov / (m.varP + m.varT + (m.meanT-m.meanP)*(m.meanT-m.meanP) + 1e-7)
}
