// SPDX-License-Identifier: Apache-2.0

package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/reef-dl/reef/keraslike/safetensors"
)

func inf(sign int) float32 { return float32(math.Inf(sign)) }

// The numbers are those that testdata/make_files.py packed; f16 and bf16 hold
// the nearest value of their type.
func TestTensorConvertsStoredTypes(t *testing.T) {
	f, err := safetensors.Open("testdata/types.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct {
		name  string
		shape []int
		want  []float32
	}{
		{"f64", []int{2, 2}, []float32{1.5, -0.1, 1e-30, inf(-1)}},
		{"f32", []int{3}, []float32{1.5, -0.1, 1e-40}},
		{"f16", []int{8}, []float32{1.5, -0.0999755859375, 65504, 1.0 / (1 << 24), 1023.0 / (1 << 24), inf(1), float32(math.Copysign(0, -1)), -336.0 / (1 << 24)}},
		{"bf16", []int{3}, []float32{1.5, -0.099609375, math.Float32frombits(0x7e960000)}},
		{"i64", []int{4}, []float32{1, -2, 16777216, -(1 << 63)}},
		{"i32", []int{3}, []float32{1, -2, -(1 << 31)}},
		{"u8", []int{2, 1}, []float32{0, 255}},
	} {
		shape, data, err := f.Tensor(c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !slices.Equal(shape, c.shape) {
			t.Errorf("%s: shape %v, want %v", c.name, shape, c.shape)
		}
		for i := range c.want {
			if math.Float32bits(data[i]) != math.Float32bits(c.want[i]) {
				t.Errorf("%s[%d] = %v, want %v", c.name, i, data[i], c.want[i])
			}
		}
	}
	for name, want := range map[string]string{
		"i8":        `tensor "i8": dtype I8 is not supported`,
		"i64 large": `tensor "i64 large": element 0: I64 value does not fit float32`,
		"i64 max":   `tensor "i64 max": element 0: I64 value does not fit float32`,
		"f64 large": `tensor "f64 large": element 1: F64 value does not fit float32`,
		"absent":    `types.safetensors: no tensor "absent" among its 11`,
	} {
		if _, _, err := f.Tensor(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
	if shape, dtype, ok := f.Shape("bf16"); !ok || dtype != "BF16" || !slices.Equal(shape, []int{3}) {
		t.Errorf("Shape(bf16) = %v %s %v", shape, dtype, ok)
	}
}

// file builds a file from a header text and data of n bytes.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func TestNewRefusesBadFiles(t *testing.T) {
	const good = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	if _, err := open(file(good, 8)); err != nil {
		t.Fatalf("good file: %v", err)
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "file has 0 bytes"},
		{"short", []byte{1, 2, 3}, "file has 3 bytes"},
		{"foreign", []byte("PK\x03\x04 a zip file of some length"), "header length is"},
		{"huge header", binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "the most allowed is 100000000"},
		{"header beyond file", file(good, 0)[:20], "header length is 54, but only 12 bytes follow"},
		{"no header", file("", 0), "does not begin with '{'"},
		{"blank first", file(" "+good, 8), "does not begin with '{'"},
		{"not UTF-8", file("{\"\xff\":1}", 0), "not valid UTF-8"},
		{"no JSON", file("{]", 0), "invalid character"},
		{"JSON cut", file(good[:30], 8), "unexpected EOF"},
		{"two objects", file(good+good, 8), `'{' after the end of the JSON object at byte 54`},
		{"truncated data", file(good, 7), "ends at 8, but the file has only 7 bytes"},
		{"trailing bytes", file(good, 11), "3 bytes after the end of the last tensor"},
		{"only trailing bytes", file("{}", 4), "4 bytes after the end"},
		{"twice", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), `tensor "a" is given twice`},
		{"overlap", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), `tensor "b" begins at 1 and overlaps "a", which ends at 2`},
		{"gap", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), `tensor "b" begins at 2, 1 bytes after the end of a`},
		{"hole at start", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "1 bytes after the end of the header"},
		{"wrong size", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}`, 7), "shape [2] of F32 needs 8 bytes, data_offsets give 7"},
		{"shape overflow", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), "is too large"},
		{"negative", file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4), "got -1, want a non-negative integer"},
		{"fraction", file(`{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`, 4), "got 1.0, want a non-negative integer"},
		{"offsets reversed", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4), "data_offsets are [4 0]"},
		{"one offset", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}`, 4), "data_offsets are [4]"},
		{"dtype unknown", file(`{"a":{"dtype":"X8","shape":[1],"data_offsets":[0,1]}}`, 1), `unknown dtype "X8"`},
		{"dtype a number", file(`{"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}`, 1), "dtype is 8, want a string"},
		{"dtype missing", file(`{"a":{"shape":[1],"data_offsets":[0,1]}}`, 1), "dtype is missing"},
		{"key twice", file(`{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), "dtype is given twice"},
		{"key unknown", file(`{"a":{"dtype":"U8","Shape":[1],"data_offsets":[0,1]}}`, 1), `unknown key "Shape"`},
		{"entry no object", file(`{"a":7}`, 0), `tensor "a": got 7, want {`},
		{"metadata no text", file(`{"__metadata__":{"k":1}}`, 0), `__metadata__: "k" is 1, want a string`},
		{"metadata key twice", file(`{"__metadata__":{"k":"1","k":"1"}}`, 0), `"k" is given twice`},
		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), "__metadata__ is given twice"},
	} {
		_, err := open(c.b)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		} else if !strings.HasPrefix(err.Error(), "safetensors: test: ") {
			t.Errorf("%s: error %q does not name the file", c.name, err)
		}
	}
}

func open(b []byte) (*safetensors.File, error) {
	return safetensors.New(bytes.NewReader(b), int64(len(b)), "test")
}

// TestInPlace: float32 in memory is used where it is if it can be, and read otherwise.
func TestInPlace(t *testing.T) {
	var b bytes.Buffer
	want := []float32{1.5, -2, 3}
	if err := safetensors.Write(&b, []safetensors.Tensor{{Name: "a", Shape: []int{3}, Data: want}, {Name: "none", Shape: []int{0}}}, nil); err != nil {
		t.Fatal(err)
	}
	aligned := make([]uint64, b.Len()/8+2) // bytes.Buffer does not promise an alignment
	memory := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(aligned))), 8*len(aligned))
	for shift, ok := range map[int]bool{0: true, 1: false, 2: false, 4: true} {
		data := memory[shift : shift+b.Len()]
		copy(data, b.Bytes())
		f, err := safetensors.NewBytes(data, "m")
		if err != nil {
			t.Fatal(err)
		}
		ok = ok && binary.NativeEndian.Uint16([]byte{1, 0}) == 1
		got, found := f.InPlace("a")
		if found != ok || ok && !slices.Equal(got, want) {
			t.Errorf("shift %d: %v, %v; want %v", shift, got, found, ok)
		}
		if got, found := f.InPlace("none"); found && len(got) > 0 {
			t.Errorf("shift %d: %v of an empty tensor", shift, got)
		}
		if ok {
			data[len(data)-1] ^= 0x80 // the sign of the last element
			if got[2] != -3 {
				t.Errorf("shift %d: got a copy, %v", shift, got)
			}
		}
		if _, read, err := f.Tensor("a"); err != nil || read[0] != 1.5 {
			t.Errorf("shift %d: Tensor returns %v, %v", shift, read, err)
		}
		if _, found := f.InPlace("absent"); found {
			t.Error("a tensor that is not there")
		}
	}
	f, err := open(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, found := f.InPlace("a"); found {
		t.Error("a tensor of a reader in place")
	}
	types, err := os.ReadFile("testdata/types.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if f, err = safetensors.NewBytes(types, "types"); err != nil {
		t.Fatal(err)
	}
	if _, found := f.InPlace("bf16"); found {
		t.Error("a tensor of bfloat16 in place")
	}
}

func TestOpenFS(t *testing.T) {
	f, err := safetensors.OpenFS(os.DirFS("testdata"), "types.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if !f.Has("f32") {
		t.Error("no tensor f32")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := safetensors.OpenFS(os.DirFS("testdata"), "absent"); err == nil || !strings.HasPrefix(err.Error(), "safetensors: open absent") {
		t.Errorf("error %v", err)
	}
}

func TestOpenNamesThePath(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "absent")} {
		if _, err := safetensors.Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s): error %v", path, err)
		}
	}
}

// A file that shrinks after it was opened gives an error, not zeros.
func TestTensorReportsShrunkFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w")
	if err := safetensors.WriteFile(path, []safetensors.Tensor{{Name: "a", Shape: []int{4}, Data: make([]float32, 4)}}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(path, 70); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Tensor("a"); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("error %v, want unexpected EOF", err)
	}
}

// FuzzNew: whatever opens can be read, and what can be read survives a round trip.
func FuzzNew(f *testing.F) {
	for _, name := range []string{"f32", "types"} {
		b, err := os.ReadFile("testdata/" + name + ".safetensors")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(file("{}  ", 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := open(b)
		if err != nil {
			return
		}
		var tensors []safetensors.Tensor
		for _, name := range file.Names() {
			shape, data, err := file.Tensor(name)
			if err == nil {
				tensors = append(tensors, safetensors.Tensor{Name: name, Shape: shape, Data: data})
			}
		}
		var buf bytes.Buffer
		if err := safetensors.Write(&buf, tensors, file.Metadata()); err != nil {
			t.Fatalf("write what was read: %v", err)
		}
		again, err := open(buf.Bytes())
		if err != nil {
			t.Fatalf("read what was written: %v", err)
		}
		for _, want := range tensors {
			shape, data, err := again.Tensor(want.Name)
			if err != nil || !slices.Equal(shape, want.Shape) || !sameBits(data, want.Data) {
				t.Fatalf("tensor %q changed: %v", want.Name, err)
			}
		}
	})
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func ExampleOpen() {
	f, err := safetensors.Open("testdata/f32.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	shape, data, err := f.Tensor("conv/kernel")
	fmt.Println(f.Names()[:2], shape, data, err)
	// Output: [conv/bias conv/kernel] [1 2 3] [1 2 3 4 5 6] <nil>
}
