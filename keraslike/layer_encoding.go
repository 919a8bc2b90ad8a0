// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Category numbers and the vectors that are made of them.

// maxCategories is the largest number of categories, below which float32 represents all integers.
const maxCategories = maxExactInteger

// check compares the mode with those that a layer has.
func (m OutputMode) check(modes ...OutputMode) error {
	if slices.Contains(modes, m) {
		return nil
	}
	names := map[OutputMode]string{IntOutput: "IntOutput", OneHotOutput: "OneHotOutput", MultiHotOutput: "MultiHotOutput", CountOutput: "CountOutput", TFIDFOutput: "TFIDFOutput"}
	var want []string
	for _, mode := range modes {
		want = append(want, names[mode])
	}
	return fmt.Errorf("OutputMode is %q, want one of %v", string(m), want)
}

// shape returns the shape that depth categories make of numbers of a shape.
func (m OutputMode) shape(in Shape, depth int) Shape {
	out := slices.Clone(in)
	switch last := len(in) - 1; {
	case m == IntOutput:
		return out
	case last >= 0 && (m != OneHotOutput || in[last] == 1):
		out = out[:last]
	}
	return append(out, depth)
}

// noCategory is the number of a masked value, which a vector does not have.
const noCategory = -1

// encode writes the vectors of category numbers. weight returns what number i adds to category c.
func (m OutputMode) encode(numbers []int32, in Shape, depth int, out *value, weight func(i int, c int32) float32) {
	if m == IntOutput {
		y := out.resize(in...)
		for i, c := range numbers {
			y[i] = float32(max(c, 0))
		}
		return
	}
	out.shape = append(out.shape[:0], in...)
	if last := len(in) - 1; last >= 0 && (m != OneHotOutput || in[last] == 1) {
		out.shape = out.shape[:last]
	}
	out.shape = append(out.shape, depth)
	y := out.resize(out.shape...)
	clear(y)
	each := max(1, len(numbers)*depth/max(1, len(y))) // numbers of a vector
	for i, c := range numbers {
		if c == noCategory {
			continue
		}
		at := i/each*depth + int(c)
		switch {
		case m == OneHotOutput || m == MultiHotOutput:
			y[at] = 1
		default:
			y[at] += weight(i, c)
		}
	}
}

// one is the weight of a number that is only counted.
func one(int, int32) float32 { return 1 }

// integer returns a number that must be whole.
func integer(v float32) (int, error) {
	if n := int(v); float32(n) == v && n > -maxExactInteger && n < maxExactInteger {
		return n, nil
	}
	return 0, fmt.Errorf("value %v is no integer of at most %d digits", v, 7)
}

// numbers is memory for category numbers, of one sample.
func (p *preparation) numbers(n int) []int32 {
	p.categories = slices.Grow(p.categories[:0], n)[:n]
	return p.categories
}

// numbersOnly is embedded by layers whose inputs must be numbers.
type numbersOnly struct{}

func (numbersOnly) takesStrings(in []bool) error {
	if slices.Contains(in, true) {
		return errors.New("its input is of strings, want numbers: StringLookup and Hashing make numbers of strings")
	}
	return nil
}

// stringsOnly is embedded by layers whose input must be strings.
type stringsOnly struct{}

func (stringsOnly) takesStrings(in []bool) error {
	if slices.Contains(in, false) {
		return errors.New("its input is of numbers, want strings: apply it to a StringInput")
	}
	return nil
}

// CategoryEncoding makes vectors of category numbers from 0 to tokens-1. A number that is not among
// them is an error.
//
//	input   (batch, ..., numbers); with CountOutput optionally followed by a weight for each number
//	output  (batch, ..., tokens)
//
// It runs before the network, on the raw inputs of a model.
//
// Options:
//
//	OutputMode  MultiHotOutput
//	Name        "category_encoding", "category_encoding_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/preprocessing_layers/categorical/category_encoding/.
func CategoryEncoding(tokens int, opts ...PreprocessingOption) Layer {
	return newLayer(&categoryEncoding{Tokens: tokens, OutputMode: MultiHotOutput}, opts)
}

