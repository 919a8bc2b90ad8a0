// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package buffer

// hugePages does nothing where the system decides about huge pages.
func hugePages([]float32) {}
