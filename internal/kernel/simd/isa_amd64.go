// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package simd

import "golang.org/x/sys/cpu"

var avx512 = ISA{
	Name: "avx512", Table: avx512Table, Functions: avx512Functions, Moves: avx512Moves, Machine: avx512Machine,
	TileRows: 14, LaneBits: 4, tileVectors: 2, Depth: 384, tiles: avx512Tiles, strips: avx512Strips,
	TransposeBlock: avx512Transpose, BlockSide: 16, PackColumns: avx512PackColumns, PackRows: avx512PackRows,
	WinogradInput: avx512WinogradInput, WinogradWeights: avx512WinogradWeights, WinogradOutput: avx512WinogradOutput,
	WinogradGradient: avx512WinogradGradient, WinogradWeightGradient: avx512WinogradWeightGradient,
	Peak: avx512Peak,
}

var avx2 = ISA{
	Name: "avx2", Table: avx2Table, Functions: avx2Functions, Moves: avx2Moves, Machine: avx2Machine,
	TileRows: 6, LaneBits: 3, tileVectors: 2, Depth: 256, tiles: avx2Tiles, strips: avx2Strips,
	TransposeBlock: avx2Transpose, BlockSide: 8, PackColumns: avx2PackColumns, PackRows: avx2PackRows,
	WinogradInput: avx2WinogradInput, WinogradWeights: avx2WinogradWeights, WinogradOutput: avx2WinogradOutput,
	WinogradGradient: avx2WinogradGradient, WinogradWeightGradient: avx2WinogradWeightGradient,
	Peak: avx2Peak,
}

func cpuISAs() []*ISA {
	var found []*ISA
	x := &cpu.X86
	// the kernels use only AVX512F; requiring the rest excludes Knights Landing
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512DQ && x.HasBMI2 {
		found = append(found, &avx512)
	}
	if x.HasAVX2 && x.HasFMA {
		found = append(found, &avx2)
	}
	return found
}
