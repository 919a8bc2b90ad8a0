// SPDX-License-Identifier: Apache-2.0

package keraslike

// The metrics of predictions alone, whatever the targets.
const (
	Sum  MetricFunc = "sum"  // Σ p over all predictions, each multiplied by the weight of its sample
	Mean MetricFunc = "mean" // the mean of all predictions
)

var (
	_ = registerMetricFunc(Sum, metricKind{begin: func(p, _ Shape) (Measurement, error) { return &sum{total: true}, nil }})
	_ = registerMetricFunc(Mean, metricKind{begin: func(p, _ Shape) (Measurement, error) { return &sum{}, nil }})
)

// sum is the sum or the mean of predictions.
type sum struct {
	domain
	total       bool
	sum, weight float64
}

var (
	_ WeightedMeasurement = (*sum)(nil)
	_ CheckedMeasurement  = (*sum)(nil)
	_ SummingMeasurement  = (*sum)(nil)
)

func (m *sum) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *sum) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	each := len(p) / n
	for i := range n {
		w, s := 1.0, 0.0
		if weights != nil {
			w = float64(weights[i])
		}
		for _, v := range p[i*each : (i+1)*each] {
			s += float64(v)
		}
		m.sum, m.weight = m.sum+w*s, m.weight+w*float64(each)
	}
}

// Value returns the sum or the mean.
func (m *sum) Value() float64 {
	if m.total {
		return m.valueOrNaN(m.sum)
	}
	return m.valueOrNaN(m.sum / m.weight)
}

// Sums returns the sums of predictions and weights.
func (m *sum) Sums() []*float64 { return []*float64{&m.sum, &m.weight, &m.invalid} }

func (m *sum) Reset() {
	m.reset()
	m.sum, m.weight = 0, 0
}
