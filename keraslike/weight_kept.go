// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// keptShare is the part of the limit of a model's cache that weights may take once more, packed or
// transformed for predictions: one in keptShare.
const keptShare = 4

// keepAtMost limits what is kept of the weights, and of others that share a lock with them.
func keepAtMost(weights []*Weight, bytes int64) {
	for _, w := range weights {
		if w.lock != nil {
			w.lock.kept.SetLimit(bytes)
		}
	}
	for _, w := range weights {
		if w.lock != nil && w.lock.kept.Bytes() > bytes {
			w.kept.Drop()
		}
	}
}

// inference compiles a graph that reads weights and does not change them.
func inference(weights map[*Weight]*graph.Node) *graph.Inference {
	kept := make(map[*graph.Node]*graph.Kept, len(weights))
	for w, n := range weights {
		kept[n] = &w.kept
	}
	return &graph.Inference{Kept: func(n *graph.Node) *graph.Kept { return kept[n] }}
}
