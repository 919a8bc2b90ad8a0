// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Objective is a loss that is a function of whatever a step needs: all outputs and targets, the inputs,
// other models, random numbers. step builds it from a Step and returns a scalar node:
//
//	m.Compile(k.Adam(1e-3), k.Objective(func(s *k.Step) *graph.Node {
//		anchor, positive := s.Call(embed, s.Input(0)), s.Call(embed, s.Input(1))
//		return s.Do(graph.Mean(s.Do(graph.Square(s.Do(graph.Sub(anchor, positive))))))
//	}))
//
// Fit, Evaluate and TrainOnBatch work as with any other loss: "loss" is the mean over the samples of an
// epoch, and callbacks, validation, schedules, clipping, averages of weights and resuming keep their
// meaning. step is called once for each batch size, for training and for evaluation, and by Compile for
// 2 samples; a step of training runs a compiled graph and allocates nothing. The penalties of the layers
// that it trains are added. step must not call methods of models, which would wait for it: Call and
// Predict of the Step apply them.
//
// Options and their defaults:
//
//	Trains          all weights      the models or layers whose weights are trained
//	PhaseOptimizer  that of Compile  the optimizer of these weights
//	Times           1                updates with each batch
//
// An Objective is a function of a program, which Save doesn't store. A model that was saved
// WithOptimizer continues its training by Restore in a program that has compiled the same model in the
// same way; Load returns it not compiled. Distributed training is refused, since a loss need not be a
// mean over the samples of a batch, so that the gradients of its parts would not add up.
//
// Keras has this as an override of compute_loss or train_step.
func Objective(step func(*Step) *graph.Node, options ...PhaseOption) Loss {
	return Phases(Phase("", step, options...))
}

// Phase is one of the updates that Phases makes with each batch: of the weights of some models, by an
// optimizer of their own, along the gradient of the scalar that step returns. Its loss is in the logs
// under its name, "d_loss" for "d". See Objective for step and the options, of which there are:
//
//	Trains          all weights      the models or layers whose weights are trained
//	PhaseOptimizer  that of Compile  the optimizer of these weights
//	Times           1                updates with each batch
//
// Only weights that the phase trains are changed: others have no gradient, and states such as the
// moving averages of BatchNormalization are updated in phases that train weights of the same layer.
func Phase(name string, step func(*Step) *graph.Node, options ...PhaseOption) Loss {
	p := &phase{name: name, step: step, times: 1}
	for _, o := range given(options, &p.mistake) {
		o.applyPhase(p)
	}
	return &phases{list: []*phase{p}}
}

// Phases is a step of training of one's own: with each batch the phases make their updates, one after
// another, each with the weights that the phases before have left.
//
//	gan := k.Models("gan", generator, discriminator)
//	err := gan.Compile(k.Adam(2e-4), k.Phases(
//		k.Phase("d", func(s *k.Step) *graph.Node {
//			fake := s.Call(generator, s.RandomNormal(s.Batch(), 128))
//			...
//		}, k.Trains(discriminator)),
//		k.Phase("g", ..., k.Trains(generator), k.PhaseOptimizer(k.Adam(1e-4)))))
//
// The logs have the loss of each phase, the mean over its updates, and what Step.Log and Step.Measure
// record; there is no "loss". Validation and Evaluate compute all of it without updates, as in
// prediction, with the same random numbers in every epoch. Training.Rate, SetLearningRate and Progress
// are of the first phase; a change of the rate by a callback or by SetLearningRate multiplies the rates
// of the others, except for those with a schedule, by the same factor. Weights that are averaged by
// AverageWeights are so for each phase. Save WithOptimizer stores the state of each phase's optimizer.
func Phases(list ...Loss) Loss {
	all := &phases{}
	for i, l := range list {
		p, ok := l.(*phases)
		switch {
		case isNil(l):
			all.mistakes = append(all.mistakes, fmt.Errorf("phase %d is nil", i))
		case !ok:
			all.mistakes = append(all.mistakes, fmt.Errorf("phase %d is the loss %s, want one made by Phase", i, nameIn("loss", l)))
		default:
			all.list, all.mistakes = append(all.list, p.list...), append(all.mistakes, p.mistakes...)
		}
	}
	return all
}

// phases is the Loss of Objective, Phase and Phases.
type phases struct {
	list     []*phase
	mistakes []error
}

// Name names it in errors.
func (p *phases) Name() string { return "phases" }

