// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/report"
)

// series are what is drawn of the training: the loss and each metric that is not the loss once more.
func (r *Report) series() (metrics []viz.Metric) {
	loss, unseen := r.History.Get("loss"), r.History.Get("val_loss")
	for _, name := range r.History.Names() {
		if strings.HasPrefix(name, "val_") {
			continue
		}
		if name != "loss" && same(r.History.Get(name), loss) && same(r.History.Get("val_"+name), unseen) {
			continue
		}
		metrics = append(metrics, viz.Metric{Name: name, Training: r.History.Get(name), Validation: r.History.Get("val_" + name)})
	}
	return metrics
}

// curves draws the training in one picture, with a panel for each series.
func (r *Report) curves() (*viz.Figure, error) {
	title := r.Recipe
	if r.Variant != "" {
		title += ", " + r.Variant
	}
	return viz.Training(title, r.series()...)
}

// WriteHTML writes the page of the run: what came out beside the article's
// figures, how training went, the model, and how to repeat it.
func (r *Report) WriteHTML(w io.Writer) error {
	page := &report.Report{
		Title:   "Reef: " + r.Recipe,
		Lead:    r.lead(),
		Metrics: r.pageMetrics(r.Headline()),
		Facts:   r.facts(),
		Repeat:  r.Command,
	}
	if notes := r.ownNotes(); len(notes) > 0 && (r.History != nil || len(r.Variants) > 0) {
		page.Sections = append(page.Sections, report.Section{Title: "Notes", Text: notes})
	}
	page.Sections = append(page.Sections, r.exhibits("What it shows")...)
	if len(r.Variants) == 0 {
		section, err := r.section("Model")
		if err != nil {
			return err
		}
		if page.Curves, err = r.pageCurves(); err != nil {
			return err
		}
		page.Sections = append(page.Sections, section)
	}
	for _, v := range r.Variants {
		section, err := v.section("Model " + v.Variant)
		if err != nil {
			return err
		}
		curves, err := v.pageCurves()
		if err != nil {
			return err
		}
		section.Text = v.Notes
		if v.Stopped != "" {
			section.Text = append([]string{v.trainedFor() + "." + v.early()}, section.Text...)
		}
		section.Tables = slices.Concat([]report.Table{v.figureTable()}, v.Tables, section.Tables)
		section.Pictures = slices.Concat(curves, v.shown(), section.Pictures)
		page.Sections = append(page.Sections, section)
	}
	return page.Write(w)
}

// ownNotes are the notes but those of a story's models, which stand with these.
func (r *Report) ownNotes() []string {
	return slices.DeleteFunc(slices.Clone(r.Notes), func(note string) bool {
		return slices.ContainsFunc(r.Variants, func(v *Report) bool { return slices.Contains(v.Notes, note) })
	})
}

// section has the model as a table and as a drawing.
func (r *Report) section(title string) (s report.Section, err error) {
	table, err := r.summary()
	if err != nil {
		return s, err
	}
	layers, err := r.layers()
	if err != nil {
		return s, err
	}
	return report.Section{Title: title, Tables: []report.Table{table}, Pictures: []report.Picture{{Figure: layers}}}, nil
}

// pageCurves are the training curves; a run that was stopped early has none.
func (r *Report) pageCurves() ([]report.Picture, error) {
	if r.History == nil || r.History.Epochs() == 0 {
		return nil, nil
	}
	var panels []report.Picture // one by one, for narrow windows
	for i, m := range r.series() {
		f, err := viz.Training("", m)
		if err != nil {
			return nil, err
		}
		panels = append(panels, report.Picture{Figure: f})
		if i == 0 {
			panels[0].Caption = r.caption()
		}
	}
	return panels, nil
}

