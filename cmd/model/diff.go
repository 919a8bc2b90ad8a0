// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// errDifferent is the result of diff for models that differ.
var errDifferent = errors.New("the models differ")

var diffCommand = subcommand{
	name: "diff", args: "FILE FILE", summary: "what differs between two models",
	help: `Compares two models: their layers and the options of the layers, inputs,
outputs, classes, preprocessors and metadata, how they were compiled, and their
weights, by name. Of weights that differ it shows

  max diff   the largest absolute difference
  relative   the norm of the difference, divided by that of the first weight
  cosine     of the angle between the weights, 1 for the same direction

Files of weights alone are compared by their weights. -tol ignores small
differences of weights, as between training on two machines.

Examples:
  model diff before.safetensors after.safetensors
  model diff vgg16.h5 vgg16.reef && echo equal
  model diff a.reef b.reef -json | jq '.weights[] | select(.cosine < 0.99)'
`,
	exit: `
Exit status, as that of diff:
  0    the models are equal
  1    they differ
  2    trouble: files, or a mistake on the command line
  130  interrupted by Ctrl-C or a termination signal
`,
	start: func(f *flag.FlagSet) func(context.Context, streams, []string) error {
		asJSON := f.Bool("json", false, "write JSON")
		all := f.Bool("all", false, "list weights that are equal, too")
		tol := f.Float64("tol", 0, "`number` up to which an absolute difference of a weight is none")
		return func(ctx context.Context, s streams, args []string) error {
			if err := wantArgs(args, "FILE", "FILE"); err != nil {
				return err
			}
			if !(*tol >= 0) {
				return cli.Misuse("-tol %v: want 0 or more", *tol)
			}
			var files [2]*modelFile
			for i, path := range args {
				file, err := open(path, true)
				if err != nil {
					return err
				}
				defer file.close()
				files[i] = file
			}
			d, err := compare(ctx, files[0], files[1], *tol)
			if err != nil {
				return err
			}
			if *asJSON {
				err = writeJSON(s.out, d)
			} else {
				err = d.write(s.out, *all)
			}
			if err == nil && !d.Equal {
				err = errDifferent
			}
			return err
		}
	},
}

// difference is what diff shows, as JSON.
type difference struct {
	A         string       `json:"a"`
	B         string       `json:"b"`
	Equal     bool         `json:"equal"`
	Structure []change     `json:"structure"`
	Weights   []weightDiff `json:"weights"`
	Tolerance float64      `json:"tolerance"`
}

// change is one difference of structure. A or B is empty where the thing is missing.
type change struct {
	What string `json:"what"` // `layer "dense"`, `layer "dense": units`, "loss"
	A    string `json:"a"`
	B    string `json:"b"`
}

type weightDiff struct {
	Name     string `json:"name"`
	Shape    []int  `json:"shape"`
	Other    []int  `json:"other_shape,omitempty"` // if it differs
	Only     string `json:"only,omitempty"`        // "a" or "b" where the other file does not have it
	Equal    bool   `json:"equal"`
	Max      number `json:"max_diff"`
	Relative number `json:"relative"`
	Cosine   number `json:"cosine"`
}

// compare compares two files.
func compare(ctx context.Context, a, b *modelFile, tol float64) (*difference, error) {
	d := &difference{A: a.path, B: b.path, Equal: true, Structure: []change{}, Weights: []weightDiff{}, Tolerance: tol}
	if a.model != nil && b.model != nil {
		if err := d.structure(a, b); err != nil {
			return nil, err
		}
	}
	other := map[string]weight{}
	for _, w := range b.weights {
		other[w.name] = w
	}
	for _, w := range a.weights {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o, ok := other[w.name]
		if !ok {
			d.Weights = append(d.Weights, weightDiff{Name: w.name, Shape: w.shape, Only: "a", Max: none, Relative: none, Cosine: none})
			continue
		}
		delete(other, w.name)
		c, err := compareWeights(w, o, tol)
		if err != nil {
			return nil, err
		}
		d.Weights = append(d.Weights, c)
	}
	for _, w := range b.weights {
		if _, ok := other[w.name]; ok {
			d.Weights = append(d.Weights, weightDiff{Name: w.name, Shape: w.shape, Only: "b", Max: none, Relative: none, Cosine: none})
		}
	}
	d.Equal = len(d.Structure) == 0 && !slices.ContainsFunc(d.Weights, func(w weightDiff) bool { return !w.Equal })
	return d, nil
}

// none is no number.
var none = number(math.NaN())

