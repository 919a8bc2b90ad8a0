// SPDX-License-Identifier: Apache-2.0

// Package elements moves elements: strided copies, gather and scatter, sorting and scans along an axis.
// What only moves elements takes memory as bytes and the width of an element, 1, 4 or 8, so that one
// implementation serves every element type.
package elements

import (
	"fmt"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// maxAxes is how many axes a Walk has at most: two for each of the eight axes of a tensor.
const maxAxes = 16

// grain is the number of elements per piece of work.
const grain = 16384

// Walk visits elements of two tensors at the same time. Its zero value visits one element of each, the
// first.
type Walk struct {
	// DstAt and SrcAt are the positions of the first elements.
	DstAt, SrcAt int

	rank           int
	size, dst, src [maxAxes]int
	empty          bool
}

// Axis adds an axis, inside of those before it, of n elements that are dst and src apart. Axes that
// can be visited as one are merged.
func (w *Walk) Axis(n, dst, src int) {
	w.empty = w.empty || n == 0
	if n <= 1 {
		return
	}
	if k := w.rank - 1; k >= 0 && w.dst[k] == n*dst && w.src[k] == n*src {
		w.size[k] *= n
		w.dst[k], w.src[k] = dst, src
		return
	}
	if w.rank == maxAxes {
		panic(fmt.Sprintf("walk: more than %d axes", maxAxes))
	}
	w.size[w.rank], w.dst[w.rank], w.src[w.rank] = n, dst, src
	w.rank++
}

// last makes axis k the innermost one.
func (w *Walk) last(k int) {
	n, d, s := w.size[k], w.dst[k], w.src[k]
	for ; k < w.rank-1; k++ {
		w.size[k], w.dst[k], w.src[k] = w.size[k+1], w.dst[k+1], w.src[k+1]
	}
	w.size[k], w.dst[k], w.src[k] = n, d, s
}

// Copy copies the elements of src that a walk visits to those of dst. No element of dst may be visited
// twice.
func Copy(dst, src []byte, width int, w Walk) {
	if w.empty {
		return
	}
	if w.rank == 0 {
		w.size[0], w.dst[0], w.src[0], w.rank = 1, 1, 1, 1
	}
	w.arrange()
	rows := 1
	for _, n := range w.size[:w.rank-1] {
		rows *= n
	}
	if k := w.rank - 1; rows < few && w.size[k] > 2*grain && w.rank < maxAxes { // share long rows
		n, d, s := w.size[k], w.dst[k], w.src[k]
		rest := w
		if rest.size[k] = n % grain; rest.size[k] > 0 {
			rest.DstAt += (n - n%grain) * d
			rest.SrcAt += (n - n%grain) * s
			copyJobs.Run(copyJob{Walk: rest, to: dst, from: src, width: width}, rows, rows)
		}
		w.size[k], w.dst[k], w.src[k] = n/grain, grain*d, grain*s
		w.size[k+1], w.dst[k+1], w.src[k+1] = grain, d, s
		w.rank++
		copyJobs.Run(copyJob{Walk: w, to: dst, from: src, width: width}, rows*(n/grain), 1)
		return
	}
	j := copyJob{Walk: w, to: dst, from: src, width: width}
	inner := w.size[w.rank-1]
	if w.transposes() {
		j.band = tile
		rows = rows / w.size[w.rank-2] * bands(w.size[w.rank-2])
		inner *= min(tile, w.size[w.rank-2])
	}
	copyJobs.Run(j, rows, max(1, grain/inner))
}

// few is the number of rows from which there is one for each worker.
const few = 64

// arrange makes that axis the innermost one along which both tensors are contiguous. If there is
// none, dst is contiguous along the innermost axis and src along the one before, if possible.
func (w *Walk) arrange() {
	dst, src := -1, -1
	for k := range w.rank {
		switch one := w.dst[k] == 1; {
		case one && w.src[k] == 1:
			w.last(k)
			return
		case one:
			dst = k
		case w.src[k] == 1:
			src = k
		}
	}
	if dst < 0 {
		return
	}
	if src >= 0 {
		w.last(src)
		if src < dst {
			dst--
		}
	}
	w.last(dst)
}

// transposes reports whether the innermost two axes are those of a transposition.
func (w *Walk) transposes() bool {
	k := w.rank - 1
	return k > 0 && w.dst[k] == 1 && w.src[k] > 1 && w.src[k-1] == 1 && w.dst[k-1] > 0
}

// tile is the side of the squares that a transposition moves: 16 floats fill a cache line.
const tile = 16

func bands(n int) int { return (n + tile - 1) / tile }

type copyJob struct {
	Walk
	to, from    []byte
	width, band int
}

var copyJobs parallel.Jobs[copyJob, *copyJob]

func (j *copyJob) Piece(lo, hi int) {
	switch j.width {
	case 1:
		copyRows[uint8](j, lo, hi)
	case 4:
		copyRows[uint32](j, lo, hi)
	case 8:
		copyRows[uint64](j, lo, hi)
	}
}

// word is the memory of an element.
type word interface{ uint8 | uint32 | uint64 }

func width[W word]() int { return int(unsafe.Sizeof(*new(W))) }

func words[W word](b []byte) []W {
	return unsafe.Slice((*W)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(*new(W))))
}

