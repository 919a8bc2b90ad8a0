// SPDX-License-Identifier: Apache-2.0

package keraslike

// r2 adds up what R2Score needs, by output: Σ w, the weighted mean of t, Σ w·(t - mean)²
// by the update of West (1979), in which nothing cancels, and Σ w·(t - p)².
type r2 struct {
	domain
	weight, mean, squares, errors []float64
}

var (
	_ WeightedMeasurement = (*r2)(nil)
	_ Domained            = (*r2)(nil)
)

func newR2(outputs int) *r2 {
	return &r2{weight: make([]float64, outputs), mean: make([]float64, outputs), squares: make([]float64, outputs), errors: make([]float64, outputs)}
}

func (m *r2) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

// AddWeighted takes n rows, which may be parts of samples, such as steps of a series.
func (m *r2) AddWeighted(n int, p, t, weights []float32) {
	m.look(p, t)
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

// Value is the mean over outputs, those that no mask leaves a step of aside, of
// 1 - Σ w·(t - p)²/Σ w·(t - mean t)². An output whose
// targets are all alike counts as 1 where they are hit exactly and otherwise, as in
// Keras, as 0.
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
	return m.value(total / outputs)
}

func (m *r2) Reset() {
	m.forget()
	clear(m.weight)
	clear(m.mean)
	clear(m.squares)
	clear(m.errors)
}
