// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Summary writes the table of the model's layers: kind, name, output shape,
// number of parameters and, unless its input is the layer above, its inputs.
func (m *Model) Summary(w io.Writer) (err error) {
	defer caught(&err, "summary", w, "")
	if m.err != nil {
		return m.err
	}
	if len(m.outputs) == 0 {
		return errNoLayers
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Model: %q\n", m.name)
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "Layer\tOutput shape\tParameters\tInput")
	previous := m.inputs[0]
	for i, x := range m.tensors() {
		from := ""
		if len(x.in) > 1 || len(x.in) == 1 && x.in[0].call() != previous {
			var names []string
			for _, in := range x.in {
				names = append(names, in.layer.name)
			}
			from = strings.Join(names, ", ")
		}
		if i < len(m.inputs) {
			from = ""
		}
		fmt.Fprintf(t, "%s (%s)\t%v\t%s\t%s\n", x.layer.name, x.layer.def.Kind(), formatShapes(x.shapes()), text.Thousands(x.layer.parameters()), from)
		previous = x
	}
	_ = t.Flush() // to memory
	all, trainable := m.Parameters()
	fmt.Fprintf(&b, "Parameters: %s, trainable: %s, %s in memory\n", text.Thousands(all), text.Thousands(trainable), formatBytes(4*all))
	m.metadata.summarize(&b, &m.network)
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// shapes returns the shapes of all outputs of the call.
func (t *Tensor) shapes() (all []Shape) {
	for _, x := range t.outputs() {
		all = append(all, x.shape)
	}
	return all
}

func (l *layer) parameters() (n int) {
	weights := l.weights
	if inner := l.network(); inner != nil {
		weights = inner.allWeights()
	}
	for _, w := range weights {
		n += Shape(w.shape).Size()
	}
	return n
}

func formatBytes(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

// Diagram returns a drawing of the model with one box for each layer; the layers of each
// nested model form a group.
func (m *Model) Diagram() (*graph.Diagram, error) {
	if m.err != nil {
		return nil, m.err
	}
	if most := m.layersLimit(); m.uses > float64(most) {
		return nil, fmt.Errorf("diagram: model %q: %w", m.name, m.tooManyLayers())
	}
	d := &graph.Diagram{Name: m.name}
	m.draw(d, "", nil)
	return d, nil
}

// draw adds the layers and returns the boxes of the outputs; in are the boxes of the inputs of
// a nested model.
func (n *network) draw(d *graph.Diagram, group string, in []int) (out []int) {
	at := map[*Tensor]int{}
	box := func(x *Tensor) int {
		d.Boxes = append(d.Boxes, graph.Box{
			Title: x.layer.name, Kind: x.layer.def.Kind(), Shape: formatShapes(x.shapes()), Parameters: x.layer.parameters(), Group: group,
		})
		return len(d.Boxes) - 1
	}
	calls := map[*layer]int{}
	for i, x := range n.inputs {
		if in != nil {
			at[x] = in[i]
		} else {
			at[x] = box(x)
		}
	}
	for _, x := range n.order {
		var from []int
		for _, y := range x.in {
			from = append(from, at[y])
		}
		if inner := x.layer.network(); inner != nil {
			name := x.layer.name
			if calls[x.layer]++; calls[x.layer] > 1 { // separate boxes, or arrows would point backwards
				name = fmt.Sprintf("%s, call %d", name, calls[x.layer])
			}
			for k, b := range inner.draw(d, strings.TrimPrefix(group+"/"+name, "/"), from) {
				at[x.Output(k)] = b
			}
			continue
		}
		b := box(x)
		for _, y := range x.outputs() {
			at[y] = b
		}
		for _, f := range from {
			d.Arrows = append(d.Arrows, [2]int{f, b})
		}
	}
	for _, x := range n.outputs {
		out = append(out, at[x])
	}
	return out
}

// WriteDOT draws the layers as Graphviz text.
func (m *Model) WriteDOT(w io.Writer) (err error) {
	defer caught(&err, "dot", w, "")
	d, err := m.Diagram()
	if err != nil {
		return err
	}
	return d.WriteDOT(w)
}

// WriteOpsDOT draws the expression graph for a batch of the given size, grouped
// by layer: of training, with loss and gradients, when the model is compiled,
// else of prediction. The lengths are those of the free axes of the inputs, in their order.
func (m *Model) WriteOpsDOT(w io.Writer, batch int, free ...int) (err error) {
	defer caught(&err, "dot", w, "")
	return m.withOps(batch, free, func(g *modelGraph, _ *expression) error {
		return graph.WriteDOT(w, m.name, g.scope.groups, g.rootNodes()...)
	})
}

// OpsDiagram returns the drawing of WriteOpsDOT with a box for each op, see graph.DiagramOf.
func (m *Model) OpsDiagram(batch int, free ...int) (d *graph.Diagram, err error) {
	err = m.withOps(batch, free, func(g *modelGraph, _ *expression) (err error) {
		d, err = graph.DiagramOf(m.name, g.scope.groups, g.rootNodes()...)
		return err
	})
	return d, err
}

// WriteCompiledDOT is WriteOpsDOT after the graph has been simplified and ops have been fused: a box is what is
// computed at once, with the ops of which it is made.
func (m *Model) WriteCompiledDOT(w io.Writer, batch int, free ...int) (err error) {
	defer caught(&err, "dot", w, "")
	return m.withOps(batch, free, func(g *modelGraph, v *expression) error {
		return g.options(v, 0).WriteDOT(w, m.name, g.scope.groups, g.rootNodes()...)
	})
}

// CompiledDiagram returns the drawing of WriteCompiledDOT with a box for what is computed at once, see
// graph.CompileOptions.DiagramOf.
func (m *Model) CompiledDiagram(batch int, free ...int) (d *graph.Diagram, err error) {
	err = m.withOps(batch, free, func(g *modelGraph, v *expression) (err error) {
		d, err = g.options(v, 0).DiagramOf(m.name, g.scope.groups, g.rootNodes()...)
		return err
	})
	return d, err
}

// Steps returns what is computed for a batch of the given size, step by step, after the graph that
// OpsDiagram shows has been fused and its memory has been planned.
func (m *Model) Steps(batch int, free ...int) (s *graph.Steps, err error) {
	err = m.withOps(batch, free, func(g *modelGraph, v *expression) (err error) {
		s, err = g.options(v, 0).StepsOf(g.scope.groups, g.rootNodes()...)
		return err
	})
	return s, err
}

// withOps builds the expression graph that use gets.
func (m *Model) withOps(batch int, free []int, use func(g *modelGraph, v *expression) error) error {
	if m.err != nil {
		return m.err
	}
	if batch < 1 {
		return fmt.Errorf("dot: batch of %d samples, want at least 1", batch)
	}
	if !m.built {
		return fmt.Errorf("dot: model %q has no weights yet: build or compile it", m.name)
	}
	mode := modePredict
	if m.compiled != nil {
		mode = modeTrain
	}
	key := graphKey{batch: batch}
	if want := m.freeAxes(); len(free) != want {
		return fmt.Errorf("dot: model %q: got the lengths of %d free axes, want %d", m.name, len(free), want)
	}
	for i, n := range free {
		if n < 1 {
			return fmt.Errorf("dot: model %q: free axis %d has length %d, want at least 1", m.name, i, n)
		}
		key.lengths = key.lengths.with(i, n)
	}
	z, err := m.affordable(mode, 1, key.lengths)
	if err != nil {
		return fmt.Errorf("model %q: %w", m.name, err)
	}
	building.Lock()
	defer building.Unlock()
	g, v, err := m.graphWithRoots(mode, key, z, m.compiled, m.trained())
	if err != nil {
		return err
	}
	return use(g, v)
}
