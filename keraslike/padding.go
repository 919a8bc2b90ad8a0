// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
)

// Padded returns a source whose samples may differ in length, see RaggedSource, with batches of
// samples of different lengths: each batch is padded at the end of every free axis to its longest
// sample, as pad_sequences(padding="post") and padded_batch do. Without it all samples of a batch
// have the same lengths, so that batches are small where lengths vary much.
//
// The layers of the model see which steps are padded if its first layer is Embedding with
// MaskZero, or Masking with the value of PadValue. Without a mask padded steps are values like
// others. Targets are padded with zeros; the loss does not count them if the output has a mask.
//
// Options:
//
//	PadValue  0     the value of the padded steps of inputs
//	Buckets   none  lengths to which samples are padded, each batch to one of them
//
// See https://keras.io/guides/understanding_masking_and_padding/.
func Padded(source Source, options ...PadOption) Source {
	if isNil(source) {
		return nil
	}
	p := &padding{}
	for _, o := range given(options, &p.mistake) {
		o.applyPadding(p)
	}
	s := paddedSource{sourceWrapper{source}, p}
	if w, ok := source.(SampleWeighter); ok {
		return &weightedPadded{s, w}
	}
	return &s
}

// PadOption is an option of Padded.
type PadOption interface{ applyPadding(*padding) }

type padOption func(*padding)

func (o padOption) applyPadding(p *padding) { o(p) }

// PadValue is the value of the padded steps of inputs; the default is 0.
func PadValue(v float64) PadOption {
	return padOption(func(p *padding) {
		if p.value = float32(v); math.IsNaN(v) || math.IsInf(float64(p.value), 0) {
			p.mistake = fmt.Errorf("padded: value is %g, want a finite number of float32", v)
		}
	})
}

// Buckets pads each sample to the smallest of these lengths that is not shorter, and makes
// batches of samples that are padded to the same lengths. This wastes less work on padding, and
// the model compiles a graph for each bucket only instead of one for each length. Samples longer
// than all buckets are in a batch of their own, which is padded to its longest. By default there
// are no buckets.
func Buckets(lengths ...int) PadOption {
	return padOption(func(p *padding) {
		p.buckets = slices.Sorted(slices.Values(lengths))
		if len(lengths) > 0 && p.buckets[0] < 1 {
			p.mistake = fmt.Errorf("padded: bucket of length %d, want at least 1", p.buckets[0])
		}
	})
}

// padding is how the samples of a source are padded.
type padding struct {
	value   float32
	buckets []int // ascending
	mistake error
}

// bucket returns the lengths to which a sample with these lengths of n free axes is padded at
// least, and what tells the samples that may be in one batch with it: the buckets of its axes, 0
// behind the last one.
func (p *padding) bucket(l lengths, n int) (least, group lengths) {
	if len(p.buckets) == 0 {
		return l, lengths{}
	}
	for i, length := range l.all(n) {
		bucket := 0
		if at, _ := slices.BinarySearch(p.buckets, length); at < len(p.buckets) {
			length, bucket = p.buckets[at], p.buckets[at]
		}
		least, group = least.with(i, length), group.with(i, bucket)
	}
	return least, group
}

type paddedSource struct {
	sourceWrapper
	own *padding
}

type weightedPadded struct {
	paddedSource
	weights SampleWeighter
}

func (s *weightedPadded) Weights(indices []int, to []float32) error {
	return s.weights.Weights(indices, to)
}

// Err returns a mistake in the options or the error of the source.
func (s *paddedSource) Err() error {
	if s.own.mistake != nil {
		return s.own.mistake
	}
	return s.sourceWrapper.Err()
}

func (s *paddedSource) padding() *padding { return s.own }

// paddingOf returns how the samples of a source are padded, nil if they are not.
func paddingOf(s Source) *padding {
	if p, ok := s.(interface{ padding() *padding }); ok {
		return p.padding()
	}
	return nil
}

// padded copies the values of a sample to the start of a larger one, which is filled with the
// value elsewhere.
func padded(to []float32, larger Shape, from []float32, shape Shape, value float32) {
	if shape.Equal(larger) {
		copy(to, from)
		return
	}
	step, own := larger[1:].Size(), shape[1:].Size()
	for i := range larger[0] {
		if i < shape[0] {
			padded(to[i*step:(i+1)*step], larger[1:], from[i*own:(i+1)*own], shape[1:], value)
			continue
		}
		for j := range step {
			to[i*step+j] = value
		}
	}
}

// trimmed returns the values of a sample from the start of a larger one.
func trimmed(from []float32, larger, shape Shape) []float32 {
	if shape.Equal(larger) {
		return slices.Clone(from)
	}
	step, out := larger[1:].Size(), make([]float32, 0, shape.Size())
	for i := range shape[0] {
		out = append(out, trimmed(from[i*step:(i+1)*step], larger[1:], shape[1:])...)
	}
	return out
}
