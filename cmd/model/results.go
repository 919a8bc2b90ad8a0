// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// results writes predictions. flush is called behind each batch.
type results interface {
	add(name string, outputs []row) error
	flush() error
	end() error
}

// outputOf says how to read an output.
type outputOf struct {
	name    string
	classes []string // nil for numbers
	numbers bool     // no classes
	measure string   // "probability", or "score" before softmax
	top     int      // classes to show
}

// class is a class with its probability.
type class struct {
	Class   string
	Measure float32
}

// activationOf is that of the layer of an output.
func activationOf(t *k.Tensor) string {
	info := k.Inspect(t.Layer())
	if info.Model != nil && len(info.Model.Outputs()) == 1 {
		return activationOf(info.Model.Outputs()[0])
	}
	raw, err := info.Arguments()
	var arguments struct {
		Activation string `json:"activation"`
		Function   string `json:"function"`
	}
	if err != nil || json.Unmarshal(raw, &arguments) != nil {
		return ""
	}
	return cmp.Or(arguments.Activation, arguments.Function)
}

// outputsOf describes the outputs of a model. An output with class names, or one row of a softmax,
// is a classifier.
func outputsOf(m *k.Model, top int) (list []outputOf) {
	for i, t := range m.Outputs() {
		o := outputOf{name: m.OutputNames()[i], classes: m.Classes(i), measure: "probability", top: top}
		activation := activationOf(t)
		switch shape := t.Shape(); {
		case len(shape) != 1:
			o.numbers = true
		case o.classes != nil:
			if activation != "softmax" && activation != "sigmoid" {
				o.measure = "score"
			}
		case activation == "softmax" && shape[0] > 1:
			for j := range shape[0] {
				o.classes = append(o.classes, fmt.Sprint(j))
			}
		default:
			o.numbers = true
		}
		if n := len(o.classes); o.top == 0 || o.top > n {
			o.top = n
		}
		list = append(list, o)
	}
	return list
}

// best are the classes with the largest values, in order.
func (o outputOf) best(r row) (list []class) {
	values := r.values
	if len(values) == 1 { // the second of two classes
		other := 1 - values[0]
		if o.measure == "score" {
			other = -values[0]
		}
		values = []float32{other, values[0]}
	}
	for i, v := range values {
		list = append(list, class{o.classes[i], v})
	}
	slices.SortStableFunc(list, func(a, b class) int { return cmp.Compare(b.Measure, a.Measure) })
	return list[:min(o.top, len(list))]
}

func newResults(w io.Writer, format string, m *k.Model, top int) results {
	outputs := outputsOf(m, top)
	switch format {
	case "json":
		return &jsonResults{bufio.NewWriter(w), outputs}
	case "csv":
		return &csvResults{w: csv.NewWriter(w), outputs: outputs}
	}
	return &tableResults{w: w, outputs: outputs}
}

// jsonResults writes an object for each sample on a line.
type jsonResults struct {
	w       *bufio.Writer
	outputs []outputOf
}

func (j *jsonResults) add(name string, outputs []row) error {
	var b strings.Builder
	fmt.Fprintf(&b, `{"input":%s`, quoted(name))
	if len(outputs) == 1 {
		b.WriteString("," + j.fields(j.outputs[0], outputs[0]))
	} else {
		b.WriteString(`,"outputs":{`)
		for i, o := range outputs {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%s:{%s}", quoted(j.outputs[i].name), j.fields(j.outputs[i], o))
		}
		b.WriteByte('}')
	}
	b.WriteString("}\n")
	_, err := j.w.WriteString(b.String())
	return err
}

// fields are those of one output.
func (j *jsonResults) fields(o outputOf, r row) string {
	if o.numbers {
		return `"output":` + nested(r.values, r.shape)
	}
	best := o.best(r)
	var classes []string
	for _, c := range best {
		classes = append(classes, fmt.Sprintf(`{"class":%s,%q:%s}`, quoted(c.Class), o.measure, numeral(c.Measure)))
	}
	return fmt.Sprintf(`"class":%s,%q:%s,"top":[%s]`, quoted(best[0].Class), o.measure, numeral(best[0].Measure), strings.Join(classes, ","))
}

// quoted writes a text as JSON.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // never for a string
		return `""`
	}
	return string(b)
}

// nested writes an array as nested lists.
func nested(values []float32, shape []int) string {
	if len(shape) == 0 {
		return numeral(values[0])
	}
	var b strings.Builder
	b.WriteByte('[')
	each := len(values) / max(1, shape[0])
	for i := range shape[0] {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(nested(values[i*each:(i+1)*each], shape[1:]))
	}
	b.WriteByte(']')
	return b.String()
}

