// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"

	"gorgonia.org/tensor"
)

// OpError is a mistake met while an expression was built or run. It says which
// op, in which group (a layer's name, where one was recorded), on what shapes.
type OpError struct {
	Op     string
	Group  string         // the layer, where one is known
	Node   *Node          // nil while the expression is built
	Shapes []tensor.Shape // of the inputs
	Err    error
}

// Error formats the parts that are known: `layer "fc1": dense{...}(128, 784) (512, 10): ...`.
func (e *OpError) Error() string {
	var b strings.Builder
	if e.Group != "" {
		fmt.Fprintf(&b, "layer %q: ", e.Group)
	}
	b.WriteString(e.Op)
	if len(e.Shapes) > 0 {
		b.WriteString(" of")
		for i, s := range e.Shapes {
			if i > 0 {
				b.WriteString(" and")
			}
			fmt.Fprintf(&b, " %v", s)
		}
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// RowError is a mistake in one row of a batch, such as a label out of range.
type RowError struct {
	Row, Rows int
	Err       error
}

// Error names the row.
func (e *RowError) Error() string { return fmt.Sprintf("row %d: %v", e.Row, e.Err) }

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// MemoryError refuses a computation that needs more bytes than it may have.
type MemoryError struct {
	Need  float64 // may be more than fits an integer
	Limit int64
}

// Error says both in a unit that can be read.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("its values need %s of memory, the limit is %s", readable(e.Need), readable(float64(e.Limit)))
}

// readable writes bytes in the largest unit that they fill.
func readable(bytes float64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; bytes >= 1024 && i < len(units)-1; i++ {
		bytes /= 1024
	}
	return fmt.Sprintf("%.4g %s", bytes, units[i])
}
