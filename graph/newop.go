// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Float is a float type of an expression.
type Float = kernel.Float

// Op is a user-defined op, made by [NewOp].
type Op struct {
	name      string
	forward   custom
	backward  custom
	gradient  func(in Nodes, y, dy *Node) (Nodes, error)
	shape     func(in []Shape) (Shape, error)
	inTypes   []Dtype
	outType   Dtype
	constants []int // inputs without a gradient
}

// Call has the operands of an op while it runs, in row-major order. Operands of type Int64 and Bool are
// in fields of their own. They are only valid until the function returns.
type Call[T Float] struct {
	Out      []T
	In       [][]T
	OutShape Shape
	InShapes []Shape

	OutInts  []int64
	Ints     [][]int64
	OutBools []bool
	Bools    [][]bool

	// Input is the input whose gradient is to be computed by a function of Backward.
	Input int
}

// custom is a function in both float types.
type custom struct {
	f32 func(*Call[float32]) error
	f64 func(*Call[float64]) error
}

// OpOption is an option of NewOp.
type OpOption func(*Op)

// NewOp returns an op that computes forward. Write it once, as a generic function:
//
//	func cube[T graph.Float](c *graph.Call[T]) error {
//		for i, v := range c.In[0] {
//			c.Out[i] = v * v * v
//		}
//		return nil
//	}
//
//	var Cube = graph.NewOp("cube", cube[float32], cube[float64],
//		graph.Gradient(func(in graph.Nodes, _, dy *graph.Node) (graph.Nodes, error) {
//			var try graph.Try
//			do := try.Do
//			return graph.Nodes{do(graph.Mul(dy, do(graph.Scale(do(graph.Square(in[0])), 3))))}, try.Err()
//		}))
//
//	y, err := Cube.Of(x)
//
// The function must depend on nothing but its inputs and must not keep them. It may be called on several
// goroutines at a time. The result has the shape of the first input; see Shapes, Attributes, Types,
// Gradient and Backward. Without the last two, the op has no gradient.
func NewOp(name string, f32 func(*Call[float32]) error, f64 func(*Call[float64]) error, options ...OpOption) *Op {
	o := &Op{name: name, forward: custom{f32, f64}}
	applyAll(o, options)
	return o
}

// Attributes appends names and values of constants to the name, which drawings and errors show:
// Attributes("alpha", 0.2) makes "cube{alpha=0.2}".
func Attributes(namesAndValues ...any) OpOption {
	return func(o *Op) { o.name += attrs(namesAndValues...) }
}

// Shapes sets the function that derives the shape of the result and checks those of the inputs.
func Shapes(shape func(in []Shape) (Shape, error)) OpOption {
	return func(o *Op) { o.shape = shape }
}

// Types sets the element types of the result and the inputs. A type that is not given, or the zero
// Dtype, is the float type of the expression.
func Types(out Dtype, in ...Dtype) OpOption {
	return func(o *Op) { o.outType, o.inTypes = out, slices.Clone(in) }
}

// Gradient sets the gradient as an expression: it returns the gradient of each input, of the input's
// shape, from the inputs, the result y and the gradient dy of the result; nil for an input that
// NoGradient names. It can be differentiated again if the ops that it uses can.
func Gradient(gradient func(in Nodes, y, dy *Node) (Nodes, error)) OpOption {
	return func(o *Op) { o.gradient = gradient }
}

// Backward sets the gradient as a function that is called for each input, c.Input: c.In has the inputs,
// the result and the gradient of the result, and c.Out is the gradient of the input. It cannot be
// differentiated again.
func Backward(f32 func(c *Call[float32]) error, f64 func(c *Call[float64]) error) OpOption {
	return func(o *Op) { o.backward = custom{f32, f64} }
}

// NoGradient names the inputs, counted from 0, with respect to which the derivative of the result is 0.
func NoGradient(inputs ...int) OpOption {
	return func(o *Op) { o.constants = append(o.constants, inputs...) }
}

