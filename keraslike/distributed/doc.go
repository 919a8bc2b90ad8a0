// SPDX-License-Identifier: Apache-2.0

// Package distributed lets several processes, or several goroutines of one process, compute sums
// and exchange data as one group. Training on several machines (keraslike.Distributed) is built
// on it; it knows nothing of models.
//
// A Comm connects the members of a group, its ranks. Local makes one of goroutines, package
// keraslike/mpi one of processes that were started by MPI. A Group adds what training needs:
//
//   - Agree compares what all ranks are about to do and combines their flags, so that a rank that
//     stops or fails stops all of them after the same step.
//   - Sum adds up vectors, called leaves, in the order of a fixed binary tree. The tree depends only
//     on the number of leaves, so the sum has the same bits however the leaves are divided among
//     ranks.
//   - Gather and Broadcast copy bytes between ranks.
//
// # The tree
//
// A node of level l and index i covers the leaves from i·2^l up to, but not including, (i+1)·2^l. It
// is the sum of its two children of level l-1; a node whose second child covers no leaf is equal to
// the first. With six leaves the sum is ((0+1)+(2+3))+(4+5).
//
// A rank adds up its own leaves as far as the nodes that they cover completely. If that is one node
// for every rank, of the same level, and the number of ranks is a power of two, the rest is done by
// recursive halving and doubling: log2(n) rounds, in which a rank sends half, a quarter, an eighth
// of the vector and so on to the rank with which it shares the next node, and then log2(n) rounds
// that return the result (Thakur, Rabenseifner and Gropp, Optimization of Collective Communication
// Operations in MPICH, 2005, section 4.5). Otherwise every rank computes one part of the vector for
// all others, in 2(n-1) rounds.
package distributed
