// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// csv reads one sample from each row.
func (r *reader) csv(in *bufio.Reader, name string, each func(sample) error) error {
	table, isTable := r.raw[0].(*datasets.TableEncoder)
	rows := r.takesRows() && len(r.names) > 1
	if !isTable && !rows {
		if err := r.alone("a CSV file"); err != nil {
			return err
		}
	}
	options := datasets.CSVOptions{NoHeader: !isTable && !rows && onlyNumbers(in)}
	switch p := r.raw[0].(type) {
	case datasets.Columns:
		if !options.NoHeader {
			options.Columns = p.Names
		}
	case *datasets.TableEncoder:
		options.Columns = p.Columns()
	default:
		if rows {
			options.Columns = r.names
		} else if r.column != "" {
			options.Columns = []string{r.column}
		}
	}
	for frame, err := range datasets.CSVChunks(in, name, options, max(r.at, 1)) {
		if err != nil {
			return err
		}
		if isTable {
			err = r.encoded(table, frame, name, each)
		} else if rows {
			err = r.namedRows(frame, name, each)
		} else {
			err = r.cells(frame, name, each)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// onlyNumbers reports whether the first line has no names, so that it is no header.
func onlyNumbers(in *bufio.Reader) bool {
	begin, _ := in.Peek(1 << 15) // a short file is reported by its reader
	line, _, _ := bytes.Cut(bytes.TrimLeft(begin, "\ufeff\r\n"), []byte("\n"))
	words := strings.FieldsFunc(string(line), func(c rune) bool { return strings.ContainsRune(",;\t| \r", c) })
	for _, w := range words {
		if _, err := strconv.ParseFloat(w, 64); err != nil {
			return false
		}
	}
	return len(words) > 0
}

// encoded encodes rows by the preprocessor of the model's table.
func (r *reader) encoded(table *datasets.TableEncoder, frame *datasets.Frame, name string, each func(sample) error) error {
	source, err := table.EncodeInputs(frame)
	if err != nil {
		return err
	}
	return r.source(source, func(i int) string { return r.where(name, "line", frame.Line(i)) }, each)
}

// source reads all samples of a source without targets.
func (r *reader) source(source datasets.Source, name func(i int) string, each func(sample) error) error {
	shapes, _ := source.Shapes()
	if len(shapes) != len(r.shapes) {
		return fmt.Errorf("%s: the preprocessor has %s, the model %d", r.file, text.Count(len(shapes), "input"), len(r.shapes))
	}
	for i := range source.Len() {
		values := make([][]float32, len(shapes))
		s := sample{name: name(i)}
		for j, shape := range shapes {
			values[j] = make([]float32, k.Shape(shape).Size())
		}
		if err := source.Read([]int{i}, values, nil); err != nil {
			return err
		}
		for j, shape := range shapes {
			a, err := r.array(j, values[j], shape)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			s.inputs = append(s.inputs, a)
		}
		if err := each(s); err != nil {
			return err
		}
	}
	return nil
}

// cells reads rows of texts or of numbers.
func (r *reader) cells(frame *datasets.Frame, name string, each func(sample) error) error {
	var columns [][]string
	names := frame.Columns()
	for _, c := range names {
		cells, err := frame.Column(c)
		if err != nil {
			return err
		}
		columns = append(columns, cells)
	}
	if r.takesTexts() == 0 {
		if len(names) != 1 {
			return fmt.Errorf("%s: columns %s: say by -column which has the texts", name, text.FirstOf(names))
		}
		for i, cell := range columns[0] {
			if err := r.words(r.where(name, "line", frame.Line(i)), cell, each); err != nil {
				return err
			}
		}
		return nil
	}
	columnsOf, scaled := r.raw[0].(datasets.Columns)
	if scaled && len(names) != len(columnsOf.Names) {
		return fmt.Errorf("%s: %s, want %d: %s", name, text.Count(len(names), "column"), len(columnsOf.Names), text.FirstOf(columnsOf.Names))
	}
	if want := r.shapes[0].Size(); !scaled && len(names) != want && !(len(r.shapes[0]) > 0 && r.shapes[0][0] == k.Any) {
		return fmt.Errorf("%s: %s, input %q wants %s: a row of %s, without the target", name, text.Count(len(names), "column"), r.names[0], r.shapes[0], text.Count(want, "number"))
	}
	row := make([]float64, len(names))
	for i := range frame.Len() {
		where := r.where(name, "line", frame.Line(i))
		for c := range columns {
			v, err := strconv.ParseFloat(columns[c][i], 64)
			if err != nil {
				return fmt.Errorf("%s: line %d: column %q: %.40q, want a number", name, frame.Line(i), names[c], columns[c][i])
			}
			row[c] = v
		}
		var a datasets.Array
		if scaled {
			var err error
			if a, err = columnsOf.Array(row); err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
		} else {
			a = datasets.Array{Shape: []int{len(row)}, Data: make([]float32, len(row))}
			for c, v := range row {
				a.Data[c] = float32(v)
			}
		}
		s, err := r.one(where, a.Data, a.Shape)
		if err != nil {
			return err
		}
		if err := each(s); err != nil {
			return err
		}
	}
	return nil
}
