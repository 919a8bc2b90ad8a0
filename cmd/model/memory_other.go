// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin

package main

// peakRSS is not known here.
func peakRSS() int64 { return 0 }
