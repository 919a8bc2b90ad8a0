// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/wholefile"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/inspect"
)

var graphCommand = subcommand{
	name: "graph", args: "FILE", summary: "draw the layers, the ops, the program or the memory plan, as SVG or DOT",
	help: `Draws the model: its layers, every op of its expression graph, what the graph is
compiled to, with ops that are fused in one box, or the memory plan. SVG needs
no other program and opens in a browser; DOT is text for Graphviz. The memory
plan has a bar for each buffer, over the steps in which it is in use.

The graph of ops is that of prediction, or of training, with loss and gradients,
for a model that was saved compiled and with -training. It is built for a batch
of -batch samples, and for axes of any length for the lengths of -length.

Examples:
  model graph digits.safetensors -o digits.svg
  model graph vgg16.h5 -format dot | dot -Tpdf -o vgg16.pdf
  model graph digits.safetensors -level ops -training -o ops.svg
  model graph text.safetensors -level ops -length 80 -o ops.svg
  model graph digits.reef -level compiled -o compiled.svg
  model graph digits.reef -level memory -training -batch 128 -o memory.svg
`,
	start: func(f *flag.FlagSet) func(context.Context, streams, []string) error {
		format := f.String("format", "", "`format` of the drawing: svg or dot (default: that of the name of -o, else dot)")
		level := f.String("level", "layers", "`what` is drawn: layers, ops, compiled or memory")
		out := f.String("o", "-", "output `file`; - prints it")
		training := f.Bool("training", false, "draw the ops, compiled or not, or the memory of training, not of prediction")
		dark := f.Bool("dark", false, "draw SVG on a dark background")
		batch := f.Int("batch", 1, "`number` of samples in the batch of the ops")
		length := f.String("length", "", "`lengths` of the axes of any length, in order, as in 80 or 64,64")
		return func(_ context.Context, s streams, args []string) error {
			if err := wantArgs(args, "FILE"); err != nil {
				return err
			}
			d := drawing{level: *level, training: *training, batch: *batch, dark: *dark}
			var err error
			if d.format, err = formatOf(*format, *out); err != nil {
				return err
			}
			if err := oneOf("level", *level, "layers", "ops", "compiled", "memory"); err != nil {
				return err
			}
			switch {
			case *batch < 1:
				return cli.Misuse("-batch %d: want a positive number", *batch)
			case *training && *level == "layers":
				return cli.Misuse("-training is about ops: want -level ops, compiled or memory, too")
			case *level == "memory" && d.format == "dot":
				return cli.Misuse("a memory plan is no graph: want -o FILE.svg or -format svg")
			}
			if d.lengths, err = parseLengths(*length); err != nil {
				return err
			}
			file, err := openModel(args[0], *training)
			if err != nil {
				return err
			}
			defer file.close()
			write, err := d.of(file)
			if err != nil {
				return err
			}
			return output(s, *out, write)
		}
	},
}

// formatOf is the format of a drawing by its flag, else by the name of the file.
func formatOf(flag, file string) (string, error) {
	if flag != "" {
		return flag, oneOf("format", flag, "svg", "dot")
	}
	switch ext := strings.ToLower(filepath.Ext(file)); {
	case file == "-" || ext == ".dot" || ext == ".gv":
		return "dot", nil
	case ext == ".svg":
		return "svg", nil
	default:
		return "", cli.Misuse("-o %s: the name does not say which format; want .svg, .dot or -format", file)
	}
}

// drawing is what to draw.
type drawing struct {
	format, level  string
	training, dark bool
	batch          int
	lengths        []int
}

// of returns what writes the drawing.
func (d drawing) of(file *modelFile) (func(io.Writer) error, error) {
	m := file.model
	if _, ok := m.Compiled(); d.training && !ok {
		return nil, fmt.Errorf("%s was not saved with how it was compiled, so it has no graph of training%s", file.path, noted(file))
	}
	if d.level != "layers" {
		if err := wantLengths(m, d.lengths); err != nil {
			return nil, err
		}
	}
	if d.format == "dot" {
		if d.level == "layers" {
			return m.WriteDOT, nil
		}
		if d.level == "compiled" {
			return func(w io.Writer) error { return m.WriteCompiledDOT(w, d.batch, d.lengths...) }, nil
		}
		return func(w io.Writer) error { return m.WriteOpsDOT(w, d.batch, d.lengths...) }, nil
	}
	var figure *viz.Figure
	var err error
	switch d.level {
	case "layers":
		figure, err = inspect.Layers(m)
	case "ops":
		figure, err = inspect.Ops(m, d.batch, d.lengths...)
	case "compiled":
		figure, err = inspect.Compiled(m, d.batch, d.lengths...)
	default:
		figure, err = inspect.Memory(m, d.batch, d.lengths...)
	}
	if err != nil {
		return nil, err
	}
	theme := viz.Light
	if d.dark {
		theme = viz.Dark
	}
	return func(w io.Writer) error { return figure.WriteSVG(w, theme) }, nil
}

// noted adds the notes of a file to an error.
func noted(file *modelFile) string {
	if len(file.notes) == 0 {
		return ""
	}
	return ": " + strings.Join(file.notes, "; ")
}

// output writes to a file as a whole, or to standard output for "-".
func output(s streams, path string, write func(io.Writer) error) error {
	if path == "" {
		return cli.Misuse(`-o "": want a name`)
	}
	if path == "-" {
		return write(s.out)
	}
	if err := wholefile.Write(path, write); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// parseLengths reads the value of -length.
func parseLengths(s string) (lengths []int, err error) {
	if s == "" {
		return nil, nil
	}
	return parseNumbers("length", s)
}

// parseNumbers reads positive numbers that commas separate.
func parseNumbers(flag, s string) (list []int, err error) {
	for word := range strings.SplitSeq(s, ",") {
		n := 0
		if _, err := fmt.Sscanf(strings.TrimSpace(word)+"\n", "%d\n", &n); err != nil || n < 1 || n > 1<<24 {
			return nil, cli.Misuse("-%s %q: want positive numbers separated by commas", flag, s)
		}
		list = append(list, n)
	}
	return list, nil
}

// freeAxes are the axes of any length of all inputs.
func freeAxes(m *k.Model) (n int) {
	for _, t := range m.Inputs() {
		for _, d := range t.Shape() {
			if d == k.Any {
				n++
			}
		}
	}
	return n
}

// wantLengths checks that there is a length for each axis of any length.
func wantLengths(m *k.Model, lengths []int) error {
	want := freeAxes(m)
	if want == len(lengths) {
		return nil
	}
	var shapes []string
	for _, t := range m.Inputs() {
		shapes = append(shapes, t.Shape().String())
	}
	return cli.Misuse("-length: got %d, want %d: the inputs have the shapes %s, where ? is an axis of any length", len(lengths), want, strings.Join(shapes, ", "))
}
