// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

var errOwn = errors.New("own error")

// wild is a source, a stream and a file system of a user's that does what do says.
type wild struct{ do string }

func (w wild) act(where string) {
	if w.do == "Goexit" && where == "Next" {
		runtime.Goexit()
	}
	switch at, what, _ := strings.Cut(w.do, " "); {
	case at != where:
	case what == "panics":
		panic("boom")
	case what == "panics with an error":
		panic(errOwn)
	case what == "goes outside":
		var none []int
		_ = none[len(where)]
	}
}

func (w wild) Len() int { w.act("Len"); return 4 }
func (w wild) Shapes() (inputs, targets [][]int) {
	w.act("Shapes")
	return [][]int{{1}}, [][]int{{}}
}
func (w wild) Read(indices []int, inputs, targets [][]float32) error { w.act("Read"); return nil }
func (w wild) Next(inputs, targets [][]float32) (int, error) {
	w.act("Next")
	switch w.do {
	case "too many":
		return 1 << 30, nil
	case "negative":
		return -1, nil
	case "none":
		return 0, nil
	}
	return 0, io.EOF
}
func (w wild) Open(name string) (fs.File, error) { w.act("Open"); return nil, fs.ErrNotExist }

// TestUsersCode: whatever the user's code does is an error that names it and, of a panic,
// the place.
func TestUsersCode(t *testing.T) {
	batches := func(s Source, err error) error {
		if err != nil {
			return err
		}
		for _, err := range Batches(s, 2) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	stream := func(s Stream) error {
		for _, err := range StreamBatches(s, 2) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	ahead := func(s Stream) error {
		a, err := ReadAhead(s, 2, 2)
		if err != nil {
			return err
		}
		return errors.Join(stream(a), stream(a), a.Close())
	}
	sources := map[string]func(s Source) error{
		"Batches":  func(s Source) error { return batches(s, nil) },
		"Subset":   func(s Source) error { return batches(Subset(s, []int{3, 1})) },
		"Range":    func(s Source) error { return batches(Range(s, 1, 3)) },
		"OneHot":   func(s Source) error { return batches(OneHot(s, 3)) },
		"Resample": func(s Source) error { return batches(Resample(s, 9, 1)) },
		"Take":     func(s Source) error { return batches(Take(s, 2), nil) },
		"Shuffle":  func(s Source) error { return batches(Shuffle(s, 1), nil) },
		"Map": func(s Source) error {
			return batches(Map(s, func(int, [][]float32, [][]float32) error { return nil }), nil)
		},
		"Take of Map":    func(s Source) error { return batches(Take(Map(Shuffle(s, 1), nil), 2), nil) },
		"Split":          func(s Source) error { a, _, err := Split(s, 0.5); return batches(a, err) },
		"Draw":           func(s Source) error { return stream(Draw(s, 1)) },
		"Zip":            func(s Source) error { return batches(Zip(s, s)) },
		"Classes":        func(s Source) error { _, err := Classes(s); return err },
		"TrainTestSplit": func(s Source) error { a, _, err := TrainTestSplit(s, 0.5, 1); return batches(a, err) },
	}
	for name, f := range sources {
		for _, do := range []string{"Len panics", "Shapes panics", "Read panics", "Read goes outside", "Read panics with an error"} {
			err := f(wild{do})
			if err == nil || !strings.Contains(err.Error(), "source ") || !strings.Contains(err.Error(), " panicked (guard_test.go:") {
				t.Errorf("%s, %s: got error %v, want one that names the source and the place", name, do, err)
			}
			if strings.HasSuffix(do, "error") && !errors.Is(err, errOwn) {
				t.Errorf("%s, %s: %v hides the panic's error", name, do, err)
			}
		}
	}
	for _, c := range []struct{ do, want string }{
		{"Next panics", "stream struct { datasets.Stream } panicked (guard_test.go:"},
		{"Shapes panics", "stream struct { datasets.Stream } panicked (guard_test.go:"},
		{"Next panics with an error", ": own error"},
		{"too many", "stream struct { datasets.Stream }: Next filled 1073741824 samples, want 0 to 2"},
		{"negative", "stream struct { datasets.Stream }: Next filled -1 samples, want 0 to 2"},
		{"none", "stream struct { datasets.Stream }: Next filled no sample and returned no error, want io.EOF at the end"},
	} {
		s := struct{ Stream }{wild{c.do}}
		for name, err := range map[string]error{"StreamBatches": stream(s), "ReadAhead": ahead(s)} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: got error %v, want one with %q", name, c.do, err, c.want)
			}
		}
	}
	if err := ahead(struct{ Stream }{wild{"Goexit"}}); err == nil || !strings.Contains(err.Error(), "ended its goroutine") {
		t.Error("no error")
	}
}

