// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/graph"
)

// Custom makes a layer of one's own definition.
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

// undefined stands for a definition that is nil or of no use, so that it is reported
// with the other mistakes of the model.
type undefined struct{ err error }

func (undefined) Kind() string                              { return "Custom" }
func (d undefined) check() error                            { return d.err }
func (d undefined) Build(*Builder, []Shape) (Shape, error)  { return nil, d.err }
func (undefined) Forward(*Scope, []*graph.Node) *graph.Node { return nil }
