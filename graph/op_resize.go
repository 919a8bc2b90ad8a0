// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Interpolation is how Resize computes a pixel from those around its place.
type Interpolation int

const (
	// Nearest takes the pixel whose center is nearest.
	Nearest Interpolation = iota
	// Bilinear weights the two nearest pixels along each axis by their distance.
	Bilinear
	// Bicubic weights four pixels along each axis by Keys's kernel with a = -0.75, PyTorch's; OpenCV has
	// the same, TensorFlow -0.5.
	Bicubic
)

// String returns the name of the method.
func (m Interpolation) String() string {
	if m < Nearest || m > Bicubic {
		return fmt.Sprintf("Interpolation(%d)", int(m))
	}
	return [...]string{"nearest", "bilinear", "bicubic"}[m]
}

// ResizeOption is an option of Resize.
type ResizeOption func(*resizing)

// AlignCorners places the centers of the pixels in the corners upon each other: pixel i of m is at
// i·(n-1)/(m-1) of n. Without it the edges of both pictures meet, and it is at (i+½)·n/m - ½.
func AlignCorners() ResizeOption { return func(r *resizing) { r.corners = true } }

type resizing struct {
	method  Interpolation
	corners bool
}

// Resize returns pictures of another size: x (batch, h, w, channels) becomes (batch, height, width, channels).
// Places beyond an edge have the value of the edge. Pictures that become much smaller are sampled, not
// averaged: see AvgPool.
func Resize(x *Node, height, width int, method Interpolation, options ...ResizeOption) (*Node, error) {
	r := resizing{method: method}
	applyAll(&r, options)
	name := "resize" + attrs("height", height, "width", width, "method", method, "corners", r.corners)
	if err := nilError(name, x); err != nil {
		return nil, err
	}
	s, err := x.Shape(), error(nil)
	switch {
	case len(s) != 4:
		err = fmt.Errorf("shape %v, want (batch, height, width, channels)", s)
	case height < 1 || width < 1:
		err = fmt.Errorf("the size is %d x %d, want positive numbers", height, width)
	case s[1] < 1 || s[2] < 1:
		err = fmt.Errorf("a picture of %d x %d pixels has none to interpolate", s[1], s[2])
	case method < Nearest || method > Bicubic:
		err = fmt.Errorf("there is no method %v", method)
	}
	if err != nil {
		return nil, shapeError(name, err, x)
	}
	var try Try
	y := x
	axes := []struct{ axis, to int }{{1, height}, {2, width}}
	if height > s[1] { // what makes the picture larger comes last
		slices.Reverse(axes)
	}
	for _, a := range axes {
		if a.to != s[a.axis] { // else each pixel is where it was
			y = try.Do(apply(r.along(s[a.axis], a.to, a.axis), y))
		}
		if try.Err() != nil {
			break
		}
	}
	return y, try.Err()
}

// along interpolates n pixels along an axis to m.
func (r resizing) along(n, m, axis int) *op {
	name := "resample" + attrs("method", r.method, "corners", r.corners, "axis", axis, "from", n, "to", m)
	return resampleOp(name, r.taps(n, m), 4, axis)
}

// taps returns the weights of n pixels in m.
func (r resizing) taps(n, m int) *sparseMatrix {
	a := &sparseMatrix{rows: m, cols: n}
	for i := range m {
		at := (float64(i)+0.5)*float64(n)/float64(m) - 0.5
		if r.corners {
			at = float64(i) * float64(n-1) / float64(max(m-1, 1))
		}
		low := int(math.Floor(at))
		f := at - float64(low)
		add := func(k int, w float64) { a.add(i, min(max(low+k, 0), n-1), w) }
		switch r.method {
		case Nearest:
			if f >= 0.5 {
				low++
			}
			add(0, 1)
		case Bilinear:
			add(0, 1-f)
			add(1, f)
		case Bicubic:
			for k := -1; k <= 2; k++ {
				add(k, keys(math.Abs(f-float64(k))))
			}
		}
	}
	return a
}

// keys is the kernel of cubic interpolation at a distance from 0 to 2.
func keys(d float64) float64 {
	const a = -0.75
	if d <= 1 {
		return ((a+2)*d-(a+3))*d*d + 1
	}
	return ((a*d-5*a)*d+8*a)*d - 4*a
}

// sparseMatrix is a matrix by its entries, in the order of its rows.
type sparseMatrix struct {
	rows, cols int
	entries    []entry
}

type entry struct {
	row, col int
	weight   float64
}

func (a *sparseMatrix) add(row, col int, weight float64) {
	if weight != 0 {
		a.entries = append(a.entries, entry{row, col, weight})
	}
}

// transposed returns the transposed matrix.
func (a *sparseMatrix) transposed() *sparseMatrix {
	b := &sparseMatrix{rows: a.cols, cols: a.rows, entries: make([]entry, len(a.entries))}
	next := make([]int, a.cols+1)
	for _, e := range a.entries {
		next[e.col+1]++
	}
	for i := range a.cols {
		next[i+1] += next[i]
	}
	for _, e := range a.entries {
		b.entries[next[e.col]] = entry{e.col, e.row, e.weight}
		next[e.col]++
	}
	return b
}

// resampleOp multiplies an axis by a matrix, which the name identifies.
func resampleOp(name string, a *sparseMatrix, rank, axis int) *op {
	return &op{
		name: name,
		in:   []int{rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			to := in[0].Clone()
			to[axis] = a.rows
			return to, nil
		},
		run:  forDtypes(runResample[float32](a, axis), runResample[float64](a, axis)),
		diff: []bool{true},
		grad: oneGrad(func(_, dy *Node) (*Node, error) {
			return apply(resampleOp(name+"'", a.transposed(), rank, axis), dy)
		}),
	}
}

func runResample[T kernel.Float](a *sparseMatrix, axis int) func(*call[T]) error {
	taps := &kernel.Taps[T]{First: make([]int, a.rows+1)}
	for _, e := range a.entries {
		taps.First[e.row+1]++
		taps.Index, taps.Weight = append(taps.Index, e.col), append(taps.Weight, T(e.weight))
	}
	for i := range a.rows {
		taps.First[i+1] += taps.First[i]
	}
	return func(c *call[T]) error {
		outer, n, inner := splitAtAxis(c.inShape[0], axis)
		kernel.Resample(c.out, c.in[0], taps, outer, n, inner)
		return nil
	}
}
