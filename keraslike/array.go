// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Number is the set of number types from which an Array can be made.
type Number interface {
	~int | ~int32 | ~int64 | ~uint8 | ~float32 | ~float64
}

// Array is an array of float32 values in row-major order, whose first axis is that of the
// samples. Models are trained on arrays and predict arrays. Rows, Column, Stack and NewArray
// make an Array from Go slices, FromTensor from a tensor. Strings makes an array of strings, for a
// StringInput. The zero value and nil are empty; Data and Predict reject them.
//
// An Array may contain NaN and Inf. Fit, Evaluate and Predict reject them with an error that
// names the sample.
type Array struct {
	values  []float32
	strings []string // in place of values; nil for numbers
	shape   []int
	ragged  *raggedArray // nil if all samples have the same shape
}

// raggedArray is where the samples are that differ in length.
type raggedArray struct {
	starts []int // of the samples, and the end of the last one
	shapes [][]int
}

// Ragged makes an array of samples that may differ in length, such as sequences or images, from an
// array for each, whose shape is that of the sample: (steps, features). All have the same number of
// axes. The shape of the result has Any for each axis along which the samples differ; Row and
// RowShape return one of them. Stack makes such an array from Go slices.
func Ragged(samples []*Array) (*Array, error) {
	a, err := newRagged(samples)
	if err != nil {
		return nil, fmt.Errorf("ragged: %w", err)
	}
	return a, nil
}

// newRagged copies the samples; an array of samples that all have one shape is an ordinary one.
func newRagged(samples []*Array) (*Array, error) {
	if len(samples) == 0 {
		return nil, errors.New("no samples")
	}
	if samples[0].Strings() != nil {
		return stackedStrings(samples)
	}
	size := 0
	for i, s := range samples {
		switch {
		case s == nil || s.ragged != nil || s.strings != nil:
			return nil, fmt.Errorf("sample %d is nil, empty, of strings or ragged itself", i)
		case len(s.shape) != len(samples[0].shape):
			return nil, fmt.Errorf("sample %d has shape %s, sample 0 has %s: want the same number of axes", i, formatShape(s.shape), formatShape(samples[0].shape))
		}
		size += len(s.values)
	}
	shape := Shape(samples[0].shape)
	a := &Array{values: make([]float32, 0, size), ragged: &raggedArray{}}
	for _, s := range samples {
		shape = shape.freeWhereDifferent(s.shape)
		a.ragged.starts = append(a.ragged.starts, len(a.values))
		a.ragged.shapes = append(a.ragged.shapes, s.shape)
		a.values = append(a.values, s.values...)
	}
	a.ragged.starts = append(a.ragged.starts, len(a.values))
	a.shape = shape.withBatch(len(samples))
	if !shape.isFree() {
		a.ragged = nil
	}
	return a, nil
}

// stackedStrings is newRagged for samples of strings, which must have one shape.
func stackedStrings(samples []*Array) (*Array, error) {
	a := &Array{shape: Shape(samples[0].shape).withBatch(len(samples))}
	for i, s := range samples {
		if s.Strings() == nil || !slices.Equal(s.shape, samples[0].shape) {
			return nil, fmt.Errorf("sample %d is %v, want strings of shape %s, as sample 0", i, s, formatShape(samples[0].shape))
		}
		a.strings = append(a.strings, s.strings...)
	}
	return a, nil
}

// NewArray makes an array of the given shape, starting with the number of samples, from
// values in row-major order:
//
//	x, err := keraslike.NewArray(pixels, 100, 28, 28, 1) // 100 grayscale images
//
// A []float32 is not copied. The number of values must be the product of the shape. Integers
// beyond ±2²⁴ and finite values beyond the range of float32 are errors, because float32
// cannot represent them.
func NewArray[T Number](values []T, shape ...int) (*Array, error) {
	if err := checkShape(shape); err != nil {
		return nil, fmt.Errorf("array: %w", err)
	}
	if n := Shape(shape).Size(); len(values) != n {
		return nil, fmt.Errorf("array: got %d values, want %d for shape %s", len(values), n, formatShape(shape))
	}
	a := &Array{shape: slices.Clone(shape)}
	if own, ok := any(values).([]float32); ok {
		a.values = own
		return a, nil
	}
	a.values = make([]float32, len(values))
	if err := toFloat32(a.values, values); err != nil {
		return nil, fmt.Errorf("array: %w", err)
	}
	return a, nil
}

// Strings makes an array of strings for a StringInput. Without a shape it is a column of shape
// (samples, 1); a shape begins with the number of samples. The values are not copied.
//
//	x, err := keraslike.Strings([]string{"red", "green"}) // of shape (2, 1)
func Strings(values []string, shape ...int) (*Array, error) {
	if len(shape) == 0 {
		shape = []int{len(values), 1}
	}
	if err := checkShape(shape); err != nil {
		return nil, fmt.Errorf("strings: %w", err)
	}
	if n := Shape(shape).Size(); len(values) != n {
		return nil, fmt.Errorf("strings: got %d strings, want %d for shape %s", len(values), n, formatShape(shape))
	}
	return &Array{strings: values, shape: slices.Clone(shape)}, nil
}

