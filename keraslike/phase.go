// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

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
	p := &phase{phaseSettings: phaseSettings{name, 1}, step: step}
	for _, o := range given(options, &p.mistake) {
		o.applyPhase(p)
	}
	return &phases{list: []*phase{p}}
}

// Phases is a training step of your own: with each batch the phases make their updates, one after
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
	phaseSettings
	step      func(*Step) *graph.Node
	trains    []Layer // nil for all
	optimizer Optimizer
	ownSet    bool // optimizer is given
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
