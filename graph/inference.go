// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/reef-dl/reef/internal/kernel"

// Kept holds what programs for inference derive from the value of a variable, such as weights in the
// order in which a kernel reads them, for all programs that share the value.
type Kept = kernel.Kept

// KeptBudget is the memory that several Kept may take together.
type KeptBudget = kernel.KeptBudget

// Inference is the option of programs that predict: each sample, which is an entry of the first axis, has the
// same bits alone and in any batch. A program for training chooses the fastest algorithm for the
// whole batch instead, so its values may differ from these in the last bits.
type Inference struct {
	// Kept returns where to keep what is derived from a variable's value, nil for nowhere.
	Kept func(variable *Node) *Kept
	// Outside is the number of first roots for which the caller has memory, see Program.SetOutput.
	Outside int
}
