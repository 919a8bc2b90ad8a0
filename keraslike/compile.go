// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
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
	targets     []Shape         // of one sample, for each output
	domains     []*numbers      // of targets, for each output
	frozen      map[*layer]bool // whether each layer, of nested models too, was frozen
	steps       int             // batches trained on so far
	rate        float64         // of the next update
	guarded     bool            // gradients are looked through before they are used

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

func (o LossWeightsOption) applyCompile(c *compiled) { c.lossWeights = append([]float64{}, o...) }

// Compile sets how the model is trained and builds it. All mistakes of the
// model and of the arguments come back at once.
//
//	err := m.Compile(keraslike.RMSprop(1e-3), keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy, keraslike.Seed(1))
//
// Compiling again starts the optimiser afresh and keeps the weights. After an error
// the model is as it was before.
func (m *Model) Compile(optimizer Optimizer, loss Loss, options ...CompileOption) (err error) {
	defer caught(&err, "compile", nil, "")
	if m.running != nil {
		return fmt.Errorf("compile: %w", errRunning)
	}
	c, err := m.newCompiled(optimizer, loss, options)
	if err != nil {
		return err
	}
	undo, err := m.buildOrUndo(c.seed)
	if err != nil {
		return err
	}
	c.frozen = map[*layer]bool{}
	m.noteFrozen(c.frozen)
	before := m.compiled
	m.compiled = c
	done := false
	defer func() {
		if !done { // also after a panic
			m.compiled = before
			undo()
		}
	}()
	if err := m.try(); err != nil {
		return err
	}
	free := m.trainable()
	if err := c.begin(free); err != nil {
		return err
	}
	m.reseed(c.seed) // of a model that was built before, with another seed
	m.forget()
	m.free, m.position, m.pending, m.left = free, 0, false, interruption{}
	done = true
	return nil
}

// newCompiled checks the arguments of Compile.
func (m *Model) newCompiled(optimizer Optimizer, loss Loss, options []CompileOption) (*compiled, error) {
	mistakes := []error{m.err}
	add := func(err error) {
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("compile: %w", err))
		}
	}
	c := &compiled{optimizer: optimizer}
	var nothing error
	for _, o := range given(options, &nothing) {
		o.applyCompile(c)
	}
	add(nothing)
	whole := true // nothing that is asked below is nil
	for _, metric := range c.metrics {
		if isNil(metric.Metric) {
			whole = false
			add(errors.New("a metric is nil"))
		}
	}
	if isNil(optimizer) {
		whole = false
		add(errors.New("no optimiser"))
	} else {
		err := guard("optimizer", optimizer, "Check", optimizer.Check)
		for _, err := range each(err) {
			add(fmt.Errorf("optimiser %s: %w", nameIn("optimizer", optimizer), err))
		}
	}
	if isNil(loss) {
		whole = false
		add(errors.New("no loss"))
	} else {
		c.losses = eachOutput(loss, len(m.outputs))
		for k, l := range c.losses {
			if isNil(l) {
				whole = false
				add(fmt.Errorf("loss %d is nil", k))
			}
		}
	}
	if whole {
		mistakes = append(mistakes, guard("compile", nil, "", c.finiteSettings))
	}
	if whole && m.err == nil {
		mistakes = append(mistakes, guard("compile", nil, "", func() error { return c.checkLoss(m) }))
	}
	return c, errors.Join(mistakes...)
}

// nameIn is the name of something of the user's own, or its type where that fails.
func nameIn(what string, v interface{ Name() string }) (name string) {
	if err := guard(what, v, "Name", func() error { name = v.Name(); return nil }); err != nil {
		return fmt.Sprintf("%T", v)
	}
	return name
}

// begin asks the optimizer for all that training needs of it.
func (c *compiled) begin(free []*Weight) (err error) {
	defer caught(&err, "optimizer", c.optimizer, "")
	c.tuning, c.rate = settingsOf(c.optimizer), c.optimizer.Rate()
	if err := checkRate(c.rate); err != nil {
		return fmt.Errorf("compile: optimiser %s: %w", c.optimizer.Name(), err)
	}
	c.start(free)
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

// try builds the training graph once, with its gradients, and throws it away: it is
// how mistakes in layers' expressions are found before any data is read.
func (m *Model) try() error {
	building.Lock()
	defer building.Unlock()
	v, err := m.view(fitting, planKey{batch: 1})
	if err != nil {
		return err
	}
	var free graph.Nodes
	for _, w := range m.trainable() {
		if n, used := v.Scope.weights[w]; used {
			free = append(free, n)
		}
	}
	if len(free) == 0 { // of which Fit complains: such a model may be evaluated
		return nil
	}
	if _, err := graph.Grad(v.cost, free...); err != nil {
		return fmt.Errorf("model %q: %w", m.name, v.blame(err))
	}
	return nil
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
		target, err := c.targetOf(k, out.shape)
		if err != nil && len(m.outputs) > 1 {
			err = fmt.Errorf("output %q: %w", m.outputNames()[k], err)
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("compile: %w", err))
		}
		c.targets = append(c.targets, target)
		if err == nil {
			c.domains = append(c.domains, targetsOf(c.losses[k], out.shape))
		}
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

// targetOf asks the loss of an output for the shape of its targets.
func (c *compiled) targetOf(k int, out Shape) (target Shape, err error) {
	defer caught(&err, "loss", c.losses[k], "Target")
	return c.losses[k].Target(out)
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
