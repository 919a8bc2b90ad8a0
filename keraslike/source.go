// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/internal/kernel"
)

// Samples is data for training and evaluation: a Source, which is read by index, or a Stream,
// which is read sequentially. A Source or Stream may also implement Prefetcher, Resetter,
// RaggedSource, SparseSource, StringSource, SampleWeighter, StepWeighter or CheckedSamples.
type Samples interface {
	// Shapes returns the shapes of one sample of every input and every target.
	Shapes() (inputs, targets [][]int)
}

// Source is data that is read by index. Data makes one from arrays; package datasets has more,
// such as data sets, image folders and windows of time series.
type Source interface {
	Samples
	// Len returns the number of samples.
	Len() int
	// Read fills inputs[k] and targets[k] with the samples with the given indices, one
	// after another, row-major. It may be called from several goroutines. If targets is
	// nil, they are not needed.
	Read(indices []int, inputs, targets [][]float32) error
}

// RaggedSource is a Source whose samples differ in length, for models with free axes (see Any).
// Shapes returns Any for the axes in which they differ.
//
// Each batch has samples of the same shapes, which are grouped, and shuffled within their groups,
// in an order that depends on the seed only; groups of fewer samples than a batch has make smaller
// batches. Padded makes batches of samples of different lengths. Evaluate and PredictSource group
// samples as Fit does; PredictSource returns the results in the order of the samples, in an Array
// whose samples differ in length if those of the output do.
type RaggedSource interface {
	Source
	// SampleShapes returns the shapes of sample i of every input and every target. All samples
	// that Read is asked for at once have the same.
	SampleShapes(i int) (inputs, targets [][]int)
}

// Stream is data that is read sequentially, for example from a generator. A Resetter starts
// again for each epoch; for any other Stream the next epoch continues where the last one
// ended.
type Stream interface {
	Samples
	// Next fills inputs[k] and targets[k] with as many samples as they hold, one after
	// another, and returns their number, which is smaller only at the end. After the last
	// sample it returns 0 and io.EOF.
	Next(inputs, targets [][]float32) (n int, err error)
}

// Resetter is a Stream that can start again. It is reset for each epoch of Fit and for each
// validation.
type Resetter interface {
	Stream
	// Reset goes back to the first sample.
	Reset() error
}

// Prefetcher is a Source or Stream whose batches are read ahead, on a separate goroutine,
// while the model computes. A SparseSource is never read ahead.
type Prefetcher interface {
	Samples
	// Prefetch returns the maximum number of batches to read ahead, 0 for none.
	Prefetch() int
}

// EpochSource is a Source that reads other values in each epoch, such as pictures that are changed at random,
// by counting how often it has read a sample. In a distributed training, where a rank reads only a part of the
// samples, Fit calls StartEpoch before each epoch and before its validation. Package datasets has such sources.
type EpochSource interface {
	Source
	// StartEpoch makes the source continue as if each sample had been read n-1 times.
	StartEpoch(n int)
}

// SparseSource is a Source with inputs whose rows have few ones among many zeros, such as
// multi-hot words. They are multiplied as sparse matrices and never expanded. If all inputs
// are sparse, Read gets nil inputs.
type SparseSource interface {
	Source
	// SparseInput reports whether input k is sparse.
	SparseInput(k int) bool
	// Active returns the columns of the ones in sample i of input k, in ascending order.
	Active(k, i int) []int32
}

// StringSource is a Source with inputs of strings, for models with a StringInput. Shapes has the
// shapes of these inputs, too; Read gets nil for them.
type StringSource interface {
	Source
	// StringInput reports whether input k is of strings.
	StringInput(k int) bool
	// ReadStrings fills to with input k of the samples with the given indices, one after another,
	// row-major. It may be called from several goroutines.
	ReadStrings(k int, indices []int, to []string) error
}

// CheckedSamples is a Source or Stream that can report an error from its construction, such as an
// invalid option. Err is called before anything is read.
type CheckedSamples interface {
	Samples
	// Err returns the error, nil if there is none.
	Err() error
}

