// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/text"
)

// Frame is a table of cells as they are written in a CSV file. Its String says what the file
// seems to hold. A Schema says how the columns become numbers:
//
//	frame, err := datasets.ReadCSV(f, "penguins.csv", datasets.CSVOptions{})
//	train, test, err := frame.TrainTestSplit(0.2, 1)
//	schema, err := train.Schema("species")  // a proposal, to print and change
//	encoder, err := schema.Fit(train)       // sees the training rows only
//	trainData, err := encoder.Encode(train) // Sources for Fit and Evaluate
//	testData, err := encoder.Encode(test)
//
// Its parts share the cells and remember whether they are held out for testing, so that
// fitting to test rows is an error: see Schema.Fit.
type Frame struct {
	*cells
	rows []int32 // of the cells
	held bool    // held out for testing
}

// cells are all rows of a file.
type cells struct {
	name    string // of the file
	columns []string
	index   map[string]int // of columns
	dialect dialect
	missing map[string]bool
	begins  [256]bool // first bytes of the markers of missing values
	longest int       // and bytes of the longest
	text    string    // all cells, row by row
	ends    []uint32
	lines   []int32 // the first line of every row
	id      *byte   // tells files apart without keeping them in memory

	guessing sync.Once
	guesses  []guess // of the columns, see guessed
}

// Limits of a frame.
const (
	maxFrameColumns = 1 << 14
	maxFrameText    = math.MaxInt32 - maxTextLine*2 // bytes of all cells
)

// ReadCSV reads a CSV file of up to CSVOptions.MaxBytes into memory. Spaces around names and
// cells are ignored, and so are empty lines. Errors name the file, which is called name, and
// the line. CSVChunks reads larger files part by part.
func ReadCSV(r io.Reader, name string, o CSVOptions) (*Frame, error) {
	f, at, err := openFrame(r, name, o)
	if err != nil {
		return nil, err
	}
	frame, err := f.frame(at, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return frame, nil
}

// CSVChunks reads a CSV file of any size in frames of up to rows rows: for data that does not
// fit into memory, to which a schema fitted on a first part is applied, see
// TableEncoder.Stream. It stops at the first error. Separator and decimal character are guessed
// from the first lines, or the first frame, and do not change. CSVOptions.MaxBytes does not
// apply. CSVFileChunks reads the file at a path.
//
// The frames do not know of each other: which of them are for testing is up to the caller.
func CSVChunks(r io.Reader, name string, o CSVOptions, rows int) iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		if rows < 1 || rows > maxNumbers {
			yield(nil, fmt.Errorf("%s: frames of %d rows, want 1 to %d", name, rows, maxNumbers))
			return
		}
		f, at, err := openFrame(r, name, o)
		if err != nil {
			yield(nil, err)
			return
		}
		for {
			f.limited.N = f.limits.bytes + 1 // of a frame, not of the file
			frame, err := f.frame(at, rows)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			f.dialect.decimal = frame.dialect.decimal
			if frame.Len() > 0 && !yield(frame, nil) || err != nil {
				return
			}
		}
	}
}

// openFrame reads the header and returns the indices of the columns to keep.
func openFrame(r io.Reader, name string, o CSVOptions) (f *csvFile, at []int, err error) {
	limits := csvLimits{o.MaxBytes, maxTextLine, maxFrameColumns}
	if limits.bytes == 0 {
		limits.bytes = maxCSVBytes
	}
	if f, err = openCSV(r, name, o, limits, "cells"); err != nil {
		return nil, nil, err
	}
	keep := o.Columns
	if keep == nil || o.NoHeader {
		keep = f.header
	}
	index := make(map[string]int, len(f.header))
	for c, column := range f.header {
		index[column] = c
	}
	for _, column := range keep {
		c, ok := index[column]
		if !ok {
			return nil, nil, fmt.Errorf("%s: line %d: %w", name, f.before+1, noColumn(column, f.header))
		}
		if !utf8.ValidString(column) {
			return nil, nil, fmt.Errorf("%s: line %d: column %.40q is not UTF-8: set CSVOptions.Charset, perhaps to Windows1252", name, f.before+1, column)
		}
		at = append(at, c)
	}
	return f, at, nil
}

