// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package simd

import "github.com/reef-dl/reef/internal/kernel/ref"

var machineActivations [ref.Activations]string

func cpuISAs() []*ISA { return nil }

// Fetch prefetches x to the first-level cache; portable Go cannot.
func Fetch(x []float32) {}

// Pause is one iteration of a spin loop, about 50 ns.
func Pause() {
	for range 128 {
	}
}
