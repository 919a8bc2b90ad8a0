// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

var summaryCommand = subcommand{
	name: "summary", args: "FILE", summary: "layers, shapes, parameters, settings",
	help: `Shows what a file holds: its layers with the shape of their output ("?" is an
axis of any length), their parameters and whether training changes them; the
inputs with their preprocessors, the outputs with the names of their classes;
how the model was compiled; metadata; and the size of the file. Of a file of
weights it lists the arrays.

-weights adds a line for each weight with its smallest and largest value, mean
and standard deviation, and counts those that are NaN or infinite.

Examples:
  model summary digits.safetensors
  model summary vgg16.h5 -weights
  model summary digits.safetensors -json | jq .parameters.all
`,
	start: func(f *flag.FlagSet) func(context.Context, streams, []string) error {
		weights := f.Bool("weights", false, "list the weights with their range")
		asJSON := f.Bool("json", false, "write JSON")
		return func(ctx context.Context, s streams, args []string) error {
			if err := wantArgs(args, "FILE"); err != nil {
				return err
			}
			file, err := open(args[0], true)
			if err != nil {
				return err
			}
			defer file.close()
			info, err := describe(ctx, file, *weights || file.model == nil)
			if err != nil {
				return err
			}
			if *asJSON {
				return writeJSON(s.out, info)
			}
			return info.write(s.out)
		}
	},
}

// writeJSON writes a value for people and programs.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// fileInfo is what summary shows, as JSON.
type fileInfo struct {
	File        string                     `json:"file"`
	Format      string                     `json:"format"`
	Bytes       int64                      `json:"bytes"`
	Name        string                     `json:"name,omitempty"`
	Layers      []layerInfo                `json:"layers,omitempty"`
	Parameters  parameters                 `json:"parameters"`
	Inputs      []inputInfo                `json:"inputs,omitempty"`
	Outputs     []outputInfo               `json:"outputs,omitempty"`
	Compiled    *compileInfo               `json:"compiled,omitempty"`
	Training    *trainingInfo              `json:"training,omitempty"`
	Metadata    map[string]json.RawMessage `json:"metadata,omitempty"`
	Weights     []weightInfo               `json:"weights,omitempty"`
	Notes       []string                   `json:"notes,omitempty"`
	withWeights bool
}

type parameters struct {
	All       int `json:"all"`
	Trainable int `json:"trainable"`
}

type layerInfo struct {
	Name       string   `json:"name"` // its path
	Kind       string   `json:"kind"`
	Output     string   `json:"output"`
	Parameters int      `json:"parameters"`
	Trainable  *bool    `json:"trainable,omitempty"` // only of layers with parameters
	From       []string `json:"from,omitempty"`
}

type inputInfo struct {
	Name         string          `json:"name"`
	Shape        string          `json:"shape"`
	Preprocessor string          `json:"preprocessor,omitempty"`
	Settings     json.RawMessage `json:"settings,omitempty"`
}

type outputInfo struct {
	Name    string   `json:"name"`
	Shape   string   `json:"shape"`
	Classes []string `json:"classes,omitempty"`
}

type compileInfo struct {
	Optimizer string          `json:"optimizer"`
	Settings  json.RawMessage `json:"settings"`
	Losses    []string        `json:"losses"`
	Weights   []float64       `json:"loss_weights,omitempty"`
	Metrics   []string        `json:"metrics,omitempty"`
	Seed      uint64          `json:"seed"`
}

type trainingInfo struct {
	Epochs       int     `json:"epochs"`
	Updates      int     `json:"updates"`
	LearningRate float64 `json:"learning_rate"`
}

type weightInfo struct {
	Name   string `json:"name"`
	Shape  []int  `json:"shape"`
	Role   string `json:"role,omitempty"`
	Values int    `json:"values"`
	Min    number `json:"min"`
	Max    number `json:"max"`
	Mean   number `json:"mean"`
	Std    number `json:"std"`
	NaN    int    `json:"nan"`
	Inf    int    `json:"inf"`
}

// number is null in JSON where there is none.
type number float64

