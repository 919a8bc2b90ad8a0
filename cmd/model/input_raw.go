// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// Models that preprocess take raw inputs: strings, and pictures of any size. A model whose inputs have one
// value each, one of them a string at least, takes rows of a table whose columns are named as the inputs.

// takesStrings reports whether an input is of strings.
func (r *reader) takesStrings() bool { return slices.Contains(r.strings, true) }

// takesRows reports whether the inputs are columns of a table.
func (r *reader) takesRows() bool {
	for i, shape := range r.shapes {
		if shape.Size() != 1 || r.raw[i] != nil {
			return false
		}
	}
	return r.takesStrings()
}

// rawPictures are the options of pictures for a model that takes those of any size.
func rawPictures(m *k.Model, shapes []k.Shape) (datasets.Preprocessor, bool) {
	if s := shapes[0]; len(shapes) != 1 || !m.Preprocesses() || len(s) != 3 || s[0] != k.Any || s[1] != k.Any || s[2] != 3 {
		return nil, false
	}
	return datasets.ImageOptions{Pixels: datasets.Bytes}, true
}

// texts makes a sample of input i of strings.
func (r *reader) texts(i int, values []string) (*k.Array, error) {
	if n := r.shapes[i].Size(); len(values) != n {
		return nil, fmt.Errorf("input %q: %s, want %d", r.names[i], text.Count(len(values), "string"), n)
	}
	return k.Strings(values, max(1, len(values)))
}

// row makes a sample of the cells of a row, one for each input.
func (r *reader) row(cells []string) (s sample, err error) {
	for i, cell := range cells {
		var a *k.Array
		if r.strings[i] {
			a, err = r.texts(i, []string{cell})
		} else if v, bad := strconv.ParseFloat(cell, 32); bad != nil {
			err = fmt.Errorf("column %q: %.40q, want a number", r.names[i], cell)
		} else {
			a, err = r.array(i, []float32{float32(v)}, []int{1})
		}
		if err != nil {
			return s, err
		}
		s.inputs = append(s.inputs, a)
	}
	return s, nil
}

// namedRows reads the rows of a table whose columns are named as the inputs.
func (r *reader) namedRows(frame *datasets.Frame, name string, each func(sample) error) error {
	var columns [][]string
	for _, c := range r.names {
		cells, err := frame.Column(c)
		if err != nil {
			return err
		}
		columns = append(columns, cells)
	}
	cells := make([]string, len(columns))
	for i := range frame.Len() {
		for c := range columns {
			cells[c] = columns[c][i]
		}
		where := r.where(name, "line", frame.Line(i))
		s, err := r.row(cells)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		s.name = where
		if err := each(s); err != nil {
			return err
		}
	}
	return nil
}

// rawObject reads one sample with the inputs by name, some of them strings.
func (r *reader) rawObject(fields map[string]json.RawMessage, each func(sample) error) error {
	var s sample
	for i, input := range r.names {
		v, ok := fields[input]
		if !ok {
			return fmt.Errorf("no input %q, has %s%s", input, text.FirstOf(sortedKeys(fields)), text.Meant(input, sortedKeys(fields)...))
		}
		var a *k.Array
		var err error
		if r.strings[i] {
			var values []string
			if v = bytes.TrimSpace(v); len(v) > 0 && v[0] != '[' {
				v = slices.Concat([]byte{'['}, v, []byte{']'})
			}
			if json.Unmarshal(v, &values) != nil {
				return fmt.Errorf("input %q: %.40q, want a string or an array of strings", input, fields[input])
			}
			a, err = r.texts(i, values)
		} else {
			var values []float32
			var shape []int
			if values, shape, err = numbersOf(v); err == nil {
				a, err = r.array(i, values, shape)
			}
			if err != nil {
				err = fmt.Errorf("input %q: %w", input, err)
			}
		}
		if err != nil {
			return err
		}
		s.inputs = append(s.inputs, a)
	}
	return each(s)
}