// frame reads up to most rows, 0 for all, of the columns at the indices. At the end of the
// file it returns io.EOF besides the frame.
func (f *csvFile) frame(at []int, most int) (*Frame, error) {
	c := &cells{name: f.name, dialect: f.dialect}
	for _, k := range at {
		c.columns = append(c.columns, f.header[k])
	}
	var b strings.Builder
	var end error
	for len(c.lines) < max(most, 1) || most == 0 {
		record, err := f.next()
		if errors.Is(err, io.EOF) {
			end = err
			break
		}
		if err != nil {
			return nil, err
		}
		for k, j := range at {
			cell := strings.TrimSpace(record[j])
			if !utf8.ValidString(cell) {
				return nil, fmt.Errorf("%s: line %d: column %q: %.40q is not UTF-8: set CSVOptions.Charset, perhaps to Windows1252", f.name, f.line, c.columns[k], cell)
			}
			b.WriteString(cell)
			c.ends = append(c.ends, uint32(b.Len()))
		}
		if b.Len() > maxFrameText {
			return nil, fmt.Errorf("%s: line %d: more than %d bytes of text in UTF-8", f.name, f.line, maxFrameText)
		}
		c.lines = append(c.lines, int32(f.line))
	}
	c.text = b.String()
	return newFrame(c), end
}

// newFrame completes the cells and returns a frame of all rows.
func newFrame(c *cells) *Frame {
	c.missing, c.id, c.index = map[string]bool{"": true}, new(byte), make(map[string]int, len(c.columns))
	for k, name := range c.columns {
		c.index[name] = k
	}
	for _, m := range c.dialect.missing {
		if c.missing[m], c.longest = true, max(c.longest, len(m)); m != "" {
			c.begins[m[0]] = true
		}
	}
	rows := make([]int32, len(c.lines))
	for i := range rows {
		rows[i] = int32(i)
	}
	f := &Frame{cells: c, rows: rows}
	if c.dialect.decimal == 0 {
		c.dialect.decimal = c.guessDecimal()
	}
	return f
}

// guessDecimal is ',' if commas do not separate the columns and more cells are written with
// one than with a point.
func (c *cells) guessDecimal() rune {
	if c.dialect.comma == ',' {
		return '.'
	}
	balance := 0
	for i := range c.ends {
		cell := c.at(i)
		if _, ok := parseNumber(cell, '.', 0); ok {
			if strings.Contains(cell, ".") {
				balance--
			}
		} else if _, ok := parseNumber(cell, ',', 0); ok {
			balance++
		}
	}
	if balance > 0 {
		return ','
	}
	return '.'
}

// at is cell i, counted row by row.
func (c *cells) at(i int) string {
	if i == 0 {
		return c.text[:c.ends[0]]
	}
	return c.text[c.ends[i-1]:c.ends[i]]
}

// cell is the cell of a row of the file, and whether it has a value.
func (c *cells) cell(row int32, column int) (cell string, present bool) {
	cell = c.at(int(row)*len(c.columns) + column)
	return cell, !c.isMissing(cell)
}

func (c *cells) isMissing(cell string) bool {
	return cell == "" || len(cell) <= c.longest && c.begins[cell[0]] && c.missing[cell]
}

// where names a row and a column for errors.
func (c *cells) where(row int32, column string) string {
	return fmt.Sprintf("%s: line %d: column %q", c.name, c.lines[row], column)
}

// find is the index of a column.
func (c *cells) find(column string) (int, error) {
	i, ok := c.index[column]
	if !ok {
		return 0, c.in(noColumn(column, c.columns))
	}
	return i, nil
}

// in adds the name of the file to an error.
func (c *cells) in(err error) error {
	return fmt.Errorf("%s: %w", c.name, err)
}

// Len is the number of rows.
func (f *Frame) Len() int { return len(f.rows) }

