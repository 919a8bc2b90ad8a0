// SPDX-License-Identifier: Apache-2.0

// Package kernel is the arithmetic under the graph: matrix products,
// convolutions, activations, losses and optimizer updates on row-major slices.
//
// float32 takes the fast path: AVX-512 or AVX2 assembly, chosen at run time, on
// a pool of persistent workers. float64, which only gradient checks use, takes
// the plain loops of package ref.
//
// This package checks operands, chooses between the two and has the kernels
// that are one pass over their operands. Below it are
//
//   - ref: the specification of every kernel, in plain Go;
//   - simd: the innermost loops, for each instruction set; asm writes its assembly;
//   - parallel: the pool of workers, and how work is cut;
//   - gemm, conv, rnn: matrix products, convolutions, recurrent layers;
//   - buffer: memory.
//
// Every result has the same bits on any number of workers: work is cut into
// units that depend on the shapes alone, each output element is summed by one
// worker in one order, and partial sums are reduced in a fixed order. Nothing
// allocates once the buffers have grown to size. Slices that are too short for
// the shapes given are a programming error and panic; the graph has checked
// shapes before it calls.
package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Float is float32 (fast) or float64 (plain loops, for gradient checks).
type Float = ref.Float

// ISA names the instruction set in use: "avx512", "avx2" or "generic".
func ISA() string { return simd.Active.Name }

// SetWorkers changes the number of goroutines that share one kernel, the caller among them,
// until restore is called; at first it is GOMAXPROCS. Results do not depend on it.
func SetWorkers(n int) (restore func()) { return parallel.SetWorkers(n) }

// Floats returns n zeros in memory that suits kernels; see buffer.Floats.
func Floats(n int) []float32 { return buffer.Floats(n) }
