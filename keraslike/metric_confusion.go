// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// Matrix is a Measurement of a table, such as the confusion matrix: Rows()[i][j] is
// how often a sample of class i was taken for class j.
type Matrix interface {
	Measurement
	// Rows is the table over all samples since the last Reset.
	Rows() [][]float64
}

var _ Matrix = (*confusion)(nil)

type confusion struct {
	classes int
	one     bool // one output for two classes
	sparse  bool // targets are class numbers
	counts  []float64
}

func newConfusion(p, t Shape) (*confusion, error) {
	if len(p) == 0 {
		return nil, fmt.Errorf("metric confusion_matrix: predictions are numbers without an axis, want classes along the last axis")
	}
	m := &confusion{classes: p[len(p)-1], one: p[len(p)-1] == 1, sparse: t.Equal(p[:len(p)-1])}
	if m.one {
		m.classes, m.sparse = 2, true
	}
	if !m.sparse && !t.Equal(p) {
		return nil, fmt.Errorf("metric confusion_matrix: targets have shape %v, want class numbers or one-hot rows for predictions %v", t, p)
	}
	m.counts = make([]float64, m.classes*m.classes)
	return m, nil
}

func (m *confusion) Add(_ int, p, t []float32) {
	cols := m.classes
	if m.one {
		cols = 1
	}
	for i := range len(p) / cols {
		row := p[i*cols : (i+1)*cols]
		guess, truth := argmax(row), 0
		if m.one && row[0] > 0.5 {
			guess = 1
		}
		if m.sparse {
			truth = int(t[i])
		} else {
			truth = argmax(t[i*cols : (i+1)*cols])
		}
		if truth >= 0 && truth < m.classes {
			m.counts[truth*m.classes+guess]++
		}
	}
}

// Value is the share on the diagonal.
func (m *confusion) Value() float64 {
	var right, all float64
	for i, n := range m.counts {
		if all += n; i%(m.classes+1) == 0 {
			right += n
		}
	}
	return right / all
}

// Rows is a copy of the table.
func (m *confusion) Rows() [][]float64 {
	rows := make([][]float64, m.classes)
	for i := range rows {
		rows[i] = append([]float64(nil), m.counts[i*m.classes:(i+1)*m.classes]...)
	}
	return rows
}

func (m *confusion) Reset() { clear(m.counts) }