// Of applies the op.
func (o *Op) Of(inputs ...*Node) (*Node, error) {
	if o == nil || o.forward.f32 == nil && o.forward.f64 == nil {
		return nil, &OpError{Op: "op", Err: fmt.Errorf("has no function: make it by NewOp")}
	}
	if len(inputs) == 0 {
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("has no inputs")}
	}
	out, err := o.outShape(inputs)
	if err != nil {
		return nil, err
	}
	own := o.op(o.name, o.forward, out, inputs, 0)
	own.outType = o.outType
	if o.gradient != nil || o.backward.f32 != nil || o.backward.f64 != nil {
		own.grad = o.grad
		for k := range inputs {
			float := own.typeOf(k) == Dtype{}
			own.diff = append(own.diff, float && !slices.Contains(o.constants, k))
			own.zeroDiff = append(own.zeroDiff, !own.diff[k])
		}
	}
	return apply(own, inputs...)
}

// outShape returns the shape of the result for inputs; apply reports nil ones.
func (o *Op) outShape(inputs Nodes) (s Shape, err error) {
	shapes := make([]Shape, len(inputs))
	for k, n := range inputs {
		shapes[k] = shapeOf(n)
	}
	if o.shape == nil || slices.Contains(inputs, nil) {
		return shapes[0].Clone(), nil
	}
	err, panicked := called("the function of Shapes", func() (err error) {
		s, err = o.shape(shapes)
		return err
	})
	if err = cmp.Or(panicked, err); err != nil {
		return nil, &OpError{Op: o.name, Shapes: shapes, Err: err}
	}
	return s, nil
}

// op returns the op that applies a function to inputs.
func (o *Op) op(name string, f custom, out Shape, inputs Nodes, input int) *op {
	own := &op{
		name: name, out: len(out), inType: o.inTypes, shape: fixed(tensor.Shape(out)), origin: o,
		run: forDtypes(runCustom(f.f32, input), runCustom(f.f64, input)),
	}
	for _, n := range inputs {
		own.in = append(own.in, rankOf(n))
	}
	return own
}

// grad builds the gradients of the inputs.
func (o *Op) grad(in Nodes, y, dy *Node) (Nodes, error) {
	if o.gradient != nil {
		var grads Nodes
		err, panicked := called("the function of Gradient", func() (err error) {
			grads, err = o.gradient(in, y, dy)
			return err
		})
		if panicked != nil {
			return nil, &OpError{Op: o.name, Err: panicked}
		}
		if err != nil {
			return nil, err
		}
		return grads, o.checkGradients(in, grads)
	}
	grads := make(Nodes, len(in))
	for k, n := range in {
		if !isFloat(n.Dtype()) || slices.Contains(o.constants, k) {
			continue
		}
		all := append(slices.Clone(in), y, dy)
		back := o.op(fmt.Sprintf("%s_grad%d", o.name, k), o.backward, n.Shape(), all, k)
		back.inType = make([]Dtype, len(all))
		copy(back.inType, o.inTypes)
		back.inType[len(in)] = o.outType
		var err error
		if grads[k], err = apply(back, all...); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// checkGradients returns an error if a gradient is missing or has another shape than its input.
func (o *Op) checkGradients(in, grads Nodes) error {
	if len(grads) != len(in) {
		return &OpError{Op: o.name, Err: fmt.Errorf("the function of Gradient returned %d gradients for %d inputs", len(grads), len(in))}
	}
	for k, n := range in {
		if !isFloat(n.Dtype()) || slices.Contains(o.constants, k) {
			continue
		}
		if grads[k] == nil || !equal(grads[k].Shape(), n.Shape()) || grads[k].Dtype() != n.Dtype() {
			return &OpError{Op: o.name, Err: fmt.Errorf("the function of Gradient returned %v for input %d, want a node of shape %v", grads[k], k, n.Shape())}
		}
	}
	return nil
}

func runCustom[T Float](f func(*Call[T]) error, input int) func(*call[T]) error {
	return func(c *call[T]) (err error) {
		if f == nil {
			return fmt.Errorf("has no function for %T", *new(T))
		}
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		u := &c.custom
		u.Out, u.OutInts, u.OutBools, u.OutShape = c.out, c.outInts, c.outBools, c.outShape
		u.In, u.Ints, u.Bools, u.InShapes = c.in, c.ints, c.bools, c.inShape
		u.Input = input
		return f(u)
	}
}
