// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"hash"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// op is a gorgonia.SDOp assembled from a few values. Every op of this package is one: its
// name, its shape rule, its implementation in float32 and float64, and its gradient.
type op struct {
	// name identifies the computation. It must include every attribute: two ops with the
	// same name and inputs are merged into one node.
	name string
	// in and out are the ranks of the inputs and the output; 0 is a scalar.
	in  []int
	out int
	// shape derives the output's shape; the ranks have already been checked.
	shape func(in []tensor.Shape) (tensor.Shape, error)
	run   runner
	// diff says which inputs have a gradient; grad builds these gradients and returns nil
	// for the other inputs. An op with a nil grad cannot be differentiated.
	diff []bool
	grad func(in Nodes, out, grad *Node) (Nodes, error)
	// zeroDiff marks inputs for which diff is false because their derivative is 0 (masks,
	// comparisons) or is included in that of another input. Anything that depends on another
	// input without a gradient cannot be differentiated.
	zeroDiff []bool
	// inPlaceOf is k+1 if the output may overwrite input k when nothing else reads that
	// input anymore; 0 if it must not.
	inPlaceOf int
	// sparse makes the op's result if that is not a dense tensor. A Program uses it if the
	// output is a root that no other op reads.
	sparse func() Value
	// takesSparse marks an op that accepts CSR matrices as inputs.
	takesSparse bool
	// orderOnly marks an op that does not read its inputs: they only determine what runs
	// before it. runUnused, if not nil, is what a Program runs instead of run when the
	// output is not read and the op only runs for its side effects.
	orderOnly bool
	runUnused *runner
	// keeps identifies memory in which run keeps something for the gradient besides the output;
	// readsKept is the same in the op that reads it. Without such an op, a Program runs what lean
	// returns instead of run: the same output, with nothing kept and in memory of its own.
	keeps, readsKept any
	lean             func() runner
	// each, if not nil, is what a Program for inference runs instead of run, in float32: every sample
	// has the same bits alone and in any batch. If run ensures that itself, it is nil.
	each func(*call[float32]) error
	// kind identifies ops that fuse combines into one. errorNode is the node that an error
	// of a fused op is attributed to, nil for its own.
	kind      any
	errorNode *Node
	// view marks an op whose output is its input's memory in another shape.
	view bool
	// rng is the source of the op's random numbers, which is not part of its name.
	rng *Random
	// inputs are the nodes that the op was applied to; salt distinguishes its hash from that
	// of a different expression, see merge.go.
	inputs Nodes
	salt   int
}

// runner is a computation in both element types.
type runner struct {
	f32 func(*call[float32]) error
	f64 func(*call[float64]) error
}

// call holds the operands of a computation: memory and shapes of the output and the inputs.
// result and values are the same operands as Gorgonia's values, for the few ops that accept
// more than dense tensors; out and in are nil for the latter.
type call[T kernel.Float] struct {
	out      []T
	in       [][]T
	outShape tensor.Shape
	inShape  []tensor.Shape
	result   Value
	values   []Value
	kept     []*Kept // of the inputs, in a Program for inference
}

var (
	_ gorgonia.SDOp            = (*op)(nil)
	_ gorgonia.UsePreallocDoer = (*op)(nil)
)

// apply adds o(inputs...) to the inputs' graph. It checks what Gorgonia would report only
// in terms of its type variables.
func apply(o *op, inputs ...*Node) (n *Node, err error) {
	shapes := make([]tensor.Shape, len(inputs))
	for i, in := range inputs {
		if in == nil {
			return nil, &OpError{Op: o.name, Err: fmt.Errorf("input %d is nil: an earlier expression failed", i)}
		}
		shapes[i] = in.Shape()
	}
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, &OpError{Op: o.name, Shapes: shapes, Err: fmt.Errorf("%v", r)}
		}
	}()
	to, err := o.check(shapes)
	if err == nil {
		err = checkCountable(to)
	}
	if err != nil {
		return nil, &OpError{Op: o.name, Shapes: shapes, Err: err}
	}
	if n, err = merge(o, inputs); err != nil {
		return nil, &OpError{Op: o.name, Shapes: shapes, Err: err}
	}
	return n, nil
}

// check returns the output's shape.
func (o *op) check(shapes []tensor.Shape) (tensor.Shape, error) {
	if len(shapes) != len(o.in) {
		return nil, fmt.Errorf("got %d inputs, want %d", len(shapes), len(o.in))
	}
	for i, s := range shapes {
		if len(s) != o.in[i] {
			return nil, fmt.Errorf("input %d has shape %v of rank %d, want rank %d", i, s, len(s), o.in[i])
		}
	}
	return o.shape(shapes)
}

