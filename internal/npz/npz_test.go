// SPDX-License-Identifier: Apache-2.0

package npz

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npy"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLists reads archives that numpy wrote (testdata/make.py).
func TestLists(t *testing.T) {
	long := make([]int32, 2500)
	for i := range long {
		long[i] = int32(i)
	}
	want := [][]int32{{1, 14, 22, 70000}, {}, {255, 256, 65535, 65536, 1<<31 - 1, -1, 0}, long}
	for _, name := range []string{"lists-2.npz", "lists-3.npz", "lists-4.npz"} {
		raw := file(t, name)
		a, err := Open(bytes.NewReader(raw), int64(len(raw)), name)
		if err != nil {
			t.Fatal(err)
		}
		x, err := a.Read("x", 10)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(x.Lists, want, slices.Equal) || !slices.Equal(x.Shape, []int{4}) {
			t.Errorf("%s: shape %v, %v", name, x.Shape, x.Lists)
		}
		y, err := a.Read("y", 10)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(y.Int, []int64{3, -1, 1 << 40, 7}) {
			t.Errorf("%s: y %v", name, y.Int)
		}
		if _, err := a.Read("z", 10); err == nil || err.Error() != name+`: no array "z"` {
			t.Errorf("got error %v", err)
		}
		if _, err := a.Read("x", 3); err == nil || !strings.Contains(err.Error(), "x.npy: offset 128: shape (4,) has more than 3 elements") {
			t.Errorf("got error %v", err)
		}
	}
}

// TestNumbers reads what an independent writer made.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		in any
		ok func(*Array) bool
	}{
		{[]float64{1.5, -2, 1e300}, func(a *Array) bool { return slices.Equal(a.Float, []float64{1.5, -2, 1e300}) }},
		{[]float32{1.5, -2}, func(a *Array) bool { return slices.Equal(a.Float, []float64{1.5, -2}) }},
		{[]int64{1, -2}, func(a *Array) bool { return slices.Equal(a.Int, []int64{1, -2}) }},
		{[]int32{1, -2}, func(a *Array) bool { return slices.Equal(a.Int, []int64{1, -2}) }},
		{[]uint8{1, 254}, func(a *Array) bool { return slices.Equal(a.Int, []int64{1, 254}) }},
		{make([]float64, 10000), func(a *Array) bool { return slices.Equal(a.Float, make([]float64, 10000)) }},
	} {
		var b bytes.Buffer
		if err := npy.Write(&b, c.in); err != nil {
			t.Fatal(err)
		}
		a, err := ReadArray(&b, "f", 1<<20)
		if err != nil {
			t.Errorf("%T: %v", c.in, err)
		} else if !c.ok(a) {
			t.Errorf("%T: got %+v", c.in, a)
		}
	}
}

// TestRefusals: a pickle that asks for anything but lists of integers.
func TestRefusals(t *testing.T) {
	for name, want := range map[string]string{
		"system": `pickle: asks for "system" of "posix": refused, only lists of integers are read`,
		"text":   "pickle: text in a list, only lists of integers are read",
		"float":  "pickle: opcode 0x47: refused, only lists of integers are read",
		"nested": "pickle: element 0 is a list of lists, want integers",
		"dict":   "pickle: opcode 0x7d: refused, only lists of integers are read",
		"big":    "pickle: integer 1099511627776 does not fit 32 bits",
	} {
		_, err := ReadArray(bytes.NewReader(file(t, "evil-"+name+".npy")), "f", 10)
		if err == nil || !strings.HasSuffix(err.Error(), want) || !strings.HasPrefix(err.Error(), "f: offset ") {
			t.Errorf("%s: got error %v, want %s", name, err, want)
		}
	}
}

// namedAgain is an array of one list of integers that stands there several times.
func namedAgain(times, integers int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\x93NUMPY\x01\x00\x80\x00%-128s", fmt.Sprintf("{'descr': '|O', 'fortran_order': False, 'shape': (%d,), }", times))
	b.WriteString("\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01J")
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(times)))
	b.WriteString("\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R\x89](](")
	b.WriteString(strings.Repeat("K\x07", integers))
	b.WriteString("eq\x00")
	b.WriteString(strings.Repeat("h\x00", times-1))
	b.WriteString("etb.")
	return b.Bytes()
}

