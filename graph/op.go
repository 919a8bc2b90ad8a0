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
	"github.com/reef-dl/reef/internal/kernel/elementwise"
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
	// inType and outType are the element types of inputs and output that are not of the op's float
	// type: Int64, Bool or, for all others, the zero value. inType may be nil or short.
	inType  []Dtype
	outType Dtype
	// shape derives the output's shape; the ranks have already been checked.
	shape func(in []tensor.Shape) (tensor.Shape, error)
	run   runner
	// expr is the expression that an element-wise op applies, nil for the others.
	expr *elementwise.Expr
	// diff says which inputs have a gradient; grad builds these gradients and returns nil
	// for the other inputs. An op with a nil grad cannot be differentiated.
	diff []bool
	grad func(in Nodes, out, grad *Node) (Nodes, error)
	// formula is the op as an expression of ops whose derivatives have derivatives. It is what the
	// gradient of an op without grad is made of, such as that of a gradient that is computed in one
	// step: fast where it is computed, and differentiable where it is differentiated.
	formula formula
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
	// orderOnly marks an op that does not read its inputs: the first determines what runs before it,
	// and the others are only what it is differentiated by. runUnused, if not nil, is what a Program runs instead of run when the
	// output is not read and the op only runs for its side effects.
	orderOnly bool
	runUnused *runner
	// keeps identifies memory in which run keeps something for the gradient besides the output;
	// readsKept is the same in the op that reads it. Without such an op, a Program runs what lean
	// returns instead of run: the same output, with nothing kept for a gradient. An op whose run
	// has any memory has a lean whose results have memory of their own, so that clones of a Program
	// may run concurrently; only ops of training do without.
	keeps, readsKept any
	lean             func() runner
	// each, if not nil, is what a Program for inference runs instead of run, in float32: every sample
	// has the same bits alone and in any batch. If run ensures that itself, it is nil.
	each func(*call[float32]) error
	// kind identifies ops that fuse combines into one. errorNode is the node that an error
	// of a fused op is attributed to, nil for its own.
	kind      any
	errorNode *Node
	// fusedFrom names the ops of which a fused one consists.
	fusedFrom string
	// view marks an op whose output is its first input's memory in another shape; identity one in
	// whose place a Program reads that input. The other inputs are only for the derivative.
	view, identity bool
	// rng is the source of the op's random numbers, which is not part of its name.
	rng *Random
	// origin is the Op whose function this one runs, nil for those of this package. It is not part of the
	// name either.
	origin *Op
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
// more than dense tensors; out and in are nil for the latter. Operands of integers and booleans
// have other fields.
type call[T kernel.Float] struct {
	out      []T
	in       [][]T
	outInts  []int64
	ints     [][]int64
	outBools []bool
	bools    [][]bool
	// output and operands are the operands of an element-wise op.
	output   elementwise.Operand[T]
	operands []elementwise.Operand[T]
	custom   Call[T] // of an op made by NewOp

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
	for i, in := range inputs { // a constant of Gorgonia has no graph before it is an input
		if first := inputs[0].Graph(); first != nil && in.Graph() != nil && in.Graph() != first {
			return nil, &OpError{Op: o.name, Shapes: shapes, Err: fmt.Errorf("input %d is in another graph than input 0", i)}
		}
	}
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, &OpError{Op: o.name, Shapes: shapes, Err: fmt.Errorf("%v", r)}
		}
	}()
	to, err := o.check(shapes)
	if err == nil {
		err = o.checkTypes(inputs)
	}
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
	add := func(rank int, dt Dtype) {
		of := hm.Type(a)
		if dt != (Dtype{}) {
			of = dt
		}
		if rank > 0 {
			of = gorgonia.TensorType{Dims: rank, Of: of}
		}
		types = append(types, of)
	}
	for k, rank := range o.in {
		add(rank, o.typeOf(k))
	}
	add(o.out, o.outType)
	return hm.NewFnType(types...)
}

// typeOf returns the element type of an operand if it is not a float.
func (o *op) typeOf(operand int) Dtype {
	switch {
	case operand == output:
		return o.outType
	case operand < len(o.inType):
		return o.inType[operand]
	}
	return Dtype{}
}

// checkTypes returns an error if an input has another element type than the op wants.
func (o *op) checkTypes(inputs Nodes) error {
	var float Dtype
	for k, n := range inputs {
		got, want := n.Dtype(), o.typeOf(k)
		switch {
		case want != Dtype{} && got != want:
			return fmt.Errorf("input %d is %v, want %v", k, got, want)
		case want != Dtype{}:
		case !isFloat(got):
			return fmt.Errorf("input %d is %v, want float32 or float64: see Cast", k, got)
		case float != Dtype{} && got != float:
			return fmt.Errorf("input %d is %v, those before it are %v", k, got, float)
		default:
			float = got
		}
	}
	return nil
}

// float returns the op's float type, given those of its output and inputs; Float32 if it has none.
func (o *op) float(out Dtype, in func(k int) Dtype) Dtype {
	if isFloat(out) {
		return out
	}
	for k := range o.in {
		if dt := in(k); isFloat(dt) {
			return dt
		}
	}
	return Float32
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
	dt := o.outType
	if dt == (Dtype{}) {
		dt = o.float(Dtype{}, func(k int) Dtype { return in[k].Dtype() })
	}
	return o.UsePreallocDo(newValue(dt, s), in...)
}

// UsePreallocDo computes into out. Gorgonia's own machines run the op through it.
func (o *op) UsePreallocDo(out Value, in ...Value) (Value, error) {
	shapes := make([]tensor.Shape, len(in))
	for i, v := range in {
		shapes[i] = v.Shape()
	}
	b := o.bind(o.float(out.Dtype(), func(k int) Dtype { return in[k].Dtype() }), out.Shape(), shapes, nil)
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
	switch {
	case o.grad != nil || o.formula != nil && o.diff != nil:
		return o.diff
	case o.formula == nil:
		return make([]bool, n)
	}
	diff := make([]bool, n)
	for k := range diff {
		diff[k] = o.typeOf(k) == Dtype{} && !(k < len(o.zeroDiff) && o.zeroDiff[k])
	}
	return diff
}

// SymDiff builds the gradients of the inputs from the gradient of the output.
func (o *op) SymDiff(in Nodes, out, grad *Node) (Nodes, error) {
	switch {
	case o.grad != nil:
		return o.grad(in, out, grad)
	case o.formula == nil:
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("has no gradient")}
	}
	y, err := o.formula(in)
	if err != nil {
		return nil, err
	}
	return partialsOf(Nodes{y}, Nodes{grad}, in, o.DiffWRT(len(in)))
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

// forDtypes pairs the float32 and float64 instances of a computation.
func forDtypes(f32 func(*call[float32]) error, f64 func(*call[float64]) error) runner {
	return runner{f32, f64}
}
