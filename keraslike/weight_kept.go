// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// defaultKept is how many bytes the weights of a model may take once more, packed or transformed for
// predictions.
const defaultKept = 256 << 20

// inference compiles a graph that reads weights and does not change them.
func inference(weights map[*Weight]*graph.Node) *graph.Inference {
	kept := make(map[*graph.Node]*graph.Kept, len(weights))
	for w, n := range weights {
		kept[n] = &w.kept
	}
	return &graph.Inference{Kept: func(n *graph.Node) *graph.Kept { return kept[n] }}
}
