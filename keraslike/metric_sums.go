// SPDX-License-Identifier: Apache-2.0

package keraslike

// SummingMeasurement is a Measurement whose sums can be saved in the middle of an epoch, as
// those of this package: the logs of an epoch that is gone on with are of all of it then,
// else of the rest of it.
type SummingMeasurement interface {
	Measurement
	// Sums are all numbers that Add changes, always as many and in the same order.
	Sums() []*float64
}

func pointers(list ...[]float64) (to []*float64) {
	for _, values := range list {
		for i := range values {
			to = append(to, &values[i])
		}
	}
	return to
}

// Sums are those of the values and of the weights.
func (r *rowMean) Sums() []*float64 { return []*float64{&r.sum, &r.weight, &r.lost} }

// Sums are those of R2Score.
func (m *r2) Sums() []*float64 {
	return append(pointers(m.weight, m.mean, m.squares, m.errors), &m.lost)
}

// Sums are the counts by threshold.
func (m *area) Sums() []*float64 { return append(pointers(m.positives, m.negatives), &m.lost) }

// Sums are the counts by class.
func (m *f1Count) Sums() []*float64 { return append(pointers(m.tp, m.fp, m.fn), &m.lost) }

// Sums are the counts.
func (m *hitCount) Sums() []*float64 { return []*float64{&m.tp, &m.fp, &m.fn, &m.lost} }

// Sums are the counts of the table.
func (m *confusion) Sums() []*float64 { return append(pointers(m.counts), &m.lost) }
