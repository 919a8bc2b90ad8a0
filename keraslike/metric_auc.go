// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
)

// AUC is the area under a curve of predictions at many thresholds, by default under the ROC curve
// (true positive rate over false positive rate), approximated by trapezoids at evenly spaced
// thresholds. Under the precision-recall curve it is interpolated as by Davis & Goadrich (2006).
// Predictions must be between 0 and 1, to which Keras clips them, or logits with FromLogits.
// Targets are 0 and 1; as in Keras, any value between counts as true.
//
// All outputs are pooled. With MultiLabel the metric is the mean of the areas of each output, and its
// Measurement a VectorMeasurement of these. LabelWeights are the weights of the outputs in either case.
//
// See https://keras.io/api/metrics/classification_metrics/.
//
// Options: AUCCurve (ROCCurve), which is ROCCurve, PRCurve or PRGainCurve; AUCSummation
// (Interpolating), which is Interpolating, Majoring or Minoring; Thresholds (200), or Threshold
// (none) with those between 0 and 1; MultiLabel (off); LabelWeights (none); FromLogits (off).
func AUC(opts ...MetricOption) Metric {
	m := &auc{Thresholds: 200, Curve: ROCCurve, Summation: Interpolating}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{
		"Thresholds": &m.Thresholds, "Threshold": &m.Threshold, "AUCCurve": &m.Curve, "AUCSummation": &m.Summation,
		"MultiLabel": &m.MultiLabel, "LabelWeights": &m.LabelWeights, "FromLogits": &m.FromLogits,
	})
	return m
}

// AUCCurve is an option of AUC that selects the curve. The default is ROCCurve.
type AUCCurve string

// The curves. At a threshold, tp, fp, tn and fn are the numbers of true and false positives and negatives.
const (
	ROCCurve AUCCurve = "ROC" // tp/(tp + fn) over fp/(fp + tn)
	PRCurve  AUCCurve = "PR"  // precision tp/(tp + fp) over recall tp/(tp + fn)
	// PRGainCurve is precision gain 1 - π·fp/tp over recall gain 1 - π·fn/tp, where π is the number
	// of true targets over that of false ones (Flach & Kull 2015). A recall gain below 0 counts as 0.
	PRGainCurve AUCCurve = "PRGAIN"
)

func (c AUCCurve) applyMetric(s *settable) { assignOption(s, "AUCCurve", c) }

// AUCSummation is an option of AUC that selects how the curve between two thresholds is
// approximated. The default is Interpolating.
type AUCSummation string

// The summations.
const (
	Interpolating AUCSummation = "interpolation" // by the mean of both; PRCurve between the counts
	Majoring      AUCSummation = "majoring"      // by the larger, which gives an upper bound
	Minoring      AUCSummation = "minoring"      // by the smaller, which gives a lower bound
)

func (c AUCSummation) applyMetric(s *settable) { assignOption(s, "AUCSummation", c) }

// MultiLabel makes AUC the mean of the areas of each output instead of the area of all outputs together.
// Predictions have one axis.
const MultiLabel MetricFlag = "MultiLabel"

// LabelWeights are the weights of AUC's outputs, at least 0: of the area of each with MultiLabel,
// otherwise of the predictions. By default all count equally.
func LabelWeights(weights ...float64) MetricOption {
	return optionValue[[]float64]{"LabelWeights", weights}
}

// maxThresholds is more than the resolution of a float32 near 1.
const maxThresholds = 1 << 20

var _ = registerMetric("auc", func() Metric { return AUC() })

type auc struct {
	Thresholds   int          `json:"num_thresholds"`
	Threshold    []float64    `json:"thresholds,omitempty"`
	Curve        AUCCurve     `json:"curve"`
	Summation    AUCSummation `json:"summation_method"`
	MultiLabel   bool         `json:"multi_label,omitempty"`
	LabelWeights []float64    `json:"label_weights,omitempty"`
	FromLogits   bool         `json:"from_logits,omitempty"`

	mistake error // in the options
}

func (m *auc) Name() string                    { return "auc" }
func (m *auc) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *auc) goal() goal                      { return maximize }

