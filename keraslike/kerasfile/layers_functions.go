// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
)

// Functions of keras.ops in a functional model, as layers that compute the same. Their axes count the batch,
// which must stay as it is.

var _ = register(map[string]class{
	"Mean": {read: func(a *args) k.Layer { return a.reduction("Mean") }},
	"Sum":  {read: func(a *args) k.Layer { return a.reduction("Sum") }},
	"Max":  {read: func(a *args) k.Layer { return a.reduction("Max") }},
	"Min":  {read: func(a *args) k.Layer { return a.reduction("Min") }},

	"ExpandDims": {read: func(a *args) k.Layer { return a.reshaped(withAxes) }},
	"Squeeze":    {read: func(a *args) k.Layer { return a.reshaped(withoutAxes) }},
	"Swapaxes":   {read: swapAxes},
	"Transpose":  {read: transpose},
	"Stack":      {read: stack},
	"Matmul":     {read: matmul},
	"Einsum":     {read: einsum},

	"Absolute":  {read: func(a *args) k.Layer { return a.made(absolute) }},
	"Negative":  {read: func(*args) k.Layer { return k.Rescaling(-1, 0) }},
	"Normalize": {read: normalize},
	"Power":     {read: power},
	"Square":    {read: func(a *args) k.Layer { return a.made(square) }},
	"Clip":      {read: clip},
	"Cast":      {read: cast, mask: passesMask},

	"Celu":        {read: func(a *args) k.Layer { return k.Activation(k.CELU, k.Alpha(a.number("alpha", 1))) }},
	"Elu":         {read: elu},
	"Exp":         {read: function(k.Exponential)},
	"Gelu":        {read: gelu},
	"HardSigmoid": {read: function(k.HardSigmoid)},
	"HardSilu":    {read: function(k.HardSiLU)},
	"LeakyRelu":   {read: func(a *args) k.Layer { return k.LeakyReLU(k.NegativeSlope(a.number("negative_slope", 0.2))) }},
	"LogSigmoid":  {read: function(k.LogSigmoid)},
	"LogSoftmax":  {read: func(a *args) k.Layer { return k.Activation(k.LogSoftmax, k.Axis(a.axis())) }},
	"Relu":        {read: function(k.ReLU)},
	"Relu6":       {read: function(k.ReLU6)},
	"Selu":        {read: function(k.SELU)},
	"Sigmoid":     {read: function(k.Sigmoid)},
	"Silu":        {read: function(k.SiLU)},
	"Softplus":    {read: function(k.Softplus)},
	"Softsign":    {read: function(k.Softsign)},
	"Tanh":        {read: function(k.Tanh)},
})

func function(f k.ActivationFunc) func(*args) k.Layer {
	return func(*args) k.Layer { return k.Activation(f) }
}

func gelu(a *args) k.Layer {
	return k.Activation(k.GELU, when[k.ActivationOption](a.flag("approximate", true), k.Approximate)...)
}

// made makes a layer of a function of the only input.
func (a *args) made(f func(x *k.Tensor) *k.Tensor) k.Layer {
	if len(a.in) != 1 {
		a.fail("inputs", fmt.Errorf("are %d tensors, want one", len(a.in)))
		return nil
	}
	in := k.Input(a.in[0]...)
	return k.NewModel("function", []*k.Tensor{in}, []*k.Tensor{f(in)})
}

func square(x *k.Tensor) *k.Tensor { return k.Multiply().Apply(x, x) }

func absolute(x *k.Tensor) *k.Tensor { return k.Maximum().Apply(x, k.Rescaling(-1, 0).Apply(x)) }

// above and below are max(x, c) and min(x, c).
func above(x *k.Tensor, c float64) *k.Tensor {
	return k.Activation(k.Cutoff, k.ThresholdAt(c), k.OtherValue(c)).Apply(x)
}

func below(x *k.Tensor, c float64) *k.Tensor {
	return k.Rescaling(-1, 0).Apply(above(k.Rescaling(-1, 0).Apply(x), -c))
}

// extremum reads a layer that merges its inputs, or an operation of an input and a number.
func extremum(merge func(...k.LayerOption) k.Layer, with func(x *k.Tensor, c float64) *k.Tensor) func(a *args) k.Layer {
	return func(a *args) k.Layer {
		var c float64
		a.flag(constantFirst, false)
		if !a.take(constantOperand, &c) {
			return merge()
		}
		return a.made(func(x *k.Tensor) *k.Tensor { return with(x, c) })
	}
}

func clip(a *args) k.Layer {
	lo, hi := a.number("x_min", 0), a.number("x_max", 0)
	return a.made(func(x *k.Tensor) *k.Tensor { return below(above(x, lo), hi) })
}

