// SPDX-License-Identifier: Apache-2.0

package distributed

import "math/bits"

// node is a node of the tree over leaves; see the documentation of the package.
type node struct{ level, index int }

// first and end return the range of leaves of a node; end may exceed the number of leaves.
func (n node) first() int { return n.index << n.level }
func (n node) end() int   { return (n.index + 1) << n.level }

func (n node) parent() node { return node{n.level + 1, n.index / 2} }
func (n node) children() (a, b node) {
	return node{n.level - 1, 2 * n.index}, node{n.level - 1, 2*n.index + 1}
}

// root returns the node of all leaves.
func root(leaves int) node { return node{bits.Len(uint(leaves - 1)), 0} }

// Part returns the range of the leaves of a rank: consecutive, and as equal as possible in number.
func Part(leaves, rank, ranks int) (first, end int) {
	return leaves * rank / ranks, leaves * (rank + 1) / ranks
}

// cover returns the largest nodes whose leaves all lie from first up to end, in ascending order. Leaves that
// do not exist count as covered.
func cover(leaves, first, end int) []node {
	var nodes []node
	for first < end {
		n := node{0, first}
		for {
			p := n.parent()
			if n == root(leaves) || p.first() < first || p.end() > end && end < leaves {
				break
			}
			n = p
		}
		nodes, first = append(nodes, n), n.end()
	}
	return nodes
}

// sumOver calls add for each sum of two nodes that leads from the given nodes to the root, children first;
// add(a, b) is to replace the value of a, which then is that of the parent, by a + b. nodes are in ascending
// order, cover all leaves and do not overlap. The value of the root replaces that of the first node.
func sumOver(nodes []node, leaves int, add func(a, b int)) {
	var value func(n node) int // the position in nodes of the value of n
	next := 0
	value = func(n node) int {
		if next < len(nodes) && nodes[next] == n {
			next++
			return next - 1
		}
		a, b := n.children()
		first := value(a)
		if b.first() < leaves {
			add(first, value(b))
		}
		return first
	}
	value(root(leaves))
}
