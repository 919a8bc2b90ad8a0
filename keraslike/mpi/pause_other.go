// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package mpi

import "time"

// pause sleeps.
func pause(d time.Duration) { time.Sleep(d) }
