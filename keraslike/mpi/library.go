// SPDX-License-Identifier: Apache-2.0

//go:build !nompi && ((darwin && !ios) || (freebsd && cgo) || (linux && !android && (386 || amd64 || arm || arm64 || loong64 || ppc64le || riscv64)))

package mpi

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// dynamic is a library that was opened by the C library's dlopen.
type dynamic struct {
	file     string
	version  string
	abi      abi
	handlers *handlers // of signals, those of Go

	getVersion, initThread, commRank, commSize, setHandler, isend, irecv, testOne, getCount, errorString, abortAll, end uintptr

	requests [2]uint64  // an int or a pointer each
	status   [16]uint64 // 20 to 32 bytes are used
	flag     int32
	count    int32

	// The arguments of a call: a list that the compiler makes would be allocated. What they point at is on the
	// heap, which does not move: fields of this struct, and data, which Comm holds.
	args [7]uintptr
}

// abi holds the handles that an ABI names.
type abi struct {
	world, bytes, errorsReturn uintptr // MPI_COMM_WORLD, MPI_BYTE, MPI_ERRORS_RETURN
	serialized                 uintptr // MPI_THREAD_SERIALIZED; FUNNELED is less
}

// The constants of mpi.h: of MPICH (ABI compatibility initiative, 2013) and of the standard ABI (MPI-5.0,
// appendix A). Open MPI's handles are addresses of variables.
var (
	abiMPICH    = abi{0x44000000, 0x4c00010d, 0x54000001, 2}
	abiStandard = abi{0x101, 0x247, 0x143, 2048}
)

// open loads the first library that there is.
func open(l launcher) (library, error) {
	files := []string{l.file}
	if l.file == "" {
		files = candidates(l.families)
	}
	handlers, err := signalHandlers() // UCX takes signals when it is loaded
	if err != nil {
		return nil, fmt.Errorf("mpi: %w", err)
	}
	var failed []error
	for _, file := range files {
		// RTLD_GLOBAL: Open MPI's plugins look for the symbols of the library.
		handle, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err != nil {
			failed = append(failed, fmt.Errorf("tried %s: %w", file, err))
			continue
		}
		d := &dynamic{file: file, handlers: handlers}
		if err := d.resolve(handle); err != nil {
			failed = append(failed, fmt.Errorf("tried %s: %w", file, err))
			continue
		}
		return d, nil
	}
	return nil, fmt.Errorf("mpi: started by %v, but no MPI library was found; install that of the launcher "+
		"(Debian: apt-get install openmpi-bin or mpich; Fedora: dnf install openmpi, then module load mpi; macOS: brew install open-mpi), "+
		"or set REEF_MPI to its file:\n%w", l, errors.Join(failed...))
}

// resolve finds the functions and the ABI.
func (d *dynamic) resolve(handle uintptr) error {
	for name, f := range map[string]*uintptr{
		"Get_library_version": &d.getVersion, "Init_thread": &d.initThread, "Comm_rank": &d.commRank, "Comm_size": &d.commSize,
		"Comm_set_errhandler": &d.setHandler, "Isend": &d.isend, "Irecv": &d.irecv, "Test": &d.testOne, "Get_count": &d.getCount,
		"Error_string": &d.errorString, "Abort": &d.abortAll, "Finalize": &d.end,
	} {
		var err error
		if *f, err = purego.Dlsym(handle, "MPI_"+name); err != nil {
			return err
		}
	}
	symbol := func(name string) uintptr {
		p, err := purego.Dlsym(handle, name)
		if err != nil {
			return 0
		}
		return p
	}
	// The name comes first: a library of the standard ABI that is built on Open MPI has its symbols below it.
	switch world := symbol("ompi_mpi_comm_world"); {
	case strings.Contains(path.Base(d.file), "mpi_abi"):
		d.abi = abiStandard
	case world != 0:
		d.abi = abi{world, symbol("ompi_mpi_byte"), symbol("ompi_mpi_errors_return"), 2}
		if d.abi.bytes == 0 || d.abi.errorsReturn == 0 {
			return errors.New("a kind of Open MPI without ompi_mpi_byte and ompi_mpi_errors_return")
		}
	default:
		d.abi = abiMPICH
	}
	return nil
}

