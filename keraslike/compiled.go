// SPDX-License-Identifier: Apache-2.0

package keraslike

// CompileOption is an option of Compile: a Metric, ForOutput, WeightedMetrics,
// LossWeights or a Seed.
type CompileOption interface{ applyCompile(*compileSettings) }

// compileSettings is what the options of Compile set.
type compileSettings struct {
	lossWeights []float64
	metrics     []outputMetric
	seed        uint64
}

// compiled is what Compile sets: how the model is trained. What training changes is the
// trainer's.
type compiled struct {
	compileSettings
	optimizer Optimizer
	losses    []Loss          // one for each output
	targets   []Shape         // of one sample, for each output
	domains   []*numbers      // of targets, for each output
	frozen    map[*layer]bool // whether each layer, of nested models too, was frozen
}

// targetOf asks the loss of an output for the shape of its targets.
func (c *compiled) targetOf(k int, out Shape) (target Shape, err error) {
	defer caught(&err, "loss", c.losses[k], "Target")
	return c.losses[k].Target(out)
}

// measure adds a metric of every output.
func (c *compileSettings) measure(m Metric) { c.metrics = append(c.metrics, outputMetric{Metric: m}) }

// outputMetric is a metric with what it measures.
type outputMetric struct {
	Metric
	output   string // the name of an output, empty for every one
	weighted bool
}

func (m outputMetric) applyCompile(c *compileSettings) { c.metrics = append(c.metrics, m) }

// compileOption is an option that is a function.
type compileOption func(*compileSettings)

func (o compileOption) applyCompile(c *compileSettings) { o(c) }

// Seed is where all of a model's random numbers come from: initial weights,
// dropout, the order of samples. One seed gives one result, byte for byte, on
// any number of workers. The default is 0.
func Seed(seed uint64) CompileOption {
	return compileOption(func(c *compileSettings) { c.seed = seed })
}

// ForOutput measures metrics on one output of several, by its name: that of the
// layer that it comes from. Without it a metric measures every output.
func ForOutput(output string, metrics ...Metric) CompileOption {
	return compileOption(func(c *compileSettings) {
		for _, m := range metrics {
			c.metrics = append(c.metrics, outputMetric{Metric: m, output: output})
		}
	})
}

// WeightedMetrics are metrics that take the weights of samples into account where
// there are any; other metrics count all samples alike.
func WeightedMetrics(metrics ...Metric) CompileOption {
	return compileOption(func(c *compileSettings) {
		for _, m := range metrics {
			c.metrics = append(c.metrics, outputMetric{Metric: m, weighted: true})
		}
	})
}

// LossWeights are the factors of the losses of a model with several outputs, in
// their order; the default is 1 for each.
func LossWeights(factors ...float64) CompileOption {
	return compileOption(func(c *compileSettings) { c.lossWeights = append([]float64{}, factors...) })
}
