// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/reef-dl/reef/internal/text"
)

// TableEncoder turns rows of named cells into the numbers of a model: what Schema.Fit has
// learned. It is a Preprocessor: SetPreprocessor saves it with the model, for input 0 if there
// are several, and ReadPreprocessor reads it again. It may be used by several goroutines.
//
// A single row, such as a request of a service, is encoded without targets by EncodeRows,
// EncodeRecords or EncodeJSON. Its cells are read by the same rules as those of the file.
type TableEncoder struct {
	dialect         dialect
	features        []*fittedColumn
	targets         []*fittedTarget
	weight          string
	inputs, outputs []group
	columns         []string // of the features, each once
	position        map[string]int

	file *byte  // of the training rows, nil if unknown
	rows []bool // of that file: those for training
}

// Kind returns "table".
func (*TableEncoder) Kind() string { return "table" }

// group is an input or output.
type group struct {
	name  string
	width int
	shape []int
	names []string // of its numbers
	kept  int      // numbers that a source keeps of a row
	of    []*fittedColumn
}

// arrange distributes the columns over inputs and outputs.
func (e *TableEncoder) arrange() error {
	e.inputs, e.outputs, e.columns, e.position = nil, nil, nil, map[string]int{}
	of := func(groups *[]group, index map[string]int, name string) int {
		i, ok := index[name]
		if !ok {
			i = len(*groups)
			index[name] = i
			*groups = append(*groups, group{name: name})
		}
		return i
	}
	inputs, outputs, total := map[string]int{}, map[string]int{}, 0
	for _, c := range e.features {
		c.complete()
		width := c.width()
		if total += width; total > maxWidth {
			return fmt.Errorf("column %q: with those before it more than %d numbers for a row", c.Column, maxWidth)
		}
		if width == 0 {
			return fmt.Errorf("column %q becomes no number", c.Column)
		}
		c.input = of(&e.inputs, inputs, c.Input)
		g := &e.inputs[c.input]
		c.at = g.width
		c.kept = g.kept
		g.kept += c.keeps()
		g.width += width
		g.of = append(g.of, c)
		g.names, g.shape = append(g.names, c.names()...), []int{g.width}
		if _, ok := e.position[c.Column]; !ok {
			e.position[c.Column] = len(e.columns)
			e.columns = append(e.columns, c.Column)
		}
	}
	for _, t := range e.targets {
		t.output = of(&e.outputs, outputs, t.Output)
		g := &e.outputs[t.output]
		t.at = g.width
		g.width++
		g.names, g.shape = append(g.names, t.Column), []int{g.width}
		t.index = make(map[string]int, len(t.Categories))
		for i, name := range t.Categories {
			t.index[name] = i
		}
		if t.Kind == Category && len(t.Categories) != 2 {
			g.shape = []int{}
		}
	}
	return nil
}

func shapesOf(groups []group) [][]int {
	shapes := make([][]int, len(groups))
	for k, g := range groups {
		shapes[k] = slices.Clone(g.shape)
	}
	return shapes
}

// Shapes returns the shapes of a sample: (n) for each input, and for each target (n) for n
// numbers, (1) for two classes, () the class index for more.
func (e *TableEncoder) Shapes() (inputs, targets [][]int) {
	return shapesOf(e.inputs), shapesOf(e.outputs)
}

// Columns returns the columns that a row needs for prediction: those of the features.
func (e *TableEncoder) Columns() []string { return slices.Clone(e.columns) }

// InputNames returns the names of the inputs; a single one may have none.
func (e *TableEncoder) InputNames() []string { return groupNames(e.inputs) }

// OutputNames returns the names of the targets' outputs; a single one may have none.
func (e *TableEncoder) OutputNames() []string { return groupNames(e.outputs) }

func groupNames(groups []group) []string {
	names := make([]string, len(groups))
	for k, g := range groups {
		names[k] = g.name
	}
	return names
}

// FeatureNames returns the names of the numbers of input k, such as "mass", "species=gentoo",
// "time day cycle sin" or "mass missing".
func (e *TableEncoder) FeatureNames(k int) []string {
	if k < 0 || k >= len(e.inputs) {
		return nil
	}
	return slices.Clone(e.inputs[k].names)
}

// Names returns the class names of the target, by class index; nil if it is a number, or if
// there are several targets: see Classes.
func (e *TableEncoder) Names() []string {
	if len(e.targets) != 1 {
		return nil
	}
	return slices.Clone(e.targets[0].Categories)
}

