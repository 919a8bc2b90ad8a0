// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// Diagram is a model seen from further off than its expressions: one box for
// each layer. It knows nothing of layers; whoever has them fills it in.
type Diagram struct {
	Name   string
	Boxes  []Box
	Arrows [][2]int // from box to box
}

// Box is one layer of a Diagram.
type Box struct {
	Title      string // its name
	Kind       string // what it computes
	Shape      string // of its output
	Parameters int
	// Group is the path of the model that it is nested in, "squeezenet/fire2" for a
	// model within a model; empty for the outermost.
	Group string
}

// WriteDOT writes the diagram as Graphviz text. Models within models are clusters
// within clusters, with their names in the corner, where no arrow passes. The same
// diagram gives the same text.
func (d *Diagram) WriteDOT(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "digraph %s {\n  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", fillcolor=%q, fontname=\"sans-serif\", fontsize=12];\n", quoteDOT(d.Name), colourForward)
	c := newClusters(0, false)
	for i, box := range d.Boxes {
		c.at(box.Group).add(fmt.Sprintf("n%d [label=%s];", i, quoteDOT(strings.Join(box.lines(), "\n"))))
	}
	c.write(b, "  ")
	for _, a := range d.Arrows {
		fmt.Fprintf(b, "  n%d -> n%d;\n", a[0], a[1])
	}
	fmt.Fprintln(b, "}")
	return b.Flush()
}

func (b Box) lines() []string {
	lines := []string{b.Title, b.Kind + " " + b.Shape}
	if b.Parameters > 0 {
		lines = append(lines, text.Count(b.Parameters, "parameter"))
	}
	return lines
}
