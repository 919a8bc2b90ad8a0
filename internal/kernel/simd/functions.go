// SPDX-License-Identifier: Apache-2.0

package simd

// Functions are one instruction set's versions of element-wise functions, with the values that package
// math gives for special arguments. All are nil in portable Go. Slices have equal lengths; dst may be
// one of the operands.
type Functions struct {
	Neg, Abs, Sign, Sqrt, Reciprocal, Rsqrt func(dst, x []float32)
	Floor, Ceil, Round, Trunc               func(dst, x []float32)
	Exp, Expm1, Log, Log1p, Tanh, Erf       func(dst, x []float32)
	Affine                                  func(dst, x []float32, scale, shift float32)
	Div, Min, Pow                           func(dst, a, b []float32)

	// These return how many elements are beyond 1<<17 and their results wrong.
	Sin, Cos, Tan func(dst, x []float32) float64

	// The sums of (x - alpha)^2 and exp(x - alpha); the largest and the smallest element, an infinity if x
	// is empty, and NaN if there is one or the sum of x is not defined; the product.
	SumSquaresFrom, SumExp     func(x []float32, alpha float32) float64
	Largest, Smallest, Product func(x []float32) float32

	// The sum, Largest and Smallest of each row of cols floats, with the bits of those of one row; the sum of
	// rows that are step floats apart, one after the other.
	SumEach, LargestEach, SmallestEach func(dst, x []float32, cols int)
	AddRows                            func(dst, x []float32, rows, step int)

	// Sums of the columns of a matrix of rows, which are as long as the vectors: those of x, of (x - base)^2, and
	// of dy and dy (x - base), one row after the other; and dst = scale (x - base) + offset and
	// dx = scale dy + slope (x - base) + offset.
	ColTotals     func(dst, x []float32, rows int)
	ColSquares    func(dst, base, x []float32, rows int)
	ColProducts   func(sum, dot, base, x, dy []float32, rows int)
	ScaleCols     func(base, scale, offset, dst, x []float32, rows int)
	ScaleColsBack func(base, slope, offset, scale, dx, x, dy []float32, rows int)

	// The lengths of these must be multiples of Sixteen.
	Equal, NotEqual, Less, LessEqual func(dst []bool, a, b []float32)
	IsNaN, IsInf, IsFinite, NotZero  func(dst []bool, x []float32)
	Where                            func(dst []float32, c []bool, a, b []float32)
	FloatOfBool                      func(dst []float32, x []bool)
}

// Sixteen is what the length of some functions' operands is a multiple of.
const Sixteen = 16
