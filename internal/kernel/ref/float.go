// SPDX-License-Identifier: Apache-2.0

// Package ref has a plain version of every kernel: row-major slices, loops in the order of the
// formula, nothing clever. It is the specification of package kernel, the oracle of its tests
// and its float64 implementation.
package ref

// Float is an element type of the kernels. Training runs in float32; float64 is for gradient
// checks.
type Float interface{ float32 | float64 }
