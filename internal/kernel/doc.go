// SPDX-License-Identifier: Apache-2.0

// Package kernel has the computations behind package graph: matrix products, convolutions,
// activations, losses and optimizer updates on row-major slices.
//
// For float32 they use AVX-512 or AVX2 assembly, selected at run time, on a pool of persistent
// workers. For float64, which only gradient checks use, they run the plain loops of package ref.
//
// This package checks operands, chooses between the two, and contains the kernels that are a
// single pass over their operands. Below it are
//
//   - ref: the specification of every kernel, in plain Go;
//   - simd: the innermost loops for each instruction set; asm generates its assembly;
//   - parallel: the worker pool and the partitioning of work;
//   - gemm, conv, rnn: matrix products, convolutions, recurrent layers;
//   - buffer: memory.
//
// Results have the same bits for any number of workers: work is partitioned into units that
// depend only on the shapes, each output element is summed by one worker in one order, and
// partial sums are reduced in a fixed order. Once the buffers have grown to their final size,
// nothing is allocated. Slices that are too short for the given shapes are a programming error
// and panic; package graph checks shapes before it calls.
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

// SetWorkers changes the number of goroutines that share a kernel's work, including the caller,
// until restore is called. Initially it is GOMAXPROCS. Results do not depend on it.
func SetWorkers(n int) (restore func()) { return parallel.SetWorkers(n) }

// Floats returns n zeros in memory suited to kernels; see buffer.Floats.
func Floats(n int) []float32 { return buffer.Floats(n) }