// numeral writes a number so that it reads back as the same float32, NaN and Inf as null.
func numeral(v float32) string {
	if v-v != 0 {
		return "null"
	}
	return strconv.FormatFloat(float64(v), 'g', -1, 32)
}

func (j *jsonResults) flush() error { return j.w.Flush() }
func (j *jsonResults) end() error   { return j.w.Flush() }

// csvResults writes a row for each sample, with a header.
type csvResults struct {
	w       *csv.Writer
	outputs []outputOf
	begun   bool
}

func (c *csvResults) add(name string, outputs []row) error {
	if !c.begun {
		header := []string{"input"}
		for i, o := range c.outputs {
			prefix := ""
			if len(c.outputs) > 1 {
				prefix = o.name + " "
			}
			if o.numbers {
				for j := range outputs[i].values {
					header = append(header, fmt.Sprintf("%s %d", o.name, j))
				}
				continue
			}
			for j := range o.top {
				number := ""
				if o.top > 1 {
					number = fmt.Sprintf(" %d", j+1)
				}
				header = append(header, prefix+"class"+number, prefix+o.measure+number)
			}
		}
		c.begun = true
		if err := c.w.Write(header); err != nil {
			return err
		}
	}
	record := []string{name}
	for i, o := range c.outputs {
		if o.numbers {
			for _, v := range outputs[i].values {
				record = append(record, numeral(v))
			}
			continue
		}
		for _, b := range o.best(outputs[i]) {
			record = append(record, b.Class, numeral(b.Measure))
		}
	}
	return c.w.Write(record)
}

func (c *csvResults) flush() error { c.w.Flush(); return c.w.Error() }
func (c *csvResults) end() error   { return c.flush() }

// tableResults writes a table for people. The columns are as wide as the first batch needs.
type tableResults struct {
	w       io.Writer
	outputs []outputOf
	lines   [][]string
	widths  []int
}

// fewValues is how many numbers of a sample a table shows.
const fewValues = 8

func (t *tableResults) add(name string, outputs []row) error {
	line := []string{text.Printable(name)}
	for i, o := range t.outputs {
		r := outputs[i]
		if !o.numbers {
			for _, c := range o.best(r) {
				measure := fmt.Sprintf("%.4f", c.Measure)
				if o.measure == "score" {
					measure = fmt.Sprintf("%.4g", c.Measure)
				}
				line = append(line, text.Printable(c.Class), measure)
			}
			continue
		}
		var words []string
		for _, v := range r.values[:min(fewValues, len(r.values))] {
			words = append(words, fmt.Sprintf("%.5g", v))
		}
		s := strings.Join(words, " ")
		if len(r.values) > fewValues {
			s += fmt.Sprintf(" ... %s", shapeOf(r.shape))
		}
		line = append(line, s)
	}
	t.lines = append(t.lines, line)
	return nil
}

// head names the columns.
func (t *tableResults) head() []string {
	head := []string{"Input"}
	for _, o := range t.outputs {
		name := ""
		if len(t.outputs) > 1 {
			name = o.name + ": "
		}
		if o.numbers {
			head = append(head, text.Printable(o.name))
			continue
		}
		for i := range o.top {
			word := []string{"Class", strings.ToUpper(o.measure[:1]) + o.measure[1:]}
			if i > 0 {
				word, name = []string{"Next", ""}, ""
			}
			head = append(head, text.Printable(name)+word[0], word[1])
		}
	}
	return head
}

func (t *tableResults) flush() error {
	if len(t.lines) == 0 {
		return nil
	}
	if t.widths == nil {
		t.lines = append([][]string{t.head()}, t.lines...)
		t.widths = make([]int, len(t.lines[0]))
		for _, line := range t.lines {
			for i, cell := range line {
				t.widths[i] = max(t.widths[i], len([]rune(cell)))
			}
		}
	}
	var b strings.Builder
	for _, line := range t.lines {
		for i, cell := range line {
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", max(0, t.widths[i]-len([]rune(cell)))+3))
		}
		b.WriteByte('\n')
	}
	t.lines = nil
	return writeTrimmed(t.w, b.String())
}

func (t *tableResults) end() error { return t.flush() }

// tabbed writes rows of cells in columns.
func tabbed(w io.Writer, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	_ = t.Flush() // the caller's writer keeps its error
}
