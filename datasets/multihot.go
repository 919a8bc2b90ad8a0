// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
)

// MultiHot is a source of wide vectors that are one at the ids of a sample and zero
// elsewhere. Only the ids are kept in memory: a training loop that supports sparse inputs
// reads them with Active, and Read fills dense vectors.
//
// Input shape:  (width), sparse
//
// Target shape: those given to NewMultiHot
type MultiHot struct {
	layout
	columns []int32 // of all samples, one after another
	first   []int   // sample i has columns[first[i]:first[i+1]]
	y       []Array
	names   []string
}

// NewMultiHot returns a source for the ids of each sample, which may repeat and come in any
// order. An id outside 0..width-1 is an error that names its sample.
func NewMultiHot(ids [][]int32, width int, targets []Array) (*MultiHot, error) {
	if width < 1 {
		return nil, fmt.Errorf("multi-hot: width %d, want at least 1", width)
	}
	m := &MultiHot{first: make([]int, 1, len(ids)+1), y: targets}
	var shapes [][]int
	for k, a := range targets {
		shapes = append(shapes, a.Shape)
		if size := sizeOf(a.Shape); size < 1 || len(a.Data)%size != 0 || len(a.Data)/size != len(ids) {
			return nil, fmt.Errorf("multi-hot: target %d has %d numbers, want %d samples of shape %v", k, len(a.Data), len(ids), a.Shape)
		}
	}
	m.layout = newLayout([][]int{{width}}, shapes)
	for i, list := range ids {
		at := len(m.columns)
		m.columns = append(m.columns, list...)
		own := m.columns[at:]
		slices.Sort(own)
		if n := len(own); n > 0 && (own[0] < 0 || int(own[n-1]) >= width) {
			return nil, fmt.Errorf("multi-hot: sample %d: ids %d to %d, want 0 to %d", i, own[0], own[n-1], width-1)
		}
		own = slices.Compact(own)
		m.columns = m.columns[:at+len(own)]
		m.first = append(m.first, len(m.columns))
	}
	m.columns = slices.Clip(m.columns)
	return m, nil
}

// Len is the number of samples.
func (m *MultiHot) Len() int { return len(m.first) - 1 }

// Names returns the class names.
func (m *MultiHot) Names() []string { return m.names }

// SparseInput is true for the only input.
func (m *MultiHot) SparseInput(k int) bool { return k == 0 }

// Active returns the columns that are one in sample i: sorted, distinct, owned by the
// source.
func (m *MultiHot) Active(_, i int) []int32 {
	return m.columns[m.first[i]:m.first[i+1]:m.first[i+1]]
}

// Read fills the dense vectors and the targets.
func (m *MultiHot) Read(indices []int, inputs, targets [][]float32) error {
	if err := m.check(m.Len(), indices, inputs, targets); err != nil {
		return fmt.Errorf("multi-hot: %w", err)
	}
	if wanted(inputs) {
		width := m.inputSizes[0]
		clear(inputs[0][:len(indices)*width])
		for j, i := range indices {
			row := inputs[0][j*width : (j+1)*width]
			for _, c := range m.Active(0, i) {
				row[c] = 1
			}
		}
	}
	gather(targets, m.y, m.targetSizes, indices)
	return nil
}
