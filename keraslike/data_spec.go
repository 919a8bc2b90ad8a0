// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/reef-dl/reef/internal/text"
)

// dataSpec describes the data that a model accepts.
type dataSpec struct {
	network  *network
	compiled *compiled // nil if no targets are read
	model    string    // the model's name, for errors
	inputs   []Shape   // of one sample, as the graph gets it
	outputs  []Shape
	targets  []Shape  // nil if none are read
	targeted []int    // their outputs
	wanted   []string // the loss or metric that uses each target, for errors
	signed   bool     // whether the first output's classes are -1 and 1

	mu    sync.Mutex // guards known, where batches are read ahead
	known map[lengths]*batchShapes
}

// batchShapes are the shapes of one sample of a batch: those of the inputs, outputs and targets of
// the model at lengths of the free axes.
type batchShapes struct {
	lengths                  lengths
	inputs, outputs, targets []Shape
}

// at returns the shapes for lengths of the free axes.
func (d *dataSpec) at(l lengths) (*batchShapes, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.known[l]; known != nil {
		return known, nil
	}
	b := &batchShapes{lengths: l, inputs: d.inputs, outputs: d.outputs, targets: d.targets}
	if d.network.isFree() {
		z, err := d.network.sizesAt(l)
		if err != nil {
			return nil, fmt.Errorf("model %q: %w", d.model, err)
		}
		b.inputs, b.outputs, b.targets = z.shapes(d.network.edges), z.shapes(d.network.outputs), nil
		if d.compiled != nil && d.compiled.phases != nil {
			for k := range d.targets {
				target, err := d.compiled.data.targetAt(k, l, d.network.freeAxes())
				if err != nil {
					return nil, fmt.Errorf("model %q: %w", d.model, err)
				}
				b.targets = append(b.targets, target)
			}
		}
		for _, k := range d.targeted {
			target, err := d.compiled.targetOf(k, b.outputs[k])
			if err != nil {
				return nil, fmt.Errorf("model %q: %w", d.model, err)
			}
			b.targets = append(b.targets, target)
		}
	}
	if d.known == nil {
		d.known = map[lengths]*batchShapes{}
	}
	d.known[l] = b
	return b, nil
}

// accepts returns an error if the shapes of the data are not those of the model. It returns the
// shapes of a sample where all have the same, else nil.
func (d *dataSpec) accepts(data Samples) (*batchShapes, error) {
	in, out, err := shapesOf(data)
	if err != nil {
		return nil, err
	}
	if _, stream := data.(Stream); stream && d.targets == nil && len(out) > 0 && d.compiled != nil {
		return nil, fmt.Errorf("the stream has %s, of which no phase of model %q makes use: declare them by Step.Target", text.Count(len(out), "target"), d.model)
	}
	if d.targets == nil {
		out = nil
	} else if len(out) != len(d.targets) {
		return nil, d.wrongTargets(len(out))
	}
	if err := d.acceptsInputs(in); err != nil {
		return nil, err
	}
	texts, err := stringsOf(data)
	if err != nil {
		return nil, err
	}
	if k := slices.Index(texts.inputs, true); k >= 0 {
		return nil, fmt.Errorf("input %d of the data is of strings, model %q wants numbers there", k, d.model)
	}
	if isFree := func(s []int) bool { return Shape(s).isFree() }; slices.ContainsFunc(in, isFree) || slices.ContainsFunc(out, isFree) {
		if _, ok := data.(RaggedSource); !ok {
			return nil, fmt.Errorf("the data has free axes and is %T, want a RaggedSource", data)
		}
		return nil, d.acceptsTargets(out, d.targets)
	}
	b, err := d.at(d.lengthsOf(in))
	if err != nil {
		return nil, err
	}
	return b, d.acceptsTargets(out, b.targets)
}

// wrongTargets returns the error for data with n targets.
func (d *dataSpec) wrongTargets(n int) error {
	err := fmt.Errorf("the data has %s, model %q wants %d", text.Count(n, "target"), d.model, len(d.targets))
	if len(d.targeted) < len(d.outputs) {
		err = fmt.Errorf("%w: %d of its %d outputs have NoLoss and are not measured", err, len(d.outputs)-len(d.targeted), len(d.outputs))
	}
	return err
}

// acceptsInputs checks the shapes of inputs.
func (d *dataSpec) acceptsInputs(in [][]int) error {
	if len(in) != len(d.inputs) {
		return fmt.Errorf("the data has %s, model %q wants %d", text.Count(len(in), "input"), d.model, len(d.inputs))
	}
	for k, want := range d.inputs {
		if !shapesMatch(in[k], want) {
			return fmt.Errorf("input %d of the data has shape %v, model %q wants %v", k, Shape(in[k]), d.model, want)
		}
	}
	return nil
}

