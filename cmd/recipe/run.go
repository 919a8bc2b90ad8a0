// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/terminal"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/recipes"
)

// run runs the recipe and writes its results. Text for people goes to stderr if the JSON
// report goes to stdout.
func (o *options) run(ctx context.Context, stdout, stderr io.Writer) error {
	human := stdout
	switch {
	case o.json == "-" && o.quiet:
		human = io.Discard
	case o.json == "-":
		human = stderr
	}
	if err := dataError(o.data); err != nil {
		return err
	}
	if err := o.writable(); err != nil {
		return err
	}
	shown := ""
	display := newDisplay(stderr, o.quiet)
	if _, err := os.Stat(o.journalFolder()); err == nil && !o.resume {
		display.say(o.out + " holds an interrupted run, which -resume would continue; this run starts from scratch and replaces it")
	}
	var progress keraslike.Callback
	if !o.quiet {
		progress = callbacks.Progress(stderr)
	}
	r, err := o.recipe.Run(ctx, recipes.Options{
		Data:     datasets.From{Source: o.data, Progress: display.download},
		Variant:  o.variant,
		Epochs:   o.epochs,
		Batch:    o.batch,
		Seed:     o.seed,
		Base:     o.base,
		Explain:  o.explain,
		File:     o.model,
		Journal:  o.journal,
		Progress: progress,
		Say:      display.say,
		Start: func(m *keraslike.Model, origin datasets.Origin) error {
			var b strings.Builder
			fmt.Fprintf(&b, "%s\n\n", cli.Wrap(fmt.Sprintf("Data: %v", origin), cli.TextWidth(human)))
			if err := m.Summary(&b); err != nil {
				return err
			}
			if b.String() == shown { // the same network as before
				return nil
			}
			shown = b.String()
			_, err := fmt.Fprintln(human, shown)
			return err
		},
	})
	display.line.Erase()
	if err != nil && o.journal.Resumable() {
		err = fmt.Errorf("%w\nrecipe: to continue: %s", err, o.resumption())
	}
	if r == nil {
		return err
	}
	return o.finish(r, err, human, stdout)
}

// finish writes the results of a run, which stopped ended early unless it is nil, and shows
// them.
func (o *options) finish(r *recipes.Report, stopped error, human, stdout io.Writer) error {
	r.Command = []string{o.command()}
	files, err := r.Save(o.out)
	switch {
	case err != nil && stopped == nil:
		return err
	case err != nil:
		stopped = fmt.Errorf("%v; %w", stopped, err)
	case stopped == nil:
		if err := o.journal.Remove(); err != nil {
			return err
		}
	}
	if err := o.extras(r, stdout); err != nil {
		return err
	}
	if !o.quiet {
		fmt.Fprintln(human) // after the lines of the epochs
	}
	table(human, r)
	closing(human, r)
	o.listFiles(human, files)
	return stopped
}

// listFiles lists the files that were written. Files in subfolders, and more than a few
// files with a common prefix, are only counted.
func (o *options) listFiles(w io.Writer, files []string) {
	const few = 4
	fmt.Fprintln(w, "\nFiles:")
	family := func(f string) string {
		if dir := filepath.Dir(f); dir != filepath.Clean(o.out) {
			return dir + string(filepath.Separator)
		}
		if kind, _, ok := strings.Cut(filepath.Base(f), "_"); ok {
			return filepath.Join(o.out, kind+"_*")
		}
		return f
	}
	within := map[string]int{}
	for _, f := range files {
		within[family(f)]++
	}
	for _, f := range files {
		n := family(f)
		switch folder := strings.HasSuffix(n, string(filepath.Separator)); {
		case within[n] == 0: // already listed
		case folder || within[n] > few:
			fmt.Fprintf(w, "  %s (%s)\n", n, text.Count(within[n], "file"))
			within[n] = 0
		default:
			fmt.Fprintln(w, "  "+f)
		}
	}
}

// command returns the command line that repeats the run.
func (o *options) command() string {
	c := fmt.Sprintf("go run ./cmd/recipe -name %s -seed %d", o.recipe.Name, o.seed)
	if o.data != datasets.Local {
		c += " -data " + o.data
	}
	if o.variant != "" {
		c += " -variant " + o.variant
	}
	if o.epochs > 0 {
		c += fmt.Sprintf(" -epochs %d", o.epochs)
	}
	if o.batch > 0 {
		c += fmt.Sprintf(" -batch %d", o.batch)
	}
	for _, f := range [][2]string{{"base", o.base}, {"explain", o.explain}, {"model", o.model}} {
		if f[1] != "" {
			c += " -" + f[0] + " " + f[1]
		}
	}
	return c
}

// resumption returns the command line that continues the run.
func (o *options) resumption() string {
	return "go run ./cmd/recipe -resume -out " + o.out
}

