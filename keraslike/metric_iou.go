// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
)

const (
	iouName           = "io_u" // as Keras names it
	meanIoUName       = "mean_io_u"
	binaryIoUName     = "binary_io_u"
	oneHotIoUName     = "one_hot_io_u"
	oneHotMeanIoUName = "one_hot_mean_io_u"
)

var (
	_ = registerMetric(iouName, func() Metric { return IoU(2, []int{0, 1}) })
	_ = registerMetric(meanIoUName, func() Metric { return MeanIoU(2) })
	_ = registerMetric(binaryIoUName, func() Metric { return BinaryIoU() })
	_ = registerMetric(oneHotIoUName, func() Metric { return OneHotIoU(2, []int{0, 1}) })
	_ = registerMetric(oneHotMeanIoUName, func() Metric { return OneHotMeanIoU(2) })
)

// IoU is the mean intersection over union of the target classes, which measures segmentation:
// tp/(tp + fp + fn + ε) of each class, ε = 1e-7, where tp, fp and fn are the total weights of the
// elements that are, are only predicted to be, and are not predicted to be of that class. A class that
// neither occurs nor is predicted does not count.
//
// Targets and predictions are class numbers from 0 to classes-1, in the same shape. With
// OneHotPredictions predictions are scores instead, of which the largest counts, with OneHotTargets
// targets are; both have the classes along the last axis or that of AlongAxis. Its Measurement is a
// VectorMeasurement with the value of each target class.
//
// See https://keras.io/api/metrics/segmentation_metrics/.
//
// Options: IgnoreClass (none), OneHotTargets (off), OneHotPredictions (off), AlongAxis (-1).
func IoU(classes int, targetClasses []int, opts ...MetricOption) Metric {
	m := newIoU(iouName, classes, opts, "OneHotTargets", "OneHotPredictions")
	m.Targets = slices.Clone(targetClasses)
	return m
}

// MeanIoU is IoU of all classes.
//
// Options: IgnoreClass (none), OneHotTargets (off), OneHotPredictions (off), AlongAxis (-1).
func MeanIoU(classes int, opts ...MetricOption) Metric {
	return newIoU(meanIoUName, classes, opts, "OneHotTargets", "OneHotPredictions")
}

// BinaryIoU is IoU of class 0, predictions below the Threshold, and class 1, those of at least the
// Threshold. Targets are 0 and 1.
//
// Options: Threshold (0.5), TargetClasses (both).
func BinaryIoU(opts ...MetricOption) Metric {
	m := &iou{name: binaryIoUName, Classes: 2, Targets: []int{0, 1}, Threshold: []float64{0.5}}
	m.mistake = configure(opts, MetricOption.applyMetric, fields{"Threshold": &m.Threshold, "TargetClasses": &m.Targets})
	return m
}

// OneHotIoU is IoU of one-hot targets and predictions that are scores of the classes.
//
// Options: IgnoreClass (none), SparsePredictions (off), AlongAxis (-1).
func OneHotIoU(classes int, targetClasses []int, opts ...MetricOption) Metric {
	m := newIoU(oneHotIoUName, classes, opts, "SparsePredictions")
	m.Targets = slices.Clone(targetClasses)
	return m
}

// OneHotMeanIoU is OneHotIoU of all classes.
//
// Options: IgnoreClass (none), SparsePredictions (off), AlongAxis (-1).
func OneHotMeanIoU(classes int, opts ...MetricOption) Metric {
	return newIoU(oneHotMeanIoUName, classes, opts, "SparsePredictions")
}

// IgnoreClass is a class number, such as 255 for the border of objects, whose targets do not count
// in IoU and MeanIoU. By default there is none.
func IgnoreClass(class int) MetricOption { return optionValue[int]{"IgnoreClass", class} }

// TargetClasses are the classes that BinaryIoU measures; the default is 0 and 1.
func TargetClasses(classes ...int) MetricOption {
	return optionValue[[]int]{"TargetClasses", slices.Clone(classes)}
}