// Columns returns the names of the columns.
func (f *Frame) Columns() []string { return slices.Clone(f.columns) }

// Line returns the line of the file at which row i begins.
func (f *Frame) Line(i int) int { return int(f.lines[f.rows[i]]) }

// Column copies the cells of a column, as they are written.
func (f *Frame) Column(name string) ([]string, error) {
	c, err := f.find(name)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(f.rows))
	for i, row := range f.rows {
		out[i], _ = f.cell(row, c)
	}
	return out, nil
}

// part is a frame of the rows at the indices.
func (f *Frame) part(indices []int, held bool) (*Frame, error) {
	rows := make([]int32, len(indices))
	for j, i := range indices {
		if i < 0 || i >= len(f.rows) {
			return nil, fmt.Errorf("subset: index %d at position %d of a frame of %d rows", i, j, len(f.rows))
		}
		rows[j] = f.rows[i]
	}
	return &Frame{f.cells, rows, f.held || held}, nil
}

// Subset returns the rows at the indices, in that order.
func (f *Frame) Subset(indices []int) (*Frame, error) { return f.part(indices, false) }

// Filter returns the rows for which keep is true. It gets a function that returns the cell
// in a column, "" if there is no such column.
func (f *Frame) Filter(keep func(cell func(column string) string) bool) (_ *Frame, err error) {
	defer rescue(&err, "the function of Filter")
	out := &Frame{f.cells, nil, f.held}
	for _, row := range f.rows {
		if keep(func(column string) string {
			c, ok := f.index[column]
			if !ok {
				return ""
			}
			cell, _ := f.cell(row, c)
			return cell
		}) {
			out.rows = append(out.rows, row)
		}
	}
	return out, nil
}

// DropMissing returns the rows that have a value in all of the given columns, or in all
// columns if none is given.
func (f *Frame) DropMissing(columns ...string) (*Frame, error) {
	if len(columns) == 0 {
		columns = f.columns
	}
	var at []int
	for _, name := range columns {
		c, err := f.find(name)
		if err != nil {
			return nil, err
		}
		at = append(at, c)
	}
	out := &Frame{f.cells, nil, f.held}
	for _, row := range f.rows {
		if !slices.ContainsFunc(at, func(c int) bool { _, present := f.cell(row, c); return !present }) {
			out.rows = append(out.rows, row)
		}
	}
	return out, nil
}

// TrainTestSplit shuffles the rows and splits them as the function TrainTestSplit does. The
// test part is held out: a schema cannot be fitted to it.
func (f *Frame) TrainTestSplit(share float64, seed uint32) (train, test *Frame, err error) {
	first, last, err := trainTestIndices(f.Len(), share, seed)
	if err != nil {
		return nil, nil, err
	}
	return f.divide(first, last)
}

// Split cuts the frame in two without shuffling, as rows that are ordered in time need it:
// the first part has the given share of the rows, rounded down, and the other is held out.
func (f *Frame) Split(share float64) (train, test *Frame, err error) {
	if !(share >= 0 && share <= 1) {
		return nil, nil, fmt.Errorf("split: share %v, want 0 to 1", share)
	}
	all := make([]int, f.Len())
	for i := range all {
		all[i] = i
	}
	n := int(float64(len(all)) * share)
	return f.divide(all[:n], all[n:])
}

// Fold returns the two parts of a fold of KFold; the test part is held out.
func (f *Frame) Fold(fold Fold) (train, test *Frame, err error) {
	return f.divide(fold.Train, fold.Test)
}

func (f *Frame) divide(first, last []int) (train, test *Frame, err error) {
	if train, err = f.part(first, false); err != nil {
		return nil, nil, err
	}
	test, err = f.part(last, true)
	return train, test, err
}