// copyRows copies rows lo to hi-1, or bands of a transposition.
func copyRows[W word](j *copyJob, lo, hi int) {
	to, from := words[W](j.to), words[W](j.from)
	last := j.rank - 1
	n, d, s := j.size[last], j.dst[last], j.src[last]
	axes := last // that are outside of a row
	if j.band > 0 {
		axes--
	}
	for r := lo; r < hi; {
		per, k := 1, 0 // rows or bands that can be done in one go, from number k
		dstAt, srcAt, rest := j.DstAt, j.SrcAt, r
		if j.band > 0 {
			per = bands(j.size[axes])
			k = rest % per
			rest /= per
		} else if axes > 0 {
			axes--
			per = j.size[axes]
			k = rest % per
			rest /= per
		}
		for a := axes - 1; a >= 0; a-- {
			i := rest % j.size[a]
			rest /= j.size[a]
			dstAt += i * j.dst[a]
			srcAt += i * j.src[a]
		}
		m := min(per-k, hi-r)
		switch {
		case j.band > 0:
			for b := k; b < k+m; b++ {
				transposeBand(to[dstAt:], from[srcAt:], n, j.dst[axes], s, b*tile, min((b+1)*tile, j.size[axes]))
			}
		case last == 0:
			copyRow(to, from, dstAt, srcAt, n, d, s)
		default:
			dd, ds := j.dst[axes], j.src[axes]
			copyPlane(to, from, dstAt+k*dd, srcAt+k*ds, m, dd, ds, n, d, s)
			axes++
		}
		r += m
	}
}

// copyPlane copies m rows that are dd and ds apart.
func copyPlane[W word](to, from []W, at, src, m, dd, ds, n, d, s int) {
	const short = 16 // elements, for which a call of memmove takes longer than a loop
	switch {
	case d == 1 && s == 1 && n == 2:
		for range m {
			t, f := to[at:at+2:at+2], from[src:src+2:src+2]
			t[0], t[1] = f[0], f[1]
			at, src = at+dd, src+ds
		}
	case d == 1 && s == 1 && n < short:
		for range m {
			t, f := to[at:at+n], from[src:src+n]
			for i := range t {
				t[i] = f[i]
			}
			at, src = at+dd, src+ds
		}
	case d == 1 && s == 0 && dd == n && ds == 1: // each element n times
		f := from[src : src+m]
		switch n {
		case 2:
			t := to[at : at+2*m]
			for i, v := range f {
				t[2*i], t[2*i+1] = v, v
			}
		default:
			for i, v := range f {
				t := to[at+i*n : at+i*n+n]
				for k := range t {
					t[k] = v
				}
			}
		}
	case d == 1 && s == 1 && simd.Active.Moves.CopyRows != nil && n*width[W]() >= simd.LeastRow && m > 0 && dd >= 0 && ds >= 0:
		size := width[W]()
		t, f := to[at:at+(m-1)*dd+n], from[src:src+(m-1)*ds+n] // all that is touched
		simd.Active.Moves.CopyRows((*byte)(unsafe.Pointer(&t[0])), (*byte)(unsafe.Pointer(&f[0])), m, n*size, dd*size, ds*size)
	case d == 1 && s == 1:
		for range m {
			copy(to[at:at+n], from[src:src+n])
			at, src = at+dd, src+ds
		}
	default:
		for range m {
			copyRow(to, from, at, src, n, d, s)
			at, src = at+dd, src+ds
		}
	}
}