// compareWeights compares two arrays, in float64.
func compareWeights(a, b weight, tol float64) (weightDiff, error) {
	d := weightDiff{Name: a.name, Shape: a.shape, Max: none, Relative: none, Cosine: none}
	if !slices.Equal(a.shape, b.shape) {
		d.Other = b.shape
		return d, nil
	}
	x, err := a.read()
	if err != nil {
		return d, err
	}
	y, err := b.read()
	if err != nil {
		return d, err
	}
	if len(x) != len(y) {
		return d, fmt.Errorf("%s: %d and %d numbers", a.name, len(x), len(y))
	}
	largest, xx, yy, xy, dd := 0.0, 0.0, 0.0, 0.0, 0.0
	d.Equal = true
	for i := range x {
		p, q := float64(x[i]), float64(y[i])
		if p == q || p != p && q != q { // infinite ones and NaN too
			if !math.IsInf(p, 0) && p == p {
				xx, yy, xy = xx+p*p, yy+q*q, xy+p*q
			}
			continue
		}
		e := math.Abs(p - q)
		if !(e <= tol) {
			d.Equal = false
		}
		largest = math.Max(largest, e)
		xx, yy, xy, dd = xx+p*p, yy+q*q, xy+p*q, dd+e*e
	}
	d.Max = number(largest)
	if dd == 0 {
		d.Relative, d.Cosine = 0, 1
		return d, nil
	}
	d.Relative, d.Cosine = number(math.Sqrt(dd/xx)), number(xy/math.Sqrt(xx*yy))
	return d, nil
}

// structure compares everything but the weights.
func (d *difference) structure(a, b *modelFile) error {
	pa, err := propertiesOf(a.model)
	if err != nil {
		return fmt.Errorf("%s: %w", a.path, err)
	}
	pb, err := propertiesOf(b.model)
	if err != nil {
		return fmt.Errorf("%s: %w", b.path, err)
	}
	values := [2]map[string]string{{}, {}}
	var order []string
	for side, list := range [2][]property{pa, pb} {
		for _, p := range list {
			values[side][p.what] = p.value
			if side == 0 {
				order = append(order, p.what)
			} else if _, ok := values[0][p.what]; !ok {
				order = append(order, p.what)
			}
		}
	}
	for _, what := range order {
		x, inA := values[0][what]
		y, inB := values[1][what]
		layer, _, isOption := strings.Cut(what, "\": ")
		if layer += `"`; isOption { // an option of a layer that only one of them has
			_, a := values[0][layer]
			_, b := values[1][layer]
			if a != b || values[0][layer] != values[1][layer] {
				continue
			}
		}
		if from, to, ok := ends(what); ok && inA != inB { // of a layer that only one of them has
			if !both(values, from) || !both(values, to) {
				continue
			}
		}
		if inA != inB || x != y {
			d.Structure = append(d.Structure, change{what, x, y})
		}
	}
	return nil
}

// ends are the layers of a connection.
func ends(what string) (from, to string, ok bool) {
	if what, ok = strings.CutPrefix(what, "connection "); !ok {
		return "", "", false
	}
	return strings.Cut(what, " -> ")
}

// both reports whether both models have the layer.
func both(values [2]map[string]string, layer string) bool {
	what := fmt.Sprintf("layer %q", layer)
	return values[0][what] != "" && values[1][what] != ""
}

// property is something that a model has, in words.
type property struct{ what, value string }

