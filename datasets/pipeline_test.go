// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counting is a source of n samples: input (i, -i), target i.
func counting(t testing.TB, n int) *memory {
	t.Helper()
	x, y := make([]float32, 0, 2*n), make([]float32, 0, n)
	for i := range n {
		x, y = append(x, float32(i), float32(-i)), append(y, float32(i))
	}
	m, err := newMemory([]Array{{[]int{2}, x}}, []Array{{nil, y}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readAll reads every sample of a source with one input and one target.
func readAll(t testing.TB, s Source) (inputs, targets []float32) {
	t.Helper()
	l := layoutOf(s)
	in, out := l.buffers(s.Len())
	if err := s.Read(upTo(s.Len()), in, out); err != nil {
		t.Fatal(err)
	}
	return in[0], out[0]
}

// numbers gives the targets of a counting source as integers.
func numbers(t testing.TB, s Source) []int {
	t.Helper()
	x, y := readAll(t, s)
	out := make([]int, len(y))
	for i, v := range y {
		if x[2*i] != v || x[2*i+1] != -v {
			t.Fatalf("sample %d: input %v does not belong to target %v", i, x[2*i:2*i+2], v)
		}
		out[i] = int(v)
	}
	return out
}

func TestViews(t *testing.T) {
	s := counting(t, 10)
	if got := numbers(t, Take(s, 3)); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("take: %v", got)
	}
	if got := Take(s, 99).Len(); got != 10 {
		t.Errorf("take more than there is: %d", got)
	}
	first, last, err := Split(Shuffle(s, 113), 0.75)
	if err != nil {
		t.Fatal(err)
	}
	// numpy.random.RandomState(113).permutation(10)
	want := Permutation(10, 113)
	if got := slices.Concat(numbers(t, first), numbers(t, last)); !slices.Equal(got, want) || first.Len() != 7 {
		t.Errorf("shuffle and split: %v, want %v", got, want)
	}
	sub, err := Subset(first, []int{6, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, sub); !slices.Equal(got, []int{want[6], want[0], want[0]}) {
		t.Errorf("subset: %v", got)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(Subset(s, []int{1, 10})), "subset: index 10 at position 1, the source has samples 0 to 9"},
		{second(Range(s, 3, 11)), "range 3:11 of a source of 10 samples"},
		{third(Split(s, 1.5)), "split: share 1.5, want 0 to 1"},
		{third(TrainTestSplit(s, 0.95, 1)), "train/test split: share 0.95 of 10 samples leaves a part empty"},
		{sub.Read([]int{3}, nil, nil), "sample 3: the source has samples 0 to 2"},
		{second(OneHot(Take(s, 2), 0)), "one-hot: 0 classes, want at least 1"},
		{second(InMemory(nil, nil)), "in memory: no input and no target"},
		{second(InMemory([]Array{{[]int{-1, -2}, make([]float32, 2)}}, nil)), "input 0: shape [-1 -2] is empty"},
		{second(Generate([][]int{{0}}, nil, nil).Next([][]float32{nil}, nil)), "input 0 of the stream is empty"},
		{second(CoOccurrence(nil, 0, 1, 1)), "co-occurrence: 0 words of 1 numbers, want at least 1 of each and at most 268435456 numbers"},
		{second(InMemory([]Array{{[]int{2}, make([]float32, 3)}}, nil)), "input 0: 3 numbers are not a whole number of samples of shape [2]"},
		{second(InMemory([]Array{{[]int{2}, make([]float32, 4)}}, []Array{{nil, make([]float32, 3)}})), "target 0: 3 samples, the others have 2"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("got error %v, want %q", c.err, c.want)
		}
	}
}

func second[A any](_ A, err error) error      { return err }
func third[A, B any](_ A, _ B, e error) error { return e }

// TestShuffleIsAPermutation: nothing is lost, nothing doubled.
func TestShuffleIsAPermutation(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(r, "n")
		p := Permutation(n, rapid.Uint32().Draw(r, "seed"))
		if slices.Sort(p); !slices.Equal(p, upTo(n)) {
			r.Fatalf("sorted: %v", p)
		}
	})
}

