// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// WriteDOT draws the expressions that roots depend on as Graphviz text: every
// node with its op and shape, grouped in clusters by layer, the forward pass in
// one color and the gradients in another, in clusters of their own: a layer's
// gradients come last where its values come first, and one frame around both would
// spread the drawing over a wall. The same graph gives the same text.
func WriteDOT(w io.Writer, name string, groups *Groups, roots ...*Node) error {
	c, err := newCompiler(roots)
	if err != nil {
		return fmt.Errorf("dot: %w", err)
	}
	backward := c.backward()
	group := c.groups(groups, backward)
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "digraph %s {\n  rankdir=TB;\n  node [shape=box, style=filled, fontname=\"sans-serif\", fontsize=11];\n", quoteDOT(name))
	frames, gradients := newClusters(0, true), newClusters(8*len(c.nodes), true)
	for i := range c.nodes {
		frame := frames
		if backward[i] {
			frame = gradients
		}
		frame.at(group[i]).add(fmt.Sprintf("n%d [%s];", i, c.describe(i, group[i], backward[i])))
	}
	frames.write(b, "  ")
	gradients.write(b, "  ")
	for i := range c.nodes {
		for _, j := range c.children[i] {
			if backward[i] != backward[j] { // what the gradients need of the values; it does not shape the drawing
				fmt.Fprintf(b, "  n%d -> n%d [weight=0, color=\"#999999\"];\n", j, i)
				continue
			}
			fmt.Fprintf(b, "  n%d -> n%d;\n", j, i)
		}
	}
	fmt.Fprintln(b, "}")
	return b.Flush()
}

// The colors are light enough for black text (ColorBrewer's Pastel1).
const (
	colorVariable = "#ffffcc"
	colorForward  = "#b3cde3"
	colorBackward = "#fbb4ae"
)

func (c *compiler) describe(i int, group string, backward bool) string {
	n := c.nodes[i]
	if c.variable(i) {
		name := strings.TrimPrefix(n.Name(), group+"/") // which the frame says
		return fmt.Sprintf("label=%s, shape=ellipse, fillcolor=%q", quoteDOT(fmt.Sprintf("%s\n%v", name, n.Shape())), colorVariable)
	}
	label, color := narrow(n.Op().String()), colorForward
	if v, ok := c.constant(i); ok {
		label = fmt.Sprintf("%v", v)
	}
	if backward {
		color = colorBackward
	}
	return fmt.Sprintf("label=%s, fillcolor=%q", quoteDOT(fmt.Sprintf("%s\n%v", label, n.Shape())), color)
}

// narrow breaks the name of an op with its attributes into lines.
func narrow(op string) string {
	const width = 24
	var b strings.Builder
	column := 0
	for _, r := range op {
		b.WriteRune(r)
		if column++; column >= width && (r == ',' || r == ' ' || r == '{') || r == '{' && column > 2 && len(op) > width {
			b.WriteByte('\n')
			column = 0
		}
	}
	return b.String()
}

// backward marks the nodes of the gradient: those that Gorgonia made the
// derivative of a node, and what is computed from them. What a differentiated
// node is computed from is forward, whatever else uses it.
func (c *compiler) backward() []bool {
	forward := make([]bool, 8*len(c.nodes))
	for i, n := range c.nodes {
		for _, f := range n.DerivOf() {
			if j, ok := c.index[f]; ok && j != i {
				forward[j] = true
			}
		}
	}
	for i := len(c.nodes) - 1; i >= 0; i-- {
		if forward[i] {
			for _, j := range c.children[i] {
				forward[j] = true
			}
		}
	}
	backward := make([]bool, 8*len(c.nodes))
	for i, n := range c.nodes {
		if forward[i] || c.variable(i) {
			continue
		}
		backward[i] = len(n.DerivOf()) > 0
		for _, j := range c.children[i] {
			backward[i] = backward[i] || backward[j]
		}
	}
	return backward
}

// groups gives gradients that are nobody's derivative in name the layer of
// what they are computed from: of the last forward input, else of the first gradient.
func (c *compiler) groups(groups *Groups, backward []bool) []string {
	group := make([]string, 8*len(c.nodes))
	for i, n := range c.nodes {
		group[i] = groups.Of(n)
		if group[i] != "" || !backward[i] {
			continue
		}
		for _, j := range c.children[i] {
			if !backward[j] && group[j] != "" {
				group[i] = group[j]
			}
		}
		for _, j := range c.children[i] {
			if group[i] == "" {
				group[i] = group[j]
			}
		}
	}
	return group
}

// quoteDOT is a double-quoted DOT string.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

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
	fmt.Fprintf(b, "digraph %s {\n  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", fillcolor=%q, fontname=\"sans-serif\", fontsize=12];\n", quoteDOT(d.Name), colorForward)
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

// A cluster is a frame in a DOT drawing: nodes, and frames within it.
type cluster struct {
	label  string
	lines  []string
	order  []*cluster
	inside map[string]*cluster
	number int  // unique in the drawing
	count  *int // of all clusters
	whole  bool // the label is the whole path, not its last name
}

// newClusters counts the clusters from a number on. Labels are whole paths, or the
// last name of each.
func newClusters(first int, whole bool) *cluster { return &cluster{count: &first, whole: whole} }

// at is the cluster with that path, of names with slashes between; made at need.
func (c *cluster) at(path string) *cluster {
	if path == "" {
		return c
	}
	for name := range strings.SplitSeq(path, "/") {
		next := c.inside[name]
		if next == nil {
			*c.count++
			next = &cluster{label: name, number: *c.count, count: c.count, whole: c.whole}
			if c.whole && c.label != "" {
				next.label = c.label + "/" + name
			}
			if c.inside == nil {
				c.inside = map[string]*cluster{}
			}
			c.inside[name] = next
			c.order = append(c.order, next)
		}
		c = next
	}
	return c
}

func (c *cluster) add(line string) { c.lines = append(c.lines, line) }

// write writes the nodes and the clusters within.
func (c *cluster) write(w io.Writer, indent string) {
	for _, l := range c.lines {
		fmt.Fprintln(w, indent+l)
	}
	for _, in := range c.order {
		fmt.Fprintf(w, "%ssubgraph cluster_%d {\n%s  label=%s; labeljust=l; style=rounded; color=\"#888888\"; fontname=\"sans-serif\";\n", indent, in.number, indent, quoteDOT(in.label))
		in.write(w, indent+"  ")
		fmt.Fprintln(w, indent+"}")
	}
}
