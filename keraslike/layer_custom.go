// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/graph"
)

// Custom makes a layer from your own Definition.
//
// Options: Name, Trainable (default true).
func Custom(d Definition, opts ...LayerOption) Layer {
	if isNil(d) {
		d = invalidDefinition{errors.New("has no definition")}
	} else if err := guard("definition", d, "Kind", func() error { _ = d.Kind(); return nil }); err != nil {
		d = invalidDefinition{err}
	}
	return newLayer(d, opts)
}

// invalidDefinition replaces a nil or unusable definition, so that the error is reported together
// with the model's other errors.
type invalidDefinition struct{ err error }

func (invalidDefinition) Kind() string                              { return "Custom" }
func (d invalidDefinition) check() error                            { return d.err }
func (d invalidDefinition) Build(*Builder, []Shape) (Shape, error)  { return nil, d.err }
func (invalidDefinition) Forward(*Scope, []*graph.Node) *graph.Node { return nil }