// The flags of IoU and its relatives.
const (
	// OneHotTargets declares that targets of IoU and MeanIoU are one-hot instead of class numbers.
	OneHotTargets MetricFlag = "OneHotTargets"
	// OneHotPredictions declares that predictions of IoU and MeanIoU are scores of the classes, such
	// as probabilities, instead of class numbers.
	OneHotPredictions MetricFlag = "OneHotPredictions"
	// SparsePredictions declares that predictions of OneHotIoU and OneHotMeanIoU are class numbers
	// instead of scores.
	SparsePredictions MetricFlag = "SparsePredictions"
)

func newIoU(name string, classes int, opts []MetricOption, flags ...string) *iou {
	m := &iou{name: name, Classes: classes, Axis: -1, OneHotTargets: !slices.Contains(flags, "OneHotTargets")}
	m.OneHotPredictions = m.OneHotTargets
	f := fields{"IgnoreClass": func(v int) { m.Ignore = &v }, "AlongAxis": &m.Axis}
	for _, flag := range flags {
		switch flag {
		case "OneHotTargets":
			f[flag] = &m.OneHotTargets
		case "OneHotPredictions":
			f[flag] = &m.OneHotPredictions
		default:
			f[flag] = func(bool) { m.OneHotPredictions = false }
		}
	}
	m.mistake = configure(opts, MetricOption.applyMetric, f)
	return m
}

type iou struct {
	name              string
	Classes           int       `json:"num_classes"`
	Targets           []int     `json:"target_class_ids,omitempty"` // nil for all
	Ignore            *int      `json:"ignore_class,omitempty"`
	OneHotTargets     bool      `json:"one_hot_targets"`
	OneHotPredictions bool      `json:"one_hot_predictions"`
	Axis              int       `json:"axis"`
	Threshold         []float64 `json:"threshold,omitempty"` // of BinaryIoU

	mistake error // in the options
}

func (m *iou) Name() string                    { return m.name }
func (m *iou) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m *iou) goal() goal                      { return maximize }
func (m *iou) memory(Shape) float64 {
	return bytesOfNumber * float64(m.Classes) * float64(m.Classes)
}

// maxClasses bounds the memory of a confusion matrix.
const maxClasses = 1 << 16

func (m *iou) Begin(p, t Shape) (Measurement, error) {
	c := &iouCounts{iou: m, inner: 1}
	if err := m.check(p, t, c); err != nil {
		return nil, fmt.Errorf("metric %s: %w", m.name, err)
	}
	c.counts = make([]float64, m.Classes*m.Classes)
	c.domainOf = classRange(m.Classes)
	return c, nil
}

func (m *iou) check(p, t Shape, c *iouCounts) error {
	switch {
	case m.mistake != nil:
		return m.mistake
	case m.Classes < 2 || m.Classes > maxClasses:
		return fmt.Errorf("%d classes, want 2 to %d", m.Classes, maxClasses)
	case m.name == binaryIoUName && len(m.Threshold) != 1:
		return fmt.Errorf("got %d thresholds, want one", len(m.Threshold))
	case m.Targets != nil && len(m.Targets) == 0:
		return fmt.Errorf("got no target classes, want at least one")
	}
	if err := checkThresholds(m.Threshold); err != nil {
		return err
	}
	if c.classes = m.Targets; m.Targets == nil {
		for i := range m.Classes {
			c.classes = append(c.classes, i)
		}
	}
	for _, i := range m.Targets {
		if i < 0 || i >= m.Classes {
			return fmt.Errorf("target class is %d, want 0 to %d", i, m.Classes-1)
		}
	}
	predicted, true, err := p, t, error(nil)
	if m.OneHotPredictions {
		if predicted, c.inner, err = withoutAxis("predictions", p, m.Axis, m.Classes); err != nil {
			return err
		}
	}
	if m.OneHotTargets {
		if true, c.inner, err = withoutAxis("targets", t, m.Axis, m.Classes); err != nil {
			return err
		}
	}
	if !true.Equal(predicted) {
		return fmt.Errorf("targets have shape %v, predictions %v, want class numbers in the same shape; with scores of %d classes along an axis use OneHotPredictions and, for targets, OneHotTargets", t, p, m.Classes)
	}
	return nil
}

