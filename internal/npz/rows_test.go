// SPDX-License-Identifier: Apache-2.0

package npz

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"
	nz "codeberg.org/sbinet/npyio/npz"
)

// TestWriteAndRows writes an archive, which an independent reader and Rows read back.
func TestWriteAndRows(t *testing.T) {
	want := []Named{
		{"a/kernel", []int{2, 3}, []float32{1, -2, 3.5, 0, float32(math.Inf(1)), 1e-30}},
		{"scalar", nil, []float32{7}},
		{"line", []int{3}, []float32{1, 2, 3}},
	}
	var b bytes.Buffer
	if err := Write(&b, want); err != nil {
		t.Fatal(err)
	}
	r, err := nz.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()), "test.npz")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Names(); !slices.Equal(got, []string{"a/kernel", "scalar", "line"}) {
		t.Errorf("names %q", got)
	}
	for _, w := range want {
		var other []float32
		if len(w.Shape) == 0 {
			other = make([]float32, 1)
			err = r.Read(w.Name+".npy", &other[0])
		} else {
			err = r.Read(w.Name+".npy", &other)
		}
		if err != nil || !slices.Equal(other, w.Data) {
			t.Errorf("%s: an independent reader has %v, %v; want %v", w.Name, other, err, w.Data)
		}
		rows, err := a.Rows(w.Name, 100)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rows.Shape, w.Shape) || rows.Len() != len(w.Data) || rows.Type != "<f4" {
			t.Errorf("%s: shape %v, %d numbers of %s", w.Name, rows.Shape, rows.Len(), rows.Type)
		}
		if got, err := rows.All(); err != nil || !slices.Equal(got, w.Data) {
			t.Errorf("%s: %v, %v, want %v", w.Name, got, err, w.Data)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := Write(io.Discard, []Named{{"a", []int{2}, []float32{1}}}); err == nil {
		t.Error("one number of shape [2] is written")
	}
	if err := Write(io.Discard, []Named{{"a", nil, []float32{1}}, {"a", nil, []float32{1}}}); err == nil {
		t.Error("two arrays of one name are written")
	}
}

// TestRowsOfTypes reads numbers of every type, some at a time.
func TestRowsOfTypes(t *testing.T) {
	of := func(x any) []byte {
		var b bytes.Buffer
		if err := npyio.Write(&b, x); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, file := range map[string][]byte{
		"float64": of([]float64{1, 2, 3}), "float32": of([]float32{1, 2, 3}),
		"int64": of([]int64{1, 2, 3}), "int32": of([]int32{1, 2, 3}), "int16": of([]int16{1, 2, 3}), "int8": of([]int8{1, 2, 3}),
		"uint64": of([]uint64{1, 2, 3}), "uint32": of([]uint32{1, 2, 3}), "uint16": of([]uint16{1, 2, 3}), "uint8": of([]uint8{1, 2, 3}),
	} {
		r, err := NewRows(bytes.NewReader(file), name, 100)
		if err != nil {
			t.Fatal(err)
		}
		first, rest := make([]float32, 1), make([]float32, 2)
		if err := r.Next(first); err != nil || first[0] != 1 {
			t.Errorf("%s: %v, %v", name, first, err)
		}
		if err := r.Next(rest); err != nil || rest[0] != 2 || rest[1] != 3 {
			t.Errorf("%s: %v, %v", name, rest, err)
		}
		if err := r.Next(first); err == nil {
			t.Errorf("%s: a fourth number is read", name)
		}
	}
	for bits, want := range map[uint16]float64{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: math.Ldexp(1, -24), 0x7c00: math.Inf(1), 0x3555: 0.333251953125} {
		if got := half(bits); got != want {
			t.Errorf("half(%#x) = %v, want %v", bits, got, want)
		}
	}
}

// TestBrokenRows: no file makes the reader take memory for what its header only promises.
func TestBrokenRows(t *testing.T) {
	head := func(shape string) string {
		text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }\n", shape)
		return "\x93NUMPY\x01\x00" + string([]byte{byte(len(text)), 0}) + text
	}
	for file, want := range map[string]string{
		head("1000000000,"):                          "more than 100000 elements",
		head("2, 2") + "abcd":                        "unexpected EOF",
		head("1,") + "abcde":                         "more data after the array",
		"no numpy file":                              "not a numpy array",
		strings.Replace(head("1,"), "<f4", ">f4", 1): `element type ">f4"`,
	} {
		r, err := NewRows(strings.NewReader(file), "x.npy", 100000)
		if err == nil {
			_, err = r.All()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", file, err, want)
		}
	}
}

// FuzzRows: no file makes the reader panic, and it returns as many numbers as the shape says.
func FuzzRows(f *testing.F) {
	for _, shape := range [][]int{nil, {3}, {2, 2}} {
		var b bytes.Buffer
		n := 1
		for _, d := range shape {
			n *= d
		}
		if err := WriteArray(&b, shape, make([]float32, n)); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewRows(bytes.NewReader(file), "x.npy", 1<<20)
		if err != nil {
			return
		}
		want := r.Len()
		if values, err := r.All(); err == nil && len(values) != want {
			t.Errorf("%d numbers, want %d", len(values), want)
		}
	})
}
