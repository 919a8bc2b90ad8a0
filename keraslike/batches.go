// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// batches reads a range of a source batch by batch, in a given order.
type batches struct {
	source Source
	order  []int // numbers of samples
	size   int
	at     int

	inputs, targets [][]float32 // of the batch that is read
}

// newBatches checks that the source fits the model before anything is read.
func (m *Model) newBatches(source Source, lo, hi, size int, targets bool) (*batches, error) {
	if err := m.accepts(source, targets); err != nil {
		return nil, err
	}
	b := &batches{source: source, size: size, order: make([]int, hi-lo)}
	for i := range b.order {
		b.order[i] = lo + i
	}
	return b, nil
}

// accepts compares the shapes of the data with the model's.
func (m *Model) accepts(data Samples, targets bool) error {
	in, out, err := shapesOf(data)
	if err != nil {
		return err
	}
	if len(in) != len(m.inputs) {
		return fmt.Errorf("the data has %d inputs, model %q wants %d", len(in), m.name, len(m.inputs))
	}
	for i, x := range m.inputs {
		if !fits(in[i], x.shape) {
			return fmt.Errorf("input %d of the data has shape %v, model %q wants %v", i, Shape(in[i]), m.name, x.shape)
		}
	}
	if !targets {
		return nil
	}
	c := m.compiled
	if len(out) != len(c.targets) {
		return fmt.Errorf("the data has %d targets, model %q wants %d", len(out), m.name, len(c.targets))
	}
	for k, want := range c.targets {
		if !fits(out[k], want) {
			return fmt.Errorf("the targets have shape %v, %s of outputs %v wants %v", Shape(out[k]), c.losses[k].Name(), m.outputs[k].shape, want)
		}
	}
	return nil
}

// fits compares shapes without axes of length 1 at the end: one number for
// each sample is () to some and (1) to others.
func fits(got, want []int) bool {
	trim := func(s []int) []int {
		for len(s) > 0 && s[len(s)-1] == 1 {
			s = s[:len(s)-1]
		}
		return s
	}
	return slices.Equal(trim(got), trim(want))
}

// shuffle puts the samples into a random order (Fisher-Yates) that depends on
// the generator alone, not on the order of the epoch before.
func (b *batches) shuffle(rng *rand.Rand) {
	slices.Sort(b.order)
	rng.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
}

// rewind starts over.
func (b *batches) rewind() { b.at = 0 }

// count is the number of batches; the last may be smaller.
func (b *batches) count() int {
	n := len(b.order) / b.size
	if len(b.order)%b.size > 0 {
		n++
	}
	return n
}

// next are the samples of the next batch, none at the end.
func (b *batches) next() []int {
	n := min(b.size, len(b.order)-b.at)
	b.at += n
	return b.order[b.at-n : b.at]
}

// Sparse is a Source some of whose inputs are rows of few ones among many
// zeros, such as multi-hot words. Such rows are never multiplied as dense ones.
// Where all inputs are sparse, Read gets nil inputs.
type Sparse interface {
	Source
	// SparseInput tells whether input k is sparse.
	SparseInput(k int) bool
	// Active are the columns of the ones of sample i, ascending and distinct.
	Active(k, i int) []int32
}

// read fills a plan's memory and refuses numbers that are none.
func (b *batches) read(p *plan, indices []int) (err error) {
	defer caught(&err, "source", b.source, "SparseInput")
	b.inputs, b.targets = b.inputs[:0], b.targets[:0]
	source, _ := b.source.(Sparse)
	for k, x := range p.inputs {
		if source != nil && source.SparseInput(k) {
			if err := readSparse(x, source, k, indices); err != nil {
				return err
			}
			continue
		}
		memory, err := x.dense()
		if err != nil {
			return err
		}
		b.inputs = append(b.inputs, memory)
	}
	if n := len(b.inputs); n > 0 && n < len(p.inputs) {
		return fmt.Errorf("%d of the data's %d inputs are sparse, want all or none", len(p.inputs)-n, len(p.inputs))
	}
	for _, t := range p.targets {
		memory, err := t.dense()
		if err != nil {
			return err
		}
		b.targets = append(b.targets, memory)
	}
	return b.fill(indices, b.inputs, b.targets)
}

// fill reads samples into memory and refuses numbers that are none.
func (b *batches) fill(indices []int, inputs, targets [][]float32) error {
	if err := readFrom(b.source, indices, orNil(inputs), orNil(targets)); err != nil {
		return err
	}
	return checkBatch(inputs, targets, indices)
}

// orNil tells a source that nobody wants what is empty.
func orNil(list [][]float32) [][]float32 {
	if len(list) == 0 {
		return nil
	}
	return list
}

func readSparse(x *place, source Sparse, k int, indices []int) (err error) {
	defer caught(&err, "source", source, "Active")
	m, err := x.sparse()
	if err != nil {
		return err
	}
	columns := int32(m.Shape()[1])
	m.Cols = m.Cols[:0]
	for i, j := range indices {
		active := source.Active(k, j)
		last := int32(-1)
		for _, c := range active {
			if c <= last || c >= columns {
				return fmt.Errorf("input %d of sample %d: column %d behind %d, want them to ascend from 0 to %d", k, j, c, last, columns-1)
			}
			last = c
		}
		m.Cols = append(m.Cols, active...)
		m.Indptr[i+1] = int32(len(m.Cols))
	}
	return nil
}