// acceptsTargets checks the shapes of targets.
func (d *dataSpec) acceptsTargets(out [][]int, targets []Shape) error {
	for k, want := range targets {
		if !shapesMatch(out[k], want) {
			return fmt.Errorf("the targets have shape %v, %s wants %v", Shape(out[k]), d.wanted[k], want)
		}
	}
	return nil
}

// lengthsOf returns the lengths of the free axes for inputs of these shapes, which have been
// accepted.
func (d *dataSpec) lengthsOf(in [][]int) lengths {
	return d.network.lengthsOf(func(k, axis int) int { return axisLength(in[k], axis) })
}

// shapesMatch compares shapes, ignoring trailing axes of length 1: the shape of a single number may
// be () or (1). A free axis that is wanted matches any length, and data whose samples differ in it.
func shapesMatch(got, want []int) bool {
	for axis := range max(len(got), len(want)) {
		g, w := axisLength(got, axis), axisLength(want, axis)
		if g != w && (w != Any || g < 1) {
			return false
		}
	}
	return true
}

// axisLength returns the length of an axis, 1 behind the last one.
func axisLength(shape []int, axis int) int {
	if axis < len(shape) {
		return shape[axis]
	}
	return 1
}

// raggedSamples are the samples of a source that differ in length.
type raggedSamples struct {
	spec     *dataSpec
	source   RaggedSource
	padding  *padding       // nil if batches are of samples of the same lengths
	distinct []*batchShapes // that samples have
	least    []lengths      // to which samples of each of these shapes are padded at least
	of       []int          // for each sample of a range, its shapes
	first    int            // sample of the range
	axes     int            // free axes of the inputs

	scratch [2][][]float32 // of one sample: inputs and targets
	one     [2][][]float32
}

// newRaggedSamples finds the shapes of all samples of a range, and makes batches of those that
// belong together.
func newRaggedSamples(spec *dataSpec, order *batchIterator) (*raggedSamples, error) {
	r := &raggedSamples{spec: spec, source: order.source.(RaggedSource), padding: paddingOf(order.source), first: order.first, axes: spec.network.freeAxes()}
	if sparse, err := hasSparse(order.source); sparse || err != nil {
		return nil, errors.Join(err, errors.New("sparse inputs of different lengths are impossible"))
	}
	type key struct{ inputs, targets lengths }
	index := map[key]int{}
	for i := range order.order {
		in, out, err := sampleShapesOf(r.source, r.first+i)
		if err != nil {
			return nil, err
		}
		own, targets, err := r.check(in, out)
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", r.first+i, err)
		}
		at, again := index[key{own, targets}]
		if !again {
			at = len(r.distinct)
			index[key{own, targets}] = at
			b, err := r.shapes(own, in, out)
			if err != nil {
				return nil, fmt.Errorf("sample %d: %w", r.first+i, err)
			}
			r.distinct = append(r.distinct, b)
		}
		r.of = append(r.of, at)
	}
	r.group(order)
	if spec.network.isStateful() && slices.Max(order.groups) > 0 {
		return nil, spec.network.statefulLengths()
	}
	return r, nil
}

// check returns the lengths of the free axes of a sample's inputs and targets.
func (r *raggedSamples) check(in, out [][]int) (inputs, targets lengths, err error) {
	d := r.spec
	if err := d.acceptsInputs(in); err != nil {
		return inputs, targets, err
	}
	if d.targets != nil && len(out) != len(d.targets) {
		return inputs, targets, d.wrongTargets(len(out))
	}
	if err := d.acceptsTargets(out, d.targets); err != nil {
		return inputs, targets, err
	}
	i := 0
	for k, s := range d.targets {
		for axis, n := range s {
			if n == Any {
				targets = targets.with(i, axisLength(out[k], axis))
				i++
			}
		}
	}
	inputs = d.lengthsOf(in)
	for _, n := range slices.Concat(inputs.all(d.network.freeAxes()), targets.all(i)) {
		if n < 1 {
			return inputs, targets, fmt.Errorf("its inputs have shapes %s and its targets %s, want lengths of at least 1", formatShapes(asShapes(in)), formatShapes(asShapes(out)))
		}
	}
	return inputs, targets, nil
}

