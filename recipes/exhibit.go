// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"fmt"
	"io"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/report"
)

// Picture is a drawing that a recipe shows beside its training curves: on the
// page with its caption, in the folder as NAME.png and NAME.svg.
type Picture struct {
	Name    string      `json:"name"` // of the files, without an ending
	Caption string      `json:"-"`    // what the reader should see in it
	Figure  *viz.Figure `json:"-"`
	Section string      `json:"-"` // of the page, where pictures are many; empty for the general one
}

// show takes a picture into the report; the error of the viz function that drew
// it may be handed through:
//
//	f, err := viz.Correlation(...)
//	return r.show("correlation", "...", f, err)
func (r *Report) show(name, caption string, f *viz.Figure, err error) error {
	if err != nil {
		return fmt.Errorf("picture %q: %w", name, err)
	}
	r.Pictures = append(r.Pictures, Picture{Name: name, Caption: caption, Figure: f})
	return nil
}

// tabulate takes a table into the report. Columns whose index is in numbers are
// set right-aligned; every row is as long as the head.
func (r *Report) tabulate(caption string, head []string, rows [][]string, numbers ...int) {
	r.Tables = append(r.Tables, report.Table{Caption: caption, Head: head, Rows: rows, Numbers: numbers})
}

// outputs writes the picture in both formats.
func (p Picture) outputs() []output {
	return []output{
		{p.Name + ".png", func(w io.Writer) error { return p.Figure.WritePNG(w, viz.Light) }},
		{p.Name + ".svg", func(w io.Writer) error { return p.Figure.WriteSVG(w, viz.Light) }},
	}
}

// under puts all pictures taken in so far that have no section under a heading.
func (r *Report) under(section string) {
	for i := range r.Pictures {
		if r.Pictures[i].Section == "" {
			r.Pictures[i].Section = section
		}
	}
}

// exhibits are the sections of what the recipe has to show: the first, with the
// tables, under the title given where it has none of its own.
func (r *Report) exhibits(title string) (list []report.Section) {
	if len(r.Tables) > 0 {
		list = append(list, report.Section{Title: title, Tables: r.Tables})
	}
	for i, p := range r.shown() {
		heading := cmp.Or(r.Pictures[i].Section, title)
		if n := len(list); n == 0 || list[n-1].Title != heading {
			list = append(list, report.Section{Title: heading})
		}
		last := &list[len(list)-1]
		last.Pictures = append(last.Pictures, p)
	}
	return list
}

// shown is what the recipe has to show, for the page.
func (r *Report) shown() (pictures []report.Picture) {
	for _, p := range r.Pictures {
		pictures = append(pictures, report.Picture{Figure: p.Figure, Caption: p.Caption})
	}
	return pictures
}

// layers draws the model from its inputs down to its outputs; layers of one kind
// have one colour.
func (r *Report) layers() (*viz.Figure, error) {
	d, err := r.Model.Diagram()
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
	for _, a := range d.Arrows {
		g.Edges = append(g.Edges, viz.GraphEdge{From: fmt.Sprint(a[0]), To: fmt.Sprint(a[1])})
	}
	return g.Figure()
}
