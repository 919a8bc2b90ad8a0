// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// CellDefinition is the computation of a cell of your own, for CustomCell. It is plain data: Save
// stores its JSON encoding and Load decodes it, if it is given WithCustomCell.
type CellDefinition interface {
	// Kind names the definition in errors and saved models.
	Kind() string
	// States returns the shapes of the states for one sample (state_size in Keras), at least one.
	// They start at 0 unless the layer is given initial states.
	States() []Shape
	// Build checks the shape of the input of one step, without the batch, declares the weights and
	// returns the shape of the output of one step.
	Build(b *Builder, in Shape) (Shape, error)
	// Step adds the expression of one step to the graph that s builds, which all steps share: the
	// output and the next states. The nodes have the batch as their first axis. It may use s.Weight,
	// s.Do and s.Activate; random numbers would be the same at each step and are an error, as are
	// losses and updates of a step.
	Step(s *Scope, x *graph.Node, states []*graph.Node) (y *graph.Node, next []*graph.Node)
}
