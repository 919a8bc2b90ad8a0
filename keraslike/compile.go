// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Compile sets the optimizer, losses and metrics and builds the model. It returns all errors
// in the model and the arguments, joined.
//
//	err := m.Compile(k.RMSprop(1e-3), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1))
//
// Instead of a loss of one output with its target, an Objective is a loss of anything, and Phases are
// several of them that train different parts of the model in turn, each by an optimizer of its own.
//
// Compiling again resets the optimizer and keeps the weights. An error leaves the model
// unchanged.
//
// Options and their defaults:
//
//	Seed               0     where all random numbers of the model come from
//	any Metric         none  what is measured besides the loss, at every output
//	ForOutput          none  metrics of one output
//	WeightedMetrics    none  metrics that count samples by their weights
//	WeightedForOutput  none  such metrics of one output
//	LossWeights        1     factors of the losses of several outputs
func (m *Model) Compile(optimizer Optimizer, loss Loss, options ...CompileOption) (err error) {
	defer caught(&err, "compile", nil, "")
	if m.running != nil {
		return fmt.Errorf("compile: %w", errRunning)
	}
	c, err := m.newCompiled(optimizer, loss, options)
	if err != nil {
		return err
	}
	undo, err := m.build(c.seed)
	if err != nil {
		return err
	}
	c.frozen = map[*layer]bool{}
	m.recordFrozen(c.frozen)
	before := m.compiled
	m.compiled = c
	done := false
	defer func() {
		if !done { // also after a panic
			m.compiled = before
			undo()
		}
	}()
	trained, err := m.checkGraph()
	if err != nil {
		return err
	}
	t, phases, err := m.newTrainers(c, trained)
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	m.reseed(c.seed) // the model may have been built with another seed
	m.releaseTraining()
	m.graphs.clear()
	m.trainer, m.phases = t, modelPhases{trainers: phases}
	m.position, m.pending, m.interrupted = 0, false, interruption{}
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
	var nilErr error
	for _, o := range given(options, &nilErr) {
		o.applyCompile(&c.compileSettings)
	}
	add(nilErr)
	complete := true // no argument is nil
	for _, metric := range c.metrics {
		if isNil(metric.Metric) {
			complete = false
			add(errors.New("a metric is nil"))
		}
	}
	own, hasPhases := loss.(*phases)
	hasPhases = hasPhases && own != nil
	if isNil(optimizer) {
		complete = false
		if !hasPhases || !own.haveOptimizers() {
			add(errors.New("no optimizer"))
		}
	} else {
		err := guard("optimizer", optimizer, "Check", optimizer.Check)
		for _, err := range flattenErrors(err) {
			add(fmt.Errorf("optimizer %s: %w", nameIn("optimizer", optimizer), err))
		}
	}
	if isNil(loss) {
		complete = false
		add(errors.New("no loss; NoLoss stands for none"))
	} else if hasPhases {
		add(c.addPhases(own, optimizer))
		complete = complete && len(c.phases) > 0
	} else {
		c.losses = lossPerOutput(loss, len(m.outputs))
		for k, l := range c.losses {
			if isNil(l) {
				complete = false
				add(fmt.Errorf("loss %d is nil; NoLoss is that of an output without one", k))
			}
		}
	}
	if complete {
		mistakes = append(mistakes, guard("compile", nil, "", c.finiteSettings))
	}
	if complete && m.err == nil && !hasPhases {
		mistakes = append(mistakes, guard("compile", nil, "", func() error { return c.checkLoss(&m.network) }))
	}
	return c, errors.Join(mistakes...)
}

// checkGraph builds the training graph with its gradients and discards it, so that errors in
// the expressions of layers are found before any data is read. It returns the weights that training
// updates.
func (m *Model) checkGraph() (trained []*Weight, err error) {
	if m.compiled.phases != nil {
		return nil, m.checkPhases(m.compiled)
	}
	l, z, err := m.sizesForCheck()
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	building.Lock()
	defer building.Unlock()
	v, err := m.newExpression(modeTrain, graphKey{batch: 1, lengths: l}, z, m.compiled)
	if err != nil {
		return nil, err
	}
	if err := m.findLogged(v, graphKey{batch: 1, lengths: l}, z); err != nil {
		return nil, err
	}
	trained = slices.DeleteFunc(v.withLoss(m.trainable(), m.compiled), func(w *Weight) bool {
		_, used := v.Scope.trained(w)
		return w.idle && !used
	})
	var trainable graph.Nodes
	for _, w := range trained {
		if n, used := v.Scope.trained(w); used {
			trainable = append(trainable, n)
		}
	}
	if len(trainable) == 0 { // an error only in Fit: such a model may be evaluated
		return trained, nil
	}
	if _, err := graph.Grad(v.cost, trainable...); err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, v.annotate(err))
	}
	return trained, nil
}

// findLogged finds the values that layers log in the graph for training.
func (m *Model) findLogged(v *expression, key graphKey, z *sizes) error {
	c := m.compiled
	if v.logged == nil {
		return nil
	}
	for _, one := range v.logged {
		c.logged = append(c.logged, loggedValue{name: one.name, goal: one.goal})
	}
	evaluation, err := m.newExpression(modeEvaluate, key, z, c)
	if err != nil {
		return err
	}
	s, err := newScores(&m.network, c)
	if err == nil {
		err = errors.Join(s.checkNames(), evaluation.checkLogged(c))
	}
	if err != nil {
		return fmt.Errorf("model %q: %w", m.name, err)
	}
	return nil
}

// checkLoss checks that losses and metrics fit the model's outputs.
func (c *compiled) checkLoss(n *network) error {
	if len(c.losses) != len(n.outputs) {
		return fmt.Errorf("compile: got losses for %s, the model has %d", text.Count(len(c.losses), "output"), len(n.outputs))
	}
	if c.lossWeights != nil && len(c.lossWeights) != len(n.outputs) {
		return fmt.Errorf("compile: got %d weights of losses, the model has %s", len(c.lossWeights), text.Count(len(n.outputs), "output"))
	}
	var mistakes []error
	c.findTargets(n)
	for k, out := range n.outputs {
		target, err := c.targetsOf(k, out)
		if err != nil && len(n.outputs) > 1 {
			err = fmt.Errorf("output %q: %w", n.outputNames()[k], err)
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("compile: %w", err))
		}
		c.targets = append(c.targets, target)
		if err == nil { // none for NoLoss
			c.domains = append(c.domains, targetsOf(c.losses[k], out.shape.at(trialLength)))
		}
	}
	if len(mistakes) == 0 {
		s, err := newScores(n, c)
		if err == nil {
			err = s.checkNames()
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("compile: %w", err))
		}
	}
	return errors.Join(mistakes...)
}

// finiteSettings checks the settings of Compile.
func (c *compiled) finiteSettings() error {
	var mistakes []error
	add := func(what, name string, v any) {
		if err := finiteSettings(v); err != nil {
			mistakes = append(mistakes, fmt.Errorf("compile: %s %s: %w", what, name, err))
		}
	}
	add("optimizer", nameIn("optimizer", c.optimizer), c.optimizer)
	for _, l := range c.losses {
		add("loss", nameIn("loss", l), l)
	}
	for _, m := range c.metrics {
		add("metric", nameIn("metric", m.Metric), m.Metric)
	}
	for k, w := range c.lossWeights {
		if !(math.Abs(w) <= math.MaxFloat32) {
			mistakes = append(mistakes, fmt.Errorf("compile: weight %d of the losses is %g, want a finite number of float32", k, w))
		}
	}
	return errors.Join(mistakes...)
}