// withoutAxis returns the shape without the axis of the classes, and the number of elements behind it.
func withoutAxis(what string, s Shape, axis, classes int) (rest Shape, inner int, err error) {
	i, err := axisOf(axis, s)
	if err != nil {
		return nil, 0, fmt.Errorf("AlongAxis: %w", err)
	}
	if s[i] != classes {
		return nil, 0, fmt.Errorf("%s have shape %v, want length %d of the axis of the classes", what, s, classes)
	}
	if inner = Shape(s[i+1:]).Size(); inner == Any {
		return nil, 0, fmt.Errorf("%s have shape %v, want fixed lengths behind the axis of the classes", what, s)
	}
	return append(slices.Clone(s[:i]), s[i+1:]...), inner, nil
}

var (
	_ CheckedMeasurement  = (*iouCounts)(nil)
	_ SummingMeasurement  = (*iouCounts)(nil)
	_ WeightedMeasurement = (*iouCounts)(nil)
	_ VectorMeasurement   = (*iouCounts)(nil)
)

// iouCounts is the measurement of IoU: the confusion matrix.
type iouCounts struct {
	domain
	*iou
	classes  []int // that are measured
	inner    int   // elements behind the axis of the classes
	domainOf *valueRange
	counts   []float64 // by class and predicted class
}

func (m *iouCounts) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *iouCounts) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	elements := len(p)
	if m.OneHotPredictions {
		elements /= m.Classes
	}
	for i := range elements {
		w, sample := 1.0, i/(elements/n)
		if weights != nil {
			w = float64(weights[sample])
		}
		truth, err := m.class(t, i, m.OneHotTargets)
		if m.Ignore != nil && truth == *m.Ignore || w == 0 {
			continue
		}
		if err != nil && m.reject(m.name, sample, n, m.domainOf.check("target", t[i:i+1], 0)) {
			continue
		}
		predicted := 0
		if m.Threshold != nil {
			predicted = int(indicator(p[i] >= float32(m.Threshold[0])))
		} else if predicted, err = m.class(p, i, m.OneHotPredictions); err != nil && m.reject(m.name, sample, n, m.domainOf.check("prediction", p[i:i+1], 0)) {
			continue
		}
		if m.invalid == 0 {
			m.counts[truth*m.Classes+predicted] += w
		}
	}
}

var errNoClass = fmt.Errorf("no class")

// class returns the class of element i: its number, or the largest along the axis of the classes.
func (m *iouCounts) class(x []float32, i int, oneHot bool) (int, error) {
	if !oneHot {
		v := float64(x[i])
		if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
			return math.MinInt, errNoClass
		}
		if c := int(v); c < 0 || c >= m.Classes {
			return c, errNoClass
		}
		return int(v), nil
	}
	at := i/m.inner*m.inner*m.Classes + i%m.inner
	best := 0
	for c := range m.Classes {
		if x[at+c*m.inner] > x[at+best*m.inner] {
			best = c
		}
	}
	return best, nil
}

// Values returns the value of each target class.
func (m *iouCounts) Values() []float64 {
	values := make([]float64, len(m.classes))
	for i, c := range m.classes {
		values[i], _ = m.of(c)
		values[i] = m.valueOrNaN(values[i])
	}
	return values
}

// of returns the value of a class, and whether it occurs or is predicted.
func (m *iouCounts) of(class int) (value float64, valid bool) {
	var union float64
	for i := range m.Classes {
		union += m.counts[class*m.Classes+i] + m.counts[i*m.Classes+class]
	}
	both := m.counts[class*m.Classes+class]
	if union -= both; !(union > 1e-9) {
		return 0, false
	}
	return both / (union + 1e-7), true
}

// Value returns the mean over the target classes that occur or are predicted.
func (m *iouCounts) Value() float64 {
	sum, n := 0.0, 0.0
	for _, c := range m.classes {
		v, valid := m.of(c)
		sum, n = sum+v, n+indicator(valid)
	}
	return m.valueOrNaN(sum / (n + 1e-7))
}

// Sums returns the elements of the confusion matrix.
func (m *iouCounts) Sums() []*float64 { return append(addresses(m.counts), &m.invalid) }

func (m *iouCounts) Reset() {
	m.reset()
	clear(m.counts)
}
