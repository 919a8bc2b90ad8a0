// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// guarded returns n floats that end directly before an inaccessible page or, with atStart, begin
// directly after one.
func guarded(t *testing.T, n int, atStart bool) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	size := ceilDiv(max(n, 1)*4, page) * page
	mem, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	for _, guard := range [][]byte{mem[:page], mem[page+size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	at := page + size - 4*n
	if atStart {
		at = page
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&mem[at])), n)
}

// skipBounds skips a test of bounds under -short, with which the race detector runs: portable Go
// checks its bounds itself, and assembly is the same.
func skipBounds(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("tests bounds only")
	}
}

// No kernel may access memory outside of its operands, for any tail length.
func TestKernelsStayInside(t *testing.T) {
	skipBounds(t)
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, atStart := range []bool{false, true} {
			buf := func(n int) []float32 { return guarded(t, n, atStart) }
			rng := rand.New(rand.NewPCG(41, 42))
			for i := range kerneltest.Rounds(60) {
				m, n, k := 1+rng.IntN(40), 1+rng.IntN(70), rng.IntN(40)
				if i%10 == 0 {
					m = 17 * simd.Active.TileRows // packs B
				}
				a, b, c := buf(m*k), buf(k*n), buf(m*n)
				Gemm(false, false, m, n, k, a, k, b, n, 1, c, n)
				Gemm(true, false, m, n, k, a, m, b, n, 0, c, n)
				Gemm(false, true, m, n, k, a, k, b, k, 0, c, n)
				Dense(c, a, b, buf(n), m, k, n, ReLU, 0)
			}
			for i := range kerneltest.Rounds(60) { // wide tiles
				m, n, k := 1+i%6, 1+rng.IntN(300), rng.IntN(40)
				a, b, c := buf(m*k), buf(k*n), buf(m*n)
				Gemm(true, false, m, n, k, a, m, b, n, 1, c, n)
				Dense(c, a, b, buf(n), m, k, n, ReLU, 0)
			}
			shapes := []Conv{samePadding(square(2, 13, 32, 48, 3)), square(1, 34, 32, 32, 3), samePadding(square(2, 9, 3, 33, 3)), samePadding(square(1, 9, 131, 20, 3))}
			for range kerneltest.Rounds(40) {
				s := randomConv(rng, 40)
				shapes = append(shapes, s)
				s.C = 1 + s.C%4
				shapes = append(shapes, s)
			}
			for _, s := range shapes {
				x, w, y := buf(s.N*s.H*s.W*s.C), buf(s.KH*s.KW*s.C*s.K), buf(s.N*s.OH*s.OW*s.K)
				Conv2D(y, x, w, buf(s.K), &s, ReLU, 0)
				Conv2DBackData(x, y, w, &s)
				Conv2DBackWeights(w, x, y, &s)
				s.K = s.C
				w, y = buf(s.KH*s.KW*s.K), buf(s.N*s.OH*s.OW*s.K)
				Depthwise2D(y, x, w, buf(s.K), &s, ReLU, 0)
				Depthwise2DBackData(x, y, w, &s)
				Depthwise2DBackWeights(w, x, y, &s)
			}
		}
	})
}

// The same for the operands of all workloads, each with an inaccessible page before and after it.
func TestWorkloadsStayInside(t *testing.T) {
	skipBounds(t)
	defer func(f func(int) []float32) { newFloats = f }(newFloats)
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, w := range workloads {
			t.Run(w.name, func(t *testing.T) {
				for _, atStart := range []bool{false, true} {
					newFloats = func(n int) []float32 { return guarded(t, n, atStart) }
					for _, n := range []int{1, 60, 350, 1801, 20_003} {
						call, _ := w.make(rand.New(rand.NewPCG(1, 2)), n)
						call()
					}
				}
			})
		}
	})
}
