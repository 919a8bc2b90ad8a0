// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"slices"
)

// plan assigns memory to each computed node.
//
// A node's memory is in use from its own instruction to the last one that reads it or a view
// of it, and that of a root forever. Buffers with disjoint lifetimes may share bytes: they
// are assigned one by one, largest first, to the lowest free offset (greedy by size;
// Pisarchyk & Lee 2020, https://arxiv.org/abs/2001.03288).
//
// It returns the places of the nodes, and the other values: scalars and sparse matrices, which
// a Program has to itself.
func (c *compiler) plan() (places []place, values []Value, memory Memory, err error) {
	bufferOf, buffers := c.buffers()
	outside := c.outsideBuffers(bufferOf, buffers)
	bytes := 0.0
	for _, s := range buffers {
		bytes += float64(s.bytes)
	}
	if bytes > math.MaxInt/2 {
		return nil, nil, Memory{}, fmt.Errorf("intermediate values of %.3g bytes, more than an int can hold", bytes)
	}
	memory.Planned = assignOffsets(buffers)
	if int64(memory.Planned) > c.limit || memory.Planned < 0 {
		return nil, nil, memory, &MemoryError{Need: float64(memory.Planned), Limit: c.limit}
	}
	places, values = make([]place, len(c.nodes)), make([]Value, len(c.nodes))
	for i, n := range c.nodes {
		switch b := bufferOf[i]; {
		case c.ops[i] == nil:
		case c.sparse(i):
			values[i] = c.ops[i].sparse()
		case b >= 0:
			places[i] = place{bytes: size(n.Shape()) * int(n.Dtype().Size()), offset: buffers[b].offset, outside: outside[b]}
			memory.Naive += places[i].bytes
		default:
			values[i] = newValue(n.Dtype(), n.Shape())
		}
	}
	return places, values, memory, nil
}

// buffers finds the nodes that share memory and how long it is in use. It returns the buffer of each
// node, -1 for memory that is not planned.
func (c *compiler) buffers() (bufferOf []int, buffers []buffer) {
	last := c.lastUse()
	bufferOf = make([]int, len(c.nodes))
	for i, n := range c.nodes {
		bufferOf[i] = -1
		o := c.ops[i]
		s := n.Shape()
		if o == nil || len(s) == 0 || size(s) == 0 || c.sparse(i) {
			continue // variables, constants, results of foreign ops, scalars, which Gorgonia boxes, and what is empty
		}
		if o.view && !c.copied(i) {
			bufferOf[i] = bufferOf[c.children[i][0]]
		} else if j := c.overwritten(i, bufferOf, buffers); j >= 0 {
			bufferOf[i] = bufferOf[j]
		} else {
			bufferOf[i] = len(buffers)
			buffers = append(buffers, buffer{bytes: size(s) * int(n.Dtype().Size()), first: i})
		}
		st := &buffers[bufferOf[i]]
		st.last = max(st.last, last[i])
	}
	return bufferOf, buffers
}

// outsideBuffers takes the buffers of the first roots, which the caller provides, out of the arena.
// It returns for each of them the number of the root, from 1. A second root with the same buffer
// is copied.
func (c *compiler) outsideBuffers(bufferOf []int, buffers []buffer) map[int]int {
	outside := map[int]int{}
	for k, r := range c.roots[:c.outside] {
		if b := bufferOf[r]; b >= 0 && outside[b] == 0 {
			outside[b] = k + 1
			buffers[b].bytes = 0
		}
	}
	return outside
}

// sparse reports whether the value of node i is sparse: its op supports that, and it is a
// root that no op reads.
func (c *compiler) sparse(i int) bool {
	if o := c.ops[i]; o == nil || o.sparse == nil || len(c.leaves) > 0 || c.nodes[i].Dtype() != Float32 || !c.isRoot[i] {
		return false
	}
	for _, children := range c.children[i+1:] {
		if slices.Contains(children, i) {
			return false
		}
	}
	return true
}

// lastUse returns the last instruction that reads each node, len(nodes) for roots. The result
// of a foreign op may be a view of its inputs, so they live as long as the result; the
// gradient of an embedding is summed only when it is read. (Views made by this package's ops
// share their input's buffer.)
func (c *compiler) lastUse() []int {
	last := make([]int, len(c.nodes))
	for _, r := range c.roots {
		last[r] = len(c.nodes)
	}
	for i := len(c.nodes) - 1; i >= 0; i-- {
		until := i
		if c.ops[i] == nil || c.summedOnRead(i) {
			until = max(until, last[i])
		}
		for _, j := range c.children[i] {
			last[j] = max(last[j], until)
		}
	}
	return last
}

// overwritten returns the input whose memory node i reuses, or -1. Nothing may read that
// memory after this instruction, and no other input may share it.
func (c *compiler) overwritten(i int, bufferOf []int, buffers []buffer) int {
	o := c.ops[i]
	if o.expr == nil {
		if o.inPlaceOf == 0 {
			return -1
		}
		return c.overwrites(i, o.inPlaceOf-1, bufferOf, buffers)
	}
	for k, j := range c.children[i] { // an element-wise op may overwrite any operand of its size and type
		if c.nodes[j].Dtype() == c.nodes[i].Dtype() {
			if j := c.overwrites(i, k, bufferOf, buffers); j >= 0 {
				return j
			}
		}
	}
	return -1
}

// overwrites returns input k of node i if nothing else needs its memory, else -1.
func (c *compiler) overwrites(i, k int, bufferOf []int, buffers []buffer) int {
	j := c.children[i][k]
	if bufferOf[j] < 0 || buffers[bufferOf[j]].last > i || size(c.nodes[j].Shape()) != size(c.nodes[i].Shape()) {
		return -1
	}
	for l, other := range c.children[i] {
		if l != k && bufferOf[other] == bufferOf[j] {
			return -1
		}
	}
	return j
}

// summedOnRead reports whether node i is a *RowSparse, whose values are computed when read.
func (c *compiler) summedOnRead(i int) bool {
	if c.ops[i] == nil {
		return false
	}
	_, ok := c.ops[i].kind.(lookupGrad)
	return ok && c.sparse(i)
}
