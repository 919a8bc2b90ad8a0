// SPDX-License-Identifier: Apache-2.0

package inflate

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
)

func pack(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGunzip(t *testing.T) {
	for _, c := range []struct {
		raw     []byte
		limit   Limit
		gzipped bool
		want    int // bytes; -1: an Error
	}{
		{[]byte("plain text"), Limit{}, false, 10},
		{nil, Limit{}, false, 0},
		{pack(t, "some text"), Limit{9, 0}, true, 9},
		{pack(t, "some text"), Limit{8, 0}, true, -1},
		{pack(t, strings.Repeat("a", 1<<20)), Limit{1 << 19, 16}, true, -1},
		{pack(t, strings.Repeat("a", 1<<20)), Limit{1 << 19, 1024}, true, 1 << 20},
	} {
		r, gzipped, err := Gunzip(bytes.NewReader(c.raw), "f", c.limit)
		if err != nil || gzipped != c.gzipped {
			t.Fatalf("%v, gzipped %t", err, gzipped)
		}
		got, err := io.ReadAll(r)
		var over *Error
		if c.want < 0 {
			if !errors.As(err, &over) {
				t.Errorf("%v: %d bytes, got error %v, want an Error", c.limit, len(got), err)
			}
			if _, again := r.Read(make([]byte, 1)); again != err {
				t.Errorf("then %v", again)
			}
		} else if err != nil || len(got) != c.want {
			t.Errorf("%v: %d bytes, %v, want %d", c.limit, len(got), err, c.want)
		}
	}
	if _, _, err := Gunzip(strings.NewReader("\x1f\x8b"), "f", Limit{}); err == nil || !strings.HasPrefix(err.Error(), "f: gzip header: ") {
		t.Errorf("got error %v", err)
	}
}

// TestOpen: the archive may lie about what an entry has compressed.
func TestOpen(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	e, err := w.Create("e")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	z.File[0].CompressedSize64 = 1 << 60
	r, err := Open(z.File[0], int64(b.Len()), Limit{1 << 10, 16})
	if err != nil {
		t.Fatal(err)
	}
	var over *Error
	if _, err := io.ReadAll(r); !errors.As(err, &over) || over.From != int64(b.Len()) {
		t.Errorf("got error %v, want an Error", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
