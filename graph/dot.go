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
	d := drawing{compiler: c, backward: backward, group: c.groups(groups, backward), title: func(i int) string { return c.nodes[i].Op().String() }}
	return d.writeDOT(w, name, "")
}

// WriteDOT draws the Program that o.Compile builds from roots, as the function WriteDOT draws the expressions: a
// box is what is computed at once, with the ops of which it is made, a dashed one is a view, which computes
// nothing, and what was computed in advance is a constant. The caption has the passes and how many nodes they
// have left.
func (o CompileOptions) WriteDOT(w io.Writer, name string, groups *Groups, roots ...*Node) error {
	d, caption, err := o.drawing(groups, roots)
	if err != nil {
		return fmt.Errorf("dot: %w", err)
	}
	return d.writeDOT(w, name, caption)
}

// drawing is what is drawn of expressions.
type drawing struct {
	*compiler
	backward []bool
	group    []string
	title    func(i int) string // of a node that is computed
	compiled bool
}

// drawing returns what is drawn of a Program.
func (o CompileOptions) drawing(groups *Groups, roots Nodes) (d drawing, caption string, err error) {
	roots, err = o.withUpdates(roots)
	if err != nil {
		return d, "", err
	}
	c, err := o.compiler(roots)
	if err != nil {
		return d, "", err
	}
	// What belongs to the gradients shows before ops are fused.
	gradient, group := map[*Node]bool{}, map[*Node]string{}
	backward := c.backward()
	for i, name := range c.groups(groups, backward)[:len(c.nodes)] {
		gradient[c.nodes[i]], group[c.nodes[i]] = backward[i], name
	}
	all, passes := len(c.nodes), AllPasses&^o.Without
	c.optimize(passes)
	d = drawing{compiler: c, backward: make([]bool, len(c.nodes)), group: make([]string, len(c.nodes)), title: c.title, compiled: true}
	for i, n := range c.nodes {
		d.backward[i], d.group[i] = gradient[n], group[n]
	}
	return d, fmt.Sprintf("%d of %s after the passes: %v", len(c.nodes), text.Count(all, "node"), passes), nil
}

func (d drawing) writeDOT(w io.Writer, name, caption string) error {
	c, backward, group := d.compiler, d.backward, d.group
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "digraph %s {\n  rankdir=TB;\n  node [shape=box, style=filled, fontname=\"sans-serif\", fontsize=11];\n", quoteDOT(name))
	if caption != "" {
		fmt.Fprintf(b, "  label=%s; fontname=\"sans-serif\"; fontsize=11;\n", quoteDOT(caption))
	}
	frames, gradients := newClusters(0, true), newClusters(8*len(c.nodes), true)
	for i := range c.nodes {
		frame := frames
		if backward[i] {
			frame = gradients
		}
		frame.at(group[i]).add(fmt.Sprintf("n%d [%s];", i, d.describe(i)))
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
	d := drawing{compiler: c, backward: backward, group: c.groups(groups, backward), title: func(i int) string { return c.nodes[i].Op().String() }}
	return d.diagram(name), nil
}

// DiagramOf is o.WriteDOT for other ways of drawing. The Title of a box has its ops, joined by " + ".
func (o CompileOptions) DiagramOf(name string, groups *Groups, roots ...*Node) (*Diagram, error) {
	d, _, err := o.drawing(groups, roots)
	if err != nil {
		return nil, fmt.Errorf("diagram: %w", err)
	}
	return d.diagram(name), nil
}

func (d drawing) diagram(name string) *Diagram {
	drawn := &Diagram{Name: name}
	for i, n := range d.nodes {
		box := Box{Kind: KindForward, Shape: fmt.Sprint(n.Shape()), Group: d.group[i]}
		v, constant := d.constant(i)
		switch {
		case d.variable(i):
			box.Kind, box.Title = KindVariable, strings.TrimPrefix(n.Name(), d.group[i]+"/")
		case constant:
			box.Title = constantText(v)
		default:
			box.Title = d.title(i)
		}
		if d.backward[i] {
			box.Kind = KindGradient
		}
		drawn.Boxes = append(drawn.Boxes, box)
		for _, j := range d.children[i] {
			if !constant {
				drawn.Arrows = append(drawn.Arrows, [2]int{j, i})
			}
		}
	}
	return drawn
}

// constantText is the value of a constant, if it is one number.
func constantText(v Value) string {
	if size(v.Shape()) > 1 {
		return "constant"
	}
	return fmt.Sprint(v)
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

func (d drawing) describe(i int) string {
	n := d.nodes[i]
	if d.variable(i) {
		name := strings.TrimPrefix(n.Name(), d.group[i]+"/") // the cluster's label already has the prefix
		return fmt.Sprintf("label=%s, shape=ellipse, fillcolor=%q", quoteDOT(fmt.Sprintf("%s\n%v", name, n.Shape())), colorVariable)
	}
	var label, style string
	if v, ok := d.constant(i); ok {
		label = constantText(v)
	} else {
		ops := strings.Split(d.title(i), " + ")
		for k := range ops {
			ops[k] = wrapLabel(ops[k])
		}
		label = strings.Join(ops, "\n+ ")
		if d.compiled && !d.computes(i) {
			style = `, style="filled,dashed"`
		}
	}
	color := colorForward
	if d.backward[i] {
		color = colorBackward
	}
	return fmt.Sprintf("label=%s, fillcolor=%q%s", quoteDOT(fmt.Sprintf("%s\n%v", label, n.Shape())), color, style)
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
