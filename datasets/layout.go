// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"math"
)

// buffers allocates memory for n samples.
func (l *layout) buffers(n int) (inputs, targets [][]float32) {
	return blocks(l.inputSizes, n), blocks(l.targetSizes, n)
}

func blocks(sizes []int, n int) [][]float32 {
	out := make([][]float32, len(sizes))
	for k, size := range sizes {
		out[k] = make([]float32, n*size)
	}
	return out
}

// cut stores the first n samples of the buffers in dst.
func cut(dst, buffers [][]float32, sizes []int, n int) {
	for k, b := range buffers {
		dst[k] = b[:n*sizes[k]]
	}
}

// maxNumbers limits what is allocated at a caller's request: 1 GB in single precision, or
// a batch of 1,700 images of 224x224.
const maxNumbers = 1 << 28

// sizeOf is the product of a shape: 0 if an axis is not positive, and math.MaxInt if the
// product overflows, which no buffer can hold.
func sizeOf(shape []int) int {
	n := 1
	for _, axis := range shape {
		if axis < 1 {
			return 0
		}
		if n > math.MaxInt/axis {
			n = math.MaxInt
		} else {
			n *= axis
		}
	}
	return n
}

// checkRoom rejects n samples that would take more than maxNumbers numbers.
func (l *layout) checkRoom(n int) error {
	left := maxNumbers
	for _, sizes := range [][]int{l.inputSizes, l.targetSizes} {
		for _, size := range sizes {
			if size < 1 {
				continue
			}
			if n > left/size {
				return fmt.Errorf("%d samples of inputs %v and targets %v, want at most %d numbers in all", n, l.inputs, l.targets, maxNumbers)
			}
			left -= n * size
		}
	}
	return nil
}

// layout holds the shapes of one sample and their sizes in numbers; sources embed it.
type layout struct {
	inputs, targets         [][]int
	inputSizes, targetSizes []int
}

func newLayout(inputs, targets [][]int) layout {
	return layout{inputs, targets, sizes(inputs), sizes(targets)}
}

func sizes(shapes [][]int) []int {
	out := make([]int, len(shapes))
	for k, shape := range shapes {
		out[k] = sizeOf(shape)
	}
	return out
}

// Shapes returns the shape of one sample of every input and every target.
func (l *layout) Shapes() (inputs, targets [][]int) { return l.inputs, l.targets }

// wanted reports whether the caller asks for the only input or target of a source.
func wanted(buffers [][]float32) bool { return len(buffers) > 0 && buffers[0] != nil }

// check reports indices outside 0..n-1 and buffers that are too small for the samples.
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

// capacity is the number of samples that fit the buffers, the smallest over all of them.
func (l *layout) capacity(inputs, targets [][]float32) (int, error) {
	n := -1
	for _, side := range []struct {
		what    string
		sizes   []int
		buffers [][]float32
	}{{"input", l.inputSizes, inputs}, {"target", l.targetSizes, targets}} {
		if side.buffers == nil {
			continue
		}
		if len(side.buffers) != len(side.sizes) {
			return 0, fmt.Errorf("got %d %s buffers, the stream has %d %ss", len(side.buffers), side.what, len(side.sizes), side.what)
		}
		for k, b := range side.buffers {
			if side.sizes[k] < 1 {
				return 0, fmt.Errorf("%s %d of the stream is empty", side.what, k)
			}
			if c := len(b) / side.sizes[k]; n < 0 || c < n {
				n = c
			}
		}
	}
	if n < 1 {
		return 0, errors.New("the buffers are too small for a sample")
	}
	return n, nil
}

// classShape is the shape of a class index as a target: (1) for two classes, as binary
// cross-entropy expects.
func classShape(classes int) []int {
	if classes == 2 {
		return []int{1}
	}
	return []int{}
}