func power(a *args) k.Layer {
	var c float64
	if first := a.flag(constantFirst, false); !a.take(constantOperand, &c) || first || c != float64(int(c)) || c < 1 || c > 8 {
		a.fail(constantOperand, errors.New("is missing, or an exponent that is not supported, want a whole number from 1 to 8"))
		return nil
	}
	return a.made(func(x *k.Tensor) *k.Tensor {
		if c == 1 {
			return k.Activation(k.Linear).Apply(x)
		}
		return k.Multiply().Apply(slices.Repeat([]*k.Tensor{x}, int(c))...)
	})
}

func normalize(a *args) k.Layer {
	if order := a.number("order", 2); order != 2 {
		a.fail("order", fmt.Errorf("is %g, want 2", order))
	}
	if epsilon := a.number("epsilon", 0); epsilon != 0 && epsilon != 1e-12 {
		a.fail("epsilon", fmt.Errorf("is %g, want 1e-12", epsilon))
	}
	return k.UnitNormalization(k.Axis(a.axis()))
}

// cast keeps the numbers, which are float32 in Reef.
func cast(a *args) k.Layer {
	kind := a.text("dtype", "float32")
	if !slices.Contains([]string{"float16", "bfloat16", "float32", "float64"}, kind) {
		a.fail("dtype", fmt.Errorf("is %q, want one of floating-point numbers", kind))
	}
	if kind != "float32" { // where nothing is cast, Keras keeps the tensor with its mask
		return k.IgnoreMasks(k.Activation(k.Linear))
	}
	return k.Activation(k.Linear)
}

// matmul multiplies matrices sample by sample.
func matmul(a *args) k.Layer {
	if len(a.in) != 2 || len(a.in[0]) != 2 || len(a.in[1]) != 2 {
		a.fail("inputs", fmt.Errorf("have shapes %v, want two matrices for each sample", a.in))
		return nil
	}
	return k.Dot(2, 1)
}

// einsum reads a sum of products over one axis, whose result has the other axes of both tensors in order.
func einsum(a *args) k.Layer {
	text := a.text("subscripts", "")
	in, out, _ := strings.Cut(strings.ReplaceAll(text, " ", ""), "->")
	x, y, _ := strings.Cut(in, ",")
	for i := 1; i < len(x) && y != ""; i++ {
		if j := strings.IndexByte(y, x[i]); j > 0 && x[0] == y[0] && out == x[:i]+x[i+1:]+y[1:j]+y[j+1:] {
			return k.Dot(i, j)
		}
	}
	a.fail("subscripts", fmt.Errorf("is %q, want a sum over one axis, as bij,bjk->bik", text))
	return nil
}

// axes returns the axes that are an argument, from 1 and in ascending order, of a tensor that has rank axes, or
// more by their number where they are added.
func (a *args) axes(name string, rank int, added bool) []int {
	list := slices.Clone(a.list(name))
	if list == nil {
		a.fail(name, errors.New("is None, which includes the batch, want axes behind it"))
	}
	if added {
		rank += len(list)
	}
	for i, axis := range list {
		if axis < 0 {
			list[i] += rank
		}
		if list[i] < 1 || list[i] >= rank {
			a.fail(name, fmt.Errorf("is %v of %d axes, want axes behind that of the batch", list, rank))
			return nil
		}
	}
	slices.Sort(list)
	if n := len(list); len(slices.Compact(list)) < n {
		a.fail(name, errors.New("has an axis twice"))
		return nil
	}
	return list
}

// reshaped reads a function that gives each sample another shape.
func (a *args) reshaped(f func(a *args, shape k.Shape) k.Shape) k.Layer {
	return a.made(func(x *k.Tensor) *k.Tensor { return k.Reshape(f(a, slices.Clone(x.Shape()))).Apply(x) })
}

func withAxes(a *args, shape k.Shape) k.Shape {
	for _, axis := range a.axes("axis", len(shape)+1, true) {
		shape = slices.Insert(shape, axis-1, 1)
	}
	return shape
}

func withoutAxes(a *args, shape k.Shape) k.Shape {
	axes := a.axes("axis", len(shape)+1, false)
	for _, axis := range slices.Backward(axes) {
		if shape[axis-1] != 1 {
			a.fail("axis", fmt.Errorf("is %v, want axes of length 1", axes))
		}
		shape = slices.Delete(shape, axis-1, axis)
	}
	return shape
}