// Arity is the number of inputs.
func (o *op) Arity() int { return len(o.in) }

// Type returns the op's type: tensors of the given ranks over one element type. It must be
// a new value on every call, because Gorgonia's type inference returns it to a pool.
func (o *op) Type() hm.Type {
	a := hm.TypeVariable('a')
	types := make([]hm.Type, 0, len(o.in)+1)
	for _, rank := range append(append([]int(nil), o.in...), o.out) {
		if rank == 0 {
			types = append(types, a)
		} else {
			types = append(types, gorgonia.TensorType{Dims: rank, Of: a})
		}
	}
	return hm.NewFnType(types...)
}

// InferShape returns the shape of the output.
func (o *op) InferShape(in ...gorgonia.DimSizer) (tensor.Shape, error) {
	shapes, err := gorgonia.DimSizersToShapes(in)
	if err != nil {
		return nil, err
	}
	return o.shape(shapes)
}

// Do computes into newly allocated memory.
func (o *op) Do(in ...Value) (Value, error) {
	shapes := make([]tensor.Shape, len(in))
	for i, v := range in {
		shapes[i] = v.Shape()
	}
	s, err := o.check(shapes)
	if err != nil {
		return nil, &OpError{Op: o.name, Shapes: shapes, Err: err}
	}
	return o.UsePreallocDo(newValue(in[0].Dtype(), s), in...)
}

// UsePreallocDo computes into out. Gorgonia's own machines run the op through it.
func (o *op) UsePreallocDo(out Value, in ...Value) (Value, error) {
	shapes := make([]tensor.Shape, len(in))
	for i, v := range in {
		shapes[i] = v.Shape()
	}
	b := o.bind(out.Dtype(), out.Shape(), shapes, nil)
	err := b.rebind(output, out)
	for i, v := range in {
		if err == nil {
			err = b.rebind(i, v)
		}
	}
	if err != nil {
		return nil, &OpError{Op: o.name, Err: err}
	}
	return out, b.run()
}

// ReturnsPtr and CallsExtern return true, which makes TapeMachine allocate the output
// before the op runs and pass it to UsePreallocDo.
func (o *op) ReturnsPtr() bool { return true }

// CallsExtern: see ReturnsPtr.
func (o *op) CallsExtern() bool { return true }

// OverwritesInput returns -1: memory is overwritten only where a Program's plan has proved
// it safe, which TapeMachine's does not (see docs/gorgonia.md).
func (o *op) OverwritesInput() int { return -1 }

// WriteHash writes the name, which includes every attribute.
func (o *op) WriteHash(h hash.Hash) {
	fmt.Fprintf(h, "reef.%s", o.name)
	if o.salt > 0 {
		fmt.Fprintf(h, "#%d", o.salt)
	}
}

// Hashcode returns the 32-bit FNV-1a hash of WriteHash.
func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String returns the op's name with its attributes.
func (o *op) String() string { return o.name }

// DiffWRT says with respect to which inputs the op can be differentiated.
func (o *op) DiffWRT(n int) []bool {
	if o.grad == nil {
		return make([]bool, n)
	}
	return o.diff
}

// SymDiff builds the gradients of the inputs from the gradient of the output.
func (o *op) SymDiff(in Nodes, out, grad *Node) (Nodes, error) {
	if o.grad == nil {
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("has no gradient")}
	}
	return o.grad(in, out, grad)
}

// attrs formats the attributes for an op's name: attrs("rate", 0.5, "id", "x") returns
// "{rate=0.5,id=x}".
func attrs(kv ...any) string {
	parts := make([]string, 0, len(kv)/2)
	for i := 0; i < len(kv); i += 2 {
		v := fmt.Sprint(kv[i+1])
		if f, ok := kv[i+1].(float64); ok {
			v = strconv.FormatFloat(f, 'g', -1, 64)
		}
		parts = append(parts, fmt.Sprint(kv[i], "=", v))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// newValue returns a zero value of the given type and shape: one of Gorgonia's scalar types
// for a scalar, otherwise a tensor.
func newValue(dt tensor.Dtype, s tensor.Shape) Value {
	if len(s) > 0 {
		return tensor.New(tensor.Of(dt), tensor.WithShape(s...))
	}
	if dt == tensor.Float64 {
		return gorgonia.NewF64(0)
	}
	return gorgonia.NewF32(0)
}

// forDtypes pairs the float32 and float64 instances of a computation.
func forDtypes(f32 func(*call[float32]) error, f64 func(*call[float64]) error) runner {
	return runner{f32, f64}
}