var errPhaseAlone = errors.New("a Phase or an Objective stands for all outputs: it is the only loss of Compile, or one of Phases")

// Target refuses to be the loss of one output.
func (p *phases) Target(Shape) (Shape, error) { return nil, errPhaseAlone }

// Rows refuses to be the loss of one output.
func (p *phases) Rows(_, _, _ *graph.Node) (*graph.Node, error) { return nil, errPhaseAlone }

// phase is one phase as it was given.
type phase struct {
	name      string // "" for an Objective
	step      func(*Step) *graph.Node
	trains    []Layer // nil for all
	optimizer Optimizer
	ownSet    bool // optimizer is given
	times     int
	mistake   error
}

// PhaseOption is an option of Phase and Objective: Trains, PhaseOptimizer or Times.
type PhaseOption interface{ applyPhase(*phase) }

type phaseOption func(*phase)

func (o phaseOption) applyPhase(p *phase) { o(p) }

// Trains sets the models or layers whose weights a phase trains. They must be part of the model that is
// compiled; those that are frozen stay so. The default is all weights of the compiled model.
func Trains(parts ...Layer) PhaseOption {
	return phaseOption(func(p *phase) { p.trains = append([]Layer{}, parts...) })
}

// PhaseOptimizer sets the optimizer of a phase. The default is that of Compile, with a state of its own
// for each phase.
func PhaseOptimizer(o Optimizer) PhaseOption {
	return phaseOption(func(p *phase) { p.optimizer, p.ownSet = o, true })
}

// Times sets how many updates a phase makes with each batch, with other random numbers each time. The
// default is 1.
func Times(n int) PhaseOption { return phaseOption(func(p *phase) { p.times = n }) }

// label names the phase in errors.
func (p *phase) label() string {
	if p.name == "" {
		return "objective"
	}
	return fmt.Sprintf("phase %q", p.name)
}

// series is the name of its loss in the logs.
func (p *phase) series() string {
	if p.name == "" {
		return "loss"
	}
	return p.name + "_loss"
}

// compiledPhase is a phase of a compiled model.
type compiledPhase struct {
	*phase
	optimizer Optimizer
	weights   []*Weight        // that it trains
	trained   map[*Weight]bool // the same
	logs      []string         // what it logs
	measures  []measured
}

// measured is a metric of a phase, and the shapes of one row of what it compares.
type measured struct {
	outputMetric
	prediction, target Shape
}

// addPhases checks the phases of Compile.
func (c *compiled) addPhases(all *phases, optimizer Optimizer) error {
	mistakes := slices.Clone(all.mistakes)
	fail := func(p *phase, format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("%s: %w", p.label(), fmt.Errorf(format, args...)))
	}
	if len(all.list) == 0 && len(mistakes) == 0 {
		mistakes = append(mistakes, errors.New("got no phases"))
	}
	if len(c.metrics) > 0 {
		mistakes = append(mistakes, fmt.Errorf("metric %s: a phase measures its metrics by Step.Measure, Compile takes none", nameIn("metric", c.metrics[0].Metric)))
	}
	if c.lossWeights != nil {
		mistakes = append(mistakes, errors.New("LossWeights: a phase weights its losses itself"))
	}
	names := map[string]bool{}
	for _, p := range all.list {
		own := p.optimizer
		if !p.ownSet {
			own = optimizer
		}
		if names[p.name] {
			fail(p, "there are two phases of this name")
		}
		names[p.name] = true
		if p.mistake != nil {
			fail(p, "%w", p.mistake)
		}
		if p.step == nil {
			fail(p, "its function is nil")
		}
		if p.times < 1 {
			fail(p, "Times is %d, want at least 1", p.times)
		}
		if p.name == "" && len(all.list) > 1 {
			fail(p, "has no name, which one of several phases needs")
		}
		if p.trains != nil && len(p.trains) == 0 {
			fail(p, "Trains of nothing, want models or layers")
		}
		if p.ownSet && isNil(own) {
			fail(p, "PhaseOptimizer of nil")
		} else if p.ownSet {
			mistakes := flattenErrors(guard("optimizer", own, "Check", own.Check))
			for _, err := range append(mistakes, flattenErrors(finiteSettings(own))...) {
				fail(p, "optimizer %s: %w", nameIn("optimizer", own), err)
			}
		}
		for i, l := range p.trains {
			if isNil(l) {
				fail(p, "Trains: part %d is nil", i)
			}
		}
		c.phases = append(c.phases, &compiledPhase{phase: p, optimizer: own})
	}
	if isNil(c.optimizer) && len(c.phases) > 0 {
		c.optimizer = c.phases[0].optimizer
	}
	return errors.Join(mistakes...)
}

