// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/kernel"
)

// The metrics for regression, in addition to the losses MSE and MAE.
const (
	RMSE    MetricFunc = "rmse"              // √ mean (p - t)² over all samples
	Cosine  MetricFunc = "cosine_similarity" // mean of p·t/(|p|·|t|)
	R2Score MetricFunc = "r2_score"          // 1 - Σ (t - p)²/Σ (t - mean t)², the mean over the outputs
)

var (
	_ = registerMetricFunc(RMSE, metricKind{begin: beginRMSE, goal: minimize})
	_ = registerMetricFunc(Cosine, metricKind{begin: beginCosine, goal: maximize})
	_ = registerMetricFunc(R2Score, metricKind{begin: newR2, goal: maximize, memory: func(output Shape) float64 {
		return 4 * bytesOfNumber * floatSize(output)
	}})
)

func beginRMSE(p, t Shape) (Measurement, error) {
	r := newRowMean(RMSE, p, squareRow)
	r.root = true
	return r.forTargets(p, t, p)
}

func beginCosine(p, t Shape) (Measurement, error) {
	loss := kernel.Cosine[float32]()
	return newRowMean(Cosine, p, func(p, t []float32) float64 { return -loss.Value(p, t) }).forTargets(p, t, p)
}

func absoluteRow(p, t []float32) float64 {
	var s float64
	for j, v := range p {
		s += math.Abs(float64(v) - float64(t[j]))
	}
	return s / float64(len(p))
}

func squareRow(p, t []float32) float64 {
	var s float64
	for j, v := range p {
		d := float64(v) - float64(t[j])
		s += d * d
	}
	return s / float64(len(p))
}

// r2 accumulates for each output Σ w, the weighted mean of t, Σ w·(t - mean)² by the update
// of West (1979), which avoids cancellation, and Σ w·(t - p)².
type r2 struct {
	domain
	weight, mean, squares, errors []float64
}

var (
	_ WeightedMeasurement = (*r2)(nil)
	_ CheckedMeasurement  = (*r2)(nil)
	_ SummingMeasurement  = (*r2)(nil)
)

func newR2(p, t Shape) (Measurement, error) {
	if !t.Equal(p) || len(p) == 0 {
		return nil, fmt.Errorf("metric %s: targets have shape %v, predictions %v, want one shape of at least one axis", R2Score, t, p)
	}
	if p.isFree() {
		return nil, fmt.Errorf("metric %s: predictions have shape %v, want a fixed number of outputs, each of which has a score of its own", R2Score, p)
	}
	outputs := p.Size()
	return &r2{weight: make([]float64, outputs), mean: make([]float64, outputs), squares: make([]float64, outputs), errors: make([]float64, outputs)}, nil
}

func (m *r2) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

// AddWeighted adds n rows, which may be parts of samples, such as steps of a series.
func (m *r2) AddWeighted(n int, p, t, weights []float32) {
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
		m.weight[j] += w
		delta := y - m.mean[j]
		m.mean[j] += w / m.weight[j] * delta
		m.squares[j] += w * delta * (y - m.mean[j])
		e := y - float64(v)
		m.errors[j] += w * e * e
	}
}

// Value returns the mean of 1 - Σ w·(t - p)²/Σ w·(t - mean t)² over the outputs with an
// unmasked step. As in Keras, an output whose targets are all equal counts as 1 if the
// predictions are exact and as 0 otherwise.
func (m *r2) Value() float64 {
	var total, outputs float64
	for j, squares := range m.squares {
		if m.weight[j] == 0 {
			continue
		}
		outputs++
		switch {
		case squares != 0:
			total += 1 - m.errors[j]/squares
		case m.errors[j] == 0:
			total++
		}
	}
	return m.valueOrNaN(total / outputs)
}

// Sums returns all sums.
func (m *r2) Sums() []*float64 {
	return append(addresses(m.weight, m.mean, m.squares, m.errors), &m.invalid)
}

func (m *r2) Reset() {
	m.reset()
	clear(m.weight)
	clear(m.mean)
	clear(m.squares)
	clear(m.errors)
}
