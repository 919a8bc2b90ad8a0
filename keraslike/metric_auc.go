// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
)

// AUC is the area under the curve that evenly spaced thresholds draw: trapezia
// under the ROC curve, of true positives over false positives, or with PRCurve the
// area under precision over recall as Davis & Goadrich (2006) interpolate it.
// Predictions lie between 0 and 1; all outputs are taken together.
//
// Options: Thresholds (default 200), PRCurve.
// See https://keras.io/api/metrics/classification_metrics/.
func AUC(opts ...AUCOption) Metric {
	m := &auc{Thresholds: 200}
	for _, o := range given(opts, &m.mistake) {
		o.applyAUC(m)
	}
	return m
}

// AUCOption is an option of AUC: Thresholds or PRCurve.
type AUCOption interface{ applyAUC(*auc) }

// Thresholds is the number of thresholds of AUC, at least 2.
type Thresholds int

// PRCurve measures precision over recall instead of the ROC curve.
type PRCurve struct{}

func (n Thresholds) applyAUC(m *auc) { m.Thresholds = int(n) }
func (PRCurve) applyAUC(m *auc)      { m.PR = true }

// mostThresholds tell more apart than a float32 between 0 and 1 does near 1.
const mostThresholds = 1 << 20

type auc struct {
	Thresholds int  `json:"num_thresholds"`
	PR         bool `json:"pr,omitempty"`

	mistake error // in the options
}

func (m *auc) Name() string             { return "auc" }
func (m *auc) applyCompile(c *compiled) { c.metrics = append(c.metrics, outputMetric{Metric: m}) }

func (m *auc) Begin(p, t Shape) (Measurement, error) {
	if m.mistake != nil {
		return nil, fmt.Errorf("metric auc: %w", m.mistake)
	}
	if m.Thresholds < 2 || m.Thresholds > mostThresholds {
		return nil, fmt.Errorf("metric auc: %d thresholds, want 2 to %d", m.Thresholds, mostThresholds)
	}
	if !t.Equal(p) {
		return nil, fmt.Errorf("metric auc: targets have shape %v, want %v as predictions", t, p)
	}
	a := &area{auc: m, positives: make([]float64, m.Thresholds+1), negatives: make([]float64, m.Thresholds+1)}
	a.thresholds = append(a.thresholds, -1e-7)
	for i := range m.Thresholds - 2 {
		a.thresholds = append(a.thresholds, float64(i+1)/float64(m.Thresholds-1))
	}
	a.thresholds = append(a.thresholds, 1+1e-7)
	return a, nil
}

// area holds, by how many thresholds a prediction is above, the weight of what is
// true and of what is not.
type area struct {
	*auc
	thresholds, positives, negatives []float64
}

func (m *area) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *area) AddWeighted(n int, p, t, weights []float32) {
	each := len(p) / n
	for i, v := range p {
		w, y := 1.0, float64(t[i])
		if weights != nil {
			w = float64(weights[i/each])
		}
		above, _ := slices.BinarySearch(m.thresholds, float64(v))
		m.positives[above] += w * y
		m.negatives[above] += w * (1 - y)
	}
}

// Value goes from the highest threshold to the lowest.
func (m *area) Value() float64 {
	var allPositive, allNegative float64
	for i := range m.positives {
		allPositive, allNegative = allPositive+m.positives[i], allNegative+m.negatives[i]
	}
	var sum, tp, fp float64
	for above := len(m.thresholds) - 1; above >= 0; above-- {
		// Predictions above threshold number "above" are above that many + 1 thresholds.
		lastTP, lastFP := tp, fp
		tp, fp = tp+m.positives[above+1], fp+m.negatives[above+1]
		if above == len(m.thresholds)-1 {
			continue
		}
		if m.PR {
			sum += betweenPR(lastTP, lastFP, tp, fp, allPositive)
		} else {
			sum += ratio(fp-lastFP, allNegative) * (ratio(tp, allPositive) + ratio(lastTP, allPositive)) / 2
		}
	}
	return sum
}

// betweenPR is the area between two points, where true positives grow linearly with
// positives: ∫ (slope + intercept/P) dTP.
func betweenPR(tp0, fp0, tp1, fp1, positives float64) float64 {
	p0, p1 := tp0+fp0, tp1+fp1
	slope := ratio(tp1-tp0, p1-p0)
	intercept := tp0 - slope*p0
	logarithm := 0.0
	if p0 > 0 && p1 > 0 {
		logarithm = math.Log(p1 / p0)
	}
	return ratio(slope*(tp1-tp0+intercept*logarithm), positives)
}

func (m *area) Reset() {
	clear(m.positives)
	clear(m.negatives)
}
