// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"unsafe"

	"gorgonia.org/tensor"
)

// Variable is Input with a value: values in row-major order, whose memory is shared, so that what changes them
// changes the variable, and the other way around. Only that of a scalar is copied. The element type is that of
// the values.
func Variable[E float32 | float64 | int64 | bool](g *Graph, name string, values []E, shape ...int) (*Node, error) {
	n, err := Input(g, dtypeOfElement[E](), name, shape...)
	if err != nil {
		return nil, err
	}
	if want := size(n.Shape()); len(values) != want {
		return nil, fmt.Errorf("variable %q: got %d values, shape %v wants %d", name, len(values), n.Shape(), want)
	}
	var v Value
	if len(shape) == 0 {
		v = tensor.New(tensor.FromScalar(values[0]))
	} else {
		v = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
	}
	return n, Let(n, v)
}

func dtypeOfElement[E element]() Dtype {
	switch any(*new(E)).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int64:
		return Int64
	}
	return Bool
}

// Update gives a variable a new value after each run of a Program.
type Update struct {
	Variable *Node
	Value    *Node // of the same shape and element type
}

// Descent returns the updates of gradient descent: w becomes w - rate·∂cost/∂w for each of the weights.
func Descent(cost *Node, rate float64, weights ...*Node) ([]Update, error) {
	grads, err := Grad(cost, weights...)
	if err != nil {
		return nil, err
	}
	var try Try
	updates := make([]Update, len(weights))
	for i, w := range weights {
		updates[i] = Update{w, try.Do(Sub(w, try.Do(Scale(grads[i], rate))))}
	}
	return updates, try.Err()
}

// slotUpdate is an update of a Program.
type slotUpdate struct{ variable, value int } // slots

// withUpdates returns the roots and the values of the updates, which are roots, too.
func (o CompileOptions) withUpdates(roots Nodes) (Nodes, error) {
	all := append(Nodes{}, roots...)
	for i, u := range o.Updates {
		switch {
		case u.Variable == nil || u.Value == nil:
			return nil, fmt.Errorf("update %d has no variable or no value: an earlier expression failed", i)
		case u.Variable.Op() != nil:
			return nil, fmt.Errorf("update %d is of %v, want a variable", i, u.Variable)
		case !equal(u.Variable.Shape(), u.Value.Shape()) || u.Variable.Dtype() != u.Value.Dtype():
			return nil, fmt.Errorf("update of %q: the value has shape %v of %v, the variable %v of %v",
				u.Variable.Name(), u.Value.Shape(), u.Value.Dtype(), u.Variable.Shape(), u.Variable.Dtype())
		}
		for _, other := range o.Updates[:i] {
			if other.Variable == u.Variable {
				return nil, fmt.Errorf("there are two updates of %q", u.Variable.Name())
			}
		}
		all = append(all, u.Value)
	}
	return all, nil
}

// findUpdates finds the slots of the updates. A variable that nothing depends on has none: what becomes of it
// could not be told from the results.
func (c *compiler) findUpdates(updates []Update) (list []slotUpdate, err error) {
	first := len(c.roots) - len(updates)
	for i, u := range updates {
		variable, ok := c.index[u.Variable]
		value := c.roots[first+i]
		if !ok {
			return nil, fmt.Errorf("update of %q: neither a root nor a new value depends on it", u.Variable.Name())
		}
		if c.variable(value) && value != variable {
			return nil, fmt.Errorf("update of %q: its value is the variable %q, want an expression", u.Variable.Name(), c.nodes[value].Name())
		}
		if value != variable {
			list = append(list, slotUpdate{variable, value})
		}
	}
	return list, nil
}

// update writes the new values of variables to their memory.
func (p *Program) update() error {
	for _, u := range p.updates {
		to, err := p.bytesOf(u.variable)
		if err != nil {
			return err
		}
		from, err := p.bytesOf(u.value)
		if err != nil {
			return err
		}
		copy(to, from)
	}
	return nil
}

// bytesOf returns the memory of a slot.
func (p *Program) bytesOf(i int) ([]byte, error) {
	s, v := &p.slots[i], &p.values[i]
	var b []byte
	switch n := size(s.shape); {
	case v.floats != nil:
		b, _ = bytesOf(v.floats)
	case v.lent != nil:
		return nil, fmt.Errorf("run: %q: a variable in memory of the caller has no updates", s.node.Name())
	case s.place.bytes > 0:
		b = unsafe.Slice((*byte)(p.address(s.place)), n*int(s.dtype.Size()))
	default:
		switch s.dtype {
		case Float32:
			b, _ = bytesOf(data[float32](v.value))
		case Float64:
			b, _ = bytesOf(data[float64](v.value))
		case Int64:
			b, _ = bytesOf(data[int64](v.value))
		case Bool:
			b, _ = bytesOf(data[bool](v.value))
		}
		if b == nil && n > 0 {
			return nil, fmt.Errorf("run: %q: its value is not one block of memory", s.node.Name())
		}
	}
	return b, nil
}
