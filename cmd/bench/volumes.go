// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/reef-dl/reef/graph"

// volumes are convolutions and poolings of volumes, each forward and as a step.
func volumes() (list []expression) {
	type b = *expressionInputs
	add := func(name string, build func(b b) (y *graph.Node, inputs graph.Nodes)) {
		list = append(list, withStep(name, build)...)
	}
	conv := func(filters int, spec graph.ConvSpec, kernel []int, x ...int) func(b b) (*graph.Node, graph.Nodes) {
		return func(b b) (*graph.Node, graph.Nodes) {
			w := append(append([]int{}, kernel...), x[4], filters)
			in := graph.Nodes{b.floats(x...), b.floats(w...), b.floats(filters)}
			return b.Do(graph.Conv(in[0], in[1], in[2], spec, graph.Act(graph.Linear))), in
		}
	}
	same := graph.ConvSpec{Padding: graph.Same}
	add("conv3d_rgb", conv(32, same, []int{3, 3, 3}, 2, 16, 56, 56, 3))
	add("conv3d", conv(32, same, []int{3, 3, 3}, 2, 16, 28, 28, 32))
	add("conv3d_stride2", conv(64, graph.ConvSpec{Padding: graph.Same, Stride: [3]int{2, 2, 2}}, []int{3, 3, 3}, 2, 16, 28, 28, 32))
	add("conv3d_1x1x1", conv(64, graph.ConvSpec{}, []int{1, 1, 1}, 2, 16, 28, 28, 64))
	transpose := func(k, stride int, size []int, padding graph.Padding) func(b b) (*graph.Node, graph.Nodes) {
		return func(b b) (*graph.Node, graph.Nodes) {
			in := graph.Nodes{b.floats(2, 8, 14, 14, 64), b.floats(k, k, k, 32, 64)}
			spec := graph.ConvSpec{Padding: padding, Stride: [3]int{stride, stride, stride}}
			return b.Do(graph.ConvTranspose(in[0], in[1], spec, size...)), in
		}
	}
	add("conv3d_transpose_2x2x2", transpose(2, 2, []int{16, 28, 28}, graph.Valid))
	add("conv3d_transpose_4x4x4", transpose(4, 2, []int{16, 28, 28}, graph.Same))
	add("conv3d_transpose_3x3x3", transpose(3, 1, []int{8, 14, 14}, graph.Same))
	pool := func(f func(*graph.Node, graph.PoolSpec) (*graph.Node, error), spec graph.PoolSpec) func(b b) (*graph.Node, graph.Nodes) {
		return func(b b) (*graph.Node, graph.Nodes) {
			x := b.floats(2, 16, 56, 56, 32)
			return b.Do(f(x, spec)), graph.Nodes{x}
		}
	}
	twos := graph.PoolSpec{Size: [3]int{2, 2, 2}, Stride: [3]int{2, 2, 2}}
	threes := graph.PoolSpec{Size: [3]int{3, 3, 3}, Stride: [3]int{2, 2, 2}}
	add("max_pool3d", pool(graph.MaxPool, twos))
	add("max_pool3d_overlapping", pool(graph.MaxPool, threes))
	add("average_pool3d", pool(graph.AvgPool, twos))
	add("average_pool3d_overlapping", pool(graph.AvgPool, threes))
	return list
}

// withStep are an expression and the same as a step: forward and back to all of its inputs.
func withStep(name string, build func(b *expressionInputs) (y *graph.Node, inputs graph.Nodes)) []expression {
	return []expression{{name: name, own: func(b *expressionInputs) graph.Nodes {
		y, _ := build(b)
		return graph.Nodes{y}
	}}, {name: name + "_step", own: func(b *expressionInputs) graph.Nodes {
		y, inputs := build(b)
		if y == nil {
			return nil
		}
		grads, err := graph.Backpropagate(graph.Nodes{y}, graph.Nodes{b.floats(y.Shape()...)}, inputs)
		b.Do(y, err)
		return append(grads, y)
	}}}
}
