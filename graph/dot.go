// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// WriteDOT draws the expressions that roots depend on in Graphviz's DOT format: each node
// with its op and shape, clustered by layer, forward pass and gradients in different
// colors and separate clusters. (A layer's gradients are at the end of the drawing, its
// values at the start; a single cluster for both would stretch across all of it.) The
// output is deterministic.
func WriteDOT(w io.Writer, name string, groups *Groups, roots ...*Node) error {
	c, err := newCompiler(roots, nil)
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
			if backward[i] != backward[j] { // a value that a gradient reads: not to influence the layout
				fmt.Fprintf(b, "  n%d -> n%d [weight=0, color=\"#999999\"];\n", j, i)
				continue
			}
			fmt.Fprintf(b, "  n%d -> n%d;\n", j, i)
		}
	}
	fmt.Fprintln(b, "}")
	return b.Flush()
}

// DiagramOf is WriteDOT for other ways of drawing: a box for each node, whose Title is its op, or
// its name if it is a value that comes from outside. Kind is one of the kinds of ops.
func DiagramOf(name string, groups *Groups, roots ...*Node) (*Diagram, error) {
	c, err := newCompiler(roots, nil)
	if err != nil {
		return nil, fmt.Errorf("diagram: %w", err)
	}
	backward := c.backward()
	group := c.groups(groups, backward)
	d := &Diagram{Name: name}
	for i, n := range c.nodes {
		box := Box{Kind: KindForward, Shape: fmt.Sprint(n.Shape()), Group: group[i]}
		v, constant := c.constant(i)
		switch {
		case c.variable(i):
			box.Kind, box.Title = KindVariable, strings.TrimPrefix(n.Name(), group[i]+"/")
		case constant:
			box.Title = fmt.Sprint(v)
		default:
			box.Title = n.Op().String()
		}
		if backward[i] {
			box.Kind = KindGradient
		}
		d.Boxes = append(d.Boxes, box)
		for _, j := range c.children[i] {
			d.Arrows = append(d.Arrows, [2]int{j, i})
		}
	}
	return d, nil
}

// The kinds of boxes of DiagramOf.
const (
	KindVariable = "variable" // an input or a weight
	KindForward  = "forward"
	KindGradient = "gradient"
)

// The colors are light enough for black text (ColorBrewer's Pastel1).
const (
	colorVariable = "#ffffcc"
	colorForward  = "#b3cde3"
	colorBackward = "#fbb4ae"
)

func (c *compiler) describe(i int, group string, backward bool) string {
	n := c.nodes[i]
	if c.variable(i) {
		name := strings.TrimPrefix(n.Name(), group+"/") // the cluster's label already has the prefix
		return fmt.Sprintf("label=%s, shape=ellipse, fillcolor=%q", quoteDOT(fmt.Sprintf("%s\n%v", name, n.Shape())), colorVariable)
	}
	label, color := wrapLabel(n.Op().String()), colorForward
	if v, ok := c.constant(i); ok {
		label = fmt.Sprintf("%v", v)
	}
	if backward {
		color = colorBackward
	}
	return fmt.Sprintf("label=%s, fillcolor=%q", quoteDOT(fmt.Sprintf("%s\n%v", label, n.Shape())), color)
}

// wrapLabel breaks the name and attributes of an op into lines.
func wrapLabel(op string) string {
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

// backward marks the nodes of the gradient: those that Gorgonia created as a derivative,
// and those computed from them. The inputs of a differentiated node are forward nodes,
// no matter what else uses them.
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

// groups assigns each node its group. A gradient node without a DerivOf link inherits the
// group of its last forward input, or else of its first gradient input.
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

// quoteDOT returns s as a double-quoted DOT string.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// Diagram is the structure of a model with one box per layer. The caller fills it in;
// this package does not know layers.
type Diagram struct {
	Name   string
	Boxes  []Box
	Arrows [][2]int // pairs of indices into Boxes
}

// Box is one layer of a Diagram.
type Box struct {
	Title      string // the layer's name
	Kind       string // the layer's type
	Shape      string // of the output
	Parameters int
	// Group is the path of the nested model that contains the layer, such as
	// "squeezenet/fire2"; empty at the top level.
	Group string
}

// WriteDOT writes the diagram in Graphviz's DOT format. Nested models become nested
// clusters with the label in a corner, where no arrow passes. The output is deterministic.
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

// A cluster is a frame in a DOT drawing: nodes and nested clusters.
type cluster struct {
	label  string
	lines  []string
	order  []*cluster
	inside map[string]*cluster
	number int  // unique within the drawing
	count  *int // of all clusters in the drawing
	whole  bool // whether the label is the whole path or only its last element
}

// newClusters returns an empty root cluster. Numbering starts after first; whole selects
// whole paths as labels.
func newClusters(first int, whole bool) *cluster { return &cluster{count: &first, whole: whole} }

// at returns the cluster with the slash-separated path, creating what is missing.
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

// write writes the nodes and the nested clusters.
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
