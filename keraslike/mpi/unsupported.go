// SPDX-License-Identifier: Apache-2.0

//go:build nompi || !((darwin && !ios) || (freebsd && cgo) || (linux && !android && (386 || amd64 || arm || arm64 || loong64 || ppc64le || riscv64)))

package mpi

import (
	"fmt"
	"runtime"
)

// open fails: libraries cannot be opened here.
func open(l launcher) (library, error) {
	return nil, fmt.Errorf("mpi: started by %v, but this program for %s/%s cannot open an MPI library: "+
		"package mpi works on Linux and macOS, and on FreeBSD with cgo, without the build tag nompi", l, runtime.GOOS, runtime.GOARCH)
}