// Rows makes an array of shape (samples, columns) from one row for each sample. All rows
// must have the same length.
func Rows[T Number](rows [][]T) (*Array, error) {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return nil, errors.New("rows: no values")
	}
	return stackSamples("rows: row", rows, []int{len(rows[0])})
}

// Column makes an array of shape (samples, 1) from one number for each sample: class numbers
// from 0 for SparseCategoricalCrossentropy, 0 and 1 for BinaryCrossentropy, targets of a
// regression, or a single feature.
func Column[T Number](values []T) (*Array, error) {
	if len(values) == 0 {
		return nil, errors.New("column: no values")
	}
	a := &Array{values: make([]float32, len(values)), shape: []int{len(values), 1}}
	if err := toFloat32(a.values, values); err != nil {
		return nil, fmt.Errorf("column: %w", err)
	}
	return a, nil
}

// Stack makes an array of shape (samples, shape...) from the values of each sample in
// row-major order. The shape of an image, for example, is height, width, channels.
//
// One axis may be Any: its length follows from the number of values, so that the samples may
// differ in it (see Ragged). Stack(sentences, k.Any) makes an array of sequences of words,
// Stack(series, k.Any, 13) one of sequences with 13 features for each step.
func Stack[T Number](samples [][]T, shape ...int) (*Array, error) {
	if Shape(shape).isFree() {
		return stackRagged(samples, shape)
	}
	if err := checkShape(shape); err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	if len(samples) == 0 {
		return nil, errors.New("stack: no samples")
	}
	return stackSamples("stack: sample", samples, shape)
}

// stackSamples copies samples of the given shape into an array; what is the word for a sample in
// errors.
func stackSamples[T Number](what string, samples [][]T, shape []int) (*Array, error) {
	whole := append([]int{len(samples)}, shape...)
	if err := checkShape(whole); err != nil {
		return nil, fmt.Errorf("%s 0: %w", what, err)
	}
	each := Shape(shape).Size()
	for i, s := range samples { // before memory is allocated for all of them
		if len(s) != each {
			return nil, fmt.Errorf("%s %d has %s, want %d", what, i, text.Count(len(s), "value"), each)
		}
	}
	a := &Array{values: make([]float32, len(samples)*each), shape: whole}
	for i, s := range samples {
		if err := toFloat32(a.values[i*each:(i+1)*each], s); err != nil {
			return nil, fmt.Errorf("%s %d: %w", what, i, err)
		}
	}
	return a, nil
}

// stackRagged is Stack for a shape with a free axis.
func stackRagged[T Number](samples [][]T, shape Shape) (*Array, error) {
	at := slices.Index(shape, Any)
	step := shape.at(1)
	if slices.Contains(shape[at+1:], Any) {
		return nil, fmt.Errorf("stack: shape is %s, want at most one axis of Any; Ragged takes samples of any shape", formatShape(shape))
	}
	if err := checkShape(step); err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	var list []*Array
	for i, values := range samples {
		own, each := slices.Clone(shape), step.Size()
		if own[at] = len(values) / each; len(values) == 0 || len(values)%each != 0 {
			return nil, fmt.Errorf("stack: sample %d has %d values, want a multiple of %d for shape %s", i, len(values), each, formatShape(shape))
		}
		a := &Array{values: make([]float32, len(values)), shape: own}
		if err := toFloat32(a.values, values); err != nil {
			return nil, fmt.Errorf("stack: sample %d: %w", i, err)
		}
		list = append(list, a)
	}
	a, err := newRagged(list)
	if err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	return a, nil
}

// checkShape rejects shapes that an array cannot have.
func checkShape(shape []int) error {
	if len(shape) == 0 {
		return errors.New("got no shape, want at least 1 axis")
	}
	size := 1
	for _, n := range shape {
		if n < 1 {
			return fmt.Errorf("shape is %s, want axes of at least 1", formatShape(shape))
		}
		if size > math.MaxInt/4/n {
			return fmt.Errorf("shape %s has more values than memory can hold", formatShape(shape))
		}
		size *= n
	}
	return nil
}

// maxExactInteger is 2²⁴. float32 cannot represent all integers beyond it.
const maxExactInteger = 1 << 24

// toFloat32 converts values and rejects those that float32 cannot represent.
func toFloat32[T Number](to []float32, values []T) error {
	one := T(1)
	integers := one/2 == 0
	for i, v := range values {
		f := float64(v)
		if integers && math.Abs(f) > maxExactInteger {
			return fmt.Errorf("value %d is %v, float32 represents integers exactly from -%d to %[3]d", i, v, maxExactInteger)
		}
		to[i] = float32(v)
		if math.IsInf(float64(to[i]), 0) && !math.IsInf(f, 0) {
			return fmt.Errorf("value %d is %v, beyond the range of float32", i, v)
		}
	}
	return nil
}

