// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"net/http"
	"strconv"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// Models that preprocess take raw inputs: strings, and pictures of any size. A model whose inputs have one
// value each, one of them a string at least, takes rows of a table, too, whose columns are named as the
// inputs.

// takesStrings reports whether an input is of strings.
func (v *version) takesStrings() bool {
	for i := range v.inputs {
		if v.inputs[i].strings {
			return true
		}
	}
	return false
}

// takesRows reports whether the inputs are columns of a table.
func (v *version) takesRows() bool {
	for i := range v.inputs {
		if v.raw[i] != nil || v.inputs[i].size != 1 {
			return false
		}
	}
	return v.takesStrings()
}

// rawPictures are the options of pictures for a model that takes those of any size and has no
// preprocessor.
func rawPictures(m *k.Model, inputs []tensorInfo) (datasets.Preprocessor, bool) {
	shape := inputs[0].shape
	if len(inputs) != 1 || !m.Preprocesses() || len(shape) != 3 || shape[0] != k.Any || shape[1] != k.Any || shape[2] != 3 {
		return nil, false
	}
	return datasets.ImageOptions{Pixels: datasets.Bytes}, true
}

// strings reads a sample of an input of strings: a string, or an array of them.
func (q *request) strings(s *scanner, i int) error {
	info, in := &q.version.inputs[i], &q.inputs[i]
	n := len(in.texts)
	one := func(int) error {
		t, err := s.text("a text in quotes")
		in.texts = append(in.texts, string(t))
		return err
	}
	var err error
	if s.peek() == '[' {
		err = s.array("", one)
	} else {
		err = one(0)
	}
	if err != nil {
		return inInput(err, info.name)
	}
	if got := len(in.texts) - n; got != info.size {
		return bad("input %q: got %d texts, want those of the shape %s", info.name, got, lengths(info.shape))
	}
	in.shape = append(in.shape[:0], info.shape...)
	return nil
}

// addTexts adds samples of one text to input i.
func (q *request) addTexts(i int, texts []string) error {
	info, in := &q.version.inputs[i], &q.inputs[i]
	if info.size != 1 {
		return bad("input %q: a text is one value, want those of the shape %s", info.name, lengths(info.shape))
	}
	bytes := 0
	for _, t := range texts {
		bytes += len(t) + 16
	}
	if err := q.take(int64(bytes)); err != nil {
		return err
	}
	in.texts = append(in.texts, texts...)
	in.shape = append(in.shape[:0], info.shape...)
	return nil
}

// namedRecords reads rows as JSON objects with a member for each input; other members are left out.
func (q *request) namedRecords(raw []byte) error {
	s := &scanner{data: raw}
	rows := 0
	one := func(int) error {
		if rows++; rows > q.settings.maxRows {
			return fail(http.StatusRequestEntityTooLarge, "the request has more than %d samples", q.settings.maxRows)
		}
		seen := make([]bool, len(q.version.inputs))
		err := s.object("an object with a member for each input", func(key []byte) error {
			i := index(q.version.inputs, key)
			if i < 0 {
				return s.skip()
			}
			if seen[i] {
				return bad("input %q comes twice", key)
			}
			seen[i] = true
			return q.instance(s, i)
		})
		for i, ok := range seen {
			if err == nil && !ok {
				err = bad("input %q is missing", q.version.inputs[i].name)
			}
		}
		return sampleOf(err, rows)
	}
	if s.peek() == '[' {
		return s.array("", one)
	}
	return one(0)
}

// namedRows adds the rows of a table whose columns are named as the inputs.
func (q *request) namedRows(frame *datasets.Frame) error {
	for i := range q.version.inputs {
		info := &q.version.inputs[i]
		cells, err := frame.Column(info.name)
		if err != nil {
			return bad("%v", err)
		}
		if info.strings {
			if err := q.addTexts(i, cells); err != nil {
				return err
			}
			continue
		}
		values := make([]float32, len(cells))
		for row, cell := range cells {
			v, err := strconv.ParseFloat(cell, 32)
			if err != nil {
				return bad("the body, line %d: column %q: %.60q is not a number", frame.Line(row), info.name, cell)
			}
			values[row] = float32(v)
		}
		if at := notFinite(values); at >= 0 {
			return bad("the body, line %d: column %q is %v", frame.Line(at), info.name, values[at])
		}
		if err := q.add(i, info.shape, values); err != nil {
			return err
		}
	}
	return nil
}

// array returns the samples of an input for the model.
func (s *samples) array(rows int) (*k.Array, error) {
	shape := make([]int, 1, 1+len(s.shape))
	shape[0] = rows
	shape = append(shape, s.shape...)
	if len(s.texts) > 0 {
		return k.Strings(s.texts, shape...)
	}
	return k.NewArray(s.values, shape...)
}

// count is the number of values of all samples.
func (s *samples) count() int { return len(s.values) + len(s.texts) }
