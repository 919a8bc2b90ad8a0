// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Receipt says what became of each tensor of a file and of each weight of the model.
type Receipt struct {
	File    string
	Version string // the version of Keras that wrote the file, if it says so
	ByOrder bool   // layers were matched by Keras's order, since not all names agree
	Entries []ReceiptEntry
	Notes   []string // what of the architecture acts in training only and was left away, and what was matched by order
}

// ReceiptEntry is one pair of a tensor and a weight, or one of them without the other.
type ReceiptEntry struct {
	Tensor      string // its path in the file, empty when there is none for the weight
	TensorShape []int
	Weight      string // its path in the model, empty when there is none for the tensor
	WeightShape []int
	Used        bool
	Reason      string // why it was not used
}

// Used is how many tensors of the file went into the model.
func (r *Receipt) Used() int {
	n := 0
	for _, e := range r.Entries {
		if e.Used {
			n++
		}
	}
	return n
}

// String is a table with a row for each entry.
func (r *Receipt) String() string {
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
	_ = t.Flush() // a strings.Builder takes everything
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
