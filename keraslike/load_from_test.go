// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"unsafe"

	"github.com/reef-dl/reef/keraslike"
)

//go:embed testdata/embedded.safetensors
var embedded embed.FS

//go:embed testdata/embedded.safetensors
var embeddedBytes []byte

// embeddedModel is the model of the embedded file.
func embeddedModel(t *testing.T) *keraslike.Model {
	t.Helper()
	m := keraslike.Sequential("embedded",
		keraslike.Input(6),
		keraslike.Dense(4, keraslike.ReLU),
		keraslike.BatchNormalization(),
		keraslike.Dense(3, keraslike.Softmax),
	)
	if err := m.Compile(keraslike.SGD(0.1), keraslike.SparseCategoricalCrossentropy, keraslike.Seed(3)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.SetClasses(0, "a", "b", "c"), m.SetMetadata("version", 3)); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestEmbedded: a model is loaded from variables of go:embed. The file is that of SaveTo, so this
// also finds changes of the format.
func TestEmbedded(t *testing.T) {
	m := embeddedModel(t)
	var b bytes.Buffer
	if err := m.SaveTo(&b); err != nil {
		t.Fatal(err)
	}
	const path = "testdata/embedded.safetensors"
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if file, err := os.ReadFile(path); err != nil || !bytes.Equal(b.Bytes(), file) {
		t.Errorf("SaveTo writes other bytes than those of %s (%v); -update rewrites it", path, err)
	}
	x, _ := blobs(5, 1)
	for name, load := range map[string]func() (*keraslike.Model, error){
		"embed.FS": func() (*keraslike.Model, error) { return keraslike.LoadFS(embedded, path) },
		"[]byte":   func() (*keraslike.Model, error) { return keraslike.LoadBytes(embeddedBytes) },
	} {
		loaded, err := load()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := predict(t, loaded, x), predict(t, m, x); !slices.Equal(got, want) {
			t.Errorf("%s: predicts %v, want %v", name, got, want)
		}
		if got := loaded.Classes(0); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("%s: classes %q", name, got)
		}
	}
}

// sources are all ways to load the file at path, whose content is given.
func sources(t *testing.T, path string, content []byte) map[string]func(...keraslike.LoadOption) (*keraslike.Model, error) {
	t.Helper()
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	w, err := z.Create("m")
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		t.Fatal(err)
	}
	fromFS := func(fsys fs.FS, name string) func(...keraslike.LoadOption) (*keraslike.Model, error) {
		return func(o ...keraslike.LoadOption) (*keraslike.Model, error) { return keraslike.LoadFS(fsys, name, o...) }
	}
	odd := append(make([]byte, 1, 1+len(content)), content...)[1:]
	return map[string]func(...keraslike.LoadOption) (*keraslike.Model, error){
		"path":      func(o ...keraslike.LoadOption) (*keraslike.Model, error) { return keraslike.Load(path, o...) },
		"directory": fromFS(os.DirFS(filepath.Dir(path)), filepath.Base(path)),
		"map":       fromFS(fstest.MapFS{"m": {Data: content}}, "m"),
		"zip":       fromFS(archive, "m"),
		"reader": func(o ...keraslike.LoadOption) (*keraslike.Model, error) {
			return keraslike.LoadFrom(bytes.NewReader(content), int64(len(content)), "m", o...)
		},
		"bytes":     func(o ...keraslike.LoadOption) (*keraslike.Model, error) { return keraslike.LoadBytes(content, o...) },
		"odd bytes": func(o ...keraslike.LoadOption) (*keraslike.Model, error) { return keraslike.LoadBytes(odd, o...) },
	}
}

