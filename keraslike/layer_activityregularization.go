// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// ActivityRegularization returns its input and adds the penalty r of it, divided by the number of
// samples, to the loss: ActivityRegularization(L1(0.01)). It is for layers without the option
// ActivityRegularizer. The output has the shape of the input, which may be any.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/regularization_layers/activity_regularization/.
func ActivityRegularization(r Regularizer, opts ...LayerOption) Layer {
	return newLayer(&activityRegularization{Regularizer: r}, opts)
}

type activityRegularization struct {
	passesMask
	Regularizer Regularizer `json:"regularizer"`
}

var _ = register[activityRegularization]("ActivityRegularization")

func (d *activityRegularization) Kind() string { return "ActivityRegularization" }
func (d *activityRegularization) check() error { return d.Regularizer.check() }

func (d *activityRegularization) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *activityRegularization) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return d.Regularizer.penalizeActivity(s, in[0])
}