// Data makes a Source from inputs x and targets y, which must have the same number of
// samples. y may be nil for prediction. The values are not copied.
func Data(x, y *Array) (Source, error) {
	d := &data{}
	err := d.add("x", x, &d.inputs)
	if err == nil && y != nil {
		if err = d.add("y", y, &d.targets); err == nil {
			err = notStrings("y", y)
		}
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// MultiData makes a Source from several inputs and targets, which must have the same number
// of samples. targets may be nil for prediction. The values are not copied.
func MultiData(inputs, targets []*Array) (Source, error) {
	if len(inputs) == 0 {
		return nil, errors.New("data: no inputs")
	}
	d := &data{}
	for k, a := range inputs {
		if err := d.add(fmt.Sprint("input ", k), a, &d.inputs); err != nil {
			return nil, err
		}
	}
	for k, a := range targets {
		if err := d.add(fmt.Sprint("target ", k), a, &d.targets); err != nil {
			return nil, err
		}
		if err := notStrings(fmt.Sprint("target ", k), a); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// data is a Source of arrays.
type data struct {
	first           string // the name of the first array, for errors
	inputs, targets []*Array
}

// add appends an array, which must have the same number of samples as the others.
func (d *data) add(name string, a *Array, to *[]*Array) error {
	switch {
	case a.Len() == 0:
		return fmt.Errorf("data: %s is nil or empty", name)
	case d.first == "":
		d.first = name
	case a.Len() != d.Len():
		return fmt.Errorf("data: %s has %d samples, %s has %d", d.first, d.Len(), name, a.Len())
	}
	*to = append(*to, a)
	return nil
}

// notStrings rejects an array of strings where numbers are wanted.
func notStrings(what string, a *Array) error {
	if a.strings != nil {
		return fmt.Errorf("data: %s is of strings, want numbers, such as the indices of classes", what)
	}
	return nil
}

func (d *data) Len() int { return d.inputs[0].Len() }

func (d *data) Shapes() (inputs, targets [][]int) {
	for _, a := range d.inputs {
		inputs = append(inputs, a.shape[1:])
	}
	for _, a := range d.targets {
		targets = append(targets, a.shape[1:])
	}
	return inputs, targets
}

func (d *data) Read(indices []int, inputs, targets [][]float32) error {
	for k, a := range d.inputs {
		if a.strings == nil {
			a.read(indices, inputs[k])
		}
	}
	if targets != nil {
		for k, a := range d.targets {
			a.read(indices, targets[k])
		}
	}
	return nil
}

// StringInput reports whether input k is of strings.
func (d *data) StringInput(k int) bool { return d.inputs[k].strings != nil }

// ReadStrings copies the strings of samples.
func (d *data) ReadStrings(k int, indices []int, to []string) error {
	a := d.inputs[k]
	each := a.sampleSize()
	for i, j := range indices {
		copy(to[i*each:(i+1)*each], a.strings[j*each:(j+1)*each])
	}
	return nil
}

// SampleShapes returns the shapes of sample i.
func (d *data) SampleShapes(i int) (inputs, targets [][]int) {
	for _, a := range d.inputs {
		inputs = append(inputs, a.RowShape(i))
	}
	for _, a := range d.targets {
		targets = append(targets, a.RowShape(i))
	}
	return inputs, targets
}

// read copies the samples with the given indices.
func (a *Array) read(indices []int, to []float32) {
	for _, j := range indices {
		to = to[copy(to, a.Row(j)):]
	}
}

// sourceWrapper forwards the optional methods of a source. Sources that wrap another one embed
// it.
type sourceWrapper struct{ Source }

// Err forwards to the source.
func (s sourceWrapper) Err() error {
	if f, ok := s.Source.(CheckedSamples); ok {
		return f.Err()
	}
	return nil
}

// StartEpoch forwards to the source.
func (s sourceWrapper) StartEpoch(n int) {
	if e, ok := s.Source.(EpochSource); ok {
		e.StartEpoch(n)
	}
}

// Prefetch forwards to the source.
func (s sourceWrapper) Prefetch() int {
	if p, ok := s.Source.(Prefetcher); ok {
		return p.Prefetch()
	}
	return 0
}

// SampleShapes forwards to the source.
func (s sourceWrapper) SampleShapes(i int) (inputs, targets [][]int) {
	if r, ok := s.Source.(RaggedSource); ok {
		return r.SampleShapes(i)
	}
	return s.Shapes()
}

// WeightShape forwards to the source.
func (s sourceWrapper) WeightShape() []int {
	if w, ok := s.Source.(StepWeighter); ok {
		return w.WeightShape()
	}
	return nil
}

func (s sourceWrapper) padding() *padding { return paddingOf(s.Source) }

// SparseInput forwards to the source.
func (s sourceWrapper) SparseInput(k int) bool {
	source, ok := s.Source.(SparseSource)
	return ok && source.SparseInput(k)
}

// Active forwards to the source.
func (s sourceWrapper) Active(k, i int) []int32 { return s.Source.(SparseSource).Active(k, i) }

// StringInput forwards to the source.
func (s sourceWrapper) StringInput(k int) bool {
	source, ok := s.Source.(StringSource)
	return ok && source.StringInput(k)
}

// ReadStrings forwards to the source.
func (s sourceWrapper) ReadStrings(k int, indices []int, to []string) error {
	return s.Source.(StringSource).ReadStrings(k, indices, to)
}

// InputsAsTargets returns a source whose targets are its inputs, for autoencoders. The
// source's own targets are not read; its sample weights are kept.
func InputsAsTargets(source Source) Source {
	if isNil(source) {
		return nil
	}
	s := inputsAsTargets{sourceWrapper{source}}
	if w, ok := source.(SampleWeighter); ok {
		return &weightedInputsAsTargets{s, w}
	}
	return &s
}

type inputsAsTargets struct{ sourceWrapper }

type weightedInputsAsTargets struct {
	inputsAsTargets
	weights SampleWeighter
}

func (s *weightedInputsAsTargets) Weights(indices []int, to []float32) error {
	return s.weights.Weights(indices, to)
}

func (s *inputsAsTargets) Shapes() (inputs, targets [][]int) {
	inputs, _ = s.Source.Shapes()
	return inputs, inputs
}

func (s *inputsAsTargets) SampleShapes(i int) (inputs, targets [][]int) {
	inputs, _ = s.sourceWrapper.SampleShapes(i)
	return inputs, inputs
}

func (s *inputsAsTargets) Read(indices []int, inputs, targets [][]float32) error {
	for k := range targets {
		if s.StringInput(k) {
			return fmt.Errorf("input %d is of strings, which cannot be targets", k)
		}
	}
	if inputs != nil {
		if err := s.Source.Read(indices, inputs, nil); err != nil {
			return err
		}
	}
	for k, to := range targets {
		if inputs != nil {
			copy(to, inputs[k])
			continue
		}
		each := len(to) / len(indices)
		clear(to)
		for i, j := range indices { // of sparse rows, the only ones without inputs
			for _, column := range s.Active(k, j) {
				to[i*each+int(column)] = 1
			}
		}
	}
	return nil
}

// ReadAll reads all samples of a source into arrays; sparse inputs become dense, samples of
// different lengths a Ragged array. NaN and Inf
// are an error that names the sample. If the context is canceled, it returns an error that
// wraps ErrInterrupted and the context's error.
func ReadAll(ctx context.Context, source Source) (inputs, targets []*Array, err error) {
	defer caught(&err, "read all", nil, "")
	const atOnce = 256 // samples between checks of the context
	if err := checkContext(ctx); err != nil {
		return nil, nil, fmt.Errorf("read all: %w", err)
	}
	if isNil(source) {
		return nil, nil, errors.New("read all: no data")
	}
	in, out, err := shapesOf(source)
	if err != nil {
		return nil, nil, fmt.Errorf("read all: %w", err)
	}
	n, err := lenOf(source)
	if err != nil {
		return nil, nil, fmt.Errorf("read all: %w", err)
	}
	if n == 0 {
		return nil, nil, errors.New("read all: no data")
	}
	if isFree := func(s []int) bool { return Shape(s).isFree() }; slices.ContainsFunc(in, isFree) || slices.ContainsFunc(out, isFree) {
		if inputs, targets, err = readRagged(ctx, source, n); err != nil {
			return nil, nil, fmt.Errorf("read all: %w", err)
		}
		return inputs, targets, nil
	}
	empty := func(shapes [][]int, isString func(k int) bool) (list []*Array, err error) {
		for k, s := range shapes {
			a := &Array{shape: append([]int{n}, s...)}
			if err := checkShape(a.shape); err != nil {
				return nil, err
			}
			if isString(k) {
				a.strings = make([]string, Shape(a.shape).Size())
			} else {
				a.values = make([]float32, Shape(a.shape).Size())
			}
			list = append(list, a)
		}
		return list, nil
	}
	texts, err := stringsOf(source)
	if err == nil {
		inputs, err = empty(in, texts.is)
	}
	if err == nil {
		targets, err = empty(out, func(int) bool { return false })
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read all: %w", err)
	}
	b := newBatchIterator(source, 0, n, atOnce)
	for {
		if ctx.Err() != nil {
			return nil, nil, fmt.Errorf("read all: %w", interrupted(ctx))
		}
		indices := b.next()
		if len(indices) == 0 {
			return inputs, targets, nil
		}
		err := readDense(source, indices, samplesOf(inputs, indices), samplesOf(targets, indices))
		for k, a := range inputs {
			if a.strings != nil && err == nil {
				each := a.sampleSize()
				err = texts.read(k, indices, a.strings[indices[0]*each:][:len(indices)*each])
			}
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read all: %w", err)
		}
	}
}

// readRagged reads all samples of a source whose samples differ in length.
func readRagged(ctx context.Context, source Source, n int) (inputs, targets []*Array, err error) {
	ragged, ok := source.(RaggedSource)
	if !ok {
		return nil, nil, fmt.Errorf("the data has free axes and is %T, want a RaggedSource", source)
	}
	texts, err := stringsOf(source)
	if err != nil {
		return nil, nil, err
	}
	var samples [2][][]*Array // of inputs and targets
	for i := range n {
		if ctx.Err() != nil {
			return nil, nil, interrupted(ctx)
		}
		in, out, err := sampleShapesOf(ragged, i)
		if err != nil {
			return nil, nil, err
		}
		var values [2][][]float32
		for kind, shapes := range [2][][]int{in, out} {
			if values[kind], err = appendSample(&samples[kind], shapes); err != nil {
				return nil, nil, fmt.Errorf("sample %d: %w", i, err)
			}
		}
		for k := range texts.inputs {
			if texts.is(k) {
				a := &Array{shape: in[k], strings: make([]string, Shape(in[k]).Size())}
				samples[0][k][i], values[0][k] = a, nil
				if err := texts.read(k, []int{i}, a.strings); err != nil {
					return nil, nil, err
				}
			}
		}
		if err := readChecked(source, []int{i}, values[0], values[1]); err != nil {
			return nil, nil, err
		}
	}
	for kind, to := range []*[]*Array{&inputs, &targets} {
		for k, list := range samples[kind] {
			a, err := newRagged(list)
			if err != nil {
				return nil, nil, fmt.Errorf("%s %d: %w", []string{"input", "target"}[kind], k, err)
			}
			*to = append(*to, a)
		}
	}
	return inputs, targets, nil
}

// appendSample adds arrays of these shapes to the lists, one to each, and returns their memory.
func appendSample(lists *[][]*Array, shapes [][]int) (values [][]float32, err error) {
	for k, s := range shapes {
		if err := checkShape(append([]int{1}, s...)); err != nil {
			return nil, err
		}
		a := &Array{shape: s, values: make([]float32, Shape(s).Size())}
		if len(*lists) <= k {
			*lists = append(*lists, nil)
		}
		(*lists)[k] = append((*lists)[k], a)
		values = append(values, a.values)
	}
	return values, nil
}

// samplesOf returns the memory of consecutive samples.
func samplesOf(arrays []*Array, indices []int) (list [][]float32) {
	first, n := indices[0], len(indices)
	for _, a := range arrays {
		if a.strings != nil {
			list = append(list, nil)
			continue
		}
		list = append(list, a.values[first*a.sampleSize():(first+n)*a.sampleSize()])
	}
	return list
}

// readDense reads samples whose inputs may be sparse.
func readDense(source Source, indices []int, inputs, targets [][]float32) error {
	sparse, err := hasSparse(source)
	if err != nil {
		return err
	}
	if !sparse {
		return readChecked(source, indices, inputs, targets)
	}
	if len(targets) > 0 {
		if err := readChecked(source, indices, nil, targets); err != nil {
			return err
		}
	}
	s := source.(SparseSource)
	for k, to := range inputs {
		each := len(to) / len(indices)
		for i, j := range indices {
			active, err := activeOf(s, k, j, each)
			if err != nil {
				return err
			}
			for _, column := range active {
				to[i*each+int(column)] = 1
			}
		}
	}
	return nil
}

// readChecked reads samples and rejects NaN and Inf.
func readChecked(source Source, indices []int, inputs, targets [][]float32) error {
	if err := readFrom(source, indices, nilIfEmpty(inputs), nilIfEmpty(targets)); err != nil {
		return err
	}
	return checkBatch(inputs, targets, indices)
}

// nilIfEmpty returns nil for an empty list, by which a source knows that it is not needed.
func nilIfEmpty(list [][]float32) [][]float32 {
	if len(list) == 0 {
		return nil
	}
	return list
}

// checkBatch rejects inputs and targets that are NaN or infinite. Errors name the sample.
func checkBatch(inputs, targets [][]float32, indices []int) error {
	for k, x := range inputs {
		if err := checkFinite("input", k, x, indices); err != nil {
			return err
		}
	}
	for k, t := range targets {
		if err := checkFinite("target", k, t, indices); err != nil {
			return err
		}
	}
	return nil
}

// checkFinite returns an error for the first value of a batch that is NaN or infinite, with its
// sample.
func checkFinite(what string, k int, values []float32, indices []int) error {
	i := kernel.Finite(values)
	if i < 0 {
		return nil
	}
	each := len(values) / len(indices)
	return fmt.Errorf("%s %d of sample %d: value %d is %v", what, k, indices[i/each], i%each, values[i])
}

// Calls of a user's methods, whose panics are returned as errors.

// lenOf returns the number of a source's samples.
func lenOf(s Source) (n int, err error) {
	defer caught(&err, "source", s, "Len")
	if n = s.Len(); n < 0 {
		return 0, fmt.Errorf("source %T: has %d samples", s, n)
	}
	return n, nil
}

// shapesOf returns the shapes of the data.
func shapesOf(s Samples) (inputs, targets [][]int, err error) {
	defer caught(&err, "source", s, "Shapes")
	if f, ok := s.(CheckedSamples); ok && f.Err() != nil {
		return nil, nil, f.Err()
	}
	inputs, targets = s.Shapes()
	return inputs, targets, nil
}

// sampleShapesOf returns the shapes of sample i.
func sampleShapesOf(s RaggedSource, i int) (inputs, targets [][]int, err error) {
	defer caught(&err, "source", s, "SampleShapes")
	inputs, targets = s.SampleShapes(i)
	return inputs, targets, nil
}

// sourceStrings are the inputs of strings of a source, which may have none.
type sourceStrings struct {
	source StringSource
	inputs []bool
}

// stringsOf finds out which inputs of the data are of strings.
func stringsOf(data Samples) (t sourceStrings, err error) {
	s, ok := data.(StringSource)
	if !ok {
		return t, nil
	}
	in, _, err := shapesOf(data)
	if err != nil {
		return t, err
	}
	defer caught(&err, "source", data, "StringInput")
	for k := range in {
		t.inputs = append(t.inputs, s.StringInput(k))
	}
	t.source = s
	return t, nil
}

// is reports whether input k is of strings.
func (t *sourceStrings) is(k int) bool { return k < len(t.inputs) && t.inputs[k] }

// read reads the strings of samples.
func (t *sourceStrings) read(k int, indices []int, to []string) (err error) {
	defer caught(&err, "source", t.source, "ReadStrings")
	return t.source.ReadStrings(k, indices, to)
}

// readFrom reads samples.
func readFrom(s Source, indices []int, inputs, targets [][]float32) (err error) {
	defer caught(&err, "source", s, "Read")
	return s.Read(indices, inputs, targets)
}

// readStream reads samples of a stream.
func readStream(s Stream, inputs, targets [][]float32) (n int, err error) {
	defer caught(&err, "stream", s, "Next")
	return s.Next(inputs, targets)
}

// streamWrapper is a Stream that reads another one.
type streamWrapper interface {
	below() Stream
	rewind() // after the stream below was reset
}

// resetStream resets a stream, if it is a Resetter.
func resetStream(s Stream) (again bool, err error) {
	if w, ok := s.(streamWrapper); ok {
		if again, err = resetStream(w.below()); again {
			w.rewind()
		}
		return again, err
	}
	r, ok := s.(Resetter)
	if !ok {
		return false, nil
	}
	defer caught(&err, "stream", s, "Reset")
	return true, r.Reset()
}

// prefetchOf returns the number of batches to read ahead.
func prefetchOf(data Samples) (n int, err error) {
	p, ok := data.(Prefetcher)
	if !ok {
		return 0, nil
	}
	defer caught(&err, "source", data, "Prefetch")
	return max(0, p.Prefetch()), nil
}

// startEpoch calls StartEpoch of data that has it.
func startEpoch(data Samples, n int) (err error) {
	if s, ok := data.(EpochSource); ok {
		defer caught(&err, "source", data, "StartEpoch")
		s.StartEpoch(n)
	}
	return nil
}

// hasSparse reports whether any input is sparse.
func hasSparse(data Samples) (sparse bool, err error) {
	s, ok := data.(SparseSource)
	if !ok {
		return false, nil
	}
	in, _, err := shapesOf(data)
	if err != nil {
		return false, err
	}
	defer caught(&err, "source", data, "SparseInput")
	for k := range in {
		if s.SparseInput(k) {
			return true, nil
		}
	}
	return false, nil
}

// activeOf returns the columns of the ones in a sparse row, after checking them.
func activeOf(s SparseSource, k, i, columns int) (active []int32, err error) {
	defer caught(&err, "source", s, "Active")
	active = s.Active(k, i)
	last := int32(-1)
	for _, c := range active {
		if c <= last || int(c) >= columns {
			return nil, fmt.Errorf("input %d of sample %d: column %d follows %d, want ascending columns from 0 to %d", k, i, c, last, columns-1)
		}
		last = c
	}
	return active, nil
}