// Classes returns the class names of the target in the given column, nil for a number.
func (e *TableEncoder) Classes(column string) []string {
	for _, t := range e.targets {
		if t.Column == column {
			return slices.Clone(t.Categories)
		}
	}
	return nil
}

// Categories returns the categories of the feature in the given column in the order of their
// numbers, nil if there are none. An Embedding of its ordinals needs Cardinality rows.
func (e *TableEncoder) Categories(column string) []string {
	for _, c := range e.features {
		if c.Column == column {
			return slices.Clone(c.Feature.Categories)
		}
	}
	return nil
}

// Cardinality is the number of categories of a feature, those for unseen and missing values
// and buckets included; 0 for other kinds.
func (e *TableEncoder) Cardinality(column string) int {
	for _, c := range e.features {
		if c.Column == column && c.Kind == Category {
			return c.categories()
		}
	}
	return 0
}

// rowReader gives the values of a row.
type rowReader struct {
	n     int
	value func(row int, column string) (value, error)
	where func(row int, column string) string
}

// reader reads a frame.
func (f *Frame) reader() rowReader {
	return rowReader{f.Len(), func(i int, column string) (value, error) {
		cell, present := f.cell(f.rows[i], f.index[column])
		return value{text: cell, present: present}, nil
	}, func(i int, column string) string { return f.where(f.rows[i], column) }}
}

// Encode returns a source of the rows with their targets and, if the schema has a Weight,
// their sample weights, which Fit and Evaluate of package keraslike apply. Names of the
// source returns the class names.
//
// Errors name the file, the line and the column. A row that TrainTestSplit, Split or Fold
// held out, but to which the schema was fitted, is an error.
func (e *TableEncoder) Encode(f *Frame) (Source, error) {
	if err := e.unleaked(f); err != nil {
		return nil, err
	}
	for _, t := range e.targets {
		if _, err := f.find(t.Column); err != nil {
			return nil, fmt.Errorf("%w: EncodeInputs needs no targets", err)
		}
	}
	x, err := e.encodeInputs(f)
	if err != nil {
		return nil, err
	}
	y, err := e.encodeTargets(f)
	if err != nil {
		return nil, err
	}
	s := e.source(f.Len(), x, y)
	if e.weight == "" {
		return s, nil
	}
	return e.weigh(s, f)
}

// encodeTargets returns the targets, none if the frame lacks one of them.
func (e *TableEncoder) encodeTargets(f *Frame) ([]Array, error) {
	for _, t := range e.targets {
		if _, ok := f.index[t.Column]; !ok {
			return nil, nil
		}
	}
	r := f.reader()
	y := make([]Array, len(e.outputs))
	for k, g := range e.outputs {
		y[k] = Array{slices.Clone(g.shape), make([]float32, r.n*g.width)}
	}
	for _, t := range e.targets {
		g := e.outputs[t.output]
		for i := range r.n {
			v, err := r.value(i, t.Column)
			if err == nil {
				y[t.output].Data[i*g.width+t.at], err = t.encode(v, f.dialect)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.where(i, t.Column), err)
			}
		}
	}
	return y, nil
}

// tableSource is what Encode returns. It keeps categories as indices, so that one-hot
// columns take no memory.
//
// Input shapes and target shapes: as those of the encoder.
type tableSource struct {
	layout
	n     int
	of    []group
	x     [][]float32 // of the inputs, what is kept
	y     []Array
	names []string
}

func (e *TableEncoder) source(n int, x [][]float32, y []Array) *tableSource {
	in, out := e.Shapes()
	return &tableSource{newLayout(in, out[:len(y)]), n, e.inputs, x, y, e.Names()}
}

// Len is the number of rows.
func (s *tableSource) Len() int { return s.n }

// Names returns the class names, nil if there are none.
func (s *tableSource) Names() []string { return s.names }

// Read expands the rows at the indices.
func (s *tableSource) Read(indices []int, inputs, targets [][]float32) error {
	if err := s.check(s.n, indices, inputs, targets); err != nil {
		return err
	}
	for k, out := range inputs {
		if out == nil {
			continue
		}
		g := s.of[k]
		for j, i := range indices {
			kept, row := s.x[k][i*g.kept:(i+1)*g.kept], out[j*g.width:(j+1)*g.width]
			for _, c := range g.of {
				c.expand(kept[c.kept:c.kept+c.keeps()], row[c.at:c.at+c.width()])
			}
		}
	}
	gather(targets, s.y, s.targetSizes, indices)
	return nil
}

