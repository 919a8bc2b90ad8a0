// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

var avx512ISA = isa{
	name: "avx512", vec: &avx512Vec, rows: 14, laneBits: 4, vectors: 2, depth: 384,
	tiles: avx512Tiles, strips: avx512Strips, peak: avx512Peak, block: 16, turn: avx512Transpose, packColumns: avx512PackColumns, packRows: avx512PackRows,
	winogradInput: avx512WinogradInput, winogradWeights: avx512WinogradWeights, winogradOutput: avx512WinogradOutput,
	winogradGradient: avx512WinogradGradient, winogradWeightGradient: avx512WinogradWeightGradient,
}

var avx2ISA = isa{
	name: "avx2", vec: &avx2Vec, rows: 6, laneBits: 3, vectors: 2, depth: 256,
	tiles: avx2Tiles, strips: avx2Strips, peak: avx2Peak, block: 8, turn: avx2Transpose, packColumns: avx2PackColumns, packRows: avx2PackRows,
	winogradInput: avx2WinogradInput, winogradWeights: avx2WinogradWeights, winogradOutput: avx2WinogradOutput,
	winogradGradient: avx2WinogradGradient, winogradWeightGradient: avx2WinogradWeightGradient,
}

func cpuISAs() []*isa {
	var found []*isa
	x := &cpu.X86
	// the kernels use AVX512F only; asking for the rest keeps out Knights Landing
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512DQ && x.HasBMI2 {
		found = append(found, &avx512ISA)
	}
	if x.HasAVX2 && x.HasFMA {
		found = append(found, &avx2ISA)
	}
	return found
}