func asShapes(list [][]int) (shapes []Shape) {
	for _, s := range list {
		shapes = append(shapes, s)
	}
	return shapes
}

// shapes returns the shapes of samples of these lengths. Those whose batches are not padded have
// the targets that the model has.
func (r *raggedSamples) shapes(l lengths, in, out [][]int) (*batchShapes, error) {
	if r.padding == nil {
		b, err := r.spec.at(l)
		if err != nil {
			return nil, err
		}
		return b, r.spec.acceptsTargets(out, b.targets)
	}
	b := &batchShapes{lengths: l}
	for k, s := range r.spec.inputs {
		b.inputs = append(b.inputs, likeShape(in[k], s))
	}
	for k, s := range r.spec.targets {
		b.targets = append(b.targets, likeShape(out[k], s))
	}
	return b, nil
}

// likeShape returns a shape with as many axes as want, from which it differs only in trailing axes
// of length 1.
func likeShape(got []int, want Shape) Shape {
	out := make(Shape, len(want))
	for axis := range out {
		out[axis] = axisLength(got, axis)
	}
	return out
}

// group makes batches of samples of the same shapes, or of the same bucket.
func (r *raggedSamples) group(order *batchIterator) {
	if r.padding == nil {
		order.group(r.of)
		return
	}
	numbers, of := map[lengths]int{}, make([]int, len(r.distinct))
	for i, b := range r.distinct {
		least, group := r.padding.bucket(b.lengths, r.axes)
		if _, again := numbers[group]; !again {
			numbers[group] = len(numbers)
		}
		r.least, of[i] = append(r.least, least), numbers[group]
	}
	groups := make([]int, len(r.of))
	for i, at := range r.of {
		groups[i] = of[at]
	}
	order.group(groups)
}

// own returns the shapes of a sample.
func (r *raggedSamples) own(sample int) *batchShapes { return r.distinct[r.of[sample-r.first]] }

// batch returns the shapes of a batch.
func (r *raggedSamples) batch(indices []int) (*batchShapes, error) {
	if r.padding == nil {
		return r.own(indices[0]), nil
	}
	var longest lengths
	for _, i := range indices {
		longest = longest.max(r.least[r.of[i-r.first]], r.axes)
	}
	return r.spec.at(longest)
}

// read reads the samples of a batch, padded to its shapes, and rejects NaN and Inf.
func (r *raggedSamples) read(indices []int, shapes *batchShapes, inputs, targets [][]float32) error {
	if r.padding == nil {
		return readChecked(r.source, indices, inputs, targets)
	}
	for i, j := range indices {
		own := r.own(j)
		for k, s := range own.targets {
			if targets != nil && !fitsIn(s, shapes.targets[k]) {
				return fmt.Errorf("sample %d: its target %d has shape %v, the model has %v for a batch of inputs %s", j, k, s, shapes.targets[k], formatShapes(shapes.inputs))
			}
		}
		in := r.places(0, i, own.inputs, shapes.inputs, inputs)
		out := r.places(1, i, own.targets, shapes.targets, targets)
		if err := readFrom(r.source, indices[i:i+1], in, nilIfEmpty(out)); err != nil {
			return err
		}
		for k, x := range inputs {
			size := shapes.inputs[k].Size()
			padded(x[i*size:(i+1)*size], shapes.inputs[k], in[k], own.inputs[k], r.padding.value)
		}
		for k, x := range targets {
			size := shapes.targets[k].Size()
			padded(x[i*size:(i+1)*size], shapes.targets[k], out[k], own.targets[k], 0)
		}
	}
	return checkBatch(inputs, targets, indices)
}

// places returns memory for the values of sample i of a batch: that of the batch where the sample
// is as long.
func (r *raggedSamples) places(kind, i int, own, shapes []Shape, of [][]float32) [][]float32 {
	list := r.one[kind][:0]
	for k := range of {
		size, whole := own[k].Size(), shapes[k].Size()
		if size == whole {
			list = append(list, of[k][i*whole:(i+1)*whole])
			continue
		}
		for len(r.scratch[kind]) <= k {
			r.scratch[kind] = append(r.scratch[kind], nil)
		}
		if cap(r.scratch[kind][k]) < whole {
			r.scratch[kind][k] = make([]float32, whole)
		}
		list = append(list, r.scratch[kind][k][:size])
	}
	r.one[kind] = list
	return list
}

// fitsIn reports whether no axis is longer than that of a larger shape.
func fitsIn(s, larger Shape) bool {
	for i, n := range s {
		if n > larger[i] {
			return false
		}
	}
	return true
}
