// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Fourier transforms are along the last axis. There are no complex numbers in an expression: they are
// pairs of nodes, a real and an imaginary part.

// FFT returns the discrete Fourier transform, y_k = Σ_j x_j·exp(-2πi·jk/n), as NumPy's fft does.
func FFT(re, im *Node) (yre, yim *Node, err error) {
	return complexOp(re, im, false, 1)
}

// IFFT is the inverse of FFT: y_j = (1/n)·Σ_k x_k·exp(2πi·jk/n).
func IFFT(re, im *Node) (yre, yim *Node, err error) {
	n, err := lastAxis("ifft", re)
	if err != nil {
		return nil, nil, err
	}
	return complexOp(re, im, true, 1/float64(max(n, 1)))
}

// RFFT returns the first n/2+1 elements of the transform of a real x with n elements along the last axis;
// the others are their conjugates.
func RFFT(x *Node) (re, im *Node, err error) {
	n, err := lastAxis("rfft", x)
	if err != nil {
		return nil, nil, err
	}
	var try Try
	do := try.Do
	zero := do(zerosLike(x))
	if try.Err() != nil {
		return nil, nil, try.Err()
	}
	re, im, err = complexOp(x, zero, false, 1)
	if err != nil {
		return nil, nil, err
	}
	last := len(x.Shape()) - 1
	re, im = do(Slice(re, At(last, 0, n/2+1))), do(Slice(im, At(last, 0, n/2+1)))
	return re, im, try.Err()
}

// IRFFT is the inverse of RFFT. n is the number of elements of the result; the input has n/2+1. The
// imaginary parts of the first element and, for even n, of the last one do not matter.
func IRFFT(re, im *Node, n int) (*Node, error) {
	half, err := lastAxis("irfft", re)
	if err != nil {
		return nil, err
	}
	if n < 1 || half != n/2+1 {
		return nil, &OpError{Op: "irfft", Shapes: []Shape{re.Shape()}, Err: fmt.Errorf("input has %d elements, want n/2+1 for n = %d", half, n)}
	}
	// The real part of the transform of the half, in which all elements that have a conjugate count twice.
	weights := make([]float64, half)
	for k := range weights {
		weights[k] = 2 / float64(n)
		if k == 0 || 2*k == n {
			weights[k] = 1 / float64(n)
		}
	}
	var try Try
	do := try.Do
	w := do(constantLike(re, weights))
	rest := re.Shape().Clone()
	rest[len(rest)-1] = n - half
	part := func(x *Node) *Node {
		x = do(Mul(x, w))
		if n == half {
			return x
		}
		zero := do(Scalar(re, 0))
		return do(Concat(len(rest)-1, x, do(BroadcastTo(zero, rest...))))
	}
	a, b := part(re), part(im)
	if try.Err() != nil {
		return nil, try.Err()
	}
	y, _, err := complexOp(a, b, true, 1)
	return y, err
}

// constantLike returns a vector in the graph and of the type of like.
func constantLike(like *Node, values []float64) (*Node, error) {
	if like == nil {
		return nil, &OpError{Op: "constant", Err: fmt.Errorf("input 0 is nil: an earlier expression failed")}
	}
	if like.Dtype() == Float64 {
		return Constant(like.Graph(), tensor.New(tensor.WithBacking(values)))
	}
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	return Constant(like.Graph(), tensor.New(tensor.WithBacking(narrow)))
}

// lastAxis returns the length of the last axis.
func lastAxis(name string, x *Node) (int, error) {
	switch {
	case x == nil:
		return 0, &OpError{Op: name, Err: fmt.Errorf("input 0 is nil: an earlier expression failed")}
	case len(x.Shape()) == 0:
		return 0, &OpError{Op: name, Shapes: []Shape{x.Shape()}, Err: fmt.Errorf("input is a scalar, want at least one axis")}
	}
	return x.Shape()[len(x.Shape())-1], nil
}

// complexOp transforms pairs and scales the result.
func complexOp(re, im *Node, inverse bool, scale float64) (yre, yim *Node, err error) {
	name := "fft"
	if inverse {
		name = "ifft"
	}
	if _, err := lastAxis(name, re); err != nil {
		return nil, nil, err
	}
	if im == nil || !equal(re.Shape(), im.Shape()) {
		return nil, nil, &OpError{Op: name, Shapes: []Shape{re.Shape(), shapeOf(im)}, Err: fmt.Errorf("real and imaginary part differ in shape")}
	}
	var try Try
	do := try.Do
	s := re.Shape()
	last := len(s)
	column := append(s.Clone(), 1)
	y := do(Concat(last, do(Reshape(re, column...)), do(Reshape(im, column...))))
	y = do(apply(dftOp(last+1, inverse), y))
	if scale != 1 {
		y = do(Scale(y, scale))
	}
	part := func(k int) *Node { return do(Reshape(do(Slice(y, At(last, k, k+1))), s...)) }
	yre, yim = part(0), part(1)
	return yre, yim, try.Err()
}

// dftOp transforms pairs, which are the last of rank axes, along the axis before it. As a linear map of
// real numbers it is transposed by changing the sign of the exponent.
func dftOp(rank int, inverse bool) *op {
	return &op{
		name: "dft" + attrs("inverse", inverse),
		in:   []int{rank}, out: rank, shape: sameShape,
		run:  forDtypes(runDFT[float32](inverse), runDFT[float64](inverse)),
		diff: []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := apply(dftOp(rank, !inverse), dy)
			return Nodes{dx}, err
		},
		inPlaceOf: 1,
	}
}

func runDFT[T kernel.Float](inverse bool) func(*call[T]) error {
	return func(c *call[T]) error {
		s := c.inShape[0]
		n := s[len(s)-2]
		kernel.DFT(c.out, c.in[0], size(s[:len(s)-2]), n, inverse)
		return nil
	}
}