// writable checks before training that the results can be written.
func (o *options) writable() error {
	dirs, files := []string{o.out}, []string{o.dot}
	if o.json != "-" {
		files = append(files, o.json)
	}
	for _, file := range files {
		if file == "" {
			continue
		}
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			return fmt.Errorf("output file: %s is a folder", file)
		}
		dirs = append(dirs, filepath.Dir(file))
	}
	for _, d := range dirs {
		if err := recipes.Writable(d); err != nil {
			return err
		}
	}
	return nil
}

// extras writes the files of -dot and -json.
func (o *options) extras(r *recipes.Report, stdout io.Writer) error {
	if o.dot != "" {
		m := r.Model
		if m == nil { // all variants: the first one
			m = r.Variants[0].Model
		}
		if err := recipes.WriteFile(o.dot, m.WriteDOT); err != nil {
			return err
		}
	}
	switch o.json {
	case "":
		return nil
	case "-":
		return r.WriteJSON(stdout)
	}
	return recipes.WriteFile(o.json, r.WriteJSON)
}

// table compares this run's metrics with the article's: all of them for a single model, the
// headline metrics for a run of several variants.
func table(w io.Writer, r *recipes.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	compared := slices.ContainsFunc(r.Headline(), func(name string) bool { _, ok := r.Article[name]; return ok })
	row := func(name, article, here string) {
		if compared {
			here = article + "\t" + here
		}
		fmt.Fprintf(t, "%s\t%s\t\n", name, here)
	}
	head := "metric"
	if len(r.Variants) > 0 {
		head = "variant\tmetric"
	}
	row(head, "article", "here")
	for _, name := range r.Headline() {
		row(strings.Replace(name, "/", "\t", 1), figure(r.Article, name), figure(r.Metrics, name))
	}
	_ = t.Flush()
	line := ""
	switch {
	case len(r.Variants) > 0:
		line = fmt.Sprintf("%s, %.1f s of training, %s/s; seed %d", text.Count(len(r.Variants), "variant"), r.Seconds, text.Count(int(r.SamplesPerSecond), "sample"), r.Seed)
	case r.History == nil:
		line = fmt.Sprintf("%s in %.1f s; seed %d", text.Count(len(r.Pictures), "picture"), r.Seconds, r.Seed)
	default:
		line = fmt.Sprintf("%d of %s of %s in %.1f s of training, %s/s; seed %d", r.Epochs, text.Count(max(r.Epochs, r.Planned), "epoch"),
			text.Count(r.TrainSamples, "sample"), r.Seconds, text.Count(int(r.SamplesPerSecond), "sample"), r.Seed)
	}
	width := cli.TextWidth(w)
	fmt.Fprintln(w)
	fmt.Fprintln(w, cli.Wrap(line, width))
	if r.Stopped != "" {
		fmt.Fprintln(w, cli.Wrap("Stopped early: "+r.Stopped+".", width))
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, cli.Wrap(n, width))
	}
	if r.Data == "sample" {
		fmt.Fprintln(w, "This run used the sample; the article used the full data (-data full).")
	}
}

// closing draws the curves, on a terminal, and gives advice.
func closing(w io.Writer, r *recipes.Report) {
	width := cli.TextWidth(w)
	if terminal.NewLine(w).Columns() > 0 {
		sparks(w, r, width, terminal.UTF8())
	}
	for i, line := range r.Advice() {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, cli.Wrap(line, width))
	}
}

// sparks draws the loss of each model, and the validation loss, with their first and last
// values and the lowest one where that is not the last.
func sparks(w io.Writer, r *recipes.Report, width int, utf8 bool) {
	var lines []string
	for _, v := range r.Variants {
		lines = append(lines, lossLines(v, v.Variant+" ", width, utf8)...)
	}
	if len(r.Variants) == 0 {
		lines = lossLines(r, "", width, utf8)
	}
	if len(lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(lines, "\n"))
	}
}

// lossLines draws the losses of one model.
func lossLines(r *recipes.Report, label string, width int, utf8 bool) (lines []string) {
	if r.History == nil || r.History.Epochs() < 2 {
		return nil
	}
	for _, name := range []string{"loss", "val_loss"} {
		series := r.History.Get(name)
		if len(series) == 0 {
			continue
		}
		tail := fmt.Sprintf("  %.4g -> %.4g", series[0], series[len(series)-1])
		best, at := lowest(series)
		if more := fmt.Sprintf(", lowest %.4g in epoch %d", best, at+1); at < len(series)-1 && width-22-len(tail+more) >= 8 {
			tail += more
		}
		room := min(60, width-22-len(tail))
		lines = append(lines, fmt.Sprintf("%20s  %s%s", label+name, terminal.Spark(series, room, utf8), tail))
	}
	return lines
}

// lowest returns the lowest value of a series, which NaN is not, and its index.
func lowest(series []float64) (v float64, at int) {
	v = math.Inf(1)
	for i, x := range series {
		if x < v {
			v, at = x, i
		}
	}
	return v, at
}

func figure(f recipes.Figures, name string) string {
	v, ok := f[name]
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.4f", v)
}