// MarshalJSON writes NaN and Inf as null.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// describe collects what is shown of a file.
func describe(ctx context.Context, file *modelFile, weights bool) (*fileInfo, error) {
	info := &fileInfo{File: file.path, Format: file.format, Bytes: file.size, Notes: file.notes, withWeights: weights}
	for _, w := range file.weights {
		n := 1
		for _, d := range w.shape {
			n *= d
		}
		info.Parameters.All += n
		if w.role == "trainable" {
			info.Parameters.Trainable += n
		}
		if weights {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			values, err := w.read()
			if err != nil {
				return nil, err
			}
			info.Weights = append(info.Weights, statistics(w, values))
		}
	}
	m := file.model
	if m == nil {
		return info, nil
	}
	info.Name = m.Name()
	if err := info.layers(m); err != nil {
		return nil, err
	}
	for i, t := range m.Inputs() {
		kind, settings := m.Preprocessor(i)
		info.Inputs = append(info.Inputs, inputInfo{k.Inspect(t.Layer()).Name, t.Shape().String(), kind, settings})
	}
	for i, name := range m.OutputNames() {
		info.Outputs = append(info.Outputs, outputInfo{name, m.Outputs()[i].Shape().String(), m.Classes(i)})
	}
	if c, ok := m.Compiled(); ok {
		info.Compiled = compileOf(c)
		if p := m.Progress(); p.Epochs > 0 || p.Updates > 0 {
			info.Training = &trainingInfo{p.Epochs, p.Updates, p.Rate}
		}
	}
	for _, key := range m.MetadataKeys() {
		var raw json.RawMessage
		if _, err := m.Metadata(key, &raw); err != nil {
			return nil, err
		}
		if info.Metadata == nil {
			info.Metadata = map[string]json.RawMessage{}
		}
		info.Metadata[key] = raw
	}
	return info, nil
}

// layers lists the layers by their paths, those of nested models too, in order of computation.
func (info *fileInfo) layers(m *k.Model) error {
	trainable := map[string]bool{}
	for _, l := range m.Layers() {
		trainable[l.Path] = l.Trainable
	}
	d, err := m.Diagram()
	if err != nil {
		return err
	}
	from := make([][]int, len(d.Boxes))
	for _, a := range d.Arrows {
		from[a[1]] = append(from[a[1]], a[0])
	}
	path := func(i int) string { return strings.TrimPrefix(d.Boxes[i].Group+"/"+d.Boxes[i].Title, "/") }
	for i, b := range d.Boxes {
		l := layerInfo{Name: path(i), Kind: b.Kind, Output: b.Shape, Parameters: b.Parameters}
		if on, ok := trainable[l.Name]; ok && b.Parameters > 0 {
			l.Trainable = &on
		}
		if len(from[i]) > 1 || len(from[i]) == 1 && from[i][0] != i-1 {
			for _, j := range from[i] {
				l.From = append(l.From, path(j))
			}
		}
		info.Layers = append(info.Layers, l)
	}
	return nil
}

func compileOf(c k.CompileInfo) *compileInfo {
	settings, err := json.Marshal(c.Optimizer)
	if err != nil {
		settings = nil
	}
	info := &compileInfo{Optimizer: c.Optimizer.Name(), Settings: settings, Weights: c.LossWeights, Seed: c.Seed}
	for _, l := range c.Losses {
		info.Losses = append(info.Losses, l.Name())
	}
	for _, m := range c.Metrics {
		name := m.Name()
		if m.Output != "" {
			name += " of " + m.Output
		}
		info.Metrics = append(info.Metrics, name)
	}
	return info
}

// statistics of the finite values.
func statistics(w weight, values []float32) weightInfo {
	s := weightInfo{Name: w.name, Shape: w.shape, Role: w.role, Values: len(values)}
	low, high, sum, squares, n := math.Inf(1), math.Inf(-1), 0.0, 0.0, 0
	for _, v := range values {
		x := float64(v)
		switch {
		case math.IsNaN(x):
			s.NaN++
		case math.IsInf(x, 0):
			s.Inf++
		default:
			n++
			low, high = min(low, x), max(high, x)
			sum += x
		}
	}
	mean := sum / float64(n)
	for _, v := range values {
		if x := float64(v); !math.IsNaN(x) && !math.IsInf(x, 0) {
			squares += (x - mean) * (x - mean)
		}
	}
	s.Min, s.Max, s.Mean, s.Std = number(low), number(high), number(mean), number(math.Sqrt(squares/float64(n)))
	return s
}

