// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// FromSolver makes an optimizer of a Gorgonia solver. The solver has its own learning rate
// and state: callbacks that change the rate have no effect, and the model cannot be saved
// WithOptimizer. Sparse gradients are converted to dense ones. WeightDecay uses a rate of 1.
//
// Options: ClipValue (none), ClipNorm (none), GlobalClipNorm (none), WeightDecay (0),
// ExcludeFromWeightDecay (none), AccumulateGradients (1), AverageWeights (none), OverwriteWeights
// (none).
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

// unsaved returns the reason why the optimizer cannot be saved.
func (*solver) unsaved() error {
	return errors.New("the state of a Gorgonia solver is private and cannot be saved")
}

// Update does nothing: updateAll updates all weights at once.
func (*solver) Update(_, _ []float32, _ [][]float32, _ int, _ float64) {}

// solverWeight presents a weight to a solver.
type solverWeight struct {
	value, grad *tensor.Dense
}

func (w *solverWeight) Value() graph.Value         { return w.value }
func (w *solverWeight) Grad() (graph.Value, error) { return w.grad, nil }

// updateAll passes copies of the gradients to the solver, which may modify them.
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
