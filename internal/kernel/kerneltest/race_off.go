// SPDX-License-Identifier: Apache-2.0

//go:build !race

package kerneltest

// Rounds is how many of n random cases to try.
func Rounds(n int) int { return n }
