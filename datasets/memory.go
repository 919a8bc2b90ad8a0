// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
)

// Array is a block of samples: the shape of one sample, and the numbers of all,
// row-major. It is a Source of one input without targets, so that a model can predict what
// LoadImage and PadSequences return:
//
//	image, err := datasets.LoadImageFile("cat.jpg", options)
//	outputs, err := model.PredictSource(ctx, image)
//
// The Array of package keraslike has the batch axis in its shape; ReadAll there makes such
// arrays of any source, and NewArray of this one:
//
//	x, err := k.NewArray(a.Data, append([]int{a.Len()}, a.Shape...)...)
type Array struct {
	Shape []int
	Data  []float32
}

// Len is the number of samples.
func (a Array) Len() int { return len(a.Data) / max(sizeOf(a.Shape), 1) }

// Shapes returns the shape of one sample.
func (a Array) Shapes() (inputs, targets [][]int) { return [][]int{a.Shape}, nil }

// Read copies the samples at the indices.
func (a Array) Read(indices []int, inputs, targets [][]float32) error {
	l := newLayout(a.Shapes())
	if n := a.Len(); len(a.Data) != n*l.inputSizes[0] {
		return fmt.Errorf("array: %d numbers are not a whole number of samples of shape %v", len(a.Data), a.Shape)
	} else if err := l.check(n, indices, inputs, targets); err != nil {
		return fmt.Errorf("array: %w", err)
	}
	gather(inputs, []Array{a}, l.inputSizes, indices)
	return nil
}

// InMemory returns a source of arrays that all have the same number of samples. It keeps
// the slices. A NaN or Inf is an error that states its position.
func InMemory(inputs, targets []Array) (Source, error) {
	m, err := newMemory(inputs, targets)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// memory is the source that InMemory returns.
type memory struct {
	layout
	n     int
	x, y  []Array
	names []string
}

func newMemory(inputs, targets []Array) (*memory, error) {
	m := &memory{n: -1, x: inputs, y: targets}
	var shapes [2][][]int
	for side, arrays := range [][]Array{inputs, targets} {
		what := [2]string{"input", "target"}[side]
		for k, a := range arrays {
			size := sizeOf(a.Shape)
			if size < 1 {
				return nil, fmt.Errorf("%s %d: shape %v is empty", what, k, a.Shape)
			}
			if len(a.Data)%size != 0 {
				return nil, fmt.Errorf("%s %d: %d numbers are not a whole number of samples of shape %v", what, k, len(a.Data), a.Shape)
			}
			n := len(a.Data) / size
			if m.n >= 0 && n != m.n {
				return nil, fmt.Errorf("%s %d: %d samples, the others have %d", what, k, n, m.n)
			}
			m.n = n
			for i, v := range a.Data {
				if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
					return nil, fmt.Errorf("%s %d: sample %d, number %d is %v", what, k, i/size, i%size, v)
				}
			}
			shapes[side] = append(shapes[side], a.Shape)
		}
	}
	if m.n < 0 {
		return nil, fmt.Errorf("in memory: no input and no target")
	}
	m.layout = newLayout(shapes[0], shapes[1])
	return m, nil
}

// Len is the number of samples.
func (m *memory) Len() int { return m.n }

// Names returns the class names, nil if there are none.
func (m *memory) Names() []string { return m.names }

// Read copies the samples at the indices.
func (m *memory) Read(indices []int, inputs, targets [][]float32) error {
	if err := m.check(m.n, indices, inputs, targets); err != nil {
		return err
	}
	gather(inputs, m.x, m.inputSizes, indices)
	gather(targets, m.y, m.targetSizes, indices)
	return nil
}

func gather(dst [][]float32, arrays []Array, sizes, indices []int) {
	for k, d := range dst {
		if d == nil {
			continue
		}
		n := sizes[k]
		for j, i := range indices {
			copy(d[j*n:(j+1)*n], arrays[k].Data[i*n:])
		}
	}
}
