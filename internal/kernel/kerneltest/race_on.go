// SPDX-License-Identifier: Apache-2.0

//go:build race

package kerneltest

// Rounds cuts the number of random cases under the race detector, whose
// instrumented references take twenty times as long.
func Rounds(n int) int { return (n + 9) / 10 }
