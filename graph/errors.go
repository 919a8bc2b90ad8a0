// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"

	"gorgonia.org/tensor"
)

// OpError is an error in building or running an expression. It names the op, its group (a
// layer's name, if one was recorded) and the shapes of its inputs.
type OpError struct {
	Op     string
	Group  string         // the layer, if known
	Node   *Node          // nil while the expression is being built
	Shapes []tensor.Shape // of the inputs
	Err    error
}

// Error formats the known parts: `layer "fc1": dense{...} of (128, 784) and (512, 10): ...`.
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

// RowError is an error in one row of a batch, such as a label out of range.
type RowError struct {
	Row, Rows int
	Err       error
}

// Error names the row.
func (e *RowError) Error() string { return fmt.Sprintf("row %d: %v", e.Row, e.Err) }

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// MemoryError reports a computation that needs more memory than the limit allows.
type MemoryError struct {
	Need  float64 // bytes; may exceed the range of an int64
	Limit int64
}

// Error gives both sizes in readable units.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("its values need %s of memory, the limit is %s", formatBytes(e.Need), formatBytes(float64(e.Limit)))
}

// formatBytes formats a size in the largest unit of which it has at least one.
func formatBytes(bytes float64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; bytes >= 1024 && i < len(units)-1; i++ {
		bytes /= 1024
	}
	return fmt.Sprintf("%.4g %s", bytes, units[i])
}