func (m *auc) memory(output Shape) float64 {
	labels := 1.0
	if m.MultiLabel {
		labels = classesOf(output)
	}
	return thresholdMemory(max(m.Thresholds, len(m.Threshold)+2), labels)
}

func (m *auc) Begin(p, t Shape) (Measurement, error) {
	if err := m.check(p, t); err != nil {
		return nil, fmt.Errorf("metric auc: %w", err)
	}
	c := &thresholdCounts{
		name: "auc", thresholds: thresholds{even: m.Thresholds, open: true}, curve: m.area,
		predictions: probabilities, advice: "for logits use AUC(FromLogits)", sigmoid: m.FromLogits,
		labelWeights: m.LabelWeights,
	}
	if m.Threshold != nil {
		c.thresholds = thresholdList(append([]float64{-1}, append(slices.Clone(m.Threshold), 2)...))
	}
	if c.selection.cols = lastAxis(p); m.MultiLabel {
		c.labels = c.selection.cols
	}
	return c.start(), nil
}

func (m *auc) check(p, t Shape) error {
	switch {
	case m.mistake != nil:
		return m.mistake
	case m.Threshold != nil && m.Thresholds != 200:
		return fmt.Errorf("got both Threshold and Thresholds, want one of them")
	case m.Thresholds < 2 || m.Thresholds > maxThresholds:
		return fmt.Errorf("%d thresholds, want 2 to %d", m.Thresholds, maxThresholds)
	case len(m.Threshold) > maxThresholds-2:
		return fmt.Errorf("%d thresholds, want at most %d", len(m.Threshold), maxThresholds-2)
	case !t.Equal(p):
		return fmt.Errorf("targets have shape %v, want %v as predictions", t, p)
	case m.Curve != ROCCurve && m.Curve != PRCurve && m.Curve != PRGainCurve:
		return fmt.Errorf("AUCCurve %q is unknown, want ROC, PR or PRGAIN", m.Curve)
	case m.Summation != Interpolating && m.Summation != Majoring && m.Summation != Minoring:
		return fmt.Errorf("AUCSummation %q is unknown, want interpolation, majoring or minoring", m.Summation)
	case m.MultiLabel && len(p) != 1:
		return fmt.Errorf("MultiLabel: predictions have shape %v, want one axis of labels", p)
	case m.LabelWeights != nil && len(m.LabelWeights) != lastAxis(p):
		return fmt.Errorf("LabelWeights: got %d weights, predictions have shape %v", len(m.LabelWeights), p)
	}
	for _, v := range m.Threshold {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("threshold is %g, want 0 to 1", v)
		}
	}
	var sum float64
	for _, v := range m.LabelWeights {
		if err := checkNonNegative("weight of a label", v); err != nil {
			return err
		}
		sum += v
	}
	if m.LabelWeights != nil && sum == 0 {
		return fmt.Errorf("LabelWeights are all 0, want at least one above 0")
	}
	return nil
}

// area returns the area under the curve through the outcomes at ascending thresholds, summed from the
// highest to the lowest.
func (m *auc) area(points []outcomes) (sum float64) {
	for i := len(points) - 2; i >= 0; i-- {
		from, to := points[i+1], points[i]
		if m.Curve == PRCurve && m.Summation == Interpolating {
			sum += prSegmentArea(from.tp, from.fp, to.tp, to.fp, from.tp+from.fn)
			continue
		}
		x0, y0 := m.point(from)
		x1, y1 := m.point(to)
		height := (y0 + y1) / 2
		switch m.Summation {
		case Majoring:
			height = max(y0, y1)
		case Minoring:
			height = min(y0, y1)
		}
		sum += (x1 - x0) * height
	}
	return sum
}

// point returns the point of the curve.
func (m *auc) point(o outcomes) (x, y float64) {
	switch m.Curve {
	case PRCurve:
		return o.recall(), o.precision()
	case PRGainCurve:
		if o.tp == 0 {
			return 0, 1
		}
		scale := ratio(o.tp+o.fn, o.tn+o.fp)
		return max(0, 1-scale*o.fn/o.tp), 1 - scale*o.fp/o.tp
	}
	return ratio(o.fp, o.fp+o.tn), o.recall()
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