// TestNamedAgain: an array that names one long list again and again is refused: two
// bytes of the file would stand for 100 kB each.
func TestNamedAgain(t *testing.T) {
	a, err := ReadArray(bytes.NewReader(namedAgain(3, 25_000)), "f", 1<<20)
	if err != nil || len(a.Lists) != 3 || len(a.Lists[2]) != 25_000 || a.Lists[2][24_999] != 7 {
		t.Fatalf("%v, %d lists, want the same list three times", err, len(a.Lists))
	}
	_, err = ReadArray(bytes.NewReader(namedAgain(2_000, 25_000)), "f", 1<<20)
	if err == nil || !strings.HasSuffix(err.Error(), "pickle: more than 4194304 integers") {
		t.Errorf("got error %v", err)
	}
}

func TestBadHeaders(t *testing.T) {
	var b bytes.Buffer
	if err := npy.Write(&b, []float64{1, 2}); err != nil {
		t.Fatal(err)
	}
	good := b.String()
	for _, c := range []struct{ raw, want string }{
		{"", "f: offset 0: unexpected EOF"},
		{good[:50], "f: offset 50: unexpected EOF"},
		{good[:len(good)-1], "unexpected EOF"},
		{good + "x", "more data after the array"},
		{strings.Replace(good, "NUMPY", "NUMPI", 1), `magic "\x93NUMPI": not a numpy array`},
		{strings.Replace(good, "<f8", ">f8", 1), `element type ">f8", want one of <f4 <f8 <i4 <i8 |u1 |O`},
		{strings.Replace(good, "(2,)", "(9,)", 1), "unexpected EOF"},
		{strings.Replace(good, "(2,)", "2,  ", 1), "is not one that numpy writes"},
		{strings.Replace(good, "NUMPY\x02", "NUMPY\x07", 1), "format version 7, want 1 to 3"},
	} {
		if _, err := ReadArray(strings.NewReader(c.raw), "f", 100); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

// TestWrongCRC: damage inside the archive is noticed.
func TestWrongCRC(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "x.npy", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if err := npy.Write(w, []float64{1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()
	raw[bytes.Index(raw, []byte("PK\x01\x02"))-20] ^= 1 // one bit of a number
	a, err := Open(bytes.NewReader(raw), int64(len(raw)), "f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read("x", 10); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("got error %v", err)
	}
}

func FuzzReadArray(f *testing.F) {
	for _, name := range []string{"system", "nested", "float", "text", "dict", "big"} {
		f.Add(file(f, "evil-"+name+".npy"))
	}
	var b bytes.Buffer
	if err := npy.Write(&b, []float64{1, 2}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	for _, name := range []string{"lists-2.npz", "lists-3.npz", "lists-4.npz"} {
		raw := file(f, name)
		z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			f.Fatal(err)
		}
		r, err := z.File[0].Open()
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		a, err := ReadArray(bytes.NewReader(raw), "f", 1000)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f: offset ") {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		n := 1
		for _, axis := range a.Shape {
			n *= axis
		}
		if got := len(a.Float) + len(a.Int) + len(a.Lists); got != n || n > 1000 {
			t.Fatalf("shape %v, %d elements", a.Shape, got)
		}
	})
}

// FuzzPickle puts pickles behind a header that is always good, so that what is changed
// is the program of the machine.
func FuzzPickle(f *testing.F) {
	for _, name := range []string{"system", "nested", "float", "text", "dict", "big"} {
		f.Add(uint8(2), file(f, "evil-"+name+".npy")[128:])
	}
	for _, name := range []string{"lists-2.npz", "lists-3.npz", "lists-4.npz"} {
		raw := file(f, name)
		z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			f.Fatal(err)
		}
		r, err := z.File[0].Open()
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(4), b.Bytes()[128:])
	}
	f.Add(uint8(3), namedAgain(3, 5)[10+128:])
	f.Fuzz(func(t *testing.T, n uint8, pickle []byte) {
		if len(pickle) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		s := &source{Reader: bufio.NewReader(bytes.NewReader(pickle)), name: "f"}
		lists, err := readPickle(s, int(n), maxValues)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f: offset ") {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		if len(lists) != int(n) || s.offset > int64(len(pickle)) {
			t.Fatalf("%d lists for %d, offset %d of %d", len(lists), n, s.offset, len(pickle))
		}
		total := 0
		for _, l := range lists { // an integer takes two bytes, and so does naming a list again
			total += len(l)
		}
		if total > len(pickle)*len(pickle) {
			t.Fatalf("%d integers out of %d bytes", total, len(pickle))
		}
	})
}

func FuzzArchive(f *testing.F) {
	for _, name := range []string{"lists-2.npz", "lists-3.npz"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		a, err := Open(bytes.NewReader(raw), int64(len(raw)), "f")
		if err != nil {
			return
		}
		if _, err := a.Read("x", 1000); err != nil && !strings.HasPrefix(err.Error(), "f: ") {
			t.Fatalf("error does not name the file: %v", err)
		}
	})
}
