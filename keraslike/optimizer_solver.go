// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// FromSolver is an optimizer that lets a Gorgonia solver change the weights. The
// solver has its own learning rate and state, so that callbacks that change the rate have
// no effect and a model cannot be saved WithOptimizer. Sparse gradients are made dense for
// it. WeightDecay decays at a rate of 1.
//
// Options: ClipValue (none), ClipNorm (none), GlobalClipNorm (none), WeightDecay (0),
// AccumulateGradients (1), AverageWeights (none).
func FromSolver(s graph.Solver, opts ...OptimizerOption) Optimizer {
	o := &solver{solver: s}
	o.apply(opts, fields{"WithSchedule": nil}) // it has its own rate
	return o
}

type solver struct {
	commonSettings
	solver  graph.Solver
	list    []graph.ValueGrad
	weights []solverWeight
}

func (*solver) Name() string    { return "solver" }
func (*solver) Rate() float64   { return 1 }
func (*solver) Slots() []string { return nil }

func (o *solver) Check() error {
	if o.solver == nil {
		return errors.New("the solver is nil")
	}
	return o.check()
}

// unsaved is why the optimizer cannot be saved.
func (*solver) unsaved() error {
	return errors.New("a Gorgonia solver keeps its state to itself, so that it cannot be saved")
}

// Update does nothing: a solver changes all weights at once, in updateAll.
func (*solver) Update(_, _ []float32, _ [][]float32, _ int, _ float64) {}

// solverWeight is a weight as a solver sees it.
type solverWeight struct {
	value, grad *tensor.Dense
}

func (w *solverWeight) Value() graph.Value         { return w.value }
func (w *solverWeight) Grad() (graph.Value, error) { return w.grad, nil }

// updateAll gives copies of the gradients to the solver, which may change them.
func (o *solver) updateAll(weights []*Weight, gradients []gradient) error {
	if len(o.weights) != len(weights) || len(weights) > 0 && o.weights[0].value != weights[0].value {
		o.weights, o.list = make([]solverWeight, len(weights)), make([]graph.ValueGrad, len(weights))
		for i, w := range weights {
			o.weights[i] = solverWeight{w.value, tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(w.shape...))}
			o.list[i] = &o.weights[i]
		}
	}
	for i, g := range gradients {
		to := o.weights[i].grad.Float32s()
		if !g.sparse {
			copy(to, g.values)
			continue
		}
		clear(to)
		g.addTo(to)
	}
	if err := o.solver.Step(o.list); err != nil {
		return fmt.Errorf("solver %T: %w", o.solver, err)
	}
	return nil
}
