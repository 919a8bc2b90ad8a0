// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
)

// A long chain of dependent instructions, such as an exponential, fills the queue from which a core
// picks those that are ready; the chain behind it waits although nothing it needs is missing. Chains
// that share no registers can be emitted one after the other and merged instruction by instruction,
// so that both are in the queue.

const (
	chainStart = "chain"
	chainsEnd  = "end of chains"
)

// chain calls emit, whose instructions are merged with those of the chains before and after it.
func chain(c *build.Context, last bool, emit func()) {
	c.Comment(chainStart)
	emit()
	if last {
		c.Comment(chainsEnd)
	}
}

// mergeChains merges the chains of all functions.
func mergeChains(file *ir.File) {
	for _, f := range file.Functions() {
		var merged []ir.Node
		var chains [][]ir.Node
		for _, n := range f.Nodes {
			if c, ok := n.(*ir.Comment); ok && c.Lines[0] == chainStart {
				chains = append(chains, nil)
				continue
			} else if ok && c.Lines[0] == chainsEnd {
				merged, chains = append(merged, zip(chains)...), nil
				continue
			}
			if last := len(chains) - 1; last >= 0 {
				chains[last] = append(chains[last], n)
			} else {
				merged = append(merged, n)
			}
		}
		f.Nodes = merged
	}
}

// zip takes a node of each chain in turn.
func zip(chains [][]ir.Node) (all []ir.Node) {
	for i, more := 0, true; more; i++ {
		more = false
		for _, c := range chains {
			if i < len(c) {
				all, more = append(all, c[i]), true
			}
		}
	}
	return all
}
