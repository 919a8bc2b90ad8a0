// SPDX-License-Identifier: Apache-2.0

// Package report writes a training run and its results as one self-contained HTML report,
// without scripts, fonts or other files. It follows the reader's light or dark setting and
// fits a phone.
package report

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz"
)

// A Report is the HTML report, from top to bottom. Only the title is required; empty parts are
// omitted.
type Report struct {
	Title    string
	Lead     string    // a summary of the run and its result, in a few sentences
	Metrics  []Metric  // results compared to the article's
	Curves   []Picture // training curves
	Sections []Section // everything else
	Model    Table     // the summary, a row for each layer
	Facts    []Facts   // the run, versions, machine
	Repeat   []string  // the commands that reproduce the result
}

// A Metric is a result and the number that it is compared with.
type Metric struct {
	Name          string
	Unit          string  // "°C", "%"; may be empty
	Article       float64 // NaN if the article has none
	Here          float64 // NaN or Inf after divergence
	Digits        int     // after the decimal point
	SmallerBetter bool    // as for a loss or an error
	Neutral       bool    // no value is better than another, so there is no verdict
}

// A Picture is a figure with a caption that says what to look for.
type Picture struct {
	Figure  *viz.Figure
	Caption string
}

// Text returns the caption followed by the note of the figure.
func (p Picture) Text() string { return strings.TrimSpace(p.Caption + " " + p.Figure.Note) }

// A Section has a heading, followed by paragraphs, tables and pictures.
type Section struct {
	Title    string
	Text     []string // paragraphs
	Tables   []Table
	Pictures []Picture
}

// A Table has one head row; every row is as long as the head. Columns whose index is in
// Numbers are right-aligned.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
	Numbers []int
}

// Facts are pairs of a name and a value under a heading: "Run", "Versions",
// "Machine".
type Facts struct {
	Title string
	Pairs [][2]string
}

//go:embed report.html
var htmlReport string

//go:embed style.css
var stylesheet string

var htmlTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(stylesheet) },
	"figure": figure,
	"width":  width,
	"right":  Table.right,
}).Parse(htmlReport))

// Write checks and writes the report. If the content is invalid, it writes nothing.
func (r *Report) Write(w io.Writer) error {
	if err := r.check(); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := htmlTemplate.Execute(&b, r); err != nil {
		return fmt.Errorf("report %q: %w", r.Title, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report %q: %w", r.Title, err)
	}
	return nil
}

func (r *Report) check() error {
	if r.Title == "" {
		return errors.New("report has no title")
	}
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("report %q: "+format, append([]any{r.Title}, args...)...))
	}
	table := func(t Table) {
		for i, row := range t.Rows {
			if len(row) != len(t.Head) {
				wrong("table %q: row %d has %d cells, the head %d", t.Caption, i, len(row), len(t.Head))
			}
		}
		if len(t.Rows) > 0 && t.Caption == "" {
			wrong("table with head %q has no caption", t.Head)
		}
	}
	pictures := func(ps []Picture) {
		for i, p := range ps {
			if p.Figure == nil || p.Figure.Alt == "" {
				wrong("picture %d, %q, has no figure or no alt text", i, p.Caption)
			}
		}
	}
	table(r.Model)
	pictures(r.Curves)
	for _, s := range r.Sections {
		for _, t := range s.Tables {
			table(t)
		}
		pictures(s.Pictures)
	}
	return errors.Join(errs...)
}

// figure returns the picture as SVG, whose texts the figure has escaped. It shrinks to fit the
// page, down to 40 %, at which the widest figures fit a phone, where they can be zoomed;
// anything cut off would not be seen at all.
func figure(f *viz.Figure) (template.HTML, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<div style="min-width:%.0fpx">`, 0.4*float64(width(f)))
	if err := f.WriteHTML(&b); err != nil {
		return "", err
	}
	b.WriteString("</div>")
	return template.HTML(b.String()), nil
}

// width returns the natural width of a figure in CSS pixels, 96 per inch.
func width(f *viz.Figure) int {
	points, _ := f.Size()
	return int(math.Ceil(points * 96 / 72))
}

func (t Table) right(column int) bool {
	return slices.Contains(t.Numbers, column)
}

// A Link is an entry of the table of contents.
type Link struct{ ID, Title string }

// Contents returns the table of contents, or nil for a short report.
func (r *Report) Contents() (list []Link) {
	const few = 4
	pictures := len(r.Curves)
	add := func(there bool, id, title string) {
		if there {
			list = append(list, Link{id, title})
		}
	}
	add(len(r.Metrics) > 0, "result", "Result")
	add(len(r.Curves) > 0, "training", "Training")
	for i, s := range r.Sections {
		add(true, fmt.Sprintf("section-%d", i), s.Title)
		pictures += len(s.Pictures)
	}
	add(len(r.Model.Rows) > 0, "model", "Model")
	add(len(r.Facts) > 0, "facts", "Run details")
	add(len(r.Repeat) > 0, "repeat", "Reproduce this run")
	if len(r.Sections) < few && pictures < 2*few {
		return nil
	}
	return list
}

// Compared reports whether the article has any of the numbers.
func (r *Report) Compared() bool { return slices.ContainsFunc(r.Metrics, Metric.HasArticle) }

// HasArticle reports whether the article has this number.
func (m Metric) HasArticle() bool { return !math.IsNaN(m.Article) }

// ArticleText formats the article's number for the table.
func (m Metric) ArticleText() string {
	if !m.HasArticle() {
		return "–"
	}
	return m.format(m.Article)
}

// HereText formats this run's number for the table.
func (m Metric) HereText() string { return m.format(m.Here) }

// DifferenceText formats the difference of this run's number and the article's, with its sign.
func (m Metric) DifferenceText() string {
	if !m.HasArticle() {
		return "–"
	}
	if d := m.Here - m.Article; math.IsNaN(d) {
		return "–"
	}
	s := m.format(m.Here - m.Article)
	if m.Here > m.Article && s[0] >= '0' && s[0] <= '9' {
		s = "+" + s
	}
	return s
}

// Verdict returns how this run compares: "better", "worse", or "equal" if the displayed digits
// agree.
func (m Metric) Verdict() string {
	switch {
	case !m.HasArticle() || m.Neutral:
		return ""
	case math.IsNaN(m.Here):
		return "worse"
	case m.format(m.Here) == m.format(m.Article):
		return "equal"
	case (m.Here < m.Article) == m.SmallerBetter:
		return "better"
	default:
		return "worse"
	}
}

func (m Metric) format(v float64) string {
	s := strconv.FormatFloat(v, 'f', m.Digits, 64)
	switch {
	case math.IsNaN(v):
		return "not a number"
	case math.IsInf(v, 0):
		s = strings.NewReplacer("+Inf", "∞", "-Inf", "-∞").Replace(s)
	default:
		whole, rest, dot := strings.Cut(s, ".")
		if n, err := strconv.ParseInt(whole, 10, 64); err == nil && !(n == 0 && v < 0) {
			whole = text.Thousands(n)
		}
		if s = whole; dot {
			s += "." + rest
		}
	}
	s = strings.ReplaceAll(s, "-", "−")
	if m.Unit != "" {
		s += "\u00a0" + m.Unit // a space that does not break
	}
	return s
}
