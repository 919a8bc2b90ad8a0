// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
)

// OneHot replaces the class index that is the only target of s by a vector that is one at
// that index. A class outside 0..classes-1 is an error when it is read.
func OneHot(s Source, classes int) (Source, error) {
	l, err := outline(s)
	if err != nil {
		return nil, fmt.Errorf("one-hot: %w", err)
	}
	if len(l.targets) != 1 || l.targetSizes[0] != 1 {
		return nil, fmt.Errorf("one-hot: targets of shapes %v, want one class index", l.targets)
	}
	if classes < 1 {
		return nil, fmt.Errorf("one-hot: %d classes, want at least 1", classes)
	}
	hot := &oneHot{view{s}, newLayout(l.inputs, [][]int{{classes}})}
	if w, ok := s.(weigher); ok {
		return &weightedOneHot{hot, w}, nil
	}
	return hot, nil
}

// weightedOneHot has sample weights, too.
type weightedOneHot struct {
	*oneHot
	weigher
}

type oneHot struct {
	view
	layout
}

func (s *oneHot) Read(indices []int, inputs, targets [][]float32) error {
	return s.readVisits(indices, nil, inputs, targets)
}

func (s *oneHot) readVisits(indices []int, visits []uint32, inputs, targets [][]float32) error {
	n, err := length(s.Source)
	if err != nil {
		return err
	}
	if err := s.check(n, indices, inputs, targets); err != nil {
		return err
	}
	if !wanted(targets) {
		return readVisits(s.Source, indices, visits, inputs, nil)
	}
	// The indices are read into the front of the buffer and expanded from the back, so
	// that none is overwritten before it is used.
	y, classes := targets[0], s.targetSizes[0]
	if err := readVisits(s.Source, indices, visits, inputs, targets); err != nil {
		return err
	}
	for j := len(indices) - 1; j >= 0; j-- {
		c := int(y[j])
		if c < 0 || c >= classes || float32(c) != y[j] {
			return fmt.Errorf("sample %d: class %v, want 0 to %d", indices[j], y[j], classes-1)
		}
		row := y[j*classes : (j+1)*classes]
		clear(row)
		row[c] = 1
	}
	return nil
}

// Classes reads the class index of every sample of a source whose only target is that
// index.
func Classes(s Source) ([]int, error) {
	l, n, err := measure(s)
	if err != nil {
		return nil, fmt.Errorf("classes: %w", err)
	}
	if len(l.targets) != 1 || l.targetSizes[0] != 1 {
		return nil, fmt.Errorf("classes: targets of shapes %v, want one class index", l.targets)
	}
	if n > maxNumbers {
		return nil, fmt.Errorf("classes: %d samples, want at most %d", n, maxNumbers)
	}
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	y := make([]float32, n)
	if err := read(s, indices, nil, [][]float32{y}); err != nil {
		return nil, err
	}
	for i, v := range y {
		if indices[i] = int(v); float32(indices[i]) != v {
			return nil, fmt.Errorf("classes: sample %d has target %v, want a class index", i, v)
		}
	}
	return indices, nil
}
