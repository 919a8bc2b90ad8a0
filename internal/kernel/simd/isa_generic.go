// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package simd

func cpuISAs() []*ISA { return nil }

// Fetch brings x, which will be needed soon, to the first-level cache; portable Go cannot.
func Fetch(x []float32) {}

// Pause is one turn of a spin loop, some 50 ns.
func Pause() {
	for range 128 {
	}
}