// weigh adds the sample weights.
func (e *TableEncoder) weigh(s *tableSource, f *Frame) (Source, error) {
	w, err := e.weights(f)
	if err != nil {
		return nil, err
	}
	return &weighted{s, w}, nil
}

// weights reads the sample weights.
func (e *TableEncoder) weights(f *Frame) (rowWeights, error) {
	c, err := f.find(e.weight)
	if err != nil {
		return nil, err
	}
	w := make(rowWeights, f.Len())
	for i, row := range f.rows {
		cell, _ := f.cell(row, c)
		v, ok := parseNumber(cell, f.dialect.decimal, f.dialect.thousands)
		if !ok || v < 0 || v > 1e30 {
			return nil, fmt.Errorf("%s: %.40q, want a sample weight of 0 to 1e30", f.where(row, e.weight), cell)
		}
		w[i] = float32(v)
	}
	return w, nil
}

// weighted is a source with sample weights.
type weighted struct {
	*tableSource
	rowWeights
}

// rowWeights are the weights of samples.
type rowWeights []float32

// Weights fills to with the weights of the samples at the indices.
func (w rowWeights) Weights(indices []int, to []float32) error {
	if len(to) < len(indices) {
		return fmt.Errorf("weights: room for %d, want %d", len(to), len(indices))
	}
	for j, i := range indices {
		if i < 0 || i >= len(w) {
			return fmt.Errorf("weights: sample %d: the source has samples 0 to %d", i, len(w)-1)
		}
		to[j] = w[i]
	}
	return nil
}

// unleaked rejects rows that are held out and that the encoder was fitted to.
func (e *TableEncoder) unleaked(f *Frame) error {
	if !f.held || e.file != f.id || e.file == nil {
		return nil
	}
	for _, row := range f.rows {
		if e.rows[row] {
			return fmt.Errorf("%s: line %d is held out for testing, but the schema was fitted to it: split before Fit", f.name, f.lines[row])
		}
	}
	return nil
}

// EncodeInputs returns a source of the rows without targets, for prediction. The frame needs
// only the columns of the features.
func (e *TableEncoder) EncodeInputs(f *Frame) (Source, error) {
	x, err := e.encodeInputs(f)
	if err != nil {
		return nil, err
	}
	return e.source(f.Len(), x, nil), nil
}

func (e *TableEncoder) encodeInputs(f *Frame) ([][]float32, error) {
	for _, column := range e.columns {
		if _, err := f.find(column); err != nil {
			return nil, err
		}
	}
	return e.encode(f.reader(), f.dialect) // a frame knows how its own numbers are written
}

// encode returns what is kept of rows.
func (e *TableEncoder) encode(r rowReader, d dialect) ([][]float32, error) {
	x, left := make([][]float32, len(e.inputs)), maxNumbers
	for k, g := range e.inputs {
		if r.n > left/g.kept {
			return nil, fmt.Errorf("encode: %s, want at most %d numbers in all", text.Count(r.n, "row"), maxNumbers)
		}
		left -= r.n * g.kept
		x[k] = make([]float32, r.n*g.kept)
	}
	for _, c := range e.features {
		total, width := e.inputs[c.input].kept, c.keeps()
		for i := range r.n {
			v, err := r.value(i, c.Column)
			if err == nil {
				first := i*total + c.kept
				err = c.encode(v, d, x[c.input][first:first+width:first+width])
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.where(i, c.Column), err)
			}
		}
	}
	return x, nil
}

// rowWhere names a row that is of no file.
func rowWhere(i int, column string) string { return fmt.Sprintf("row %d: column %q", i, column) }

// encodeRows encodes n rows without targets.
func (e *TableEncoder) encodeRows(n int, get func(i int, column string) (value, error)) (Source, error) {
	if n == 0 {
		return nil, errors.New("encode: no rows")
	}
	x, err := e.encode(rowReader{n, get, rowWhere}, e.dialect)
	if err != nil {
		return nil, err
	}
	return e.source(n, x, nil), nil
}

