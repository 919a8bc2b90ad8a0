// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"slices"
	"testing"
)

// TestViewsPassOn: what a source tells beside its samples comes through the views.
func TestViewsPassOn(t *testing.T) {
	words := &Sequences{IDs: [][]int32{{1}, {2}, {3, 1}}, Labels: []int32{0, 1, 1}, names: []string{"bad", "good"}}
	hot, err := words.MultiHot(5)
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := NewImageFolder(folder(t), "top", ImageOptions{Height: 1, Width: 1})
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := Zip(Take(pictures, 3), Shuffle(hot, 1), counting(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	oneHot, err := OneHot(Take(pictures, 3), 3)
	if err != nil {
		t.Fatal(err)
	}
	same := func(int, [][]float32, [][]float32) error { return nil }
	for name, c := range map[string]struct {
		s        Source
		names    []string
		prefetch int
		sparse   []bool
	}{
		"take of sequences": {Take(hot, 2), words.names, 0, []bool{true}},
		"map of sequences":  {Map(hot, same), words.names, 0, []bool{false}},
		"one-hot images":    {oneHot, []string{"a", "b", "c"}, 2, []bool{false}},
		"zip":               {zipped, []string{"a", "b", "c"}, 2, []bool{false, true, false}},
		"plain":             {Shuffle(counting(t, 3), 1), nil, 0, []bool{false}},
	} {
		s := c.s.(interface {
			sparse
			Names() []string
			Prefetch() int
		})
		if !slices.Equal(s.Names(), c.names) || s.Prefetch() != c.prefetch {
			t.Errorf("%s: names %v, prefetch %d; want %v and %d", name, s.Names(), s.Prefetch(), c.names, c.prefetch)
		}
		for k, want := range c.sparse {
			if s.SparseInput(k) != want {
				t.Errorf("%s: input %d sparse %t", name, k, !want)
			}
		}
	}
	at := slices.Index(Permutation(3, 1), 2)
	if got := zipped.(sparse).Active(1, at); !slices.Equal(got, []int32{1, 3}) {
		t.Errorf("active columns through zip and shuffle: %v, want [1 3]", got)
	}
	if got := zipped.(sparse).Active(2, 0); got != nil {
		t.Errorf("active columns of a dense input: %v", got)
	}
}

// epochs records calls of StartEpoch.
type epochs struct {
	Source
	started []int
}

func (e *epochs) StartEpoch(n int) { e.started = append(e.started, n) }

func TestViewsStartEpochs(t *testing.T) {
	e := &epochs{Source: counting(t, 3)}
	for i, s := range []Source{Shuffle(e, 1), Take(e, 2), Map(e, func(int, [][]float32, [][]float32) error { return nil })} {
		s.(interface{ StartEpoch(n int) }).StartEpoch(i)
	}
	z, err := Zip(counting(t, 3), Shuffle(e, 2))
	if err != nil {
		t.Fatal(err)
	}
	z.(interface{ StartEpoch(n int) }).StartEpoch(3)
	if !slices.Equal(e.started, []int{0, 1, 2, 3}) {
		t.Errorf("the source was told to start epochs %v", e.started)
	}
}

func TestClasses(t *testing.T) {
	m, err := InMemory(nil, []Array{{nil, []float32{1, 0, 2.5}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Classes(m); err == nil || err.Error() != "classes: sample 2 has target 2.5, want a class index" {
		t.Errorf("got error %v", err)
	}
	if got, err := Classes(Take(m, 2)); err != nil || !slices.Equal(got, []int{1, 0}) {
		t.Errorf("%v %v", got, err)
	}
	wide, err := InMemory(nil, []Array{{[]int{2}, []float32{1, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Classes(wide); err == nil || err.Error() != "classes: targets of shapes [[2]], want one class index" {
		t.Errorf("got error %v", err)
	}
	if _, err := OneHot(wide, 2); err == nil || err.Error() != "one-hot: targets of shapes [[2]], want one class index" {
		t.Errorf("got error %v", err)
	}
}

func TestNewImagesErrors(t *testing.T) {
	for _, c := range []struct {
		pixels, labels []uint8
		h              int
		want           string
	}{
		{nil, nil, 0, "images: size 0x2x1, want at least 1x1x1"},
		{make([]uint8, 3), make([]uint8, 1), 2, "images: 3 bytes of pixels, want 1 labels of 2x2x1"},
		{make([]uint8, 8), []uint8{1, 2}, 2, "images: label 2 of image 1, want 0 to 1"},
	} {
		if _, err := NewImages(c.pixels, c.labels, c.h, 2, 1, []string{"a", "b"}); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

// TestResample: the draws are even, differ from epoch to epoch and do not depend
// on the order.
func TestResample(t *testing.T) {
	epoch := func(s Source, order []int) []float32 {
		got, y := make([]float32, s.Len()), make([]float32, 1)
		for _, i := range order {
			if err := s.Read([]int{i}, nil, [][]float32{y}); err != nil {
				t.Fatal(err)
			}
			got[i] = y[0]
		}
		return got
	}
	const n = 5000
	a, err := Resample(counting(t, 10), n, 7)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Resample(counting(t, 10), n, 7)
	if err != nil {
		t.Fatal(err)
	}
	var last []float32
	for e := range uint32(2) {
		x, y := epoch(a, upTo(n)), epoch(b, Permutation(n, e))
		if !slices.Equal(x, y) {
			t.Errorf("epoch %d depends on the order", e)
		}
		if slices.Equal(x, last) {
			t.Errorf("epoch %d is the one before", e)
		}
		last = x
		var counts [10]int
		for _, v := range x {
			counts[int(v)]++
		}
		for v, c := range counts {
			if c < 400 || c > 600 { // 500 expected, standard deviation 21
				t.Errorf("epoch %d: %d of 5000 draws are sample %d", e, c, v)
			}
		}
	}
	if err := a.Read([]int{n}, nil, nil); err == nil || err.Error() != "sample 5000: the source has samples 0 to 4999" {
		t.Errorf("got error %v", err)
	}
	if _, err := Resample(counting(t, 10), 0, 1); err == nil {
		t.Error("no error for no samples")
	}
	indices, targets := upTo(100), [][]float32{make([]float32, 100)}
	if n := testing.AllocsPerRun(10, func() {
		if err := a.Read(indices, nil, targets); err != nil {
			t.Error(err)
		}
	}); n > 0 && !raceDetector {
		t.Errorf("Read allocates %v times", n)
	}
}
