// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// inference compiles a graph that reads weights and does not change them.
func inference(weights map[*Weight]*graph.Node) *graph.Inference {
	kept := make(map[*graph.Node]*graph.Kept, len(weights))
	for w, n := range weights {
		kept[n] = &w.kept
	}
	return &graph.Inference{Kept: func(n *graph.Node) *graph.Kept { return kept[n] }}
}
