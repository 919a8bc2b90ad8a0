// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// MetricOf is a metric of one's own: the mean over rows of the last axis of a
// function of the row's predictions and targets. Load has to be told of it by
// KnownMetric.
func MetricOf(name string, row func(prediction, target []float32) float64) Metric {
	return &ownMetric{name, func(p, t Shape) (Measurement, error) {
		if len(p) == 0 || row == nil {
			return nil, fmt.Errorf("metric %s: want a function and predictions of at least one axis, got shape %v", name, p)
		}
		r := &rowMean{name: name, own: true, row: row, cols: p[len(p)-1], targetCols: 1}
		if rows := p.Size() / r.cols; t.Size()%rows == 0 {
			r.targetCols = t.Size() / rows
			return r, nil
		}
		return nil, fmt.Errorf("metric %s: targets have shape %v, which does not go with rows of predictions %v", name, t, p)
	}}
}

// CustomMetric is a metric of one's own that is no mean over rows: begin makes a
// Measurement for predictions and targets of the given sample shapes.
func CustomMetric(name string, begin func(prediction, target Shape) (Measurement, error)) Metric {
	return &ownMetric{name, begin}
}

type ownMetric struct {
	name  string
	begin func(p, t Shape) (Measurement, error)
}

func (m *ownMetric) Name() string             { return m.name }
func (m *ownMetric) applyCompile(c *compiled) { c.metrics = append(c.metrics, outputMetric{Metric: m}) }

func (m *ownMetric) Begin(p, t Shape) (Measurement, error) {
	if m.name == "" || m.begin == nil {
		return nil, fmt.Errorf("metric %q: want a name and a function", m.name)
	}
	return m.begin(p, t)
}
