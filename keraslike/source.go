// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// Source is what a model reads: samples by index. Data makes one of tensors in
// memory; the data sets, folders and windows of package datasets are others.
type Source interface {
	// Len is the number of samples.
	Len() int
	// Shapes gives the shape of one sample of every input and every target.
	Shapes() (inputs, targets [][]int)
	// Read fills inputs[k] and targets[k] with the samples at the indices, one
	// after another, row-major. It may be called from several goroutines. A nil
	// targets means that nobody wants them.
	Read(indices []int, inputs, targets [][]float32) error
}

// Samples is what a model is trained on and measured with: a Source, whose samples
// have numbers, or a Stream, which is read once from its beginning.
type Samples interface {
	// Shapes gives the shape of one sample of every input and every target.
	Shapes() (inputs, targets [][]int)
}

// Stream gives samples one after another, for instance from a generator. With a
// method Reset() error it is begun again for each epoch; without one an epoch goes
// on where the last one ended.
type Stream interface {
	Samples
	// Next fills as many samples as the slices hold, one after another, and
	// returns how many it filled; fewer only before the end. After the last
	// sample it returns 0 and io.EOF.
	Next(inputs, targets [][]float32) (n int, err error)
}

// A Source or Stream with a method Prefetch() int is read on a goroutine of its own,
// at most that many batches ahead, while the model is trained.
type prefetcher interface{ Prefetch() int }

// Data is a Source of tensors in memory, float32, row-major and with the samples along
// the first axis. y may be nil for prediction. The tensors are not copied.
func Data(x, y *tensor.Dense) (Source, error) {
	if x == nil {
		return nil, fmt.Errorf("data: x is nil")
	}
	d := &data{n: -1}
	err := d.add("x", x, &d.inputs)
	if err == nil && y != nil {
		err = d.add("y", y, &d.targets)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// DataOf is Data for models with several inputs or targets.
func DataOf(inputs, targets []*tensor.Dense) (Source, error) {
	d := &data{n: -1}
	for k, t := range inputs {
		if err := d.add(fmt.Sprint("input ", k), t, &d.inputs); err != nil {
			return nil, err
		}
	}
	for k, t := range targets {
		if err := d.add(fmt.Sprint("target ", k), t, &d.targets); err != nil {
			return nil, err
		}
	}
	if len(inputs) == 0 {
		return nil, fmt.Errorf("data: no inputs")
	}
	return d, nil
}

// add appends a tensor, which must have as many samples as those before.
func (d *data) add(name string, t *tensor.Dense, to *[]array) error {
	if t == nil || t.Dtype().Type == nil {
		return fmt.Errorf("data: %s is nil or empty", name)
	}
	shape := t.Shape()
	if t.Dtype() != tensor.Float32 || len(shape) == 0 {
		return fmt.Errorf("data: %s is %v of shape %v, want float32 with the samples along the first axis", name, t.Dtype(), shape)
	}
	if err := graph.CheckLayout(t); err != nil {
		return fmt.Errorf("data: %s: %w", name, err)
	}
	if d.n >= 0 && shape[0] != d.n {
		return fmt.Errorf("data: x has %d samples, %s has %d", d.n, name, shape[0])
	}
	d.n = shape[0]
	a := array{values: t.Float32s(), shape: append([]int{}, shape[1:]...)}
	a.each = Shape(a.shape).Size()
	*to = append(*to, a)
	return nil
}

type data struct {
	n               int
	inputs, targets []array
}

type array struct {
	values []float32
	shape  []int
	each   int
}

func (d *data) Len() int { return d.n }

func (d *data) Shapes() (inputs, targets [][]int) {
	for _, a := range d.inputs {
		inputs = append(inputs, a.shape)
	}
	for _, a := range d.targets {
		targets = append(targets, a.shape)
	}
	return inputs, targets
}

func (d *data) Read(indices []int, inputs, targets [][]float32) error {
	for k, a := range d.inputs {
		a.read(indices, inputs[k])
	}
	if targets != nil {
		for k, a := range d.targets {
			a.read(indices, targets[k])
		}
	}
	return nil
}

func (a array) read(indices []int, to []float32) {
	for i, j := range indices {
		copy(to[i*a.each:(i+1)*a.each], a.values[j*a.each:(j+1)*a.each])
	}
}

// finite reports the first value of a batch that is no number, by sample.
func finite(what string, k int, values []float32, indices []int) error {
	i := kernel.Finite(values)
	if i < 0 {
		return nil
	}
	each := len(values) / len(indices)
	return fmt.Errorf("%s %d of sample %d: value %d is %v", what, k, indices[i/each], i%each, values[i])
}
