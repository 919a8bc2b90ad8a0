// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// sequenceLayer is a definition of a layer that goes over the steps of a sequence with states: what RNN stacks
// and Bidirectional runs in both directions.
type sequenceLayer interface {
	Definition
	checker
	internalValues
	// states returns the number of states.
	states() int
	// run is Forward that returns the last states instead of adding them to the outputs, none without ReturnState.
	run(s *Scope, in []*graph.Node) (y *graph.Node, states []*graph.Node)
	// flags are those that all of these layers have.
	flags() sequenceFlags
	// twin returns a copy, whose flags may be set.
	twin() sequenceLayer
}

// sequenceFlags points to the flags of a definition.
type sequenceFlags struct{ returnSequences, returnState, goBackwards, zeroOutputForMask, stateful *bool }

// flagsOf are the arguments of a definition.
func flagsOf(returnSequences, returnState, goBackwards, zeroOutputForMask, stateful *bool) sequenceFlags {
	return sequenceFlags{returnSequences, returnState, goBackwards, zeroOutputForMask, stateful}
}

// forwardOver is Forward of a sequenceLayer.
func forwardOver(d sequenceLayer, s *Scope, in []*graph.Node) *graph.Node {
	y, states := d.run(s, in)
	for _, h := range states {
		s.Output(h)
	}
	return y
}

// within adds a prefix to the names of weights until back is called.
func within(prefix *string, name string) (back func()) {
	outer := *prefix
	*prefix = outer + name + "/"
	return func() { *prefix = outer }
}

func (d *recurrent) flags() sequenceFlags {
	return flagsOf(&d.ReturnSequences, &d.ReturnState, &d.GoBackwards, &d.ZeroOutputForMask, &d.Stateful)
}

func (d *recurrent) twin() sequenceLayer { own := *d; return &own }

func (d *convLSTM) flags() sequenceFlags {
	return flagsOf(&d.ReturnSequences, &d.ReturnState, &d.GoBackwards, &d.ZeroOutputForMask, &d.Stateful)
}

func (d *convLSTM) twin() sequenceLayer { own := *d; return &own }

func (d *rnn) flags() sequenceFlags {
	return flagsOf(&d.ReturnSequences, &d.ReturnState, &d.GoBackwards, &d.ZeroOutputForMask, &d.Stateful)
}

func (d *rnn) twin() sequenceLayer { own := *d; return &own }
