// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"slices"
)

// Metric measures a model in addition to its loss, streaming over the batches of an epoch.
// Formulas: https://keras.io/api/metrics/.
type Metric interface {
	CompileOption
	// Name returns the name in logs and in History.
	Name() string
	// Begin starts a new measurement for predictions and targets of the given sample
	// shapes. Free axes have the length Any, except for the last axis of the predictions,
	// which is never free; each batch that is added has lengths of its own.
	Begin(prediction, target Shape) (Measurement, error)
}

// Measurement accumulates one metric over batches. It may also implement
// WeightedMeasurement, SummingMeasurement, CheckedMeasurement, VectorMeasurement or
// MatrixMeasurement. The metrics of this package implement the first three.
type Measurement interface {
	// Add adds n samples. The slices are valid only during the call.
	Add(n int, prediction, target []float32)
	// Value returns the metric over all samples since the last Reset, NaN if there are none.
	Value() float64
	// Reset discards all samples.
	Reset()
}

// WeightedMeasurement is a Measurement that supports sample weights, as WeightedMetrics
// requires.
type WeightedMeasurement interface {
	Measurement
	// AddWeighted is Add with one weight for each of the n samples.
	AddWeighted(n int, prediction, target, weights []float32)
}

// SummingMeasurement is a Measurement whose state can be saved in the middle of an epoch, so
// the logs of a resumed epoch cover all of it. For other measurements they cover only the
// batches after resuming.
type SummingMeasurement interface {
	Measurement
	// Sums returns pointers to all numbers that Add changes, always in the same number and
	// order.
	Sums() []*float64
}

// VectorMeasurement is a Measurement of several numbers, such as the F1 score of each class.
type VectorMeasurement interface {
	Measurement
	// Values returns the numbers; Value is their mean or another summary.
	Values() []float64
}

// MatrixMeasurement is a Measurement of a matrix, such as the confusion matrix: Rows()[i][j] is the
// number, or the total weight, of samples of class i that were predicted as class j.
type MatrixMeasurement interface {
	Measurement
	// Rows returns the matrix over all samples since the last Reset.
	Rows() [][]float64
}

// goal is the direction in which training should change a logged value.
type goal int

const (
	unknownGoal goal = iota
	minimize
	maximize
	unknownSeries // the model measures nothing of that name
)

// goalMetric is a Metric that knows its goal.
type goalMetric interface{ goal() goal }

// goalOf returns the goal of a metric. The metrics of this package know theirs; for others
// it depends on the name.
func goalOf(m Metric) goal {
	if own, ok := m.(goalMetric); ok {
		return own.goal()
	}
	return goalOfName(m.Name())
}

// goalOfName returns the goal of a metric or a loss of this package.
func goalOfName(name string) goal {
	if name == "loss" {
		return minimize
	}
	if make, ok := metricKinds[name]; ok {
		return goalOf(make())
	}
	return unknownGoal
}

// memoryMetric is a Metric whose memory depends on its settings or on the output's shape.
type memoryMetric interface{ memory(output Shape) float64 }

// memoryOf returns the number of bytes that the measurement of a metric of this package
// uses.
func memoryOf(m Metric, output Shape) float64 {
	if own, ok := m.(memoryMetric); ok {
		return own.memory(output)
	}
	return 0
}

// bytesOfNumber is the size of one accumulated sum.
const bytesOfNumber = 8

// classesOf returns the number of classes of an output.
func classesOf(output Shape) float64 {
	if len(output) == 0 {
		return 1
	}
	return max(2, float64(output[len(output)-1]))
}

// MetricFunc is a metric of this package without settings, named as in Keras. Every LossFunc,
// such as MSE and MAE, is also a metric.
type MetricFunc string

// metricKind defines one MetricFunc.
type metricKind struct {
	begin  func(p, t Shape) (Measurement, error)
	goal   goal
	memory func(output Shape) float64 // nil if it is small
}

// metricFuncs has the definitions of all MetricFuncs, each of which registers itself.
var metricFuncs = map[MetricFunc]metricKind{}

func registerMetricFunc(m MetricFunc, kind metricKind) struct{} {
	metricFuncs[m] = kind
	return registerMetric(string(m), func() Metric { return m })
}