// TestLoadFromEverywhere: from each source the model is the same, resumes the same, and leaves
// the source unchanged.
func TestLoadFromEverywhere(t *testing.T) {
	m, data := toyModel(t), toyData(t, 40, 1)
	fit := func(m *keraslike.Model) []byte {
		t.Helper()
		if _, err := m.Fit(t.Context(), data, keraslike.Epochs(1), keraslike.BatchSize(16)); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := m.SaveTo(&b, keraslike.WithOptimizer); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	fit(m)
	content, path := saved(t, m, keraslike.WithOptimizer)
	before := slices.Clone(content)
	want := fit(m)
	x, _ := blobs(5, 1)
	for name, load := range sources(t, path, content) {
		t.Run(name, func(t *testing.T) {
			m, err := load()
			if err != nil {
				t.Fatal(err)
			}
			var again bytes.Buffer
			if err := m.SaveTo(&again, keraslike.WithOptimizer); err != nil || !bytes.Equal(again.Bytes(), before) {
				t.Errorf("saving the loaded model gives other bytes (%v)", err)
			}
			old := predict(t, m, x)
			if got := fit(m); !bytes.Equal(got, want) {
				t.Error("training the loaded model gives other bytes")
			}
			if slices.Equal(predict(t, m, x), old) {
				t.Error("predictions are those before the training")
			}
			if !bytes.Equal(content, before) {
				t.Error("training changed the file")
			}
		})
	}
}

// TestLoadBytesInPlace: weights lie in the file until they are written, and all graphs see what was
// written then.
func TestLoadBytesInPlace(t *testing.T) {
	original := embeddedModel(t)
	content, _ := saved(t, original)
	file := slices.Clone(content)
	load := func() *keraslike.Model {
		m, err := keraslike.LoadBytes(file)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	inside := func(m *keraslike.Model) (n int) {
		from := uintptr(unsafe.Pointer(unsafe.SliceData(file)))
		for _, w := range m.Weights() {
			if at := uintptr(unsafe.Pointer(unsafe.SliceData(keraslike.Memory(w)))); from <= at && at < from+uintptr(len(file)) {
				n++
			}
		}
		return n
	}
	a, b := load(), load()
	x, y := blobs(5, 1)
	first := predict(t, a, x)
	if got := inside(a); got != len(a.Weights()) {
		t.Errorf("%d of %d weights lie in the file", got, len(a.Weights()))
	}
	kernel, err := a.Weight("dense/kernel")
	if err != nil {
		t.Fatal(err)
	}
	values := kernel.Values()
	for i := range values {
		values[i]++
	}
	if err := kernel.Set(values); err != nil {
		t.Fatal(err)
	}
	if got := inside(a); got != len(a.Weights())-1 {
		t.Errorf("after one weight was set, %d of %d lie in the file", got, len(a.Weights()))
	}
	changed := predict(t, a, x)
	if slices.Equal(changed, first) {
		t.Error("a prediction does not see the weight that was set")
	}
	if err := errors.Join(func() error { _, err := b.TrainOnBatch(x, y); return err }()); err != nil {
		t.Fatal(err)
	}
	if got := inside(b); got != 0 {
		t.Errorf("after a training step, %d weights lie in the file", got)
	}
	if !bytes.Equal(file, content) {
		t.Error("the file was changed")
	}
	if got := predict(t, load(), x); !slices.Equal(got, first) {
		t.Error("another model of the same file has changed")
	}
}

// TestLentWeightsWhilePredicting trains a model of a file in memory while others predict with it;
// the race detector watches.
func TestLentWeightsWhilePredicting(t *testing.T) {
	content, _ := saved(t, embeddedModel(t))
	m, err := keraslike.LoadBytes(content)
	if err != nil {
		t.Fatal(err)
	}
	data := toyData(t, 64, 1)
	x, _ := blobs(3, 2)
	rows, err := keraslike.NewArray(x.Float32s(), 3, toyFeatures)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				if _, err := m.Predict(rows); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if _, err := m.Fit(t.Context(), data, keraslike.Epochs(2), keraslike.BatchSize(16)); err != nil {
		t.Error(err)
	}
	group.Wait()
	after, _ := saved(t, m)
	reloaded, err := keraslike.LoadBytes(after)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := predict(t, m, x), predict(t, reloaded, x); !slices.Equal(got, want) {
		t.Errorf("predicts %v, its weights %v", got, want)
	}
}

// brokenReader fails in different ways.
type brokenReader struct{ panics bool }

var errBroken = errors.New("broken")

func (r brokenReader) ReadAt([]byte, int64) (int, error) {
	if r.panics {
		panic(errBroken)
	}
	return 0, errBroken
}

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errBroken
	}
	return len(b), nil
}

