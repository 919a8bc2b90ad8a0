// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// ConfusionMatrix counts the samples of class i that were predicted as class j; its
// Measurement is a MatrixMeasurement. Its value is the accuracy.
const ConfusionMatrix MetricFunc = "confusion_matrix"

var _ = registerMetricFunc(ConfusionMatrix, metricKind{
	begin: newConfusion, goal: maximize,
	memory: func(output Shape) float64 { return bytesOfNumber * classesOf(output) * classesOf(output) },
})

var (
	_ MatrixMeasurement   = (*confusion)(nil)
	_ WeightedMeasurement = (*confusion)(nil)
	_ CheckedMeasurement  = (*confusion)(nil)
	_ SummingMeasurement  = (*confusion)(nil)
)

type confusion struct {
	domain
	classes int
	one     bool        // one output for two classes
	sparse  bool        // targets are class numbers
	targets *valueRange // of class numbers
	counts  []float64
}

func newConfusion(p, t Shape) (Measurement, error) {
	if len(p) == 0 {
		return nil, fmt.Errorf("metric confusion_matrix: predictions are single numbers without an axis, want classes along the last axis")
	}
	m := &confusion{classes: p[len(p)-1], one: p[len(p)-1] == 1, sparse: t.Equal(p[:len(p)-1])}
	if m.one {
		m.classes, m.sparse = 2, true
	}
	if !m.sparse && !t.Equal(p) {
		return nil, fmt.Errorf("metric confusion_matrix: targets have shape %v, want class numbers or one-hot rows for predictions %v", t, p)
	}
	m.counts, m.targets = make([]float64, m.classes*m.classes), classRange(m.classes)
	return m, nil
}

func (m *confusion) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *confusion) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	cols := m.classes
	if m.one {
		cols = 1
	}
	rows := len(p) / cols
	for i := range rows {
		w, row := 1.0, p[i*cols:(i+1)*cols]
		if weights != nil {
			w = float64(weights[i/(rows/n)])
		}
		if w == 0 || m.sparse && m.reject("confusion_matrix", i, rows, m.targets.check("target", t[i:i+1], 0)) {
			continue
		}
		predicted, truth := argmax(row), 0
		if m.one && row[0] > 0.5 {
			predicted = 1
		}
		if !m.sparse {
			truth = argmax(t[i*cols : (i+1)*cols])
		} else if m.invalid == 0 {
			truth = int(t[i])
		}
		m.counts[truth*m.classes+predicted] += w
	}
}

// Value returns the fraction on the diagonal.
func (m *confusion) Value() float64 {
	var right, all float64
	for i, n := range m.counts {
		if all += n; i%(m.classes+1) == 0 {
			right += n
		}
	}
	return m.valueOrNaN(right / all)
}

// Rows returns a copy of the matrix.
func (m *confusion) Rows() [][]float64 {
	rows := make([][]float64, m.classes)
	for i := range rows {
		for _, n := range m.counts[i*m.classes : (i+1)*m.classes] {
			rows[i] = append(rows[i], m.valueOrNaN(n))
		}
	}
	return rows
}

// Sums returns the elements of the matrix.
func (m *confusion) Sums() []*float64 { return append(addresses(m.counts), &m.invalid) }

func (m *confusion) Reset() {
	m.reset()
	clear(m.counts)
}
