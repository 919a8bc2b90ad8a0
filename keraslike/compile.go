// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
)

// CompileOption is an option of Compile: a Metric, ForOutput, WeightedMetrics,
// LossWeights or a Seed.
type CompileOption interface{ applyCompile(*compiled) }

// Seed is where all of a model's random numbers come from: first weights,
// dropout, the order of samples. One seed gives one result, byte for byte, on
// any number of workers. The default is 0.
type Seed uint64

func (s Seed) applyCompile(c *compiled) { c.seed = uint64(s) }

// compiled is what Compile sets: how the model is trained.
type compiled struct {
	optimizer   Optimizer
	tuning      *tuning
	losses      []Loss // one for each output
	lossWeights []float64
	metrics     []outputMetric
	seed        uint64
	targets     []Shape // of one sample, for each output
	steps       int     // batches trained on so far
	rate        float64 // of the next update
	guarded     bool    // gradients are looked through before they are used

	// By trainable weight:
	grads    []gradient    // of the batch that is trained on
	slots    [][][]float32 // of the optimiser, by slot
	sums     [][]float32   // of gradients that are accumulated
	averages [][]float32   // of the weights
	kept     [][]float32   // copies of gradients, to change
	rows     [][]int32     // of those
	rowWidth []int
	decay    decay
	byRows   []*rowUpdate
}

// outputMetric is a metric with what it measures.
type outputMetric struct {
	Metric
	output   string // the name of an output, empty for every one
	weighted bool
}

// ForOutput measures metrics on one output of several, by its name: that of the
// layer that it comes from.
func ForOutput(output string, metrics ...Metric) OutputOption { return OutputOption{output, metrics} }

// OutputOption is made by ForOutput.
type OutputOption struct {
	output  string
	metrics []Metric
}

func (o OutputOption) applyCompile(c *compiled) {
	for _, m := range o.metrics {
		c.metrics = append(c.metrics, outputMetric{Metric: m, output: o.output})
	}
}

// WeightedMetrics are metrics that take the weights of samples into account where
// there are any; other metrics count all samples alike.
func WeightedMetrics(metrics ...Metric) WeightedMetricsOption { return metrics }

// WeightedMetricsOption is made by WeightedMetrics.
type WeightedMetricsOption []Metric

func (o WeightedMetricsOption) applyCompile(c *compiled) {
	for _, m := range o {
		c.metrics = append(c.metrics, outputMetric{Metric: m, weighted: true})
	}
}

// LossWeights are the factors of the losses of a model with several outputs, in
// their order; without it all are 1.
func LossWeights(factors ...float64) LossWeightsOption { return factors }

// LossWeightsOption is made by LossWeights.
type LossWeightsOption []float64

func (o LossWeightsOption) applyCompile(c *compiled) { c.lossWeights = o }

// Compile sets how the model is trained and builds it. All mistakes of the
// model and of the arguments come back at once.
//
//	err := m.Compile(keraslike.RMSprop(1e-3), keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy, keraslike.Seed(1))
//
// Compiling again starts the optimiser afresh and keeps the weights.
func (m *Model) Compile(optimizer Optimizer, loss Loss, options ...CompileOption) error {
	c := &compiled{optimizer: optimizer, losses: eachOutput(loss, len(m.outputs))}
	for _, o := range options {
		o.applyCompile(c)
	}
	mistakes := []error{m.err}
	if optimizer == nil {
		mistakes = append(mistakes, fmt.Errorf("compile: no optimiser"))
	} else {
		for _, err := range each(optimizer.Check()) {
			mistakes = append(mistakes, fmt.Errorf("compile: optimiser %s: %w", optimizer.Name(), err))
		}
	}
	if loss == nil {
		mistakes = append(mistakes, fmt.Errorf("compile: no loss"))
	}
	if m.err == nil && loss != nil {
		mistakes = append(mistakes, c.checkLoss(m))
	}
	if err := errors.Join(mistakes...); err != nil {
		return err
	}
	if err := m.Build(c.seed); err != nil {
		return err
	}
	m.reseed(c.seed) // of a model that was built before, with another seed
	m.forget()
	m.compiled, m.position, m.pending, m.left = c, 0, false, interruption{}
	if err := m.try(); err != nil {
		m.compiled = nil
		return err
	}
	m.free = m.trainable()
	c.tuning, c.rate = settingsOf(optimizer), optimizer.Rate()
	c.start(m.free)
	return nil
}

// each takes apart what errors.Join put together, for a prefix on every line.
func each(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// try builds the training graph once and throws it away: it is how mistakes in
// layers' expressions are found before any data is read.
func (m *Model) try() error {
	building.Lock()
	defer building.Unlock()
	_, err := m.view(fitting, planKey{batch: 1})
	return err
}

// checkLoss checks that losses and metrics fit the model's outputs.
func (c *compiled) checkLoss(m *Model) error {
	if len(c.losses) != len(m.outputs) {
		return fmt.Errorf("compile: got %d losses, the model has %d outputs", len(c.losses), len(m.outputs))
	}
	if c.lossWeights != nil && len(c.lossWeights) != len(m.outputs) {
		return fmt.Errorf("compile: got %d weights of losses, the model has %d outputs", len(c.lossWeights), len(m.outputs))
	}
	var mistakes []error
	for k, out := range m.outputs {
		target, err := c.losses[k].Target(out.shape)
		if err != nil && len(m.outputs) > 1 {
			err = fmt.Errorf("output %q: %w", m.outputNames()[k], err)
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("compile: %w", err))
		}
		c.targets = append(c.targets, target)
	}
	if len(mistakes) == 0 {
		s, err := m.measure(c)
		if err == nil {
			err = s.distinct()
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("compile: %w", err))
		}
	}
	return errors.Join(mistakes...)
}

// forget drops all graphs, after a change that they do not know of.
func (m *Model) forget() {
	m.training, m.evaluation = map[planKey]*plan{}, map[planKey]*plan{}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prediction = map[int][]*plan{}
}

// ErrNotCompiled is returned by Fit and Evaluate before Compile.
var ErrNotCompiled = errors.New("the model is not compiled")
