// SPDX-License-Identifier: Apache-2.0

package datasets

import "testing"

// TestDrawingsNeedMoreThanPixels fits a linear classifier (hinge loss, weight decay) to
// the pixels of small drawings: it learns something, and far from all that there is.
func TestDrawingsNeedMoreThanPixels(t *testing.T) {
	t.Parallel()
	const side, n = 16, 16 * 16 * 3
	train, validation, _, err := CatsDogs(t.Context(), From{Source: Sample}, ImageOptions{Height: side, Width: side, Filter: Bilinear})
	if err != nil {
		t.Fatal(err)
	}
	read := func(s *ImageFolder) (x, y []float32) {
		in, out := s.buffers(s.Len())
		if err := s.Read(upTo(s.Len()), in, out); err != nil {
			t.Fatal(err)
		}
		return in[0], out[0]
	}
	var w [n]float32
	var bias float32
	score := func(pixels []float32) float32 {
		s := bias
		for j, v := range pixels {
			s += w[j] * (v - 0.5)
		}
		return s
	}
	x, y := read(train)
	for range 40 {
		for _, i := range Permutation(len(y), 1) {
			pixels, sign := x[i*n:(i+1)*n], 2*y[i]-1
			if sign*score(pixels) > 1 {
				continue
			}
			for j, v := range pixels {
				w[j] += 2e-4*sign*(v-0.5) - 1e-5*w[j]
			}
			bias += 2e-4 * sign
		}
	}
	share := func(x, y []float32) float64 { // that is classified right
		right := 0
		for i, class := range y {
			if (score(x[i*n:(i+1)*n]) > 0) == (class == 1) {
				right++
			}
		}
		return float64(right) / float64(len(y))
	}
	if a := share(read(validation)); a < 0.55 || a > 0.85 {
		t.Errorf("pixels alone tell %.3f of the drawings, want 0.55 to 0.85", a)
	}
}
