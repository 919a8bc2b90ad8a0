// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

const r2Name = "r2_score"

var _ = registerMetric(r2Name, func() Metric { return R2Score() })

// R2Score is the coefficient of determination 1 - Σ (t - p)²/Σ (t - mean t)², by default the mean
// over the outputs. An output whose targets are all equal scores 1 if the predictions are exact and 0
// otherwise. Its Measurement is a VectorMeasurement with the score of each output, which is what
// Keras returns with class_aggregation=None.
//
// Regressors is the number of independent variables that the predictions were made from; the score R²
// is then adjusted for it, 1 - (1 - R²)·(n - 1)/(n - Regressors - 1), where n is the number of target
// values. As in Keras it is not adjusted if n <= Regressors + 1.
//
// See https://keras.io/api/metrics/regression_metrics/.
//
// Options: OutputAverage (UniformAverage), which is UniformAverage or VarianceWeighted; Regressors
// (0).
func R2Score(opts ...MetricOption) Metric {
	m := &r2{Average: UniformAverage}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"OutputAverage": &m.Average, "Regressors": &m.Regressors})
	return m
}

// OutputAverage is an option of R2Score that selects how the scores of the outputs are averaged. The
// default is UniformAverage.
type OutputAverage string

// The averages.
const (
	UniformAverage   OutputAverage = "uniform_average"           // the mean over the outputs
	VarianceWeighted OutputAverage = "variance_weighted_average" // weighted by the variance of the targets
)

func (a OutputAverage) applyMetric(s *settable) { assignOption(s, "OutputAverage", a) }

// Regressors is the number of independent variables for which R2Score is adjusted; the default is 0,
// for no adjustment.
func Regressors(n int) MetricOption { return optionValue[int]{"Regressors", n} }

type r2 struct {
	Average    OutputAverage `json:"class_aggregation"`
	Regressors int           `json:"num_regressors,omitempty"`

	mistake error // in the options
}

func (m *r2) Name() string                    { return r2Name }
func (m *r2) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *r2) goal() goal                      { return maximize }
func (m *r2) memory(output Shape) float64     { return 4 * bytesOfNumber * floatSize(output) }

func (m *r2) Begin(p, t Shape) (Measurement, error) {
	fail := func(err error) (Measurement, error) { return nil, fmt.Errorf("metric %s: %w", r2Name, err) }
	switch {
	case m.mistake != nil:
		return fail(m.mistake)
	case !t.Equal(p) || len(p) == 0:
		return fail(fmt.Errorf("targets have shape %v, predictions %v, want one shape of at least one axis", t, p))
	case p.isFree():
		return fail(fmt.Errorf("predictions have shape %v, want a fixed number of outputs, each of which has a score of its own", p))
	case m.Average != UniformAverage && m.Average != VarianceWeighted:
		return fail(fmt.Errorf("OutputAverage %q is unknown, want uniform_average or variance_weighted_average", m.Average))
	case m.Regressors < 0:
		return fail(fmt.Errorf("%d regressors, want at least 0", m.Regressors))
	}
	n := p.Size()
	return &r2Sums{r2: m, weight: make([]float64, n), mean: make([]float64, n), squares: make([]float64, n), errors: make([]float64, n)}, nil
}

// r2Sums accumulates for each output Σ w, the weighted mean of t, Σ w·(t - mean)² by the update
// of West (1979), which avoids cancellation, and Σ w·(t - p)².
type r2Sums struct {
	domain
	*r2
	weight, mean, squares, errors []float64
	count                         float64 // of target values
}

var (
	_ WeightedMeasurement = (*r2Sums)(nil)
	_ CheckedMeasurement  = (*r2Sums)(nil)
	_ SummingMeasurement  = (*r2Sums)(nil)
	_ VectorMeasurement   = (*r2Sums)(nil)
)

func (m *r2Sums) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

// AddWeighted adds n rows, which may be parts of samples, such as steps of a series.
func (m *r2Sums) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	outputs, each := len(m.mean), len(p)/n
	for i, v := range p {
		w, j, y := 1.0, i%outputs, float64(t[i])
		if weights != nil {
			w = float64(weights[i/each])
		}
		if w == 0 {
			continue
		}
		m.count++
		m.weight[j] += w
		delta := y - m.mean[j]
		m.mean[j] += w / m.weight[j] * delta
		m.squares[j] += w * delta * (y - m.mean[j])
		e := y - float64(v)
		m.errors[j] += w * e * e
	}
}

// score returns the score of an output, 1 - Σ w·(t - p)²/Σ w·(t - mean t)².
func (m *r2Sums) score(j int) float64 {
	switch {
	case m.squares[j] != 0:
		return 1 - m.errors[j]/m.squares[j]
	case m.errors[j] == 0:
		return 1
	}
	return 0
}

// adjusted returns a score that is adjusted for the number of regressors.
func (m *r2Sums) adjusted(score float64) float64 {
	if free := m.count - float64(m.Regressors) - 1; m.Regressors > 0 && free > 0 {
		score = 1 - (1-score)*(m.count-1)/free
	}
	return m.valueOrNaN(score)
}

// Value returns the average over the outputs with an unmasked step.
func (m *r2Sums) Value() float64 {
	var total, outputs, plain, n float64
	for j, squares := range m.squares {
		if m.weight[j] == 0 {
			continue
		}
		w := 1.0
		if m.Average == VarianceWeighted {
			w = squares
		}
		total, outputs = total+w*m.score(j), outputs+w
		plain, n = plain+m.score(j), n+1
	}
	if outputs == 0 { // no output varies
		total, outputs = plain, n
	}
	return m.adjusted(total / outputs)
}

// Values returns the score of each output.
func (m *r2Sums) Values() (values []float64) {
	for j := range m.squares {
		values = append(values, m.adjusted(m.score(j)))
	}
	return values
}

// Sums returns all sums.
func (m *r2Sums) Sums() []*float64 {
	return append(addresses(m.weight, m.mean, m.squares, m.errors), &m.count, &m.invalid)
}

func (m *r2Sums) Reset() {
	m.reset()
	m.count = 0
	clear(m.weight)
	clear(m.mean)
	clear(m.squares)
	clear(m.errors)
}