type panickingWriter struct{}

func (panickingWriter) Write([]byte) (int, error) { panic(errBroken) }

func TestLoadFromErrors(t *testing.T) {
	content, _ := saved(t, toyModel(t))
	keras := []byte("PK\x03\x04 and so on, as a zip file begins")
	for want, load := range map[string]func() (*keraslike.Model, error){
		"the file system is nil":        func() (*keraslike.Model, error) { return keraslike.LoadFS(nil, "m") },
		"open absent":                   func() (*keraslike.Model, error) { return keraslike.LoadFS(fstest.MapFS{}, "absent") },
		"m: header length: read 0 of 8": func() (*keraslike.Model, error) { return keraslike.LoadFrom(brokenReader{}, 100, "m") },
		"brokenReader: panic: broken":   func() (*keraslike.Model, error) { return keraslike.LoadFrom(brokenReader{panics: true}, 100, "m") },
		"m: file has -1 bytes":          func() (*keraslike.Model, error) { return keraslike.LoadFrom(brokenReader{}, -1, "m") },
		"a file of 0 bytes in memory":   func() (*keraslike.Model, error) { return keraslike.LoadBytes(nil) },
		"a file of 1 byte in memory":    func() (*keraslike.Model, error) { return keraslike.LoadBytes([]byte{1}) },
		"in memory is an HDF5 or zip":   func() (*keraslike.Model, error) { return keraslike.LoadBytes(keras) },
		"k.keras is an HDF5 or zip file": func() (*keraslike.Model, error) {
			return keraslike.LoadFS(fstest.MapFS{"k.keras": {Data: keras}}, "k.keras")
		},
		"the file has only": func() (*keraslike.Model, error) { return keraslike.LoadBytes(content[:len(content)-1]) },
		"option 0 is nil":   func() (*keraslike.Model, error) { return keraslike.LoadBytes(content, nil) },
		"load model: m: option 1 is nil": func() (*keraslike.Model, error) {
			return keraslike.LoadFrom(bytes.NewReader(content), int64(len(content)), "m", keraslike.WithoutCompile, nil)
		},
		"header length: read 0 of 8 byte": func() (*keraslike.Model, error) { return keraslike.LoadFrom(bytes.NewReader(nil), 100, "m") },
	} {
		m, err := load()
		wantError(t, err, want)
		if m != nil {
			t.Errorf("%s: a model in spite of the error", want)
		}
	}
}

func TestSaveToErrors(t *testing.T) {
	m := toyModel(t)
	for _, n := range []int{0, 3, 700, 1000} {
		err := m.SaveTo(&brokenWriter{left: n})
		if !errors.Is(err, errBroken) {
			t.Errorf("a writer of %d bytes: error %v, want its own", n, err)
		}
	}
	wantError(t, m.SaveTo(panickingWriter{}), `save model "toy": writer keraslike_test.panickingWriter: panic: broken`)
	wantError(t, m.SaveTo(nil), `save model "toy": safetensors: the writer is nil`)
	wantError(t, new(keraslike.Model).SaveTo(io.Discard), "no weights yet")
	wantError(t, m.SaveTo(io.Discard, nil), "option 0 is nil")
}

func ExampleLoadBytes() {
	m, err := keraslike.LoadBytes(embeddedBytes)
	if err != nil {
		fmt.Println(err)
		return
	}
	var version int
	if _, err := m.Metadata("version", &version); err != nil {
		fmt.Println(err)
	}
	fmt.Println(m.Name(), m.Classes(0), version)
	// Output: embedded [a b c] 3
}
