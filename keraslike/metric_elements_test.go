// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// TestWeightsOfElements: Precision and Recall of the largest predictions take weights of samples and of the elements
// of their rows. The numbers are those of Keras's test_weighted_top_k.
func TestWeightsOfElements(t *testing.T) {
	for name, c := range map[string]struct {
		metric k.Metric
		want   float64
	}{
		"precision": {k.Precision(k.TopK(3)), float64((2+5)+(3+3)) / float64((1+2+5)+(3+3+3))},
		"recall":    {k.Recall(k.TopK(3)), float64((2+5)+(3+3)) / float64((4+2+5)+(3+3+3+3))},
	} {
		m, err := c.metric.Begin(k.Shape{5}, k.Shape{5})
		if err != nil {
			t.Fatal(err)
		}
		w := m.(k.WeightedMeasurement)
		w.AddWeighted(5, []float32{0.2, 0.1, 0.4, 0, 0.2}, []float32{0, 1, 1, 0, 1}, []float32{1, 4, 2, 3, 5})
		w.AddWeighted(1, []float32{0.2, 0.6, 0.4, 0.2, 0.2}, []float32{1, 0, 1, 1, 1}, []float32{3})
		if got := w.Value(); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s is %v, want %v", name, got, c.want)
		}
	}
}
