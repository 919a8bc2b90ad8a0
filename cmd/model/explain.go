// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
	"github.com/reef-dl/reef/viz/inspect"
	"github.com/reef-dl/reef/viz/report"
)

// methods are those of package explain.
var methods = map[string]struct {
	title   string
	ofLayer bool // the method looks at one layer
	make    func(layer string) explain.Method
}{
	"gradcam":    {"Grad-CAM", true, func(layer string) explain.Method { return explain.GradCAM{Layer: layer} }},
	"gradcam++":  {"Grad-CAM++", true, func(layer string) explain.Method { return explain.GradCAMPlusPlus{Layer: layer} }},
	"integrated": {"integrated gradients", false, func(string) explain.Method { return explain.IntegratedGradients{Square: 4} }},
	"occlusion":  {"occlusion", false, func(string) explain.Method { return explain.Occlusion{} }},
}

var methodNames = sortedKeys(methods)

var explainCommand = subcommand{
	name: "explain", args: "FILE PICTURE", summary: "where a network looked, as a picture or HTML",
	help: `Draws beside a picture which parts of it spoke for a class: for the predicted
one, or for that of -class, by its name or its number. -o writes a png, svg or
html file; html adds the most likely classes.

Grad-CAM weights the channels of a convolution by their influence on the class.
It takes the last convolution, or the -layer that is named. Models without
convolutions can be explained by -method occlusion or integrated.

How pixels become numbers is saved with the model, or said by -pixels or -scale,
as for predict.

Examples:
  model explain squeezenet.safetensors cat.jpg -o cat-explained.png
  model explain keras.h5 cat.jpg -scale 1/255 -class "tiger cat" -o cat.html
  model explain digits.safetensors seven.png -method occlusion
`,
	start: func(f *flag.FlagSet) func(context.Context, streams, []string) error {
		o := explainOptions{}
		f.StringVar(&o.class, "class", "", "`class` to explain, by name or number (default: the predicted one)")
		f.StringVar(&o.layer, "layer", "", "`layer` of Grad-CAM, by its path (default: the last convolution)")
		f.StringVar(&o.method, "method", "gradcam", "`method`: "+strings.Join(methodNames, ", "))
		f.StringVar(&o.out, "o", "explained.png", "output `file`, .png, .svg or .html")
		raw := f.Bool("raw", false, "ignore the preprocessor that is saved with the model")
		pixels := pixelFlags(f)
		return func(ctx context.Context, s streams, args []string) error {
			if err := wantArgs(args, "FILE", "PICTURE"); err != nil {
				return err
			}
			if err := oneOf("method", o.method, methodNames...); err != nil {
				return err
			}
			if ext := strings.ToLower(filepath.Ext(o.out)); !slices.Contains([]string{".png", ".svg", ".html", ".htm"}, ext) {
				return cli.Misuse("-o %q: want a name with .png, .svg or .html", o.out)
			}
			if o.layer != "" && !methods[o.method].ofLayer {
				return cli.Misuse("-layer: %s does not look at a layer", methods[o.method].title)
			}
			file, r, err := openReader(args[0], pixels, *raw)
			if err != nil {
				return err
			}
			defer file.close()
			r.stdin = s.in
			return o.run(ctx, s, r, args[1])
		}
	},
}

type explainOptions struct{ class, layer, method, out string }

// shownSide is the longer side of a picture as it is shown.
const shownSide = 480

