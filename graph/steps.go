// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Steps is what a Program does: its steps in their order, and the memory that they write.
type Steps struct {
	List    []Step
	Buffers []Buffer
	Memory  Memory
}

// Step computes one node, or several that are fused.
type Step struct {
	Op       string // with its attributes; "dense + activate{relu}" where ops are fused
	Group    string // of the node, see Groups
	Gradient bool   // whether it belongs to the gradients
	Shape    Shape  // of the result
	Buffer   int    // in Buffers; -1 for a scalar, a sparse matrix or a variable of the caller
	InPlace  bool   // the result replaces an input in its buffer
}

// Buffer is the part [Offset, Offset+Bytes) of a Program's memory, in use from the step First
// that writes it to the step Last, the last one that reads it; Last is the number of steps for
// the result of a root. Views of a value and what is computed in place of it have its buffer.
type Buffer struct {
	Offset, Bytes int
	First, Last   int
}

// StepsOf describes the Program that Compile builds from roots.
func StepsOf(groups *Groups, roots ...*Node) (*Steps, error) {
	return CompileOptions{}.StepsOf(groups, roots...)
}

// StepsOf describes the Program that o.Compile builds from roots.
func (o CompileOptions) StepsOf(groups *Groups, roots ...*Node) (*Steps, error) {
	d, _, err := o.drawing(groups, roots)
	if err != nil {
		return nil, fmt.Errorf("steps: %w", err)
	}
	c := d.compiler
	bufferOf, buffers := c.buffers()
	c.outsideBuffers(bufferOf, buffers)
	s := &Steps{}
	s.Memory.Planned = assignOffsets(buffers)
	stepOf := make([]int, len(c.nodes)+1) // the first step that is not before a node
	number := make([]int, len(buffers))   // of a buffer in s.Buffers, from 1
	for i, n := range c.nodes {
		stepOf[i] = len(s.List)
		b := bufferOf[i]
		if b >= 0 {
			s.Memory.Naive += size(n.Shape()) * int(n.Dtype().Size())
		}
		if !c.computes(i) {
			continue
		}
		step := Step{Op: c.title(i), Group: d.group[i], Gradient: d.backward[i], Shape: n.Shape().Clone(), Buffer: -1}
		if b >= 0 && buffers[b].bytes > 0 {
			if number[b] == 0 {
				s.Buffers = append(s.Buffers, Buffer{Offset: buffers[b].offset, Bytes: buffers[b].bytes, First: len(s.List), Last: buffers[b].last})
				number[b] = len(s.Buffers)
			} else {
				step.InPlace = true
			}
			step.Buffer = number[b] - 1
		}
		s.List = append(s.List, step)
	}
	stepOf[len(c.nodes)] = len(s.List)
	for i := range s.Buffers {
		s.Buffers[i].Last = stepOf[s.Buffers[i].Last]
	}
	return s, nil
}

// title returns the names of the ops that node i computes: "dense + relu" where ops are fused.
func (c *compiler) title(i int) string {
	n, o := c.nodes[i], c.ops[i]
	switch {
	case o == nil:
		return n.Op().String()
	case o.fusedFrom != "":
		return o.fusedFrom
	case o.errorNode != nil && o.errorNode != n && o.errorNode.Op() != nil:
		return o.errorNode.Op().String() + " + " + n.Op().String()
	}
	return n.Op().String()
}
