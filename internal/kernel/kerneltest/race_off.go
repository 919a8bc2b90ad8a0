// SPDX-License-Identifier: Apache-2.0

//go:build !race

package kerneltest

// Rounds returns how many of n random cases to run.
func Rounds(n int) int { return n }