// numbers reads the numbers of some columns, row by row.
func (f *Frame) numbers(columns []int) ([]float64, error) {
	x := make([]float64, 0, len(f.rows)*len(columns))
	for _, row := range f.rows {
		for _, c := range columns {
			cell, present := f.cell(row, c)
			v, ok := parseNumber(cell, f.dialect.decimal, f.dialect.thousands)
			switch {
			case !present:
				return nil, fmt.Errorf("%s: %.40q is missing, want a number", f.where(row, f.columns[c]), cell)
			case !ok:
				return nil, fmt.Errorf("%s: %.40q is not a finite number", f.where(row, f.columns[c]), cell)
			}
			x = append(x, v)
		}
	}
	return x, nil
}

// Table returns the numbers of the frame as a Table, for Windows and Correlation. The column
// named target becomes its target, all others its inputs; with an empty name there is no
// target. A cell that is missing or no number is an error.
func (f *Frame) Table(target string) (*Table, error) {
	var inputs []int
	for c, name := range f.columns {
		if name != target {
			inputs = append(inputs, c)
		}
	}
	var y []float64
	if target != "" {
		c, err := f.find(target)
		if err != nil {
			return nil, err
		}
		if y, err = f.numbers([]int{c}); err != nil {
			return nil, err
		}
	}
	return f.table(inputs, target, y)
}

func (f *Frame) table(columns []int, target string, y []float64) (*Table, error) {
	x, err := f.numbers(columns)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(columns))
	for k, c := range columns {
		names[k] = f.columns[c]
	}
	t, err := NewTable(names, x, target, y)
	if err != nil {
		return nil, f.in(err)
	}
	return t, nil
}

// Series returns the numbers of the frame with the times of the given column, for Windows.
// Dates are read as described at DateOrder, with CSVOptions.Dates if it is set. A time that is
// before the one of the row above is an error; equal ones are not.
func (f *Frame) Series(times string) (*Series, error) {
	at, err := f.find(times)
	if err != nil {
		return nil, err
	}
	order, err := f.dateOrder(at)
	if err != nil {
		return nil, err
	}
	s := &Series{}
	for i, row := range f.rows {
		cell, _ := f.cell(row, at)
		t, form, ok := parseDate(cell, order)
		if !ok || !form.day {
			return nil, fmt.Errorf("%s: %.40q is not a date", f.where(row, times), cell)
		}
		if i > 0 && t.Before(s.Times[i-1]) {
			return nil, fmt.Errorf("%s: %.40q is earlier than the row before, want rows in the order of time", f.where(row, times), cell)
		}
		s.Times = append(s.Times, t)
	}
	var columns []int
	for c := range f.columns {
		if c != at {
			columns = append(columns, c)
		}
	}
	if len(columns) == 0 {
		return nil, f.in(fmt.Errorf("no column besides the time %q", times))
	}
	s.Table, err = f.table(columns, "", nil)
	return s, err
}

// Texts returns the texts in one column with the classes in another, which are sorted by
// name. A missing text is empty; a missing class is an error.
func (f *Frame) Texts(texts, classes string) (*Texts, error) {
	c, err := f.find(texts)
	if err != nil {
		return nil, err
	}
	d, err := f.find(classes)
	if err != nil {
		return nil, err
	}
	if f.Len() == 0 {
		return nil, f.in(errors.New("no rows"))
	}
	t := &Texts{}
	labels := map[string]int32{}
	for _, row := range f.rows {
		class, present := f.cell(row, d)
		if !present {
			return nil, fmt.Errorf("%s: the class is missing", f.where(row, classes))
		}
		labels[class] = 0
	}
	for class := range labels {
		t.names = append(t.names, class)
	}
	slices.Sort(t.names)
	for i, class := range t.names {
		labels[class] = int32(i)
	}
	for _, row := range f.rows {
		class, _ := f.cell(row, d)
		body, _ := f.cell(row, c)
		t.Texts, t.Labels = append(t.Texts, body), append(t.Labels, labels[class])
	}
	return t, nil
}

// rowsAndColumns is the size of the frame in words.
func (f *Frame) rowsAndColumns() string {
	return text.Count(f.Len(), "row") + ", " + text.Count(len(f.columns), "column")
}
