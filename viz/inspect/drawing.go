// SPDX-License-Identifier: Apache-2.0

package inspect

import (
	"fmt"
	"strings"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
)

// Layers draws the layers of a model as boxes and arrows, from the inputs at the top to the
// outputs: kind, shape of the output and number of parameters. Boxes of one kind have the same
// color, and the layers of a nested model a common frame.
func Layers(m *keraslike.Model) (*viz.Figure, error) {
	d, err := m.Diagram()
	if err != nil {
		return nil, err
	}
	g := viz.LayerGraph{Title: d.Name}
	kinds := map[string]int{"Input": -1}
	for i, b := range d.Boxes {
		if _, ok := kinds[b.Kind]; !ok {
			kinds[b.Kind] = len(kinds) - 1
		}
		lines := []string{b.Kind, b.Shape}
		if b.Parameters > 0 {
			lines = append(lines, text.Count(b.Parameters, "parameter"))
		}
		g.Nodes = append(g.Nodes, viz.GraphNode{ID: fmt.Sprint(i), Title: b.Title, Lines: lines, Kind: kinds[b.Kind], Cluster: b.Group})
	}
	g.Edges = edges(d.Arrows)
	return g.Figure()
}

func edges(arrows [][2]int) (list []viz.GraphEdge) {
	for _, a := range arrows {
		list = append(list, viz.GraphEdge{From: fmt.Sprint(a[0]), To: fmt.Sprint(a[1])})
	}
	return list
}

// mostOps is the number of ops that can still be read in a drawing.
const mostOps = 1500

// Ops draws the expression graph of a model for a batch of the given size: that of training, with
// loss and gradients, if the model is compiled, else that of prediction. free are the lengths of the
// free axes of its inputs. A box has the op, the layer that it belongs to and the shape of its
// result; inputs and weights are gray, and the gradients have a color of their own.
func Ops(m *keraslike.Model, batch int, free ...int) (*viz.Figure, error) {
	return drawOps(m, false, batch, free)
}

// Compiled draws what is computed after the graph of Ops has been simplified and ops have been fused: a box has
// the ops that are computed at once, a line for each.
func Compiled(m *keraslike.Model, batch int, free ...int) (*viz.Figure, error) {
	return drawOps(m, true, batch, free)
}

func drawOps(m *keraslike.Model, compiled bool, batch int, free []int) (*viz.Figure, error) {
	diagram, what := m.OpsDiagram, "expression graph"
	if compiled {
		diagram, what = m.CompiledDiagram, "compiled graph"
	}
	d, err := diagram(batch, free...)
	if err != nil {
		return nil, err
	}
	if n := len(d.Boxes); n > mostOps {
		return nil, fmt.Errorf("drawing of model %q: %s ops, the most that can be read is %s: write DOT, or draw its layers", m.Name(), text.Thousands(n), text.Thousands(mostOps))
	}
	g := viz.LayerGraph{Title: d.Name}
	kinds := map[string]int{"variable": -1, "forward": 0, "gradient": 1}
	for i, b := range d.Boxes {
		first, others, fused := strings.Cut(b.Title, " + ")
		name, attributes, _ := strings.Cut(first, "{")
		var lines []string
		if attributes = strings.TrimSuffix(attributes, "}"); attributes != "" {
			lines = append(lines, attributes)
		}
		if fused {
			for op := range strings.SplitSeq(others, " + ") {
				lines = append(lines, "+ "+op)
			}
		}
		if b.Group != "" {
			lines = append(lines, b.Group)
		}
		g.Nodes = append(g.Nodes, viz.GraphNode{ID: fmt.Sprint(i), Title: name, Lines: append(lines, b.Shape), Kind: kinds[b.Kind]})
	}
	g.Edges = edges(d.Arrows)
	f, err := g.Figure()
	if err != nil {
		return nil, err
	}
	f.Alt = fmt.Sprintf("%s: %s of %s and %s.", d.Name, what, text.Count(len(d.Boxes), "node"), text.Count(len(d.Arrows), "connection"))
	return f, nil
}

// Memory draws the memory plan of a model for a batch of the given size: the values of each step
// as bars over the steps, where memory is that of training, with loss and gradients, if the model
// is compiled, else that of prediction. free are the lengths of the free axes of its inputs.
func Memory(m *keraslike.Model, batch int, free ...int) (*viz.Figure, error) {
	steps, err := m.Steps(batch, free...)
	if err != nil {
		return nil, err
	}
	plan := viz.MemoryPlan{Title: m.Name() + ": memory for a batch of " + text.Thousands(batch), Bytes: steps.Memory.Planned, Naive: steps.Memory.Naive}
	kinds := 1
	for _, s := range steps.List {
		name, _, _ := strings.Cut(s.Op, "{")
		if first, second, fused := strings.Cut(s.Op, " + "); fused {
			first, _, _ = strings.Cut(first, "{")
			second, _, _ = strings.Cut(second, "{")
			name = first + " + " + second
		}
		step := viz.PlanStep{Name: name}
		if s.Group != "" {
			step.Name = s.Group + " " + name
		}
		if s.Gradient {
			step.Kind, kinds = 1, 2
		}
		plan.Steps = append(plan.Steps, step)
	}
	for _, b := range steps.Buffers {
		plan.Buffers = append(plan.Buffers, viz.PlanBuffer(b))
	}
	if kinds == 1 {
		return plan.Figure()
	}
	return plan.Figure("forward", "gradients")
}