// run explains a picture and writes the result.
func (o explainOptions) run(ctx context.Context, s streams, r *reader, path string) error {
	if err := r.alone("a picture"); err != nil {
		return err
	}
	values, shape, err := pictureOf(r, path)
	if err != nil {
		return err
	}
	if len(shape) != 3 || len(r.shapes[0]) != 3 {
		return fmt.Errorf("%s: input %q has the shape %s, and only models of pictures, (height, width, channels), can be explained", r.file, r.names[0], r.shapes[0])
	}
	m, prefix := r.m, ""
	if slices.Contains(r.shapes[0], k.Any) { // gradients need fixed lengths
		if m, err = fixed(r.m, shape); err != nil {
			return err
		}
		prefix = r.m.Name() + "/"
	}
	seen, err := inspect.New(m)
	if err != nil {
		return err
	}
	x := viz.Volume{Height: shape[0], Width: shape[1], Channels: shape[2], Values: values}
	outputs := outputsOf(r.m, 5)
	array, err := k.NewArray(values, append([]int{1}, shape...)...)
	if err != nil {
		return err
	}
	y, err := r.m.Predict(array)
	if err != nil {
		return err
	}
	output := outputs[0]
	if output.numbers { // scores without names
		output.numbers, output.measure = false, "score"
		for i := range max(2, len(y.Row(0))) {
			output.classes = append(output.classes, fmt.Sprint(i))
		}
		output.top = min(5, len(output.classes))
	}
	all := output
	all.top = len(all.classes)
	ranking := all.best(row{y.RowShape(0), y.Row(0)})
	name := ranking[0].Class
	if o.class != "" {
		if name, err = classNamed(o.class, output.classes); err != nil {
			return err
		}
	}
	number := slices.Index(output.classes, name)
	layer := ""
	if methods[o.method].ofLayer {
		if layer, err = layerOf(seen, m, prefix, o.layer); err != nil {
			return fmt.Errorf("%s: %w", r.file, err)
		}
	}
	heat, err := methods[o.method].make(layer).Explain(ctx, seen, x, number)
	if err != nil {
		return err
	}
	shown, err := shownPicture(path)
	if err != nil {
		return err
	}
	over, err := viz.Overlay(shown, heat, 0.65)
	if err != nil {
		return err
	}
	measure := ranking[slices.IndexFunc(ranking, func(c class) bool { return c.Class == name })].Measure
	how := methods[o.method].title
	if layer != "" {
		how += " of " + strings.TrimPrefix(layer, prefix)
	}
	colors, bar := viz.Magma, ""
	if slices.ContainsFunc(heat.Values, func(v float32) bool { return v < 0 }) {
		colors, bar = viz.Diverging, "evidence"
	}
	figure, err := viz.SideBySide(fmt.Sprintf("%s: %s %.3g", name, output.measure, measure), colors, bar,
		viz.View{Image: shown, Caption: filepath.Base(path)}, viz.View{Image: over, Caption: how})
	if err != nil {
		return err
	}
	ranked := ranking[:min(5, len(ranking))]
	err = outputFigure(s, o.out, figure, func() *report.Report {
		t := report.Table{Caption: "Most likely classes", Head: []string{"Class", output.measure}, Numbers: []int{1}}
		for _, c := range ranked {
			t.Rows = append(t.Rows, []string{c.Class, fmt.Sprintf("%.4f", c.Measure)})
		}
		lead := fmt.Sprintf("What in %s speaks for the class %q, according to %s: the brighter, the more.", filepath.Base(path), name, how)
		return &report.Report{Title: fmt.Sprintf("%s: %s", filepath.Base(path), name), Lead: lead, Sections: []report.Section{
			{Title: "Explanation", Pictures: []report.Picture{{Figure: figure}}},
			{Title: "Prediction", Tables: []report.Table{t}},
		}}
	})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(heat.Values, func(v float32) bool { return v != 0 }) {
		fmt.Fprintf(s.out, "%s: nothing in the picture speaks for %s (%s %.4f), %s\n", o.out, name, output.measure, measure, how)
		return nil
	}
	_, err = fmt.Fprintf(s.out, "%s: %s (%s %.4f), %s\n", o.out, name, output.measure, measure, how)
	return err
}

// pictureOf reads the numbers of a picture file.
func pictureOf(r *reader, path string) ([]float32, []int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // only read
	return r.picture(f, path)
}

// fixed is the model with an input of one shape, as a model around it.
func fixed(m *k.Model, shape []int) (*k.Model, error) {
	in := k.Input(shape...)
	outer := k.NewModel("fixed", []*k.Tensor{in}, []*k.Tensor{m.Apply(in)})
	return outer, outer.Build(0)
}

// classNamed finds a class by its name or number.
func classNamed(word string, names []string) (string, error) {
	if slices.Contains(names, word) {
		return word, nil
	}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", " ")) }
	for _, name := range names {
		if plain(name) == plain(word) {
			return name, nil
		}
	}
	if i, err := strconv.Atoi(word); err == nil && i >= 0 && i < len(names) {
		return names[i], nil
	}
	return "", cli.Misuse("-class %q: want one of %s (%s), or a number from 0 to %d%s", word, text.Count(len(names), "name"), text.FirstOf(names), len(names)-1, text.Meant(word, names...))
}

// layerOf is the path of the layer to look at.
func layerOf(seen *inspect.Model, m *k.Model, prefix, named string) (string, error) {
	if named == "" {
		last, err := seen.LastConvolution()
		if err != nil {
			return "", fmt.Errorf("%w; -method occlusion or integrated needs none", err)
		}
		return last, nil
	}
	var paths []string
	for _, l := range m.Layers() {
		if len(l.Output) == 3 {
			paths = append(paths, strings.TrimPrefix(l.Path, prefix))
		}
	}
	if !slices.Contains(paths, named) {
		return "", cli.Misuse("-layer %q: want a layer whose output is (height, width, channels): %s%s", named, strings.Join(paths, ", "), text.Meant(named, paths...))
	}
	return prefix + named, nil
}

// shownPicture reads a picture in its own proportions.
func shownPicture(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	a, err := datasets.DecodeImage(f, path, datasets.ImageOptions{})
	if err != nil {
		return nil, err
	}
	height, width := a.Shape[0], a.Shape[1]
	if longer := max(height, width); longer > shownSide {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		o := datasets.ImageOptions{Height: max(1, height*shownSide/longer), Width: max(1, width*shownSide/longer), Filter: datasets.Bilinear}
		if a, err = datasets.DecodeImage(f, path, o); err != nil {
			return nil, err
		}
	}
	v := viz.Volume{Height: a.Shape[0], Width: a.Shape[1], Channels: 3, Values: a.Data}
	return v.Image()
}

// outputFigure writes a figure in the format of the file's name.
func outputFigure(s streams, path string, figure *viz.Figure, page func() *report.Report) error {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png":
		return output(s, path, func(w io.Writer) error { return figure.WritePNG(w, viz.Light) })
	case ".svg":
		return output(s, path, func(w io.Writer) error { return figure.WriteSVG(w, viz.Light) })
	case ".html", ".htm":
		return output(s, path, page().Write)
	default:
		return errors.New("format " + cmp.Or(ext, "without extension"))
	}
}
