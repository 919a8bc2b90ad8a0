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
		d = undefined{errors.New("has no definition")}
	} else if err := guard("definition", d, "Kind", func() error { _ = d.Kind(); return nil }); err != nil {
		d = undefined{err}
	}
	return newLayer(d, opts)
}

// undefined replaces a nil or unusable definition, so that the error is reported together
// with the model's other errors.
type undefined struct{ err error }

func (undefined) Kind() string                              { return "Custom" }
func (d undefined) check() error                            { return d.err }
func (d undefined) Build(*Builder, []Shape) (Shape, error)  { return nil, d.err }
func (undefined) Forward(*Scope, []*graph.Node) *graph.Node { return nil }
