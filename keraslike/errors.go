// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"strings"
)

// ShapeError is an error in one layer of a model: inputs of the wrong shape or an invalid
// argument. Build and Compile return all errors of a model, joined.
type ShapeError struct {
	Layer string       // the layer's name
	Kind  string       // the kind of layer, such as "Dense"
	In    []Shape      // the shapes of its inputs; nil if an earlier layer failed
	Path  []LayerShape // of the first input: the model's input and the last layers before this one
	Err   error        // got and want
}

// LayerShape is the name of a layer and the shape of its output.
type LayerShape struct {
	Layer string
	Shape Shape
}

// Error returns one line: the layer, the error and the shapes along the path.
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
