// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"strings"
)

// ShapeError is a mistake in one layer of a model: inputs that do not fit it or
// an argument that is impossible. A model's mistakes come together, joined,
// when it is built or compiled.
type ShapeError struct {
	Layer string       // the layer's name
	Kind  string       // what it is, such as "Dense"
	In    []Shape      // the shapes it got; nil when a layer before it failed
	Path  []LayerShape // how the first input came about: the model's input and the last layers before this one
	Err   error        // got and want
}

// LayerShape is a layer with the shape of its output.
type LayerShape struct {
	Layer string
	Shape Shape
}

// Error is one line: the layer, what is wrong, and the shapes on the way.
func (e *ShapeError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q: %v", e.Kind, e.Layer, e.Err)
	if len(e.Path) > 0 {
		b.WriteString("; shapes on the way: ")
		for i, s := range e.Path {
			if i > 0 {
				b.WriteString(" -> ")
			}
			fmt.Fprintf(&b, "%s %v", s.Layer, s.Shape)
		}
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *ShapeError) Unwrap() error { return e.Err }
