// SPDX-License-Identifier: Apache-2.0

//go:build race

package kerneltest

// Rounds returns how many of n random cases to run: fewer under the race detector, which makes
// the references twenty times slower.
func Rounds(n int) int { return (n + 9) / 10 }
