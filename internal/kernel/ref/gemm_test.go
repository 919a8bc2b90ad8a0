// SPDX-License-Identifier: Apache-2.0

package ref

import (
	"slices"
	"testing"
)

// The products were computed by hand: A = [1 2 3; 4 5 6], B = [1 0; 2 1; 0 3].
func TestGemm(t *testing.T) {
	a, at := []float64{1, 2, 3, 4, 5, 6}, []float64{1, 4, 2, 5, 3, 6}
	b, bt := []float64{1, 0, 2, 1, 0, 3}, []float64{1, 2, 0, 0, 1, 3}
	for _, c := range []struct {
		transA, transB bool
		a, b           []float64
		lda, ldb       int
	}{{false, false, a, b, 3, 2}, {true, false, at, b, 2, 2}, {false, true, a, bt, 3, 3}, {true, true, at, bt, 2, 3}} {
		got := []float64{100, 100, 100, 100}
		Gemm(c.transA, c.transB, 2, 2, 3, c.a, c.lda, c.b, c.ldb, 0, got, 2)
		if want := []float64{5, 11, 14, 23}; !slices.Equal(got, want) {
			t.Errorf("transA %v, transB %v: %v, want %v", c.transA, c.transB, got, want)
		}
		Gemm(c.transA, c.transB, 2, 2, 3, c.a, c.lda, c.b, c.ldb, 1, got, 2)
		if want := []float64{10, 22, 28, 46}; !slices.Equal(got, want) {
			t.Errorf("transA %v, transB %v, beta 1: %v, want %v", c.transA, c.transB, got, want)
		}
	}
}

func TestDense(t *testing.T) {
	y := make([]float64, 4)
	Dense(y, []float64{1, 2, 3, 4, 5, 6}, []float64{1, 0, 2, 1, 0, 3}, []float64{10, 20}, 2, 3, 2)
	if want := []float64{15, 31, 24, 43}; !slices.Equal(y, want) {
		t.Errorf("got %v, want %v", y, want)
	}
}
