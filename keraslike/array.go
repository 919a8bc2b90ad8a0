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
)

// Number is a type of numbers that an Array can be made of.
type Number interface {
	~int | ~int32 | ~int64 | ~uint8 | ~float32 | ~float64
}

// Array is float32 values with a shape, row-major, whose first axis counts samples: what
// a model is given and what it predicts. Rows, Column, Stack and NewArray make one of
// slices, FromTensor one of a tensor. The zero value and nil are arrays of nothing, which
// have no samples and which Data and Predict reject.
//
// Values may be NaN or Inf; Fit, Evaluate and Predict reject them and name the sample.
type Array struct {
	values []float32
	shape  []int
}

// NewArray gives values a shape, the number of samples first; its product must be the
// number of values:
//
//	x, err := keraslike.NewArray(pixels, 100, 28, 28, 1) // 100 gray pictures
//
// A []float32 is kept and not copied. Integers beyond ±2²⁴ and finite values beyond the
// range of float32 are errors: float32 cannot hold them.
func NewArray[T Number](values []T, shape ...int) (*Array, error) {
	if err := checkShape(shape); err != nil {
		return nil, fmt.Errorf("array: %w", err)
	}
	if n := Shape(shape).Size(); len(values) != n {
		return nil, fmt.Errorf("array: got %d values, want %d for shape %s", len(values), n, axes(shape))
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

// Rows makes an array of one row of numbers for each sample, of shape (samples, columns).
// All rows must have the same length.
func Rows[T Number](rows [][]T) (*Array, error) {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return nil, errors.New("rows: no values")
	}
	return stacked("rows: row", rows, []int{len(rows[0])})
}

// Column makes an array of one number for each sample, of shape (samples, 1): labels for
// SparseCategoricalCrossentropy (class numbers from 0) and BinaryCrossentropy (0 and 1),
// targets of a regression to one number, or a single feature.
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

// Stack makes an array of samples that all have the given shape, such as pictures of
// (height, width, channels), whose values are row-major.
func Stack[T Number](samples [][]T, shape ...int) (*Array, error) {
	if err := checkShape(shape); err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	if len(samples) == 0 {
		return nil, errors.New("stack: no samples")
	}
	return stacked("stack: sample", samples, shape)
}

// stacked copies samples of a shape one after another; what names one in errors.
func stacked[T Number](what string, samples [][]T, shape []int) (*Array, error) {
	whole := append([]int{len(samples)}, shape...)
	if err := checkShape(whole); err != nil {
		return nil, fmt.Errorf("%s 0: %w", what, err)
	}
	each := Shape(shape).Size()
	for i, s := range samples { // before memory is taken for all of them
		if len(s) != each {
			return nil, fmt.Errorf("%s %d has %d values, want %d", what, i, len(s), each)
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

// checkShape rejects shapes that no array has.
func checkShape(shape []int) error {
	if len(shape) == 0 {
		return errors.New("no shape is given, want one with at least 1 axis")
	}
	size := 1
	for _, n := range shape {
		if n < 1 {
			return fmt.Errorf("shape is %s, want axes of at least 1", axes(shape))
		}
		if size > math.MaxInt/4/n {
			return fmt.Errorf("shape %s has more values than memory can hold", axes(shape))
		}
		size *= n
	}
	return nil
}

// largestInteger is 2²⁴: beyond it float32 skips integers.
const largestInteger = 1 << 24

// toFloat32 converts values and rejects those that float32 cannot hold.
func toFloat32[T Number](to []float32, values []T) error {
	one := T(1)
	integers := one/2 == 0
	for i, v := range values {
		f := float64(v)
		if integers && math.Abs(f) > largestInteger {
			return fmt.Errorf("value %d is %v, float32 holds integers exactly from -%d to %[3]d", i, v, largestInteger)
		}
		to[i] = float32(v)
		if math.IsInf(float64(to[i]), 0) && !math.IsInf(f, 0) {
			return fmt.Errorf("value %d is %v, beyond the range of float32", i, v)
		}
	}
	return nil
}

// FromTensor makes an array of a tensor of float32, row-major and contiguous, with the
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

// Tensor is the array as a tensor, which shares its values; nil for an array of nothing.
func (a *Array) Tensor() *tensor.Dense {
	if a.Len() == 0 {
		return nil
	}
	return tensor.New(tensor.WithShape(a.shape...), tensor.WithBacking(a.values))
}

// Len is the number of samples.
func (a *Array) Len() int {
	if a == nil || len(a.shape) == 0 {
		return 0
	}
	return a.shape[0]
}

// Shape is the length of each axis, the number of samples first.
func (a *Array) Shape() []int {
	if a == nil {
		return nil
	}
	return slices.Clone(a.shape)
}

// Values are all values, sample after sample. They are not copied.
func (a *Array) Values() []float32 {
	if a == nil {
		return nil
	}
	return a.values
}

// Row is the values of sample i, not copied; nil where there is no such sample.
func (a *Array) Row(i int) []float32 {
	if i < 0 || i >= a.Len() {
		return nil
	}
	each := a.each()
	return a.values[i*each : (i+1)*each : (i+1)*each]
}

// each is the number of values of one sample.
func (a *Array) each() int { return Shape(a.shape[1:]).Size() }

// ArgMax is the index of the largest value along the last axis, the first of equal ones:
// of predictions of shape (samples, classes) the class of each sample. With more axes
// there are several for each sample, in order; an array of one axis gives zeros.
func (a *Array) ArgMax() []int {
	if a.Len() == 0 {
		return nil
	}
	last := 1
	if n := len(a.shape); n > 1 {
		last = a.shape[n-1]
	}
	list := make([]int, 0, len(a.values)/last)
	for row := range slices.Chunk(a.values, last) {
		list = append(list, argmax(row))
	}
	return list
}

// argmax is the first index of the largest value.
func argmax(x []float32) int {
	best := 0
	for j, v := range x {
		if v > x[best] {
			best = j
		}
	}
	return best
}

// String is the shape and the first values: "(4, 2) [0 0] [0 1] [1 0] [1 1]".
func (a *Array) String() string {
	const samples, values = 4, 8 // that are shown
	if a.Len() == 0 {
		return "(0)"
	}
	var b strings.Builder
	b.WriteString(axes(a.shape))
	for i := range min(a.Len(), samples) {
		b.WriteString(" [")
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

// axes writes a shape as "(4, 2)".
func axes(shape []int) string {
	words := make([]string, len(shape))
	for i, n := range shape {
		words[i] = strconv.Itoa(n)
	}
	return "(" + strings.Join(words, ", ") + ")"
}
