// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"math"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// constantOp is an op without inputs whose result never changes. Its hash is that of its value, so equal
// constants of a graph are one node.
type constantOp struct {
	value Value
	id    string
}

// Constant adds a constant to the graph: a tensor of one of the element types, or a Go scalar of type
// float32, float64, int, int64 or bool. The tensor is not copied and must not be changed.
func Constant(g *Graph, value any) (n *Node, err error) {
	if g == nil {
		return nil, &OpError{Op: "constant", Err: fmt.Errorf("the graph is nil")}
	}
	v, err := asValue(value)
	if err != nil {
		return nil, &OpError{Op: "constant", Err: err}
	}
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, &OpError{Op: "constant", Shapes: []Shape{v.Shape()}, Err: fmt.Errorf("%v", r)}
		}
	}()
	o := &constantOp{value: v, id: contentID(v)}
	indexOf(g)
	options := []gorgonia.NodeConsOpt{gorgonia.In(g), gorgonia.WithOp(o), gorgonia.WithType(typeOfValue(v)), gorgonia.WithName("")}
	if s := v.Shape(); len(s) > 0 {
		options = append(options, gorgonia.WithShape(s...))
	}
	return gorgonia.NewUniqueNode(options...), nil
}

// Scalar is Constant for a number in the graph and of the element type of like.
func Scalar(like *Node, value float64) (*Node, error) {
	if like == nil {
		return nil, &OpError{Op: "constant", Err: fmt.Errorf("input 0 is nil: an earlier expression failed")}
	}
	switch like.Dtype() {
	case Float64:
		return Constant(like.Graph(), value)
	case Int64:
		return Constant(like.Graph(), int64(value))
	}
	return Constant(like.Graph(), float32(value))
}

// asValue returns a Go scalar or a tensor as a Value that a Program can bind.
func asValue(value any) (Value, error) {
	switch v := value.(type) {
	case float32:
		return gorgonia.NewF32(v), nil
	case float64:
		return gorgonia.NewF64(v), nil
	case int:
		return gorgonia.NewI64(int64(v)), nil
	case int64:
		return gorgonia.NewI64(v), nil
	case bool:
		return gorgonia.NewB(v), nil
	case *tensor.Dense:
		if v == nil {
			return nil, fmt.Errorf("the tensor is nil")
		}
		switch dt := v.Dtype(); dt {
		case Float32, Float64, Int64, Bool:
			return v, CheckLayout(v)
		default:
			return nil, fmt.Errorf("the tensor is %v, want float32, float64, int64 or bool", dt)
		}
	}
	return nil, fmt.Errorf("got a value of type %T, want a tensor or a scalar of type float32, float64, int, int64 or bool", value)
}

// contentID returns a short text for a scalar and a digest for a tensor. Different values have
// different texts.
func contentID(v Value) string {
	switch v := v.(type) {
	case *gorgonia.F32:
		return fmt.Sprintf("%v#%x", *v, math.Float32bits(float32(*v)))
	case *gorgonia.F64:
		return fmt.Sprintf("%v#%x", *v, math.Float64bits(float64(*v)))
	}
	if len(v.Shape()) == 0 {
		return fmt.Sprint(v)
	}
	h := sha256.New()
	var err error
	switch v.Dtype() {
	case Float32:
		err = binary.Write(h, binary.LittleEndian, data[float32](v))
	case Float64:
		err = binary.Write(h, binary.LittleEndian, data[float64](v))
	case Int64:
		err = binary.Write(h, binary.LittleEndian, data[int64](v))
	case Bool:
		err = binary.Write(h, binary.LittleEndian, data[bool](v))
	}
	if err != nil {
		panic(err) // a hash never fails, and all these types have a fixed size
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func typeOfValue(v Value) hm.Type {
	if rank := len(v.Shape()); rank > 0 {
		return gorgonia.TensorType{Dims: rank, Of: v.Dtype()}
	}
	return v.Dtype()
}

// The methods of gorgonia.Op. Value marks a constant for Gorgonia's own interface, too.

func (c *constantOp) Arity() int { return 0 }

func (c *constantOp) Type() hm.Type { return typeOfValue(c.value) }

func (c *constantOp) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return c.value.Shape(), nil
}

func (c *constantOp) Do(...Value) (Value, error) { return gorgonia.CloneValue(c.value) }

func (c *constantOp) ReturnsPtr() bool { return false }

func (c *constantOp) CallsExtern() bool { return false }

func (c *constantOp) OverwritesInput() int { return -1 }

func (c *constantOp) WriteHash(h hash.Hash) {
	fmt.Fprintf(h, "reef.constant %v %v %s", c.value.Dtype(), c.value.Shape(), c.id)
}

func (c *constantOp) Hashcode() uint32 {
	h := fnv.New32a()
	c.WriteHash(h)
	return h.Sum32()
}

func (c *constantOp) String() string { return "constant" }

// Value returns the value.
func (c *constantOp) Value() Value { return c.value }
