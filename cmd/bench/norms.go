// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/reef-dl/reef/graph"

// norms are normalizations, each forward and as a step.
func norms() (list []expression) {
	type b = *expressionInputs
	add := func(name string, build func(b b, x, gamma, beta *graph.Node) *graph.Node, parameters int, shape ...int) {
		list = append(list, withStep(name, func(b b) (*graph.Node, graph.Nodes) {
			features := shape[len(shape)-1]
			in := graph.Nodes{b.floats(shape...), b.floats(features), b.floats(features)}
			return build(b, in[0], in[1], in[2]), in[:1+parameters]
		})...)
	}
	layer := func(b b, x, gamma, beta *graph.Node) *graph.Node {
		return b.Do(graph.LayerNorm(x, gamma, beta, 1e-3))
	}
	add("layer_norm", layer, 2, 64, 128, 256)
	add("layer_norm_wide", layer, 2, 512, 4096)
	group := func(groups int) func(b b, x, gamma, beta *graph.Node) *graph.Node {
		return func(b b, x, gamma, beta *graph.Node) *graph.Node {
			return b.Do(graph.GroupNorm(x, gamma, beta, groups, 1e-3))
		}
	}
	image := []int{16, 32, 32, 64}
	add("group_norm", group(8), 2, image...)
	add("group_norm_one", group(1), 2, image...)
	add("instance_norm", group(64), 2, image...)
	rms := func(b b, x, gamma, _ *graph.Node) *graph.Node { return b.Do(graph.RMSNorm(x, gamma, 1e-6)) }
	add("rms_norm", rms, 1, 64, 128, 256)
	add("rms_norm_wide", rms, 1, 512, 4096)
	return list
}
