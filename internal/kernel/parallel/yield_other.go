// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package parallel

import "runtime"

// yield gives up the core.
func yield() { runtime.Gosched() }
