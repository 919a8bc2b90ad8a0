// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// AUC is the area under the ROC curve (true positive rate over false positive rate),
// approximated by trapezoids at evenly spaced thresholds. With PRCurve it is the area under
// the precision-recall curve, interpolated as by Davis & Goadrich (2006). Predictions must
// be between 0 and 1, to which Keras clips them, or logits with FromLogits; all outputs are
// pooled. Targets are 0 and 1; as in Keras, any value between counts as true.
//
// See https://keras.io/api/metrics/classification_metrics/.
//
// Options: Thresholds (200), PRCurve (off), FromLogits (off).
func AUC(opts ...MetricOption) Metric {
	m := &auc{Thresholds: 200}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"Thresholds": &m.Thresholds, "PRCurve": &m.PR, "FromLogits": &m.FromLogits})
	return m
}

// maxThresholds is more than the resolution of a float32 near 1.
const maxThresholds = 1 << 20

var _ = registerMetric("auc", func() Metric { return AUC() })

type auc struct {
	Thresholds int  `json:"num_thresholds"`
	PR         bool `json:"pr,omitempty"`
	FromLogits bool `json:"from_logits,omitempty"`

	mistake error // in the options
}

func (m *auc) Name() string                    { return "auc" }
func (m *auc) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *auc) goal() goal                      { return maximize }
func (m *auc) memory(Shape) float64            { return 3 * bytesOfNumber * float64(m.Thresholds) }

func (m *auc) Begin(p, t Shape) (Measurement, error) {
	if m.mistake != nil {
		return nil, fmt.Errorf("metric auc: %w", m.mistake)
	}
	if m.Thresholds < 2 || m.Thresholds > maxThresholds {
		return nil, fmt.Errorf("metric auc: %d thresholds, want 2 to %d", m.Thresholds, maxThresholds)
	}
	if !t.Equal(p) {
		return nil, fmt.Errorf("metric auc: targets have shape %v, want %v as predictions", t, p)
	}
	return &aucCounts{auc: m, positives: make([]float64, m.Thresholds), negatives: make([]float64, m.Thresholds)}, nil
}

// aucCounts is the measurement of AUC. It counts the weights of true and false targets by the
// highest threshold below the prediction. The lowest threshold is below 0, the highest above
// 1, and threshold i between them is i/(n-1).
type aucCounts struct {
	domain
	*auc
	positives, negatives []float64
}

var (
	_ CheckedMeasurement = (*aucCounts)(nil)
	_ SummingMeasurement = (*aucCounts)(nil)
)

func (m *aucCounts) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *aucCounts) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	each := len(p) / n
	for i, v := range p {
		w := 1.0
		if weights != nil {
			w = float64(weights[i/each])
		}
		if m.FromLogits {
			v = float32(1 / (1 + math.Exp(-float64(v))))
		}
		if w != 0 && (m.reject("auc", i/each, n, probabilities.check("target", t[i:i+1], 0)) ||
			m.reject("auc", i/each, n, m.checkProbability(v))) || m.invalid != 0 {
			continue
		}
		// In float32, as in Keras: the product with n-1 may round to an integer.
		k := int(math.Ceil(float64(min(max(v, 0), 1)*float32(m.Thresholds-1)))) - 1
		if k = max(0, k); t[i] != 0 {
			m.positives[k] += w
		} else {
			m.negatives[k] += w
		}
	}
}

// checkProbability returns an error for a prediction that is not a probability.
func (m *aucCounts) checkProbability(v float32) error {
	if err := probabilities.check("prediction", []float32{v}, predictionRounding); err != nil {
		return fmt.Errorf("%w; for logits use AUC(FromLogits)", err)
	}
	return nil
}

// Value returns the area, summed from the highest threshold to the lowest.
func (m *aucCounts) Value() float64 {
	var allPositive, allNegative float64
	for i := range m.positives {
		allPositive, allNegative = allPositive+m.positives[i], allNegative+m.negatives[i]
	}
	var sum, tp, fp float64
	for k := len(m.positives) - 2; k >= 0; k-- {
		lastTP, lastFP := tp, fp
		tp, fp = tp+m.positives[k], fp+m.negatives[k]
		if m.PR {
			sum += prSegmentArea(lastTP, lastFP, tp, fp, allPositive)
		} else {
			sum += ratio(fp-lastFP, allNegative) * (ratio(tp, allPositive) + ratio(lastTP, allPositive)) / 2
		}
	}
	return m.valueOrNaN(sum)
}

// prSegmentArea returns the area between two points, between which true positives grow linearly
// with positives: ∫ (slope + intercept/P) dTP. It is 0 if negative weights keep the positives
// from growing.
func prSegmentArea(tp0, fp0, tp1, fp1, positives float64) float64 {
	p0, p1 := tp0+fp0, tp1+fp1
	slope := ratio(tp1-tp0, max(p1-p0, 0))
	intercept := tp0 - slope*p0
	logarithm := 0.0
	if p0 > 0 && p1 > 0 {
		logarithm = math.Log(p1 / p0)
	}
	return ratio(slope*(tp1-tp0+intercept*logarithm), max(positives, 0))
}

// Sums returns the counts by threshold.
func (m *aucCounts) Sums() []*float64 { return append(addresses(m.positives, m.negatives), &m.invalid) }

func (m *aucCounts) Reset() {
	m.reset()
	clear(m.positives)
	clear(m.negatives)
}