// figureTable has all figures of one model of a story.
func (r *Report) figureTable() report.Table {
	t := report.Table{Caption: "What " + r.Variant + " measured.", Head: []string{"figure", "article", "here"}, Numbers: []int{1, 2}}
	metrics := r.pageMetrics(r.Names())
	compared := slices.ContainsFunc(metrics, report.Metric.HasArticle)
	if !compared {
		t.Head, t.Numbers = []string{"figure", "here"}, []int{1}
	}
	for _, m := range metrics {
		row := []string{m.Name, m.ArticleText(), m.HereText()}
		if !compared {
			row = []string{m.Name, m.HereText()}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) lead() string {
	if len(r.Variants) > 0 {
		return fmt.Sprintf("%s from the article, trained in %.1f s, %s per second.", text.Count(len(r.Variants), "model"), r.Seconds, text.Count(int(r.SamplesPerSecond), "sample")) + r.early() + r.onSample()
	}
	if r.History == nil {
		return fmt.Sprintf("%s %s, drawn in %.1f s.", strings.Join(r.Notes, " "), text.Count(len(r.Pictures), "picture"), r.Seconds)
	}
	return r.trainedFor() + "." + r.early() + r.onSample()
}

// early says why a run has not come to its end.
func (r *Report) early() string {
	if r.Stopped == "" {
		return ""
	}
	return " It was stopped early: " + r.Stopped + "."
}

func (r *Report) onSample() string {
	if r.Data != "sample" {
		return ""
	}
	return " The data was the embedded sample; the article's figures are for the full data."
}

// pageMetrics holds the figures of those names against the article's.
func (r *Report) pageMetrics(names []string) (list []report.Metric) {
	for _, name := range names {
		m := report.Metric{Name: name, Article: math.NaN(), Here: math.NaN(), Digits: 4}
		m.SmallerBetter, m.Neutral = direction(name)
		if v, ok := r.Article[name]; ok && r.Data != "sample" { // a sample is not held against the full data
			m.Article = v
		}
		here, ok := r.Metrics[name]
		if !ok {
			continue // nothing was measured, as in a run that was stopped
		}
		m.Here = here
		list = append(list, m)
	}
	return list
}

func (r *Report) facts() []report.Facts {
	run := report.Facts{Title: "Run", Pairs: [][2]string{{"recipe", r.Recipe}, {"data", r.Data}, {"seed", fmt.Sprint(r.Seed)}}}
	if r.History != nil || len(r.Variants) > 0 {
		run.Pairs = append(run.Pairs, [][2]string{
			{"epochs", text.Thousands(r.Epochs)},
			{"batch", text.Thousands(r.Batch)},
			{"training samples", text.Thousands(r.TrainSamples)},
			{"test samples", text.Thousands(r.TestSamples)},
		}...)
	} else {
		run.Pairs = append(run.Pairs, [2]string{"time", fmt.Sprintf("%.1f s", r.Seconds)})
	}
	if r.Variant != "" {
		run.Pairs = append(run.Pairs, [2]string{"variant", r.Variant})
	}
	versions := report.Facts{Title: "Versions", Pairs: [][2]string{{"Go", runtime.Version()}}}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if strings.HasPrefix(d.Path, "gorgonia.org/gorgonia") || strings.HasPrefix(d.Path, "gorgonia.org/tensor") {
				versions.Pairs = append(versions.Pairs, [2]string{d.Path, d.Version})
			}
		}
	}
	machine := report.Facts{Title: "Machine", Pairs: [][2]string{
		{"system", runtime.GOOS + "/" + runtime.GOARCH}, {"processors used", fmt.Sprint(runtime.GOMAXPROCS(0))}, {"instructions", graph.ISA()},
	}}
	return []report.Facts{run, versions, machine}
}

// summary is the model as a table.
func (r *Report) summary() (report.Table, error) {
	d, err := r.Model.Diagram()
	if err != nil {
		return report.Table{}, err
	}
	t := report.Table{
		Caption: text.Count(r.Parameters, "parameter") + ".",
		Head:    []string{"layer", "kind", "output shape", "parameters"},
		Numbers: []int{3},
	}
	for _, b := range d.Boxes {
		name := b.Title
		if b.Group != "" {
			name = b.Group + "/" + name
		}
		t.Rows = append(t.Rows, []string{name, b.Kind, b.Shape, text.Thousands(b.Parameters)})
	}
	return t, nil
}
