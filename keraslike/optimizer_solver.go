// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// FromSolver is an optimiser that lets a Gorgonia solver change the weights. The
// solver has its own learning rate and state, so that schedules and callbacks that
// change the rate do nothing, and a model cannot be saved WithOptimizer. Sparse
// gradients are made dense for it. Options are clipping, WeightDecay (at a rate of
// 1), AccumulateGradients and AverageWeights.
func FromSolver(s graph.Solver, opts ...OptimizerOption) Optimizer {
	o := &solver{solver: s}
	for _, opt := range given(opts, &o.mistake) {
		opt(&o.tuning)
	}
	return o
}

type solver struct {
	tuning
	solver  graph.Solver
	list    []graph.ValueGrad
	weights []solverWeight
}

const solverName = "solver"

func (*solver) Name() string    { return solverName }
func (*solver) Rate() float64   { return 1 }
func (*solver) Slots() []string { return nil }

func (o *solver) Check() error {
	if o.solver == nil {
		return errors.New("the solver is nil")
	}
	if o.Schedule.Schedule != nil {
		return errors.New("a solver has its own learning rate and takes no schedule")
	}
	return o.check()
}

// Update does nothing: a solver changes all weights at once, in step.
func (*solver) Update(_, _ []float32, _ [][]float32, _ int, _ float64) {}

// solverWeight is a weight as a solver sees it.
type solverWeight struct {
	value, grad *tensor.Dense
}

func (w *solverWeight) Value() graph.Value         { return w.value }
func (w *solverWeight) Grad() (graph.Value, error) { return w.grad, nil }

// step hands copies of the gradients to the solver, which may change them.
func (o *solver) step(free []*Weight, grads []gradient) error {
	if len(o.weights) != len(free) || len(free) > 0 && o.weights[0].value != free[0].value {
		o.weights, o.list = make([]solverWeight, len(free)), make([]graph.ValueGrad, len(free))
		for i, w := range free {
			o.weights[i] = solverWeight{w.value, tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(w.shape...))}
			o.list[i] = &o.weights[i]
		}
	}
	for i, g := range grads {
		to := o.weights[i].grad.Float32s()
		if !g.sparse {
			copy(to, g.values)
			continue
		}
		clear(to)
		accumulate(to, g)
	}
	if err := o.solver.Step(o.list); err != nil {
		return fmt.Errorf("solver %T: %w", o.solver, err)
	}
	return nil
}
