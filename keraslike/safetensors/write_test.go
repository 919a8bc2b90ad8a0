// SPDX-License-Identifier: Apache-2.0

package safetensors_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike/safetensors"
	"pgregory.net/rapid"
)

// tensors has the content of testdata/f32.safetensors, in another order.
func tensors() ([]safetensors.Tensor, map[string]string) {
	return []safetensors.Tensor{
		{Name: "scalar", Data: []float32{7}},
		{Name: "ünïcode", Shape: []int{2}, Data: []float32{inf(1), float32(math.Copysign(0, -1))}},
		{Name: "conv/kernel", Shape: []int{1, 2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}},
		{Name: "empty", Shape: []int{0, 4}},
		{Name: "conv/bias", Shape: []int{3}, Data: []float32{0.5, -1.25, 3e38}},
	}, map[string]string{"format": "1", "a": "x<y & z"}
}

// The wanted bytes come from testdata/make_files.py.
func TestWriteGivesTheBytesOfPython(t *testing.T) {
	want, err := os.ReadFile("testdata/f32.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	list, metadata := tensors()
	var got bytes.Buffer
	if err := safetensors.Write(&got, list, metadata); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got  %q\nwant %q", got.Bytes(), want)
	}
	if list[0].Name != "scalar" {
		t.Error("Write reordered its argument")
	}
}

func TestWriteReadIsIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringN(0, 12, -1), rapid.ID[string]).Draw(t, "names")
		list := make([]safetensors.Tensor, len(names))
		for i, name := range names {
			shape := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "shape")
			n := 1
			for _, d := range shape {
				n *= d
			}
			data := rapid.SliceOfN(rapid.Map(rapid.Uint32(), math.Float32frombits), n, n).Draw(t, "data")
			list[i] = safetensors.Tensor{Name: name, Shape: shape, Data: data}
		}
		metadata := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata")
		var buf bytes.Buffer
		if err := safetensors.Write(&buf, list, metadata); err != nil {
			t.Fatal(err)
		}
		f, err := open(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		if !slices.Equal(f.Names(), names) {
			t.Fatalf("names %q, want %q", f.Names(), names)
		}
		for k, v := range metadata {
			if f.Metadata()[k] != v {
				t.Fatalf("metadata %q is %q, want %q", k, f.Metadata()[k], v)
			}
		}
		for _, want := range list {
			shape, data, err := f.Tensor(want.Name)
			if err != nil || !slices.Equal(shape, want.Shape) || !sameBits(data, want.Data) {
				t.Fatalf("%q: got %v %v %v, want %v %v", want.Name, shape, data, err, want.Shape, want.Data)
			}
		}
	})
}

// Tensors of several chunks, whose last one is not full.
func TestWriteReadLargeTensor(t *testing.T) {
	data := make([]float32, 50_001)
	for i := range data {
		data[i] = float32(i)
	}
	var buf bytes.Buffer
	if err := safetensors.Write(&buf, []safetensors.Tensor{{Name: "a", Shape: []int{50_001}, Data: data}}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := open(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err := f.Tensor("a"); err != nil || !slices.Equal(got, data) {
		t.Errorf("tensor changed: %v", err)
	}
}

func TestWriteRefusesBadTensors(t *testing.T) {
	one := []float32{1}
	for _, c := range []struct {
		tensors  []safetensors.Tensor
		metadata map[string]string
		want     string
	}{
		{[]safetensors.Tensor{{Name: "a", Data: one}, {Name: "a", Data: one}}, nil, `tensor "a" is given twice`},
		{[]safetensors.Tensor{{Name: "a", Shape: []int{2}, Data: one}}, nil, `tensor "a": shape [2] has 2 elements, data has 1`},
		{[]safetensors.Tensor{{Name: "a", Shape: []int{-1, -1}, Data: one}}, nil, "shape [-1 -1] is impossible"},
		{[]safetensors.Tensor{{Name: "a", Shape: []int{math.MaxInt/2 + 1, 4}}}, nil, "is impossible"},
		{[]safetensors.Tensor{{Name: "__metadata__", Data: one}}, nil, "reserved"},
		{[]safetensors.Tensor{{Name: "\xff", Data: one}}, nil, "not valid UTF-8"},
		{nil, map[string]string{"k": "\xff"}, `metadata "k" is not valid UTF-8`},
	} {
		var buf bytes.Buffer
		err := safetensors.Write(&buf, c.tensors, c.metadata)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
		if buf.Len() > 0 {
			t.Errorf("%s: %d bytes were written before the error", c.want, buf.Len())
		}
	}
}

var errFull = errors.New("device is full")

// fullWriter takes n bytes and then fails.
type fullWriter int

func (w *fullWriter) Write(p []byte) (int, error) {
	if len(p) > int(*w) {
		return int(*w), errFull
	}
	*w -= fullWriter(len(p))
	return len(p), nil
}

func TestWriteReportsFullDevice(t *testing.T) {
	list, metadata := tensors()
	for n, want := range map[fullWriter]string{0: "header", 370: `tensor "conv/bias"`, 385: `tensor "conv/kernel"`} {
		err := safetensors.Write(&n, list, metadata)
		if !errors.Is(err, errFull) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestWriteFileReplacesOrKeeps(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := []safetensors.Tensor{{Name: "a", Shape: []int{3}}}
	if err := safetensors.WriteFile(path, bad, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("bad tensor: error %v does not name %s", err, path)
	}
	if b, _ := os.ReadFile(path); string(b) != "before" {
		t.Errorf("failed write left %q, want the old content", b)
	}
	list, metadata := tensors()
	if err := safetensors.WriteFile(path, list, metadata); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := os.ReadFile("testdata/f32.safetensors")
	if !bytes.Equal(got, want) {
		t.Error("WriteFile and Write differ")
	}
	wantOnly(t, dir, "model.safetensors")
}

func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		t.Errorf("folder holds %q, want %q", got, names)
	}
}

func TestWriteFileNeedsAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	list, metadata := tensors()
	for _, path := range []string{filepath.Join(dir, "absent", "m"), filepath.Join(dir, "file", "m")} {
		if err := safetensors.WriteFile(path, list, metadata); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("WriteFile(%s): error %v", path, err)
		}
	}
	if err := safetensors.WriteFile(dir, list, metadata); err == nil {
		t.Error("WriteFile over a folder succeeded")
	}
	wantOnly(t, dir, "file")
}

func BenchmarkWrite(b *testing.B) {
	list := []safetensors.Tensor{{Name: "a", Shape: []int{1 << 20}, Data: make([]float32, 1<<20)}}
	b.SetBytes(4 << 20)
	b.ReportAllocs()
	var buf bytes.Buffer
	for b.Loop() {
		buf.Reset()
		if err := safetensors.Write(&buf, list, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTensor(b *testing.B) {
	var buf bytes.Buffer
	list := []safetensors.Tensor{{Name: "a", Shape: []int{1 << 20}, Data: make([]float32, 1<<20)}}
	if err := safetensors.Write(&buf, list, nil); err != nil {
		b.Fatal(err)
	}
	f, err := open(buf.Bytes())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(4 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := f.Tensor("a"); err != nil {
			b.Fatal(err)
		}
	}
}