// reshape reads the layer, or the function, whose shape includes the batch.
func reshape(a *args) k.Layer {
	var with []*int
	if !a.take("newshape", &with) || len(with) == 0 || len(a.in) != 1 {
		return k.Reshape(a.list("target_shape"))
	}
	shape := k.Shape{}
	for _, n := range with[1:] {
		if n == nil {
			n = new(int)
			*n = k.Any
		}
		shape = append(shape, *n)
	}
	known := !slices.Contains(shape, k.Any) && !slices.Contains(a.in[0], k.Any) && shape.Size() == a.in[0].Size()
	if batch := with[0]; batch != nil && !(*batch == -1 && known) {
		a.fail("newshape", errors.New("changes the batch, or may change it, which is not supported"))
	}
	return k.Reshape(shape)
}

func transpose(a *args) k.Layer {
	axes := a.list("axes")
	if len(axes) < 2 || axes[0] != 0 {
		a.fail("axes", fmt.Errorf("is %v, want the batch first", axes))
		return nil
	}
	return k.Permute(axes[1:])
}

func swapAxes(a *args) k.Layer {
	if len(a.in) != 1 {
		a.fail("inputs", fmt.Errorf("are %d tensors, want one", len(a.in)))
		return nil
	}
	rank := len(a.in[0]) + 1
	first, second := a.axes("axis1", rank, false), a.axes("axis2", rank, false)
	if len(first) != 1 || len(second) != 1 {
		return nil
	}
	order := make([]int, rank-1)
	for i := range order {
		order[i] = i + 1
	}
	order[first[0]-1], order[second[0]-1] = second[0], first[0]
	return k.Permute(order)
}

// stack joins tensors along a new axis.
func stack(a *args) k.Layer {
	if len(a.in) < 2 {
		a.fail("inputs", fmt.Errorf("are %d tensors, want two or more", len(a.in)))
		return nil
	}
	axes := a.axes("axis", len(a.in[0])+1, true)
	if len(axes) != 1 {
		return nil
	}
	var in, parts []*k.Tensor
	for _, shape := range a.in {
		if !shape.Equal(a.in[0]) {
			a.fail("inputs", fmt.Errorf("have shapes %v, want one", a.in))
			return nil
		}
		x := k.Input(shape...)
		in = append(in, x)
		parts = append(parts, k.Reshape(slices.Insert(slices.Clone(shape), axes[0]-1, 1)).Apply(x))
	}
	return k.NewModel("stack", in, []*k.Tensor{k.Concatenate(k.Axis(axes[0])).Apply(parts...)})
}

// reduction reads the mean, the sum, the largest or the smallest number along axes.
func (a *args) reduction(kind string) k.Layer {
	return a.made(func(x *k.Tensor) *k.Tensor {
		shape := x.Shape()
		axes := a.axes("axis", len(shape)+1, false)
		var reduced, rest, kept k.Shape
		order := slices.Clone(axes)
		for i, n := range shape {
			if slices.Contains(axes, i+1) {
				reduced, kept = append(reduced, n), append(kept, 1)
			} else {
				order, rest, kept = append(order, i+1), append(rest, n), append(kept, n)
			}
		}
		if !slices.IsSorted(order) {
			x = k.Permute(order).Apply(x)
		}
		if len(rest) != 1 || len(reduced) > 3 {
			x = k.Reshape([]int{lengthOf(reduced), lengthOf(rest)}).Apply(x)
			reduced = k.Shape{lengthOf(reduced)}
		}
		pools := []func(...k.PoolOption) k.Layer{k.GlobalAveragePooling1D, k.GlobalAveragePooling2D, k.GlobalAveragePooling3D}
		if kind == "Max" || kind == "Min" {
			pools = []func(...k.PoolOption) k.Layer{k.GlobalMaxPooling1D, k.GlobalMaxPooling2D, k.GlobalMaxPooling3D}
		}
		if len(reduced) == 0 || a.err != nil {
			return x
		}
		pool := pools[len(reduced)-1]()
		switch n := lengthOf(reduced); {
		case kind == "Min":
			x = k.Rescaling(-1, 0).Apply(pool.Apply(k.Rescaling(-1, 0).Apply(x)))
		case kind == "Sum" && n == k.Any:
			a.fail("axis", errors.New("is of any length, over which Reef has no sum"))
		case kind == "Sum":
			x = k.Rescaling(float64(n), 0).Apply(pool.Apply(x))
		default:
			x = pool.Apply(x)
		}
		if a.flag("keepdims", false) {
			rest = kept
		}
		return k.Reshape(rest).Apply(x)
	})
}

// lengthOf is the product of lengths, Any if one is free.
func lengthOf(shape k.Shape) int {
	if slices.Contains(shape, k.Any) {
		return k.Any
	}
	return shape.Size()
}
