// SPDX-License-Identifier: Apache-2.0

package keraslike

import "math"

// RMSE is √ mean (p - t)² over all samples.
const RMSE MetricFunc = "rmse"

var _ = registerMetricFunc(RMSE, metricKind{begin: beginRMSE, goal: minimize})

func beginRMSE(p, t Shape) (Measurement, error) {
	r := newRowMean(RMSE, p, squareRow)
	r.root = true
	return r.forTargets(p, t, p)
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
