// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"

	"github.com/reef-dl/reef/internal/text"
)

// adapter is a definition that learns from data.
type adapter interface {
	adapt(ctx context.Context, l *layer, data *adaptData) error
}

// AdaptOption is an option of Adapt.
type AdaptOption interface{ applyAdapt(*adaptData) }

// AdaptInput is an AdaptOption: the input of the source that the layer is adapted to. The default
// is 0, the first.
type AdaptInput int

func (k AdaptInput) applyAdapt(d *adaptData) { d.input = int(k) }

// Adapt fits a layer to an input of all samples of a source: the mean and the variance of a
// Normalization, the vocabulary of a StringLookup, IntegerLookup or TextVectorization, the boundaries
// of a Discretization. What it learns is saved with the model, and replaces what an earlier call
// learned.
//
// Adapt reads the source once, for Normalization twice. Call it before the layer is applied, or with
// data that makes an output of the same shape. If the context is canceled, it returns an error that
// wraps ErrInterrupted and the context's error, and changes nothing.
//
// Options and their defaults:
//
//	AdaptInput  0  the input of the source
func Adapt(ctx context.Context, l Layer, source Source, options ...AdaptOption) error {
	if isNil(l) {
		return errors.New("adapt: the layer is nil")
	}
	d := &adaptData{}
	var err error
	for _, o := range given(options, &err) {
		o.applyAdapt(d)
	}
	n := l.core()
	a, ok := n.def.(adapter)
	switch {
	case err != nil:
	case !ok:
		err = fmt.Errorf("got a %s layer, want one made by Normalization, StringLookup, IntegerLookup, TextVectorization or Discretization", n.def.Kind())
	case n.mistake != nil:
		err = n.mistake
	default:
		if err = checkContext(ctx); err == nil {
			err = d.open(source)
		}
		if err == nil {
			err = a.adapt(ctx, n, d)
		}
	}
	if err != nil {
		return fmt.Errorf("adapt: %w", err)
	}
	return nil
}

// AdaptStrings is Adapt for strings in memory:
//
//	err := keraslike.AdaptStrings(lookup, []string{"red", "green", "red"})
func AdaptStrings(l Layer, values []string) error {
	x, err := Strings(values)
	if err != nil {
		return fmt.Errorf("adapt: %w", err)
	}
	return adaptArray(l, x)
}

// AdaptNumbers is Adapt for numbers in memory, one for each sample.
func AdaptNumbers[T Number](l Layer, values []T) error {
	x, err := Column(values)
	if err != nil {
		return fmt.Errorf("adapt: %w", err)
	}
	return adaptArray(l, x)
}

func adaptArray(l Layer, x *Array) error {
	source, err := Data(x, nil)
	if err != nil {
		return fmt.Errorf("adapt: %w", err)
	}
	return Adapt(context.Background(), l, source)
}

// adaptBatch is the number of samples that Adapt reads at once.
const adaptBatch = 256

// adaptData is an input of a source.
type adaptData struct {
	source  Source
	input   int
	samples int
	shapes  [][]int // of all inputs
	texts   sourceStrings
}

// open checks the source.
func (d *adaptData) open(source Source) (err error) {
	if isNil(source) {
		return errors.New("no data")
	}
	if d.samples, err = lenOf(source); err != nil {
		return err
	}
	if d.shapes, _, err = shapesOf(source); err != nil {
		return err
	}
	switch {
	case d.samples == 0:
		return errors.New("no data")
	case len(d.shapes) == 0:
		return errors.New("the data has no inputs")
	case d.input < 0 || d.input >= len(d.shapes):
		return fmt.Errorf("AdaptInput is %d, the data has %s", d.input, text.Count(len(d.shapes), "input"))
	}
	d.source = source
	if d.texts, err = stringsOf(source); err != nil {
		return err
	}
	for k, s := range d.shapes {
		// Strings are read alone, numbers with all other inputs.
		if Shape(s).isFree() && (k == d.input || !d.texts.is(d.input)) {
			return fmt.Errorf("the data has samples of shape %v, want samples of one length", Shape(s))
		}
	}
	return nil
}

// shape is that of a sample of the input.
func (d *adaptData) shape() Shape { return d.shapes[d.input] }

// want checks whether the input is of strings.
func (d *adaptData) want(strings bool) error {
	if is := d.texts.is(d.input); is != strings {
		return fmt.Errorf("input %d of the data is of %s, want %s", d.input, kindOfValues(is), kindOfValues(strings))
	}
	return nil
}

// eachText calls f with the strings of each sample.
func (d *adaptData) eachText(ctx context.Context, f func(sample []string)) error {
	each := d.shape().Size()
	memory := make([]string, adaptBatch*each)
	return d.batches(ctx, func(indices []int) error {
		to := memory[:len(indices)*each]
		if err := d.texts.read(d.input, indices, to); err != nil {
			return err
		}
		for i := range indices {
			f(to[i*each : (i+1)*each])
		}
		return nil
	})
}

// eachNumbers calls f with the numbers of each sample.
func (d *adaptData) eachNumbers(ctx context.Context, f func(sample []float32) error) error {
	each := d.shape().Size()
	memory := make([][]float32, len(d.shapes))
	return d.batches(ctx, func(indices []int) error {
		for k, s := range d.shapes {
			if !d.texts.is(k) {
				memory[k] = make([]float32, len(indices)*Shape(s).Size())
			}
		}
		if err := readDense(d.source, indices, memory, nil); err != nil {
			return err
		}
		for i, n := range indices {
			if err := f(memory[d.input][i*each : (i+1)*each]); err != nil {
				return fmt.Errorf("sample %d: %w", n, err)
			}
		}
		return nil
	})
}

func (d *adaptData) batches(ctx context.Context, f func(indices []int) error) error {
	order := newBatchIterator(d.source, 0, d.samples, adaptBatch)
	for indices := order.next(); len(indices) > 0; indices = order.next() {
		if ctx.Err() != nil {
			return interrupted(ctx)
		}
		if err := f(indices); err != nil {
			return err
		}
	}
	return nil
}
