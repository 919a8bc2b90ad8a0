// SPDX-License-Identifier: Apache-2.0

package keraslike

// CompileOption is an option of Compile: a Metric, ForOutput, WeightedMetrics, WeightedForOutput,
// LossWeights or a Seed.
type CompileOption interface{ applyCompile(*compileSettings) }

// compileSettings is what the options of Compile set.
type compileSettings struct {
	lossWeights []float64
	metrics     []outputMetric
	seed        uint64
}

// addMetric adds a metric for every output.
func (c *compileSettings) addMetric(m Metric) { c.metrics = append(c.metrics, outputMetric{Metric: m}) }

// outputMetric is a metric and the outputs that it measures.
type outputMetric struct {
	Metric
	output   string // the name of an output, empty for every one
	weighted bool
}

func (m outputMetric) applyCompile(c *compileSettings) { c.metrics = append(c.metrics, m) }

// compileOption is an option that is a function.
type compileOption func(*compileSettings)

func (o compileOption) applyCompile(c *compileSettings) { o(c) }

// Seed sets the seed of all random numbers of a model: initial weights, dropout and the order
// of samples. The same seed gives the same result, byte for byte, on any number of workers.
// The default is 0.
func Seed(seed uint64) CompileOption {
	return compileOption(func(c *compileSettings) { c.seed = seed })
}

// ForOutput measures metrics on one of several outputs, named after its layer. By default a
// metric measures every output that has a loss.
func ForOutput(output string, metrics ...Metric) CompileOption {
	return compileOption(func(c *compileSettings) {
		for _, m := range metrics {
			c.metrics = append(c.metrics, outputMetric{Metric: m, output: output})
		}
	})
}

// WeightedMetrics adds metrics that apply the sample weights, if there are any. Other metrics
// weight all samples equally.
func WeightedMetrics(metrics ...Metric) CompileOption {
	return compileOption(func(c *compileSettings) {
		for _, m := range metrics {
			c.metrics = append(c.metrics, outputMetric{Metric: m, weighted: true})
		}
	})
}

// WeightedForOutput is ForOutput for metrics that apply the sample weights, as those of WeightedMetrics.
func WeightedForOutput(output string, metrics ...Metric) CompileOption {
	return compileOption(func(c *compileSettings) {
		for _, m := range metrics {
			c.metrics = append(c.metrics, outputMetric{Metric: m, output: output, weighted: true})
		}
	})
}

// LossWeights sets the factors of the losses of a model with several outputs, in the order of
// the outputs. The default is 1 for each; that of an output with NoLoss has no effect.
func LossWeights(factors ...float64) CompileOption {
	return compileOption(func(c *compileSettings) { c.lossWeights = append([]float64{}, factors...) })
}
