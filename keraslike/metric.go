// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"slices"
)

// Metric measures a model beside its loss, streaming over the batches of an
// epoch. Formulas: https://keras.io/api/metrics/.
type Metric interface {
	CompileOption
	// Name is the name in logs and in History.
	Name() string
	// Begin makes a new measurement for predictions and targets of these
	// sample shapes.
	Begin(prediction, target Shape) (Measurement, error)
}

// Measurement sums up one metric over batches. It may also be a WeightedMeasurement, a
// SummingMeasurement, Domained, a Vector or a Matrix; those of this package are the first
// three.
type Measurement interface {
	// Add takes n samples. The slices are valid during the call only.
	Add(n int, prediction, target []float32)
	// Value is the metric over all samples since the last Reset; NaN before any.
	Value() float64
	// Reset forgets all samples.
	Reset()
}

// WeightedMeasurement is a Measurement that can give samples weights, as the
// metrics of WeightedMetrics do.
type WeightedMeasurement interface {
	Measurement
	// AddWeighted is Add with a weight for each of the n samples.
	AddWeighted(n int, prediction, target, weights []float32)
}

// SummingMeasurement is a Measurement whose sums can be saved in the middle of an epoch: the
// logs of a resumed epoch then cover all of it, otherwise the rest of it.
type SummingMeasurement interface {
	Measurement
	// Sums are all numbers that Add changes, always as many and in the same order.
	Sums() []*float64
}

// Vector is a Measurement of several numbers, such as the F1 scores of classes.
type Vector interface {
	Measurement
	// Values are the numbers, of which Value is a mean or the like.
	Values() []float64
}

// Matrix is a Measurement of a table, such as the confusion matrix: Rows()[i][j] is
// how often, or with what weight, a sample of class i was taken for class j.
type Matrix interface {
	Measurement
	// Rows is the table over all samples since the last Reset.
	Rows() [][]float64
}

// goal is what training should do to a number.
type goal int

const (
	unknownGoal goal = iota
	minimize
	maximize
	unknownSeries // the model measures nothing of that name
)

// goalMetric is a Metric that knows its goal.
type goalMetric interface{ goal() goal }

// goalOf returns the goal of a metric: those of this package know it, others may have the
// name of one.
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

// memoryMetric is a Metric that needs memory in proportion to its settings or to the output.
type memoryMetric interface{ memory(output Shape) float64 }

// memoryOf is how many bytes a measurement of a metric of this package holds for an output.
func memoryOf(m Metric, output Shape) float64 {
	if own, ok := m.(memoryMetric); ok {
		return own.memory(output)
	}
	return 0
}

// bytesOfNumber is the size of a sum.
const bytesOfNumber = 8

// classesOf is the number of classes that an output tells apart.
func classesOf(output Shape) float64 {
	if len(output) == 0 {
		return 1
	}
	return max(2, float64(output[len(output)-1]))
}

// MetricFunc is a metric of this package without settings, by its Keras name. The losses of
// type LossFunc, such as MSE and MAE, are metrics, too.
type MetricFunc string

// metricKind is all that distinguishes one MetricFunc from the others.
type metricKind struct {
	begin  func(p, t Shape) (Measurement, error)
	goal   goal
	memory func(output Shape) float64 // nil for little
}

// metricFuncs are the kinds of all MetricFuncs, each of which registers itself.
var metricFuncs = map[MetricFunc]metricKind{}

func registerMetricFunc(m MetricFunc, kind metricKind) struct{} {
	metricFuncs[m] = kind
	return registerMetric(string(m), func() Metric { return m })
}

// metricKinds makes a metric with default settings for each name, into which the settings of
// a saved model are read. Every metric registers itself.
var metricKinds = map[string]func() Metric{}

func registerMetric(name string, make func() Metric) struct{} {
	metricKinds[name] = make
	return struct{}{}
}

// Name is the Keras name.
func (m MetricFunc) Name() string { return string(m) }

// Begin checks the shapes.
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

// MetricOption is an option of a metric. An option that a metric does not have is reported by
// Compile, as are values out of range.
type MetricOption interface{ applyMetric(*settable) }

// Threshold is the prediction above which Precision, Recall and F1Score take a class for
// present. The default is 0.5; in F1Score it is the row's largest prediction.
func Threshold(threshold float64) MetricOption { return optionValue[float64]{"Threshold", threshold} }

// Thresholds is the number of thresholds of AUC, 2 to 1,048,576; the default is 200.
func Thresholds(n int) MetricOption { return optionValue[int]{"Thresholds", n} }

// MetricFlag is a MetricOption that turns something on; by default it is off.
type MetricFlag string

func (f MetricFlag) applyMetric(s *settable) { assignOption(s, string(f), true) }

// PRCurve makes AUC measure precision over recall instead of the ROC curve.
const PRCurve MetricFlag = "PRCurve"

// Named is a metric with another name in logs and in History, for instance where two
// of one kind are measured:
//
//	k.AUC(), k.Named("auc_pr", k.AUC(k.PRCurve))
func Named(name string, m Metric) Metric {
	if r, ok := m.(renamed); ok {
		m = r.Metric
	}
	return renamed{m, name}
}

type renamed struct {
	Metric
	name string
}

func (m renamed) Name() string                    { return m.name }
func (m renamed) applyCompile(c *compileSettings) { c.addMetric(m) }
func (m renamed) goal() goal                      { return goalOf(m.Metric) }
func (m renamed) memory(output Shape) float64     { return memoryOf(m.Metric, output) }

func (m renamed) Begin(p, t Shape) (Measurement, error) {
	if m.name == "" || m.Metric == nil {
		return nil, fmt.Errorf("metric %q: want a name and a metric", m.name)
	}
	return m.Metric.Begin(p, t)
}

// CustomMetric is a metric of your own: begin makes a Measurement for predictions and
// targets of the given sample shapes. Load has to be told of it by WithCustomMetric.
// CustomRowMetric is simpler for what is a mean over rows.
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

// pointers are the addresses of all numbers of the lists.
func pointers(list ...[]float64) (to []*float64) {
	for _, values := range list {
		for i := range values {
			to = append(to, &values[i])
		}
	}
	return to
}

// indicator is 1 for true and 0 for false.
func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// ratio is a/b, 0 for b = 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