// propertiesOf lists what can differ between models.
func propertiesOf(m *k.Model) (list []property, err error) {
	add := func(what, value string) { list = append(list, property{what, value}) }
	add("name", m.Name())
	for i, t := range m.Inputs() {
		name := k.Inspect(t.Layer()).Name
		add(fmt.Sprintf("input %d", i), fmt.Sprintf("%q %s", name, t.Shape()))
		if kind, settings := m.Preprocessor(i); kind != "" {
			add(fmt.Sprintf("preprocessor of input %d", i), kind+" "+canonical(settings))
		}
	}
	for i, name := range m.OutputNames() {
		add(fmt.Sprintf("output %d", i), fmt.Sprintf("%q %s", name, m.Outputs()[i].Shape()))
		if names := m.Classes(i); names != nil {
			add(fmt.Sprintf("classes of output %d", i), strings.Join(names, ", "))
		}
	}
	for _, l := range m.Layers() {
		what := fmt.Sprintf("layer %q", l.Path)
		add(what, l.Kind)
		if l.Kind == "Input" { // its shape is that of the model's input
			continue
		}
		add(what+": output", l.Output.String())
		if len(l.Weights) > 0 {
			add(what+": trainable", yesNo(l.Trainable))
		}
		raw, err := l.Arguments()
		if err != nil {
			return nil, err
		}
		var options map[string]json.RawMessage
		if json.Unmarshal(raw, &options) != nil {
			add(what+": options", canonical(raw))
			continue
		}
		for _, key := range sortedKeys(options) {
			add(what+": "+key, canonical(options[key]))
		}
	}
	if d, err := m.Diagram(); err == nil {
		for _, a := range d.Arrows {
			from, to := d.Boxes[a[0]], d.Boxes[a[1]]
			add(fmt.Sprintf("connection %s -> %s", strings.TrimPrefix(from.Group+"/"+from.Title, "/"), strings.TrimPrefix(to.Group+"/"+to.Title, "/")), "yes")
		}
	}
	if c, ok := m.Compiled(); ok {
		info := compileOf(c)
		add("optimizer", info.Optimizer+" "+canonical(info.Settings))
		add("loss", strings.Join(info.Losses, ", "))
		add("metrics", strings.Join(info.Metrics, ", "))
		add("seed", fmt.Sprint(info.Seed))
	}
	for _, key := range m.MetadataKeys() {
		var raw json.RawMessage
		if _, err := m.Metadata(key, &raw); err != nil {
			return nil, err
		}
		add(fmt.Sprintf("metadata %q", key), canonical(raw))
	}
	return list, nil
}

// canonical writes JSON without blanks.
func canonical(raw []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// write writes the tables for people.
func (d *difference) write(w io.Writer, all bool) error {
	var b strings.Builder
	width := cli.TextWidth(w)
	if len(d.Structure) > 0 {
		rows := [][]string{{"Structure", text.Printable(d.A), text.Printable(d.B)}}
		for _, c := range d.Structure {
			rows = append(rows, []string{text.Printable(c.What), orDash(c.A, width/2), orDash(c.B, width/2)})
		}
		tabbed(&b, rows)
		fmt.Fprintln(&b)
	}
	rows := [][]string{{"Weight", "Shape", "Max diff", "Relative", "Cosine"}}
	different, missing := 0, 0
	for _, x := range d.Weights {
		shape, note := shapeOf(x.Shape), ""
		switch {
		case x.Only != "":
			missing++
			note = "only in " + map[string]string{"a": d.A, "b": d.B}[x.Only]
		case x.Other != nil:
			different++
			shape += " and " + shapeOf(x.Other)
		case !x.Equal:
			different++
		}
		switch {
		case note != "":
			rows = append(rows, []string{text.Printable(x.Name), shape, text.Printable(note)})
		case !x.Equal || all:
			rows = append(rows, []string{text.Printable(x.Name), shape, short(x.Max), short(x.Relative), fixedCosine(x.Cosine)})
		}
	}
	if len(rows) > 1 {
		tabbed(&b, rows)
		fmt.Fprintln(&b)
	}
	structure := "The structure is the same"
	if n := len(d.Structure); n > 0 {
		structure = text.Count(n, "difference") + " of structure"
	}
	weights := fmt.Sprintf("%s the same", count(len(d.Weights), "weight is", "weights are"))
	if different+missing > 0 {
		verb := "differ"
		if different == 1 {
			verb = "differs"
		}
		weights = fmt.Sprintf("%s of %s %s", text.Thousands(different), text.Count(len(d.Weights), "weight"), verb)
		if missing > 0 {
			weights += fmt.Sprintf(", %s only in one file", count(missing, "is", "are"))
		}
	}
	if d.Tolerance > 0 {
		weights += fmt.Sprintf(" (up to %g)", d.Tolerance)
	}
	fmt.Fprintf(&b, "%s; %s.\n", structure, weights)
	return writeTrimmed(w, b.String())
}

// count is text.Count for more words.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return text.Thousands(n) + " " + many
}

// fixedCosine shows how far a cosine is from 1.
func fixedCosine(n number) string {
	if v := float64(n); !math.IsNaN(v) {
		return fmt.Sprintf("%.6f", v)
	}
	return "-"
}

// orDash shortens a value; a missing one is a dash.
func orDash(s string, most int) string {
	r := []rune(text.Printable(s))
	switch {
	case len(r) == 0:
		return "-"
	case len(r) > max(20, most):
		return string(r[:max(20, most)-3]) + "..."
	}
	return string(r)
}