func TestMap(t *testing.T) {
	s := Map(Take(counting(t, 10), 4), func(i int, in, out [][]float32) error {
		if in != nil {
			in[0][0] *= 10
		}
		if i == 3 {
			return errors.New("do not like it")
		}
		return nil
	})
	x := make([]float32, 6)
	if err := s.Read([]int{2, 0, 1}, [][]float32{x}, nil); err != nil || fmt.Sprint(x) != "[20 -2 0 0 10 -1]" {
		t.Errorf("%v %v", x, err)
	}
	if err := s.Read([]int{3}, [][]float32{x}, nil); err == nil || err.Error() != "sample 3: do not like it" {
		t.Errorf("got error %v", err)
	}
}

func TestZip(t *testing.T) {
	a, b := counting(t, 5), Shuffle(counting(t, 5), 1)
	z, err := Zip(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if in, out := z.Shapes(); fmt.Sprint(in, out) != "[[2] [2]] [[] []]" {
		t.Errorf("shapes %v %v", in, out)
	}
	x0, x1, y0, y1 := make([]float32, 4), make([]float32, 4), make([]float32, 2), make([]float32, 2)
	if err := z.Read([]int{4, 0}, [][]float32{x0, x1}, [][]float32{y0, y1}); err != nil {
		t.Fatal(err)
	}
	p := Permutation(5, 1)
	if fmt.Sprint(y0, y1) != fmt.Sprint([]float32{4, 0}, []float32{float32(p[4]), float32(p[0])}) || x1[0] != y1[0] {
		t.Errorf("targets %v %v, inputs %v %v", y0, y1, x0, x1)
	}
	if _, err := Zip(a, counting(t, 4)); err == nil || err.Error() != "zip: source 1 has 4 samples, source 0 has 5" {
		t.Errorf("got error %v", err)
	}
}

func TestOneHot(t *testing.T) {
	s, err := OneHot(Shuffle(counting(t, 6), 3), 6)
	if err != nil {
		t.Fatal(err)
	}
	_, y := readAll(t, s)
	for j, c := range Permutation(6, 3) {
		for k, v := range y[j*6 : j*6+6] {
			if (k == c) != (v == 1) || v != 0 && v != 1 {
				t.Fatalf("sample %d of class %d: %v", j, c, y[j*6:j*6+6])
			}
		}
	}
	few, err := OneHot(counting(t, 6), 5)
	if err != nil {
		t.Fatal(err)
	}
	if err := few.Read([]int{5}, nil, [][]float32{make([]float32, 5)}); err == nil || err.Error() != "sample 5: class 5, want 0 to 4" {
		t.Errorf("got error %v", err)
	}
}

func TestBatches(t *testing.T) {
	s := counting(t, 10)
	var lens, all []int
	for b, err := range Batches(s, 4) {
		if err != nil {
			t.Fatal(err)
		}
		lens = append(lens, b.Len)
		for _, v := range b.Targets[0] {
			all = append(all, int(v))
		}
	}
	if fmt.Sprint(lens) != "[4 4 2]" || !slices.Equal(all, upTo(10)) {
		t.Errorf("batches of %v: %v", lens, all)
	}
	bad := Map(s, func(i int, _, _ [][]float32) error {
		if i == 7 {
			return errors.New("unreadable")
		}
		return nil
	})
	lens = nil
	for b, err := range Batches(bad, 4) {
		if err != nil {
			if err.Error() != "samples 4 to 7: sample 7: unreadable" {
				t.Errorf("got error %v", err)
			}
			continue
		}
		lens = append(lens, b.Len)
	}
	if fmt.Sprint(lens) != "[4]" {
		t.Errorf("batches before the error: %v", lens)
	}
}