type categoryEncoding struct {
	beforeGraph
	numbersOnly
	Tokens     int        `json:"num_tokens"`
	OutputMode OutputMode `json:"output_mode" option:"OutputMode"`
}

var _ = register[categoryEncoding]("CategoryEncoding")

func (d *categoryEncoding) Kind() string { return "CategoryEncoding" }

func (d *categoryEncoding) check() error {
	if d.Tokens < 1 || d.Tokens > maxCategories {
		return fmt.Errorf("%d tokens, want 1 to %d", d.Tokens, maxCategories)
	}
	return d.OutputMode.check(OneHotOutput, MultiHotOutput, CountOutput)
}

func (d *categoryEncoding) Build(_ *Builder, in []Shape) (Shape, error) {
	if len(in) == 2 && d.OutputMode == CountOutput {
		if !in[0].Equal(in[1]) {
			return nil, fmt.Errorf("numbers have shape %v, their weights %v, want the same", in[0], in[1])
		}
	} else if err := oneInput(in); err != nil {
		return nil, err
	}
	return d.OutputMode.shape(in[0], d.Tokens), nil
}

func (d *categoryEncoding) prepare(p *preparation, in []*value, out *value) error {
	numbers := p.numbers(len(in[0].numbers))
	for i, v := range in[0].numbers {
		n, err := integer(v)
		if err == nil && (n < 0 || n >= d.Tokens) {
			err = fmt.Errorf("value %d, want 0 to %d", n, d.Tokens-1)
		}
		if err != nil {
			return err
		}
		numbers[i] = int32(n)
	}
	weight := one
	if len(in) == 2 {
		weights := in[1].numbers
		weight = func(i int, _ int32) float32 { return weights[i] }
	}
	d.OutputMode.encode(numbers, in[0].shape, d.Tokens, out, weight)
	return nil
}

// Discretization makes category numbers of numbers: the number of boundaries that are not larger.
// The boundaries are given or computed by Adapt, so that every bin has about as many values.
//
//	input   (batch, ...)
//	output  (batch, ...), or vectors of one element more than there are boundaries
//
// It runs before the network, on the raw inputs of a model.
//
// Options:
//
//	Epsilon        0.01
//	OutputMode     IntOutput
//	BinBoundaries  none
//	NumBins        0
//	Name           "discretization", "discretization_1" and so on
//	Trainable      true
//
// Boundaries are rounded to float32, as the numbers are. Epsilon is the share of the values between those
// from which Adapt interpolates the boundaries.
//
// See https://keras.io/api/layers/preprocessing_layers/numerical/discretization/.
func Discretization(opts ...PreprocessingOption) Layer {
	return newLayer(&discretization{OutputMode: IntOutput, Epsilon: 0.01}, opts)
}

type discretization struct {
	beforeGraph
	numbersOnly
	OutputMode    OutputMode `json:"output_mode" option:"OutputMode"`
	Epsilon       float64    `json:"epsilon" option:"Epsilon"`
	BinBoundaries []float64  `json:"bin_boundaries,omitempty" option:"BinBoundaries"`
	NumBins       int        `json:"num_bins,omitempty" option:"NumBins"`
}

var _ = register[discretization]("Discretization")

func (d *discretization) Kind() string { return "Discretization" }

func (d *discretization) check() error {
	switch {
	case d.NumBins < 0 || d.NumBins > maxCategories:
		return fmt.Errorf("NumBins is %d, want 1 to %d", d.NumBins, maxCategories)
	case d.NumBins == 0 && len(d.BinBoundaries) == 0:
		return errors.New("has neither BinBoundaries nor NumBins, want one of them")
	case !(d.Epsilon > 0 && d.Epsilon < 1):
		return fmt.Errorf("Epsilon is %g, want a number between 0 and 1", d.Epsilon)
	case !sort.Float64sAreSorted(d.BinBoundaries):
		return fmt.Errorf("BinBoundaries are %v, want them in ascending order", d.BinBoundaries)
	}
	return d.OutputMode.check(IntOutput, OneHotOutput, MultiHotOutput, CountOutput)
}

