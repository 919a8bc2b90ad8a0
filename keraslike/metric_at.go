// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

const (
	sensitivityAtSpecificity = "sensitivity_at_specificity"
	specificityAtSensitivity = "specificity_at_sensitivity"
	precisionAtRecall        = "precision_at_recall"
	recallAtPrecision        = "recall_at_precision"
)

var (
	_ = registerMetric(sensitivityAtSpecificity, func() Metric { return SensitivityAtSpecificity(0.5) })
	_ = registerMetric(specificityAtSensitivity, func() Metric { return SpecificityAtSensitivity(0.5) })
	_ = registerMetric(precisionAtRecall, func() Metric { return PrecisionAtRecall(0.5) })
	_ = registerMetric(recallAtPrecision, func() Metric { return RecallAtPrecision(0.5) })
)

// SensitivityAtSpecificity is the largest sensitivity tp/(tp + fn) at those thresholds at which the
// specificity tn/(tn + fp) is at least the given one, 0 if there are none. The thresholds are evenly
// spaced from 0 to 1. Predictions must be between 0 and 1, targets are as for Precision.
// See https://keras.io/api/metrics/classification_metrics/.
//
// Options: Thresholds (200), ClassID (all).
func SensitivityAtSpecificity(specificity float64, opts ...MetricOption) Metric {
	return newAt(sensitivityAtSpecificity, specificity, opts)
}

// SpecificityAtSensitivity is the largest specificity at those thresholds at which the sensitivity is
// at least the given one, as for SensitivityAtSpecificity.
//
// Options: Thresholds (200), ClassID (all).
func SpecificityAtSensitivity(sensitivity float64, opts ...MetricOption) Metric {
	return newAt(specificityAtSensitivity, sensitivity, opts)
}

// PrecisionAtRecall is the largest precision tp/(tp + fp) at those thresholds at which the recall
// tp/(tp + fn) is at least the given one, as for SensitivityAtSpecificity.
//
// Options: Thresholds (200), ClassID (all).
func PrecisionAtRecall(recall float64, opts ...MetricOption) Metric {
	return newAt(precisionAtRecall, recall, opts)
}

// RecallAtPrecision is the largest recall at those thresholds at which the precision is at least the
// given one, as for SensitivityAtSpecificity.
//
// Options: Thresholds (200), ClassID (all).
func RecallAtPrecision(precision float64, opts ...MetricOption) Metric {
	return newAt(recallAtPrecision, precision, opts)
}

func newAt(name string, least float64, opts []MetricOption) Metric {
	m := &at{name: name, Least: least, Thresholds: 200}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"Thresholds": &m.Thresholds, "ClassID": func(v int) { m.ClassID = &v }})
	return m
}

// at is the largest of one outcome where another is at least a given value.
type at struct {
	name       string
	Least      float64 `json:"at"`
	Thresholds int     `json:"num_thresholds"`
	ClassID    *int    `json:"class_id,omitempty"`

	mistake error // in the options
}

func (m *at) Name() string                    { return m.name }
func (m *at) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *at) goal() goal                      { return maximize }
func (m *at) memory(Shape) float64            { return thresholdMemory(m.Thresholds, 1) }

// pair is an outcome and the one that must be at least a given value.
type pair struct {
	largest, given func(outcomes) float64
	word           string // for the given one
}

var pairs = map[string]pair{
	sensitivityAtSpecificity: {outcomes.recall, outcomes.specificity, "specificity"},
	specificityAtSensitivity: {outcomes.specificity, outcomes.recall, "sensitivity"},
	precisionAtRecall:        {outcomes.precision, outcomes.recall, "recall"},
	recallAtPrecision:        {outcomes.recall, outcomes.precision, "precision"},
}

func (m *at) Begin(p, t Shape) (Measurement, error) {
	fail := func(err error) (Measurement, error) { return nil, fmt.Errorf("metric %s: %w", m.name, err) }
	two := pairs[m.name]
	switch {
	case m.mistake != nil:
		return fail(m.mistake)
	case !(m.Least >= 0 && m.Least <= 1):
		return fail(fmt.Errorf("%s is %g, want 0 to 1", two.word, m.Least))
	case m.Thresholds < 1 || m.Thresholds > maxThresholds:
		return fail(fmt.Errorf("%d thresholds, want 1 to %d", m.Thresholds, maxThresholds))
	case !t.Equal(p):
		return fail(fmt.Errorf("targets have shape %v, want %v as predictions", t, p))
	}
	chosen, err := newSelection(p, m.ClassID, nil)
	if err != nil {
		return fail(err)
	}
	c := &thresholdCounts{name: m.name, thresholds: thresholds{even: m.Thresholds}, predictions: probabilities, selection: chosen}
	if m.Thresholds == 1 {
		c.thresholds = thresholdList([]float64{0.5})
	}
	c.curve = func(points []outcomes) (best float64) {
		for _, o := range points {
			if two.given(o) >= m.Least {
				best = max(best, two.largest(o))
			}
		}
		return best
	}
	return c.start(), nil
}
