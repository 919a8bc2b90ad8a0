// SPDX-License-Identifier: Apache-2.0

package datasets

import "fmt"

// Source gives samples by index. It is what training from memory, image folders
// and time windows have in common.
//
// A source may also have the methods
//
//	Names() []string                 // class names, by class index
//	SparseInput(k int) bool          // input k is multi-hot and mostly zero
//	Active(k, i int) []int32         // its ones in sample i: sorted, distinct columns, owned by the source
//	Prefetch() int                   // how many batches to read ahead in the background
//
// The sources of this package pass them on through [Take], [Subset] and the like.
type Source interface {
	// Len is the number of samples.
	Len() int
	// Shapes gives the shape of one sample of every input and every target,
	// without the batch axis. A class index is one number: shape {}. The slices
	// belong to the source.
	Shapes() (inputs, targets [][]int)
	// Read fills inputs[k] and targets[k] with the samples at the indices, one
	// after another, row-major. Either may be nil when it is not wanted, and so may
	// any one of their buffers, as those of sparse inputs. Read may be called from
	// several goroutines at once.
	Read(indices []int, inputs, targets [][]float32) error
}

// Stream gives samples one after another, for data that has no index.
type Stream interface {
	// Shapes is as in Source.
	Shapes() (inputs, targets [][]int)
	// Next fills as many samples as the slices hold and returns how many it
	// filled; n < capacity only before the end. After the last sample it returns
	// 0 and io.EOF.
	Next(inputs, targets [][]float32) (n int, err error)
}

// layout is the shape of one sample and its size in numbers; sources embed it.
type layout struct {
	inputs, targets         [][]int
	inputSizes, targetSizes []int
}

func newLayout(inputs, targets [][]int) layout {
	return layout{inputs, targets, sizes(inputs), sizes(targets)}
}

// shaped is what sources and streams have in common.
type shaped interface {
	Shapes() (inputs, targets [][]int)
}

// outline is the layout of a source or stream that may be the user's.
func outline(s shaped) (l layout, err error) {
	if b, ok := s.(*broken); ok {
		return l, b.err
	}
	defer rescue(&err, s)
	return layoutOf(s), nil
}

// measure is the layout and the length of a source that may be the user's.
func measure(s Source) (l layout, n int, err error) {
	if l, err = outline(s); err == nil {
		n, err = length(s)
	}
	return l, n, err
}

// length is the length of a source that may be the user's.
func length(s Source) (n int, err error) {
	if b, ok := s.(*broken); ok {
		return 0, b.err
	}
	defer rescue(&err, s)
	if n = s.Len(); n < 0 {
		return 0, fmt.Errorf("%s: Len is %d, want 0 or more", kindOf(s), n)
	}
	return n, nil
}

// layoutOf is the layout of a source or stream of this package's.
func layoutOf(s shaped) layout { return newLayout(s.Shapes()) }

func sizes(shapes [][]int) []int {
	out := make([]int, len(shapes))
	for k, shape := range shapes {
		out[k] = sizeOf(shape)
	}
	return out
}

// Shapes gives the shape of one sample of every input and every target.
func (l *layout) Shapes() (inputs, targets [][]int) { return l.inputs, l.targets }

// wanted says whether the caller asks for the only input or target of a source.
func wanted(buffers [][]float32) bool { return len(buffers) > 0 && buffers[0] != nil }

// check reports indices outside 0..n-1 and buffers that do not hold the samples.
func (l *layout) check(n int, indices []int, inputs, targets [][]float32) error {
	for _, i := range indices {
		if i < 0 || i >= n {
			return fmt.Errorf("sample %d: the source has samples 0 to %d", i, n-1)
		}
	}
	if err := checkBuffers("input", l.inputSizes, len(indices), inputs); err != nil {
		return err
	}
	return checkBuffers("target", l.targetSizes, len(indices), targets)
}

func checkBuffers(what string, sizes []int, samples int, buffers [][]float32) error {
	if buffers == nil {
		return nil
	}
	if len(buffers) != len(sizes) {
		return fmt.Errorf("got %d %s buffers, the source has %d %ss", len(buffers), what, len(sizes), what)
	}
	for k, b := range buffers {
		if b != nil && (samples > 0 && len(b)/samples < sizes[k]) {
			return fmt.Errorf("%s %d: buffer of %d numbers, want %d samples of %d", what, k, len(b), samples, sizes[k])
		}
	}
	return nil
}
