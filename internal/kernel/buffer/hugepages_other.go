// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package buffer

// hugePages does nothing where the system decides.
func hugePages([]float32) {}
