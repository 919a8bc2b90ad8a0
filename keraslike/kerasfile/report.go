// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Report states what happened to each tensor of a file and to each weight of the model. Its
// String method formats it as a table.
type Report struct {
	File    string
	Version string // the version of Keras that wrote the file, if stated
	ByOrder bool   // layers were matched by Keras's order, since not all names agree
	Entries []Entry
	Notes   []string // what was ignored because it acts in training only, and what was matched by order
}

// Entry is one pair of a tensor and a weight, or one of them without the other.
type Entry struct {
	Tensor      string // its path in the file, empty if the weight has no tensor
	TensorShape []int
	Weight      string // its path in the model, empty if the tensor has no weight
	WeightShape []int
	Used        bool
	Reason      string // why it was not used
}

// Used returns how many tensors of the file were loaded into the model.
func (r *Report) Used() int {
	n := 0
	for _, e := range r.Entries {
		if e.Used {
			n++
		}
	}
	return n
}

// String returns a table with a row for each entry.
func (r *Report) String() string {
	var b strings.Builder
	b.WriteString(r.File)
	if r.Version != "" {
		fmt.Fprintf(&b, " (Keras %s)", r.Version)
	}
	if r.ByOrder {
		b.WriteString(", layers by Keras's order")
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, e := range r.Entries {
		state := "used"
		if !e.Used {
			state = "not used: " + e.Reason
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", or(e.Tensor), dims(e.TensorShape), or(e.Weight), dims(e.WeightShape), state)
	}
	_ = t.Flush() // a strings.Builder never fails
	for _, n := range r.Notes {
		b.WriteString("note: " + n + "\n")
	}
	return b.String()
}

func or(path string) string {
	if path == "" {
		return "-"
	}
	return path
}

func dims(shape []int) string {
	if shape == nil {
		return "-"
	}
	return fmt.Sprint(shape)
}