// FromTensor makes an array from a float32 tensor that is row-major and contiguous, with the
// samples along its first axis. The values are not copied.
func FromTensor(t *tensor.Dense) (*Array, error) {
	if t == nil || t.Dtype().Type == nil {
		return nil, errors.New("from tensor: the tensor is nil or empty")
	}
	shape := t.Shape()
	if t.Dtype() != tensor.Float32 || len(shape) == 0 {
		return nil, fmt.Errorf("from tensor: got %v of shape %v, want float32 with the samples along the first axis", t.Dtype(), shape)
	}
	if err := checkShape(shape); err != nil {
		return nil, fmt.Errorf("from tensor: %w", err)
	}
	if err := graph.CheckLayout(t); err != nil {
		return nil, fmt.Errorf("from tensor: %w", err)
	}
	return &Array{values: t.Float32s(), shape: slices.Clone([]int(shape))}, nil
}

// Tensor returns a tensor that shares the array's values; nil for an empty array, for one of strings
// and for one whose samples differ in length.
func (a *Array) Tensor() *tensor.Dense {
	if a.Len() == 0 || a.ragged != nil || a.strings != nil {
		return nil
	}
	return tensor.New(tensor.WithShape(a.shape...), tensor.WithBacking(a.values))
}

// Len returns the number of samples.
func (a *Array) Len() int {
	if a == nil || len(a.shape) == 0 {
		return 0
	}
	return a.shape[0]
}

// Shape returns the length of each axis, starting with the number of samples, Any for one in which
// the samples differ.
func (a *Array) Shape() []int {
	if a == nil {
		return nil
	}
	return slices.Clone(a.shape)
}

// Strings returns all strings in row-major order, not copied; nil for an array of numbers.
func (a *Array) Strings() []string {
	if a == nil {
		return nil
	}
	return a.strings
}

// Values returns all values in row-major order; nil for an array of strings. They are not copied.
func (a *Array) Values() []float32 {
	if a == nil {
		return nil
	}
	return a.values
}

// Row returns the values of sample i, not copied; nil if there is no such sample, and for an array
// of strings.
func (a *Array) Row(i int) []float32 {
	if i < 0 || i >= a.Len() || a.strings != nil {
		return nil
	}
	if r := a.ragged; r != nil {
		return a.values[r.starts[i]:r.starts[i+1]:r.starts[i+1]]
	}
	each := a.sampleSize()
	return a.values[i*each : (i+1)*each : (i+1)*each]
}

// RowShape returns the shape of sample i, nil if there is no such sample.
func (a *Array) RowShape(i int) []int {
	switch {
	case i < 0 || i >= a.Len():
		return nil
	case a.ragged != nil:
		return slices.Clone(a.ragged.shapes[i])
	}
	return slices.Clone(a.shape[1:])
}

// sampleSize returns the number of values of each sample, where they do not differ.
func (a *Array) sampleSize() int { return Shape(a.shape[1:]).Size() }

// ArgMax returns the indices of the largest values along the last axis: for predictions of
// shape (samples, classes) the predicted class of each sample. Of equal values the first
// counts. With more axes there are several indices for each sample, in row-major order; for
// an array with one axis all indices are 0.
func (a *Array) ArgMax() []int {
	if a.Len() == 0 {
		return nil
	}
	var list []int
	for i := range a.Len() {
		last := 1
		if shape := a.RowShape(i); len(shape) > 0 {
			last = shape[len(shape)-1]
		}
		for row := range slices.Chunk(a.Row(i), last) {
			list = append(list, argmax(row))
		}
	}
	return list
}

// argmax returns the first index of the largest value.
func argmax(x []float32) int {
	best := 0
	for j, v := range x {
		if v > x[best] {
			best = j
		}
	}
	return best
}

// String formats the shape and the first values: "(4, 2) [0 0] [0 1] [1 0] [1 1]".
func (a *Array) String() string {
	const samples, values = 4, 8 // maximum numbers shown
	if a.Len() == 0 {
		return "(0)"
	}
	var b strings.Builder
	b.WriteString(formatShape(a.shape))
	for i := range min(a.Len(), samples) {
		b.WriteString(" [")
		if a.strings != nil {
			each := a.sampleSize()
			row := a.strings[i*each : (i+1)*each]
			b.WriteString(strings.Trim(fmt.Sprintf("%q", row[:min(len(row), values)]), "[]"))
			if len(row) > values {
				b.WriteString(" ...")
			}
			b.WriteByte(']')
			continue
		}
		row := a.Row(i)
		for j, v := range row[:min(len(row), values)] {
			if j > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(strconv.FormatFloat(float64(v), 'g', 4, 32))
		}
		if len(row) > values {
			b.WriteString(" ...")
		}
		b.WriteByte(']')
	}
	if a.Len() > samples {
		b.WriteString(" ...")
	}
	return b.String()
}

// formatShape formats a shape as "(4, 2)".
func formatShape(shape []int) string {
	words := make([]string, len(shape))
	for i, n := range shape {
		words[i] = formatLength(n)
	}
	return "(" + strings.Join(words, ", ") + ")"
}