// write writes the tables for people.
func (info *fileInfo) write(w io.Writer) error {
	var b strings.Builder
	width := cli.TextWidth(w)
	fmt.Fprintf(&b, "%s: %s, %s\n", text.Printable(info.File), info.Format, byteSize(info.Bytes))
	if info.Name != "" {
		fmt.Fprintf(&b, "Model %q\n", info.Name)
	}
	if len(info.Layers) > 0 {
		fmt.Fprintln(&b)
		t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
		fmt.Fprintln(t, "Layer\tKind\tOutput\tParameters\tTrainable\tFrom")
		for _, l := range info.Layers {
			trainable := ""
			if l.Trainable != nil {
				trainable = yesNo(*l.Trainable)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", text.Printable(l.Name), l.Kind, l.Output, text.Thousands(l.Parameters), trainable, text.Printable(strings.Join(l.From, ", ")))
		}
		_ = t.Flush() // to memory
	}
	if info.Name != "" {
		fmt.Fprintf(&b, "\nParameters: %s, trainable %s, %s in memory\n", text.Thousands(info.Parameters.All), text.Thousands(info.Parameters.Trainable), byteSize(4*int64(info.Parameters.All)))
	} else {
		fmt.Fprintf(&b, "%s of %s\n", text.Count(len(info.Weights), "array"), text.Count(info.Parameters.All, "number"))
	}
	for _, in := range info.Inputs {
		fmt.Fprintf(&b, "Input %q: %s", in.Name, in.Shape)
		if in.Preprocessor != "" {
			fmt.Fprintf(&b, ", preprocessor %q %s", in.Preprocessor, brief(in.Settings, width))
		}
		fmt.Fprintln(&b)
	}
	for _, out := range info.Outputs {
		fmt.Fprintf(&b, "Output %q: %s", out.Name, out.Shape)
		if out.Classes != nil {
			fmt.Fprintf(&b, ", classes %s", text.FirstOf(out.Classes))
		}
		fmt.Fprintln(&b)
	}
	info.writeCompiled(&b)
	for _, key := range sortedKeys(info.Metadata) {
		fmt.Fprintf(&b, "Metadata %q: %s\n", key, brief(info.Metadata[key], width))
	}
	for _, n := range info.Notes {
		cli.Paragraph(&b, "", "Note: "+n, width)
	}
	if info.withWeights && len(info.Weights) > 0 {
		info.writeWeights(&b)
	}
	return writeTrimmed(w, b.String())
}

func (info *fileInfo) writeCompiled(b *strings.Builder) {
	c := info.Compiled
	switch {
	case c != nil:
		fmt.Fprintf(b, "Compiled: %s %s, loss %s", c.Optimizer, brief(c.Settings, 200), strings.Join(c.Losses, ", "))
		if len(c.Metrics) > 0 {
			fmt.Fprintf(b, ", metrics %s", strings.Join(c.Metrics, ", "))
		}
		fmt.Fprintf(b, ", seed %d\n", c.Seed)
	case info.Name != "":
		fmt.Fprintln(b, "Compiled: no, or not saved")
	}
	if t := info.Training; t != nil {
		fmt.Fprintf(b, "Training state: %s, %s, learning rate %.4g\n", text.Count(t.Epochs, "epoch"), text.Count(t.Updates, "update"), t.LearningRate)
	}
}

func (info *fileInfo) writeWeights(b *strings.Builder) {
	fmt.Fprintln(b)
	t := tabwriter.NewWriter(b, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "Weight\tShape\tType\tMin\tMax\tMean\tStd\tNot finite")
	bad := 0
	for _, s := range info.Weights {
		finite := "0"
		if s.NaN+s.Inf > 0 {
			bad++
			finite = fmt.Sprintf("%s NaN, %s Inf", text.Thousands(s.NaN), text.Thousands(s.Inf))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", text.Printable(s.Name), shapeOf(s.Shape), s.Role, short(s.Min), short(s.Max), short(s.Mean), short(s.Std), finite)
	}
	_ = t.Flush() // to memory
	if bad > 0 {
		fmt.Fprintf(b, "%s with values that are not finite\n", text.Count(bad, "weight"))
	}
}