// written is the value of a cell as in the training file.
func (e *TableEncoder) written(cell string) value {
	cell = strings.TrimSpace(cell)
	return value{text: cell, present: cell != "" && !slices.Contains(e.dialect.missing, cell)}
}

// EncodeRows encodes rows of cells by column. Every column of Columns must be there; an empty
// cell is a missing value. Other columns are ignored. Errors count rows from 0.
func (e *TableEncoder) EncodeRows(rows ...map[string]string) (Source, error) {
	return e.encodeRows(len(rows), func(i int, column string) (value, error) {
		cell, ok := rows[i][column]
		if !ok {
			return value{}, absent(column, slices.Sorted(maps.Keys(rows[i])))
		}
		return e.written(cell), nil
	})
}

// absent is the error for a row without a column.
func absent(column string, has []string) error {
	return text.Brief(fmt.Errorf("is not in the row%s, which has %q", text.Meant(column, has...), has))
}

// EncodeRecords encodes rows of cells in the order of Columns.
func (e *TableEncoder) EncodeRecords(records ...[]string) (Source, error) {
	for i, record := range records {
		if len(record) != len(e.columns) {
			return nil, text.Brief(fmt.Errorf("row %d: %s, want %d: %q", i, text.Count(len(record), "cell"), len(e.columns), e.columns))
		}
	}
	return e.encodeRows(len(records), func(i int, column string) (value, error) {
		return e.written(records[i][e.position[column]]), nil
	})
}

// maxJSONRows is the largest JSON of rows, in bytes.
const maxJSONRows = 1 << 24

// EncodeJSON encodes a JSON object, or an array of objects, with a member for every column of
// Columns. Strings are read as cells, numbers with a point whatever the file's decimal
// character is; null is a missing value. Other members are ignored. At most 16 MB.
func (e *TableEncoder) EncodeJSON(raw []byte) (Source, error) {
	if len(raw) > maxJSONRows {
		return nil, fmt.Errorf("json: %d bytes, want at most %d", len(raw), maxJSONRows)
	}
	var rows []map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(raw))
	var err error
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		err = d.Decode(&rows)
	} else {
		rows = make([]map[string]json.RawMessage, 1)
		err = d.Decode(&rows[0])
	}
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = fmt.Errorf("more after the end, offset %d", d.InputOffset())
		}
	}
	if err != nil {
		if e := (*json.UnmarshalTypeError)(nil); errors.As(err, &e) {
			err = fmt.Errorf("a %s before offset %d", e.Value, e.Offset)
		}
		return nil, fmt.Errorf("json: %w, want an object or an array of objects with columns and their values", unexpected(err))
	}
	return e.encodeRows(len(rows), func(i int, column string) (value, error) {
		cell, ok := rows[i][column]
		if !ok {
			return value{}, absent(column, slices.Sorted(maps.Keys(rows[i])))
		}
		return e.fromJSON(cell)
	})
}

// fromJSON is the value of a valid JSON text.
func (e *TableEncoder) fromJSON(raw json.RawMessage) (value, error) {
	switch raw[0] {
	case 'n':
		return value{}, nil
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return e.written(s), err
	case '{', '[':
		return value{}, fmt.Errorf("%.40s, want a string, a number, true, false or null", raw)
	}
	return value{string(raw), true, true}, nil
}

// String lists what was learned.
func (e *TableEncoder) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "column\tkind\tbecomes\tnumbers\tlearned")
	for _, c := range e.features {
		var learned []string
		for k := range c.Shift {
			if c.Scale != Unscaled {
				learned = append(learned, fmt.Sprintf("(x - %.4g) / %.4g", c.Shift[k], c.Factor[k]))
			}
		}
		if len(c.Feature.Categories) > 0 {
			learned = append(learned, someOf(c.Feature.Categories))
		}
		if c.Fill != "" {
			learned = append(learned, "missing: "+shorten(c.Fill, 20))
		}
		fmt.Fprintf(w, "%s\t%v\t%s\t%d\t%s\n", shorten(c.Column, 40), c.Kind, c.becomes(), c.width(), strings.Join(learned, "; "))
	}
	for _, t := range e.targets {
		learned := ""
		if t.Categories != nil {
			learned = someOf(t.Categories)
		}
		fmt.Fprintf(w, "%s\t%v\ttarget\t1\t%s\n", shorten(t.Column, 40), t.Kind, learned)
	}
	_ = w.Flush() // a Builder takes everything
	return trimLines(b.String())
}
