// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package parallel

import "runtime"

// yield gives the core away.
func yield() { runtime.Gosched() }
