// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets/internal/idx"
)

// member is a text compressed with gzip. Members may follow each other.
func member(t *testing.T, text string) []byte {
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

// endless is a gzip stream of begin and then of fill without end.
func endless(t *testing.T, begin, fill string) io.Reader {
	t.Helper()
	return io.MultiReader(bytes.NewReader(member(t, begin)), &repeat{of: member(t, strings.Repeat(fill, 1<<20))})
}

type repeat struct {
	of []byte
	at int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.of[r.at:])
	r.at = (r.at + n) % len(r.of)
	return n, nil
}

// TestBombs: streams that inflate without end are refused, with the name of the file
// and the position, before they take much memory.
func TestBombs(t *testing.T) {
	tarHeader := func(name string) string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 1 << 40, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, c := range []struct {
		name, begin, fill string
		read              func(r io.Reader) error
		want              string
		limit             uint64 // bytes allocated
	}{
		{
			"IDX that goes on", "\x00\x00\x08\x01\x00\x00\x00\x05hello", "\x00",
			func(r io.Reader) error { _, err := idx.Read(r, "f", mnistLimit, nil); return err },
			"f: offset 13: more data after the 5 bytes that the header declares", 1 << 20,
		},
		{
			"IDX that declares too much", "\x00\x00\x08\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00", "\x00",
			func(r io.Reader) error { _, err := idx.Read(r, "f", mnistLimit, nil); return err },
			"f: offset 8: 4294967296 elements or more declared, limit 268435456", 1 << 20,
		},
		{
			"vectors of one line", "the ", "0 ",
			func(r io.Reader) error { _, err := ReadVectors(r, "f", 50, nil); return err },
			"f: line 1: longer than 131072 bytes", 1 << 20,
		},
		{
			"word index of one word", `{"`, "a",
			func(r io.Reader) error { _, err := ReadWordIndex(r, "f"); return err },
			"f: offset 1: 5306 bytes inflate to more than 4257976 bytes", 1 << 25,
		},
		{
			"a review", tarHeader("aclImdb/train/pos/0_9.txt"), "good",
			func(r io.Reader) error { return readTar(t.Context(), r, "f", map[string][]review{}) },
			"f: offset 0: aclImdb/train/pos/0_9.txt: more than 1048576 bytes in one review or 536870912 in all", 1 << 24,
		},
	} {
		var before, after runtime.MemStats
		r := endless(t, c.begin, c.fill)
		runtime.ReadMemStats(&before)
		err := c.read(r)
		runtime.ReadMemStats(&after)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got error  %v\nwant %s", c.name, err, c.want)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > c.limit {
			t.Errorf("%s: %d bytes allocated, want at most %d", c.name, got, c.limit)
		}
	}
}