// TestGenerators: the functions that Generate and Map are made of, directly and on the
// goroutine that reads ahead. The samples before the fault arrive.
func TestGenerators(t *testing.T) {
	for do, want := range map[string]string{
		"panic":  "the function of Generate panicked (guard_test.go:",
		"goexit": "ended its goroutine",
	} {
		asked := 0
		s := Generate([][]int{{1}}, nil, func(in, _ [][]float32) error {
			if asked++; asked > 4 {
				if do == "panic" {
					panic("boom")
				}
				runtime.Goexit()
			}
			in[0][0] = float32(asked)
			return nil
		})
		a, err := ReadAhead(s, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		var got []float32
		for b, e := range StreamBatches(a, 2) {
			if err = e; e == nil {
				got = append(got, b.Inputs[0]...)
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) || fmt.Sprint(got) != "[1 2 3 4]" {
			t.Errorf("%s: %v, got error %v", do, got, err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m := Map(counting(t, 3), func(i int, _, _ [][]float32) error { panic("boom") })
	for _, err := range Batches(m, 2) {
		if err == nil || !strings.Contains(err.Error(), "sample 0: the function of Map panicked (guard_test.go:") {
			t.Errorf("got error %v", err)
		}
	}
}

// badFile ends or panics when it is read.
type badFile struct {
	fs.FS
	do string
}

func (b badFile) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	if strings.HasSuffix(name, "b/1.png") {
		if b.do == "panic" {
			panic("boom")
		}
		runtime.Goexit()
	}
	return f, err
}

// TestPicturesOfUsers: a file system that panics, or ends the goroutine that decodes.
func TestPicturesOfUsers(t *testing.T) {
	for do, want := range map[string]string{"panic": "top/b/1.png: reading it panicked (guard_test.go:", "goexit": "top/b/1.png: reading it ended its goroutine"} {
		s, err := NewImageFolder(badFile{fstest.MapFS(folder(t)), do}, "top", ImageOptions{Height: 2, Width: 3})
		if err != nil {
			t.Fatal(err)
		}
		in, out := s.buffers(12)
		if err := s.Read(upTo(12), in, out); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want %q", do, err, want)
		}
	}
	_, err := LoadImage(badFile{fstest.MapFS(folder(t)), "panic"}, "top/b/1.png", ImageOptions{})
	if err == nil || !strings.HasPrefix(err.Error(), "top/b/1.png: reading it panicked") {
		t.Errorf("got error %v", err)
	}
}

// TestTooLargeBatches: what nobody can allocate is an error.
func TestTooLargeBatches(t *testing.T) {
	s := Generate([][]int{{2}}, [][]int{{}}, func(_, _ [][]float32) error { return io.EOF })
	for _, err := range StreamBatches(s, 1<<30) {
		if err == nil || err.Error() != "batches: 1073741824 samples of inputs [[2]] and targets [[]], want at most 268435456 numbers in all" {
			t.Errorf("got error %v", err)
		}
	}
	for _, c := range [][2]int{{1 << 30, 1}, {1 << 10, 1 << 30}, {1 << 20, 1 << 10}} {
		if _, err := ReadAhead(s, c[0], c[1]); err == nil || !strings.HasPrefix(err.Error(), "read ahead: ") {
			t.Errorf("%d blocks of %d: got error %v", c[1], c[0], err)
		}
	}
	n := 0
	for b, err := range Batches(counting(t, 3), 1<<30) { // no more room than there are samples
		if err != nil {
			t.Error(err)
		}
		n += b.Len
	}
	if n != 3 {
		t.Errorf("%d samples, want 3", n)
	}
	if _, err := Resample(counting(t, 3), 1<<30, 1); err == nil {
		t.Error("no error")
	}
	huge := Generate([][]int{{1 << 30, 1 << 30, 1 << 30}}, nil, func(_, _ [][]float32) error { return io.EOF })
	for _, err := range StreamBatches(huge, 1) {
		if err == nil || !strings.HasPrefix(err.Error(), "batches: 1 samples of inputs [[1073741824 ") {
			t.Errorf("got error %v", err)
		}
	}
	for _, shape := range [][]int{{1 << 16, 1 << 16, 1 << 16, 1 << 16}, {-1, -1}, {1 << 30, 1 << 30, 16}} {
		if _, err := InMemory([]Array{{shape, []float32{1}}}, nil); err == nil {
			t.Errorf("shape %v passed", shape)
		}
		if _, err := NewMultiHot([][]int32{{1}}, 5, []Array{{shape, []float32{1}}}); err == nil {
			t.Errorf("shape %v passed", shape)
		}
	}
}

// TestMatrixOfUsers: where the user's function panics there is nothing that could be taken
// for weights.
func TestMatrixOfUsers(t *testing.T) {
	v, err := ReadVectors(strings.NewReader("a 1 2\n"), "f", 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, found := v.Matrix(3, func(id int) (string, bool) {
		if id == 2 {
			panic("boom")
		}
		return "a", true
	})
	if data != nil || found != 0 {
		t.Errorf("%v, %d found", data, found)
	}
	if data, found = v.Matrix(2, func(int) (string, bool) { return "a", true }); fmt.Sprint(data, found) != "[1 2 1 2] 2" {
		t.Errorf("%v, %d found", data, found)
	}
}
