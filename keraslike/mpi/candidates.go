// SPDX-License-Identifier: Apache-2.0

package mpi

import "runtime"

// candidates returns the files of families of libraries, in the order in which they are tried. The
// number is the version of the ABI: 40 of Open MPI 4 to 5, 12 of MPICH since 3.1 and of what is compatible
// with it, 1 of the standard ABI.
func candidates(families []family) (files []string) {
	linux := map[family][]string{
		openMPI: {"libmpi.so.40", "libmpi.so", "libmpi_abi.so.1"},
		mpich:   {"libmpi.so.12", "libmpich.so.12", "libmpi_abi.so.1", "libmpi.so"},
	}
	// Homebrew's folder is not among those that are searched.
	mac := map[family][]string{
		openMPI: {"libmpi.40.dylib", "/opt/homebrew/lib/libmpi.40.dylib", "libmpi_abi.1.dylib"},
		mpich:   {"libmpi.12.dylib", "/opt/homebrew/lib/libmpi.12.dylib", "libmpi_abi.1.dylib"},
	}
	names := linux
	if runtime.GOOS == "darwin" {
		names = mac
	}
	seen := map[string]bool{}
	for _, f := range families {
		for _, name := range names[f] {
			if !seen[name] {
				files = append(files, name)
			}
			seen[name] = true
		}
	}
	return files
}
