// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
)

// Sources of strings, for models whose layers make numbers of them.

// stringed is implemented by sources with inputs of strings.
type stringed interface {
	StringInput(k int) bool
	ReadStrings(k int, indices []int, to []string) error
}

// StringInput reports whether input k is of strings.
func (v view) StringInput(k int) bool {
	s, ok := v.Source.(stringed)
	return ok && s.StringInput(k)
}

// ReadStrings fills to with the strings of samples.
func (v view) ReadStrings(k int, indices []int, to []string) error {
	s, ok := v.Source.(stringed)
	if !ok {
		return fmt.Errorf("input %d is not of strings", k)
	}
	return s.ReadStrings(k, indices, to)
}

// ReadStrings reads the samples of the source below.
func (s *subset) ReadStrings(k int, indices []int, to []string) error {
	at := make([]int, len(indices))
	for j, i := range indices {
		if i < 0 || i >= len(s.at) {
			return fmt.Errorf("sample %d: the source has samples 0 to %d", i, len(s.at)-1)
		}
		at[j] = s.at[i]
	}
	return s.view.ReadStrings(k, at, to)
}

// StringInput reports whether input k is of strings.
func (z *zipped) StringInput(k int) bool {
	s, k := z.owner(k)
	return s.StringInput(k)
}

// ReadStrings reads the strings of the source that input k belongs to.
func (z *zipped) ReadStrings(k int, indices []int, to []string) error {
	s, k := z.owner(k)
	return s.ReadStrings(k, indices, to)
}

// rawSource is a source whose inputs are of one string or one number each.
type rawSource struct {
	*memory
	strings [][]string // of each input, nil for numbers
}

// newRawSource makes a source of columns of strings, where there are some, and of numbers.
func newRawSource(strings [][]string, numbers, targets []Array, names []string) (*rawSource, error) {
	m, err := newMemory(numbers, targets)
	if err != nil {
		return nil, err
	}
	m.names = names
	return &rawSource{m, strings}, nil
}

// StringInput reports whether input k is of strings.
func (s *rawSource) StringInput(k int) bool {
	return k >= 0 && k < len(s.strings) && s.strings[k] != nil
}

// ReadStrings copies the strings of samples.
func (s *rawSource) ReadStrings(k int, indices []int, to []string) error {
	if !s.StringInput(k) {
		return fmt.Errorf("input %d is not of strings", k)
	}
	if len(to) < len(indices) {
		return fmt.Errorf("strings: room for %d, want %d", len(to), len(indices))
	}
	column := s.strings[k]
	for j, i := range indices {
		if i < 0 || i >= len(column) {
			return fmt.Errorf("sample %d: the source has samples 0 to %d", i, len(column)-1)
		}
		to[j] = column[i]
	}
	return nil
}

// Raw returns a source of the texts as they are, for a model with a TextVectorization of package
// keraslike.
//
// Input shape:  (1), strings
//
// Target shape: (1) for two classes, () the class index for more
func (t *Texts) Raw() (Source, error) {
	y, err := (&Sequences{Labels: t.Labels, names: t.names}).target()
	if err != nil {
		return nil, err
	}
	return newRawSource([][]string{t.Texts}, []Array{{[]int{1}, make([]float32, len(t.Texts))}}, []Array{y}, slices.Clone(t.names))
}

// Raw returns a source of the columns as they are, for a model with an input for each of Columns, in
// their order, and layers of package keraslike that look up, scale and so on. Numbers and booleans are
// numbers, other columns strings. A missing string is empty; a missing number is what the schema says,
// if that is a number, else an error. The targets are those of Encode, and are left out if the frame has
// no column of that name.
//
// Shape of each input: (1)
func (e *TableEncoder) Raw(f *Frame) (Source, error) {
	if err := e.unleaked(f); err != nil {
		return nil, err
	}
	var strings [][]string
	var numbers []Array
	r := f.reader()
	for _, column := range e.columns {
		if _, err := f.find(column); err != nil {
			return nil, err
		}
		c := e.feature(column)
		var texts []string
		values := Array{[]int{1}, make([]float32, r.n)}
		for i := range r.n {
			v, err := r.value(i, column)
			if err == nil {
				err = c.raw(v, f.dialect, &texts, &values.Data[i])
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.where(i, column), err)
			}
		}
		strings, numbers = append(strings, texts), append(numbers, values)
	}
	y, err := e.encodeTargets(f)
	if err != nil {
		return nil, err
	}
	s, err := newRawSource(strings, numbers, y, e.Names())
	if err != nil || e.weight == "" || y == nil {
		return s, err
	}
	w, err := e.weights(f)
	if err != nil {
		return nil, err
	}
	return &weightedRaw{s, w}, nil
}

// weightedRaw is a raw source with sample weights.
type weightedRaw struct {
	*rawSource
	rowWeights
}

// feature is the first feature of a column.
func (e *TableEncoder) feature(column string) *fittedColumn {
	return e.features[slices.IndexFunc(e.features, func(c *fittedColumn) bool { return c.Column == column })]
}

// raw adds a cell to the strings of a column, or writes its number.
func (c *fittedColumn) raw(v value, d dialect, texts *[]string, number *float32) error {
	if c.Kind != Number && c.Kind != Boolean {
		if !v.present {
			v.text = c.Fill
		}
		*texts = append(*texts, v.text)
		return nil
	}
	plain := *c
	plain.Shift, plain.Factor = []float64{0}, []float64{1}
	plain.Indicator = false
	out := [1]float32{}
	err := plain.encode(v, d, out[:])
	*number = out[0]
	return err
}
