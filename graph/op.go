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

// op is a gorgonia.SDOp put together from a few values. Every op of this
// package is one: it says what distinguishes it, how shapes follow, how it is
// computed in float32 and in float64, and how its gradient is expressed.
type op struct {
	// name is what is computed. It must carry every attribute: two ops of one name
	// on the same inputs are one node.
	name string
	// in and out are the ranks of the inputs and of the output; 0 is a scalar.
	in  []int
	out int
	// shape derives the output's shape; ranks have been checked.
	shape func(in []tensor.Shape) (tensor.Shape, error)
	run   runner
	// diff tells which inputs have a gradient; grad builds those gradients and
	// returns nil in the places of the others. A nil grad is an op that cannot
	// be differentiated.
	diff []bool
	grad func(in Nodes, out, grad *Node) (Nodes, error)
	// steps tells of inputs without a gradient that their derivative is 0 (masks,
	// comparisons) or counted in another input's. What depends on any other input
	// without a gradient cannot be differentiated.
	zeroDiff []bool
	// over is one more than the input whose memory the output may take over
	// when nothing needs that input any more; 0 is none.
	inPlaceOf int
	// sparse makes a value that is no dense tensor. A Program takes it in place
	// of memory of its own where the output is a root that no other op reads.
	sparse func() Value
	// takesSparse marks an op that knows CSR matrices as its inputs.
	takesSparse bool
	// orderOnly marks an op that does not read its inputs: they only say what
	// comes before it. runUnused, where there is one, is what a Program runs instead of
	// run when nothing reads the op's output, which is computed for its edges alone.
	orderOnly bool
	runUnused *runner
	// kind says what the op is to fuse, which makes one op of several. blames is the
	// node that a fused op's mistake is reported at, nil for its own.
	kind      any
	errorNode *Node
	// view marks an op whose output is its input's memory under another shape.
	view bool
	// source is where the op's random numbers come from, which its name does not tell.
	rng *Random
	// inputs is what apply applied the op to, salt what tells its hash from that of
	// another expression; see merge.go.
	inputs Nodes
	salt   int
}

// runner is one computation in the two element types that graphs have.
type runner struct {
	f32 func(*call[float32]) error
	f64 func(*call[float64]) error
}

// call is what a computation works on: memory and shapes of the output and of
// the inputs. result and values are the same as Gorgonia holds them, for the
// few ops that know more than dense tensors; out and in are nil there.
type call[T kernel.Float] struct {
	out      []T
	in       [][]T
	outShape tensor.Shape
	inShape  []tensor.Shape
	result   Value
	values   []Value
}

var (
	_ gorgonia.SDOp            = (*op)(nil)
	_ gorgonia.UsePreallocDoer = (*op)(nil)
)

// apply adds o(inputs...) to the inputs' graph. It checks what Gorgonia would
// only report in terms of its type variables.
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
		err = countable(to)
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

// Type is the op's type: tensors of the given ranks over one element type.
// Gorgonia's inference gives the type back to a pool after use, so that it has
// to be a new one on every call.
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

// InferShape is the shape of the output.
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

// UsePreallocDo computes into out. It is how Gorgonia's own machines run the op.
func (o *op) UsePreallocDo(out Value, in ...Value) (Value, error) {
	shapes := make([]tensor.Shape, len(in))
	for i, v := range in {
		shapes[i] = v.Shape()
	}
	b, err := o.bind(out, in, shapes)
	if err != nil {
		return nil, err
	}
	return out, b.run()
}

// ReturnsPtr and CallsExtern are both true, which makes TapeMachine allocate
// the output before the op runs and hand it to UsePreallocDo.
func (o *op) ReturnsPtr() bool { return true }

// CallsExtern is explained at ReturnsPtr.
func (o *op) CallsExtern() bool { return true }

// OverwritesInput is -1: memory is taken over only where a Program's plan
// proves it safe, which TapeMachine's does not (see docs/gorgonia.md).
func (o *op) OverwritesInput() int { return -1 }

// WriteHash writes the name, which carries every attribute.
func (o *op) WriteHash(h hash.Hash) {
	fmt.Fprintf(h, "reef.%s", o.name)
	if o.salt > 0 {
		fmt.Fprintf(h, "#%d", o.salt)
	}
}

// Hashcode is the 32-bit FNV-1a hash of WriteHash.
func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String is the op's name with its attributes.
func (o *op) String() string { return o.name }

// DiffWRT tells which inputs the op can be differentiated by.
func (o *op) DiffWRT(n int) []bool {
	if o.grad == nil {
		return make([]bool, n)
	}
	return o.diff
}

// SymDiff builds the gradient of the inputs from the gradient of the output.
func (o *op) SymDiff(in Nodes, out, grad *Node) (Nodes, error) {
	if o.grad == nil {
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("has no gradient")}
	}
	return o.grad(in, out, grad)
}

// attrs formats the attributes of an op's name: attrs("rate", 0.5, "id", "x")
// is "{rate=0.5,id=x}".
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

// newValue is a zeroed value of the given type and shape; a scalar is one of
// Gorgonia's scalar types, anything else a tensor.
func newValue(dt tensor.Dtype, s tensor.Shape) Value {
	if len(s) > 0 {
		return tensor.New(tensor.Of(dt), tensor.WithShape(s...))
	}
	if dt == tensor.Float64 {
		return gorgonia.NewF64(0)
	}
	return gorgonia.NewF32(0)
}

// both pairs the two instances of a computation.
func forDtypes(f32 func(*call[float32]) error, f64 func(*call[float64]) error) runner {
	return runner{f32, f64}
}