func (d *discretization) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if d.BinBoundaries == nil {
		return nil, errors.New("has no boundaries: call Adapt before the layer is applied, or give BinBoundaries")
	}
	return d.OutputMode.shape(in[0], len(d.BinBoundaries)+1), nil
}

func (d *discretization) prepare(p *preparation, in []*value, out *value) error {
	numbers := p.numbers(len(in[0].numbers))
	for i, v := range in[0].numbers {
		numbers[i] = int32(sort.Search(len(d.BinBoundaries), func(b int) bool { return float32(d.BinBoundaries[b]) > v }))
	}
	d.OutputMode.encode(numbers, in[0].shape, len(d.BinBoundaries)+1, out, one)
	return nil
}

// adapt computes the boundaries.
func (d *discretization) adapt(ctx context.Context, l *layer, data *adaptData) error {
	if d.NumBins == 0 {
		return errors.New("the layer was given BinBoundaries, want NumBins for boundaries to be computed")
	}
	if err := data.want(false); err != nil {
		return err
	}
	var all []float64
	err := data.eachNumbers(ctx, func(sample []float32) error {
		for _, v := range sample {
			all = append(all, float64(v))
		}
		return nil
	})
	if err != nil {
		return err
	}
	s := summarize(all, d.Epsilon).compress(d.Epsilon).compress(1 / float64(d.NumBins))
	boundaries := s.values[:len(s.values)-1]
	if l.built && d.OutputMode != IntOutput && len(boundaries) != len(d.BinBoundaries) {
		return fmt.Errorf("the layer was built for %d boundaries, the data has %d", len(d.BinBoundaries), len(boundaries))
	}
	d.BinBoundaries = boundaries
	return nil
}

// binSummary has values in ascending order and how many values each of them stands for.
type binSummary struct{ values, weights []float64 }

// summarize takes about 1/epsilon of the values, which it sorts.
func summarize(values []float64, epsilon float64) (s binSummary) {
	sort.Float64s(values)
	step := max(float64(len(values))*epsilon, 1)
	for i := int(step - 1); i < len(values); i += int(step) {
		s.values, s.weights = append(s.values, values[i]), append(s.weights, step)
	}
	return s
}

// compress interpolates the values at multiples of epsilon of all weights, unless there are fewer.
func (s binSummary) compress(epsilon float64) (c binSummary) {
	if float64(len(s.values))*epsilon < 1 {
		return s
	}
	sums, sum := make([]float64, len(s.weights)), float32(0) // as Keras, in single precision
	shares := make([]float64, len(sums))
	for i, w := range s.weights {
		sum += float32(w)
		sums[i] = float64(sum)
	}
	for i := range sums {
		shares[i] = float64(float32(sums[i]) / sum)
	}
	before := 0.0
	for i := range int(math.Ceil(1 / epsilon)) {
		share := epsilon + float64(i)*epsilon
		c.values = append(c.values, float64(float32(interpolated(share, shares, s.values))))
		w := interpolated(share, shares, sums)
		c.weights = append(c.weights, float64(float32(w-before)))
		before = w
	}
	return c
}

// interpolated is the value at x of the line through points, constant outside of them.
func interpolated(x float64, xs, ys []float64) float64 {
	i := sort.SearchFloat64s(xs, x)
	switch {
	case i == 0:
		return ys[0]
	case i == len(xs):
		return ys[i-1]
	}
	return ys[i-1] + (ys[i]-ys[i-1])/(xs[i]-xs[i-1])*(x-xs[i-1])
}
