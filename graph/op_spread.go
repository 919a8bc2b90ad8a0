// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
)

// Variance returns Σ (x - m)²/(n - ddof) with the mean m of the n elements, all of them or those along
// axes. The degrees of freedom ddof are 0 for the variance of the elements, as in NumPy and
// TensorFlow, and 1, PyTorch's default, for the unbiased estimate from a sample. It is NaN if
// n = 0 and NaN or +Inf if n <= ddof.
func Variance(x *Node, ddof int, options ...ReduceOption) (*Node, error) {
	if ddof < 0 {
		return nil, &OpError{Op: "variance", Err: fmt.Errorf("ddof is %d, want at least 0", ddof)}
	}
	d := reducing{
		name: "variance" + attrs("ddof", ddof), identity: true,
		run: overAxis(varianceAxis[float32](ddof), varianceAxis[float64](ddof)),
		grad: func(x, y, dy *Node) (*Node, error) {
			n := size(x.Shape()) / max(size(y.Shape()), 1)
			var try Try
			mean := try.Do(Scale(try.Do(sumTo(x, y.Shape())), 1/float64(n)))
			dx := try.Do(Mul(try.Do(Sub(x, mean)), try.Do(Scale(dy, 2/float64(max(n-ddof, 0))))))
			return dx, try.Err()
		},
	}
	return d.along(x, options)
}

func varianceAxis[T kernel.Float](ddof int) func(dst, x []T, outer, n, inner int) {
	return func(dst, x []T, outer, n, inner int) { kernel.VarianceAxis(dst, x, outer, n, inner, ddof) }
}

// Std returns the standard deviation, the square root of Variance. Where that is 0, so is the gradient.
func Std(x *Node, ddof int, options ...ReduceOption) (*Node, error) {
	v, err := Variance(x, ddof, options...)
	if err != nil {
		return nil, err
	}
	return rootOr0(v, Sqrt)
}

// rootOr0 returns f(x), and 0 with the gradient 0 where x is 0 and f has none.
func rootOr0(x *Node, f func(*Node) (*Node, error)) (*Node, error) {
	var try Try
	zero := try.Do(Scalar(x, 0))
	none := try.Do(Equal(x, zero))
	y := try.Do(Where(none, zero, try.Do(f(try.Do(Where(none, try.Do(Scalar(x, 1)), x))))))
	return y, try.Err()
}
