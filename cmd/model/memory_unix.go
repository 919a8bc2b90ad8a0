// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package main

import (
	"runtime"
	"syscall"
)

// peakRSS is the largest memory that the process has had, in bytes; 0 if unknown.
func peakRSS() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss) // in bytes
	}
	return int64(usage.Maxrss) << 10 // in kilobytes
}