// reverse copies the elements in the other order, four at a time.
func reverse[W word](to, from []W) {
	n := len(to)
	i := 0
	for ; i+4 <= n; i += 4 {
		t, f := to[i:i+4:i+4], from[n-i-4:n-i]
		t[0], t[1], t[2], t[3] = f[3], f[2], f[1], f[0]
	}
	for ; i < n; i++ {
		to[i] = from[n-1-i]
	}
}

// pickSteps copies elements that are s apart, from the one at src on, eight at a time.
func pickSteps[W word](to, from []W, src, s int) {
	if s == 2 {
		for len(to) >= 8 && len(from) >= src+16 {
			t, f := (*[8]W)(to), (*[16]W)(from[src:])
			t[0], t[1], t[2], t[3] = f[0], f[2], f[4], f[6]
			t[4], t[5], t[6], t[7] = f[8], f[10], f[12], f[14]
			to, src = to[8:], src+16
		}
	}
	for i := range to {
		to[i] = from[src]
		src += s
	}
}

func copyRow[W word](to, from []W, at, src, n, d, s int) {
	switch {
	case d == 1 && s == 1:
		copy(to[at:at+n], from[src:src+n])
	case d == 1 && s == 0:
		v, t := from[src], to[at:at+n]
		for i := range t {
			t[i] = v
		}
	case d == 1 && s == -1:
		reverse(to[at:at+n], from[src-n+1:src+1])
	case d == 1:
		pickSteps(to[at:at+n], from, src, s)
	default:
		for range n {
			to[at] = from[src]
			at, src = at+d, src+s
		}
	}
}

// transposeBand writes rows c0 to c1-1 of dst, which are dd apart, from columns of src, whose rows of
// neighbors are ds apart: whole squares in registers if the instruction set can, the rest one by one.
func transposeBand[W word](dst, src []W, n, dd, ds, c0, c1 int) {
	done := 0
	if side := simd.Active.BlockSide; side > 0 && unsafe.Sizeof(*new(W)) == 4 && c1-c0 == tile && n >= side {
		done = n / side * side
		for c := c0; c < c1; c += side {
			for r := 0; r < done; r += side {
				simd.Active.TransposeBlock((*float32)(unsafe.Pointer(&dst[c*dd+r])), (*float32)(unsafe.Pointer(&src[r*ds+c])), 1, 4*dd, 4*ds)
			}
		}
	}
	for r0 := done; r0 < n; r0 += tile {
		r1 := min(r0+tile, n)
		for c := c0; c < c1; c++ {
			out := dst[c*dd+r0 : c*dd+r1]
			at := r0*ds + c
			for i := range out {
				out[i] = src[at]
				at += ds
			}
		}
	}
}

// Fill writes v to all of dst.
func Fill[E any](dst []E, v E) {
	if len(dst) == 0 {
		return
	}
	dst[0] = v
	for n := 1; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// Clear writes zeros to dst.
func Clear(dst []byte) { clearJobs.Run(clearJob{dst}, len(dst), 8*grain) }

type clearJob struct{ dst []byte }

var clearJobs parallel.Jobs[clearJob, *clearJob]

func (j *clearJob) Piece(lo, hi int) { clear(j.dst[lo:hi]) }

// Integers is scratch memory.
type Integers struct{ at []int64 }

// Of returns n integers with undefined content.
func (m *Integers) Of(n int) []int64 {
	m.at = buffer.Resize(m.at, n)
	return m.at
}

// Scratch has memory to borrow.
var Scratch parallel.FreeList[Integers]
