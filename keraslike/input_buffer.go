// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// inputBuffer is a data node of a program with the value bound to it: its own memory, a sparse
// matrix, or a caller's value.
type inputBuffer struct {
	node    *graph.Node
	program *graph.Program
	input   int // of the program
	own     *tensor.Dense
	rows    *graph.CSR
	bound   graph.Value
}

func inputBuffers(p *graph.Program, nodes graph.Nodes) (list []*inputBuffer) {
	for _, n := range nodes {
		list = append(list, &inputBuffer{node: n, program: p, input: p.Input(n)})
	}
	return list
}

func nodesOf(buffers []*inputBuffer) (list graph.Nodes) {
	for _, b := range buffers {
		list = append(list, b.node)
	}
	return list
}

// bind binds a value to the node, unless it is bound already.
func (b *inputBuffer) bind(v graph.Value) error {
	if b.bound == v {
		return nil
	}
	if err := b.program.Bind(b.input, v); err != nil {
		return err
	}
	b.bound = v
	return nil
}

// bindFloats binds values in row-major order.
func (b *inputBuffer) bindFloats(values []float32) error {
	b.bound = nil
	return b.program.BindFloats(b.input, values)
}

// dense binds and returns the buffer's own memory.
func (b *inputBuffer) dense() ([]float32, error) {
	if b.own == nil {
		b.own = tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(b.node.Shape()...))
	}
	return b.own.Float32s(), b.bind(b.own)
}

// sparse binds and returns the buffer's own sparse matrix.
func (b *inputBuffer) sparse() (*graph.CSR, error) {
	if b.rows == nil {
		shape := b.node.Shape()
		if len(shape) != 2 {
			return nil, fmt.Errorf("%q has shape %v, want (batch, features) for a sparse input", b.node.Name(), shape)
		}
		b.rows = graph.NewCSR(shape[0], shape[1])
	}
	return b.rows, b.bind(b.rows)
}

// fillSparse reads the rows of samples of sparse input k.
func (b *inputBuffer) fillSparse(source SparseSource, k int, indices []int) error {
	m, err := b.sparse()
	if err != nil {
		return err
	}
	m.Cols = m.Cols[:0]
	for i, j := range indices {
		active, err := activeOf(source, k, j, m.Shape()[1])
		if err != nil {
			return err
		}
		m.Cols = append(m.Cols, active...)
		m.Indptr[i+1] = int32(len(m.Cols))
	}
	return nil
}

// batchBuffers are the buffers from which a graph reads one batch.
type batchBuffers struct {
	inputs, targets, sampleWeights []*inputBuffer
	carried                        []*inputBuffer // states that the batch before has left

	memory [2][][]float32 // of inputs and targets, see fill
}

// all returns all buffers.
func (b *batchBuffers) all() [4][]*inputBuffer {
	return [4][]*inputBuffer{b.inputs, b.targets, b.sampleWeights, b.carried}
}

// bytes returns the size of the buffers' own memory.
func (b *batchBuffers) bytes() (n int64) {
	for _, list := range b.all() {
		for _, one := range list {
			if one.own != nil {
				n += 4 * int64(one.own.DataSize())
			}
			if one.rows != nil {
				n += 4 * int64(cap(one.rows.Cols)+cap(one.rows.Indptr))
			}
		}
	}
	return n
}

// leave ends the use of what is bound; the program has left it.
func (b *batchBuffers) leave() {
	for _, list := range b.all() {
		for _, one := range list {
			one.bound = nil
		}
	}
}

// fill reads samples of a source directly into the buffers and rejects NaN and Inf. It
// returns the targets.
// Samples that differ in length are read by ragged, to the shapes of the batch.
func (b *batchBuffers) fill(source Source, indices []int, ragged *raggedSamples, shapes *batchShapes) (targets [][]float32, err error) {
	defer caught(&err, "source", source, "SparseInput")
	inputs, targets := b.memory[0][:0], b.memory[1][:0]
	rows, _ := source.(SparseSource)
	for k, x := range b.inputs {
		if rows != nil && rows.SparseInput(k) {
			if err := x.fillSparse(rows, k, indices); err != nil {
				return nil, err
			}
			continue
		}
		memory, err := x.dense()
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, memory)
	}
	if n := len(inputs); n > 0 && n < len(b.inputs) {
		return nil, fmt.Errorf("%d of the data's %d inputs are sparse, want all or none", len(b.inputs)-n, len(b.inputs))
	}
	for _, t := range b.targets {
		memory, err := t.dense()
		if err != nil {
			return nil, err
		}
		targets = append(targets, memory)
	}
	b.memory = [2][][]float32{inputs, targets}
	if ragged != nil {
		return targets, ragged.read(indices, shapes, inputs, targets)
	}
	return targets, readChecked(source, indices, inputs, targets)
}

// copyBatch copies a batch into the buffers and returns the targets.
func (b *batchBuffers) copyBatch(inputs, targets [][]float32) ([][]float32, error) {
	own := b.memory[1][:0]
	for k, x := range b.inputs {
		memory, err := x.dense()
		if err != nil {
			return nil, err
		}
		copy(memory, inputs[k])
	}
	for k, t := range b.targets {
		memory, err := t.dense()
		if err != nil {
			return nil, err
		}
		copy(memory, targets[k])
		own = append(own, memory)
	}
	b.memory[1] = own
	return own, nil
}

// setWeights sets the weights of the batch's samples, or of their steps.
func (b *batchBuffers) setWeights(weights []float32) error {
	for _, w := range b.sampleWeights {
		memory, err := w.dense()
		if err != nil {
			return err
		}
		if len(memory)%len(weights) != 0 {
			return fmt.Errorf("%d weights do not fit the %d values of a loss", len(weights), len(memory))
		}
		each := len(memory) / len(weights)
		for i, v := range weights {
			for j := range each {
				memory[i*each+j] = v
			}
		}
	}
	return nil
}