// haveOptimizers reports whether every phase has an optimizer of its own.
func (p *phases) haveOptimizers() bool {
	return len(p.list) > 0 && !slices.ContainsFunc(p.list, func(one *phase) bool { return !one.ownSet })
}

// findTrained finds the weights that each phase trains, according to what is frozen now.
func (c *compiled) findTrained(m *Model) error {
	if m.isStateful() {
		p := m.carries[0]
		return fmt.Errorf("%s %q is Stateful, so each batch continues the one before: it cannot be trained by phases, which compute a batch several times", p.layer.def.Kind(), p.path)
	}
	for _, p := range c.phases {
		p.weights = m.trainable()
		if p.trains != nil {
			p.weights = nil
		}
		for _, part := range p.trains {
			l, err := m.partOf(part)
			if err != nil {
				return fmt.Errorf("%s: trains %w", p.label(), err)
			}
			for _, w := range l.trainableWeights() {
				if !slices.Contains(p.weights, w) {
					p.weights = append(p.weights, w)
				}
			}
		}
		p.trained = map[*Weight]bool{}
		for _, w := range p.weights {
			p.trained[w] = true
		}
		if len(p.weights) == 0 {
			return fmt.Errorf("%s: has no weights to train: those of %s are frozen, or there are none", p.label(), p.partNames(m))
		}
	}
	return nil
}

func (p *phase) partNames(m *Model) string {
	if p.trains == nil {
		return fmt.Sprintf("model %q", m.name)
	}
	names := ""
	for i, l := range p.trains {
		if i > 0 {
			names += ", "
		}
		names += fmt.Sprintf("%q", l.core().name)
	}
	return names
}

// partOf returns the layer of a model or layer that the model consists of, or is.
func (m *Model) partOf(part Layer) (*layer, error) {
	l := part.core()
	if l == m.core() || l.isIn(&m.network, map[*network]bool{}) {
		return l, nil
	}
	return nil, fmt.Errorf("%s %q, which is no part of model %q", l.def.Kind(), l.name, m.name)
}

// isIn reports whether a layer is one of a network or of those nested in it. A model is in a network that
// has its layers.
func (l *layer) isIn(n *network, seen map[*network]bool) bool {
	if seen[n] {
		return false
	}
	seen[n] = true
	for _, one := range n.layers() {
		if one == l {
			return true
		}
		if inner := one.network(); inner != nil && (inner == l.network() || l.isIn(inner, seen)) {
			return true
		}
	}
	return false
}

// trainableWeights returns the weights of a layer, or of the model that it is, that are not frozen.
func (l *layer) trainableWeights() (list []*Weight) {
	if l.frozen {
		return nil
	}
	if inner := l.network(); inner != nil {
		return inner.trainable()
	}
	for _, w := range l.weights {
		if !w.state {
			list = append(list, w)
		}
	}
	return list
}

// Models joins models that are trained together into one, whose inputs and outputs are those of all of
// them in turn: the generator and the discriminator of a GAN, an encoder and a decoder. It has their
// weights under the paths "generator/dense/kernel", saves and shows them as one, and is compiled with
// Phases or an Objective. Nested returns one of them, also from a loaded model.
func Models(name string, models ...*Model) *Model {
	var inputs, outputs []*Tensor
	for i, m := range models {
		if m == nil {
			return &Model{network: network{name: name, err: fmt.Errorf("model %q: model %d is nil", name, i)}}
		}
		var in []*Tensor
		for k, t := range m.inputs {
			label := m.name + "_input"
			if len(m.inputs) > 1 {
				label = fmt.Sprintf("%s_input_%d", m.name, k)
			}
			x := newInput(label, &input{Shape: t.shape, Strings: t.strings})
			in = append(in, x)
		}
		first := m.Apply(in...)
		inputs = append(inputs, in...)
		outputs = append(outputs, first.outputs()...)
	}
	return NewModel(name, inputs, outputs)
}

// Nested returns the nested model at a path such as "generator".
func (m *Model) Nested(path string) (*Model, error) {
	l, err := m.layerAt(path, func(*layer) {})
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	inner := l.model()
	if inner == nil {
		return nil, fmt.Errorf("model %q: layer %q is %s, want a model", m.name, path, l.def.Kind())
	}
	return inner, nil
}
