// SPDX-License-Identifier: Apache-2.0

//go:build !nompi && ((darwin && !ios) || (freebsd && cgo) || (linux && !android && (386 || amd64 || arm || arm64 || loong64 || ppc64le || riscv64)))

package mpi

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// handlers are the actions of all signals, as the C library's struct sigaction, whose layout does not matter
// here. The C library keeps some signals to itself; they are not known.
type handlers struct {
	sigaction uintptr
	known     [65]bool
	actions   [65][32]uint64 // the largest struct has 152 bytes
}

// signalHandlers returns the actions as they are, which before a library is loaded are those of the Go
// runtime.
func signalHandlers() (*handlers, error) {
	h := &handlers{}
	var err error
	if h.sigaction, err = purego.Dlsym(purego.RTLD_DEFAULT, "sigaction"); err != nil {
		return nil, err
	}
	for s := 1; s < len(h.actions); s++ {
		h.known[s] = call(h.sigaction, uintptr(s), 0, uintptr(unsafe.Pointer(&h.actions[s]))) == 0
	}
	return h, nil
}

// restore sets the actions again.
func (h *handlers) restore() {
	for s := 1; s < len(h.actions); s++ {
		if h.known[s] {
			call(h.sigaction, uintptr(s), uintptr(unsafe.Pointer(&h.actions[s])), 0)
		}
	}
}
