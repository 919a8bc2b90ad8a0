// SPDX-License-Identifier: Apache-2.0

package idx

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"
)

const limit = 1 << 20

// two 2x3 images, written by hand after the format note.
var small = []byte{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

func zipped(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRead(t *testing.T) {
	for name, raw := range map[string][]byte{"plain": small, "gzip": zipped(t, small)} {
		a, err := Read(bytes.NewReader(raw), name, limit, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.Shape, []int{2, 2, 3}) || !bytes.Equal(a.Data, small[16:]) {
			t.Errorf("%s: got %v %v", name, a.Shape, a.Data)
		}
		var b bytes.Buffer
		if err := Write(&b, a); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), small) {
			t.Errorf("%s: written back as %v", name, b.Bytes())
		}
	}
}

func TestReadRefuses(t *testing.T) {
	with := func(at int, v ...byte) []byte {
		b := slices.Clone(small)
		copy(b[at:], v)
		return b
	}
	cut := zipped(t, small)
	broken := slices.Clone(cut)
	broken[len(broken)-5] ^= 0xff // the last byte of the CRC
	for _, c := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "f: offset 0: header: unexpected EOF"},
		{"magic", with(0, 1), "f: offset 0: magic 0x0100, want 0x0000: not an IDX file"},
		{"type", with(2, 0x0d), "f: offset 2: element type 0x0d, want 0x08 (bytes)"},
		{"axes", with(3, 9), "f: offset 3: 9 axes, want 1 to 4"},
		{"no axes", with(3, 0), "f: offset 3: 0 axes, want 1 to 4"},
		{"short header", small[:13], "f: offset 12: length of axis 2: unexpected EOF"},
		{"zero length", with(8, 0, 0, 0, 0), "f: offset 8: axis 1 has length 0"},
		{"too many", with(4, 0xff, 0xff, 0xff, 0xff), "f: offset 4: 4294967295 elements or more declared, limit 1048576"},
		{"truncated", small[:20], "f: truncated at offset 20: got 4 of the 12 bytes that the header declares"},
		{"trailing", append(slices.Clone(small), 0), "f: offset 28: more data after the 12 bytes"},
		{"gzip header", cut[:5], "f: gzip header: unexpected EOF"},
		{"gzip cut", cut[:len(cut)-10], "f: "},
		{"gzip checksum", broken, "f: offset 28: gzip: invalid checksum"},
	} {
		_, err := Read(bytes.NewReader(c.raw), "f", limit, nil)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small)
	f.Add(zipped(f, small))
	f.Add(small[:20])
	f.Add([]byte{0, 0, 8, 1, 0, 0, 0, 1, 7})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		a, err := Read(bytes.NewReader(raw), "f", limit, nil)
		if err != nil {
			if text := err.Error(); !strings.HasPrefix(text, "f: ") || !strings.Contains(text, "offset ") && !strings.HasPrefix(text, "f: gzip header: ") {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		size := 1
		for _, n := range a.Shape {
			size *= n
		}
		if size != len(a.Data) || size > limit {
			t.Fatalf("shape %v with %d bytes", a.Shape, len(a.Data))
		}
	})
}