func (d *dynamic) String() string { return fmt.Sprintf("%s (%s)", d.version, d.file) }

func (d *dynamic) initialize() (rank, size int, anywhere bool, err error) {
	text, n := make([]byte, 16384), new(int32) // MPI_MAX_LIBRARY_VERSION_STRING is at most 8192
	if err := d.check("MPI_Get_library_version", call(d.getVersion, uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(n)))); err != nil {
		return 0, 0, false, err
	}
	d.version = shortVersion(string(text[:max(0, *n)]))
	provided := new(int32)
	code := call(d.initThread, 0, 0, d.abi.serialized, uintptr(unsafe.Pointer(provided)))
	d.handlers.restore()
	if err := d.check("MPI_Init_thread", code); err != nil {
		return 0, 0, false, err
	}
	if err := d.check("MPI_Comm_set_errhandler", call(d.setHandler, d.abi.world, d.abi.errorsReturn)); err != nil {
		return 0, 0, false, err
	}
	r, s := new(int32), new(int32)
	if err := d.check("MPI_Comm_rank", call(d.commRank, d.abi.world, uintptr(unsafe.Pointer(r)))); err != nil {
		return 0, 0, false, err
	}
	err = d.check("MPI_Comm_size", call(d.commSize, d.abi.world, uintptr(unsafe.Pointer(s))))
	return int(*r), int(*s), uintptr(*provided) >= d.abi.serialized, err
}

// shortVersion returns the name and number of a library from its description: "Open MPI v4.1.4, package: ..."
// or "MPICH Version: 4.0.2" with more lines, of which "MPICH 4.0.2" is left.
func shortVersion(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	line, _, _ = strings.Cut(line, ",")
	line = strings.Replace(strings.TrimRight(line, "\x00"), "Version:", "", 1)
	return strings.Join(strings.Fields(line), " ")
}

func (d *dynamic) begin(way direction, data []byte, peer, tag int) error {
	f, name := d.isend, "MPI_Isend"
	if way == receiving {
		f, name = d.irecv, "MPI_Irecv"
	}
	d.args = [7]uintptr{uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)), d.abi.bytes,
		uintptr(peer), uintptr(tag), d.abi.world, uintptr(unsafe.Pointer(&d.requests[way]))}
	r, _, _ := purego.SyscallN(f, d.args[:]...)
	return d.check(name, int32(r))
}

func (d *dynamic) test(way direction) (done bool, received int, err error) {
	d.args = [7]uintptr{uintptr(unsafe.Pointer(&d.requests[way])), uintptr(unsafe.Pointer(&d.flag)), uintptr(unsafe.Pointer(&d.status))}
	r, _, _ := purego.SyscallN(d.testOne, d.args[:3]...)
	if err := d.check("MPI_Test", int32(r)); err != nil {
		return false, 0, err
	}
	if d.flag == 0 || way == sending {
		return d.flag != 0, 0, nil
	}
	d.args = [7]uintptr{uintptr(unsafe.Pointer(&d.status)), d.abi.bytes, uintptr(unsafe.Pointer(&d.count))}
	r, _, _ = purego.SyscallN(d.getCount, d.args[:3]...)
	return true, int(d.count), d.check("MPI_Get_count", int32(r))
}

func (d *dynamic) abort(status int) { call(d.abortAll, d.abi.world, uintptr(status)) }

func (d *dynamic) finalize() error { return d.check("MPI_Finalize", call(d.end)) }

// check returns the error of a result, with the library's text.
func (d *dynamic) check(name string, code int32) error {
	if code == 0 {
		return nil
	}
	text, n := make([]byte, 4096), new(int32) // MPI_MAX_ERROR_STRING is at most 1024
	if call(d.errorString, uintptr(code), uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(n))) != 0 || *n <= 0 {
		return fmt.Errorf("%s: error %d", name, code)
	}
	return fmt.Errorf("%s: %s", name, strings.TrimSpace(string(text[:*n])))
}

// call calls a function of C that returns an int. Pointers that are converted among its arguments escape to
// the heap, which does not move as a stack does.
//
//go:uintptrescapes
func call(f uintptr, args ...uintptr) int32 {
	r, _, _ := purego.SyscallN(f, args...)
	return int32(r)
}