// metricKinds maps each name to a function that makes the metric with default settings, into
// which the settings of a saved model are read. Every metric registers itself.
var metricKinds = map[string]func() Metric{}

func registerMetric(name string, make func() Metric) struct{} {
	metricKinds[name] = make
	return struct{}{}
}

// Name returns the Keras name.
func (m MetricFunc) Name() string { return string(m) }

// Begin checks the shapes and starts a measurement.
func (m MetricFunc) Begin(p, t Shape) (Measurement, error) {
	if kind, ok := metricFuncs[m]; ok {
		return kind.begin(p, t)
	}
	return nil, fmt.Errorf("metric %q: unknown, want one of %q, a loss or a metric made by a function", string(m), slices.Sorted(maps.Keys(metricFuncs)))
}

func (m MetricFunc) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m MetricFunc) goal() goal                      { return metricFuncs[m].goal }

func (m MetricFunc) memory(output Shape) float64 {
	if memory := metricFuncs[m].memory; memory != nil {
		return memory(output)
	}
	return 0
}

// MetricOption is an option of a metric. Compile returns an error for options that do not
// fit the metric and for values out of range.
type MetricOption interface{ applyMetric(*settable) }

// Threshold is the value above which a prediction counts as positive. The default is 0.5 for
// Precision, Recall, the numbers of true and false positives and negatives, and BinaryIoU. By default
// F1Score and FBetaScore count the largest prediction of each row as positive. Precision, Recall and the
// numbers take several thresholds, and so does AUC, which has evenly spaced ones by default.
func Threshold(thresholds ...float64) MetricOption {
	return optionValue[[]float64]{"Threshold", append([]float64{}, thresholds...)}
}

// Thresholds is the number of thresholds of AUC, from 2 to 1,048,576, and of metrics such as
// PrecisionAtRecall, from 1; the default is 200.
func Thresholds(n int) MetricOption { return optionValue[int]{"Thresholds", n} }

// MetricFlag is a MetricOption that turns something on. All flags are off by default.
type MetricFlag string

func (f MetricFlag) applyMetric(s *settable) { assignOption(s, string(f), true) }

// NamedMetric gives a metric another name in logs and in History, for example if two metrics of
// the same kind are measured:
//
//	k.AUC(), k.NamedMetric("auc_pr", k.AUC(k.PRCurve))
func NamedMetric(name string, m Metric) Metric {
	if r, ok := m.(namedMetric); ok {
		m = r.Metric
	}
	return namedMetric{m, name}
}

type namedMetric struct {
	Metric
	name string
}

func (m namedMetric) Name() string                    { return m.name }
func (m namedMetric) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m namedMetric) goal() goal                      { return goalOf(m.Metric) }
func (m namedMetric) memory(output Shape) float64     { return memoryOf(m.Metric, output) }

func (m namedMetric) Begin(p, t Shape) (Measurement, error) {
	if m.name == "" || m.Metric == nil {
		return nil, fmt.Errorf("metric %q: want a name and a metric", m.name)
	}
	return m.Metric.Begin(p, t)
}

// CustomMetric makes your own metric: begin starts a Measurement for predictions and targets
// of the given sample shapes. For a mean over rows, CustomRowMetric is simpler. To load a
// model that was saved with the metric, pass it to Load by WithCustomMetric.
func CustomMetric(name string, begin func(prediction, target Shape) (Measurement, error)) Metric {
	return &customMetric{name, begin}
}

type customMetric struct {
	name  string
	begin func(p, t Shape) (Measurement, error)
}

func (m *customMetric) Name() string                    { return m.name }
func (m *customMetric) applyCompile(c *compileSettings) { c.addMetric(m) }

func (m *customMetric) Begin(p, t Shape) (Measurement, error) {
	if m.name == "" || m.begin == nil {
		return nil, fmt.Errorf("metric %q: want a name and a function", m.name)
	}
	return m.begin(p, t)
}

// addresses returns the addresses of all elements of the slices.
func addresses(list ...[]float64) (to []*float64) {
	for _, values := range list {
		for i := range values {
			to = append(to, &values[i])
		}
	}
	return to
}

// ratio returns a/b, 0 if b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
