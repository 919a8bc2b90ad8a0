// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package kernel

// largePages does nothing where the system decides.
func largePages([]float32) {}
