// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

const (
	precisionName      = "precision"
	recallName         = "recall"
	truePositivesName  = "true_positives"
	trueNegativesName  = "true_negatives"
	falsePositivesName = "false_positives"
	falseNegativesName = "false_negatives"
)

var (
	_ = registerMetric(precisionName, func() Metric { return Precision() })
	_ = registerMetric(recallName, func() Metric { return Recall() })
	_ = registerMetric(truePositivesName, func() Metric { return TruePositives() })
	_ = registerMetric(trueNegativesName, func() Metric { return TrueNegatives() })
	_ = registerMetric(falsePositivesName, func() Metric { return FalsePositives() })
	_ = registerMetric(falseNegativesName, func() Metric { return FalseNegatives() })
)

// Precision is the fraction of positive predictions that are true, tp/(tp + fp), 0 if there
// are none. Predictions above the Threshold are positive. Targets are 0 and 1; as in Keras, any
// value between counts as true. All outputs are pooled, unless ClassID selects one of them. With
// TopK at most the k largest predictions of a row are positive, all of them if there is no
// Threshold. Of several thresholds it is the mean; its Measurement is a VectorMeasurement with the
// value at each.
//
// See https://keras.io/api/metrics/classification_metrics/.
//
// Options: Threshold (0.5), for logits use Threshold(0); ClassID (all); TopK (all).
func Precision(opts ...MetricOption) Metric { return newHits(precisionName, opts) }

// Recall is the fraction of true targets that were predicted as positive, tp/(tp + fn), 0 if
// there are none. Predictions and targets are as for Precision.
//
// Options: Threshold (0.5), ClassID (all), TopK (all).
func Recall(opts ...MetricOption) Metric { return newHits(recallName, opts) }

// TruePositives is the number, or the total weight, of true targets whose prediction is above the
// Threshold. Predictions and targets are as for Precision.
//
// Options: Threshold (0.5).
func TruePositives(opts ...MetricOption) Metric { return newHits(truePositivesName, opts) }

// TrueNegatives is the number, or the total weight, of false targets whose prediction is not above
// the Threshold. Predictions and targets are as for Precision.
//
// Options: Threshold (0.5).
func TrueNegatives(opts ...MetricOption) Metric { return newHits(trueNegativesName, opts) }

// FalsePositives is the number, or the total weight, of false targets whose prediction is above
// the Threshold. Predictions and targets are as for Precision.
//
// Options: Threshold (0.5).
func FalsePositives(opts ...MetricOption) Metric { return newHits(falsePositivesName, opts) }

// FalseNegatives is the number, or the total weight, of true targets whose prediction is not above
// the Threshold. Predictions and targets are as for Precision.
//
// Options: Threshold (0.5).
func FalseNegatives(opts ...MetricOption) Metric { return newHits(falseNegativesName, opts) }

// ClassID makes Precision, Recall and the metrics such as PrecisionAtRecall measure one class, the
// element of that number, from 0, of each row. By default they count the elements of all classes.
func ClassID(class int) MetricOption { return optionValue[int]{"ClassID", class} }

// TopK makes Precision and Recall count at most the k largest predictions of each row as positive,
// the first ones of equal predictions. By default every prediction may be positive.
func TopK(k int) MetricOption { return optionValue[int]{"TopK", k} }

func newHits(name string, opts []MetricOption) Metric {
	m := &hits{name: name}
	f := fields{"Threshold": &m.Thresholds}
	if name == precisionName || name == recallName {
		f["ClassID"], f["TopK"] = func(v int) { m.ClassID = &v }, func(v int) { m.TopK = &v }
	}
	m.mistake = configure(opts, MetricOption.applyMetric, f)
	if m.Thresholds == nil && m.TopK == nil {
		m.Thresholds = []float64{0.5}
	}
	return m
}

// hits is a metric of the outcomes at some thresholds.
type hits struct {
	name       string
	Thresholds []float64 `json:"thresholds"`
	ClassID    *int      `json:"class_id,omitempty"`
	TopK       *int      `json:"top_k,omitempty"`

	mistake error // in the options
}

func (m *hits) Name() string                    { return m.name }
func (m *hits) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *hits) memory(Shape) float64            { return thresholdMemory(len(m.Thresholds), 1) }

func (m *hits) goal() goal {
	if m.name == falsePositivesName || m.name == falseNegativesName {
		return minimize
	}
	return maximize
}

func (m *hits) Begin(p, t Shape) (Measurement, error) {
	fail := func(err error) (Measurement, error) { return nil, fmt.Errorf("metric %s: %w", m.name, err) }
	if m.mistake != nil {
		return fail(m.mistake)
	}
	if !t.Equal(p) {
		return fail(fmt.Errorf("targets have shape %v, want %v as predictions", t, p))
	}
	if err := checkThresholds(m.Thresholds); err != nil {
		return fail(err)
	}
	if len(m.Thresholds) > maxThresholds || len(m.Thresholds) == 0 && m.TopK == nil {
		return fail(fmt.Errorf("%d thresholds, want 1 to %d", len(m.Thresholds), maxThresholds))
	}
	chosen, err := newSelection(p, m.ClassID, m.TopK)
	if err != nil {
		return fail(err)
	}
	c := &thresholdCounts{name: m.name, thresholds: thresholdList(m.Thresholds), selection: chosen, each: outcomesOf[m.name]}
	if m.Thresholds == nil { // with TopK
		c.thresholds = thresholdList([]float64{-math.MaxFloat32})
	}
	return c.start(), nil
}

var outcomesOf = map[string]func(outcomes) float64{
	precisionName:      outcomes.precision,
	recallName:         outcomes.recall,
	truePositivesName:  func(o outcomes) float64 { return o.tp },
	trueNegativesName:  func(o outcomes) float64 { return o.tn },
	falsePositivesName: func(o outcomes) float64 { return o.fp },
	falseNegativesName: func(o outcomes) float64 { return o.fn },
}
