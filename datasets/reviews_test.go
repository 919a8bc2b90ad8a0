// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry is a file of an archive that a test makes.
type entry struct{ name, text string }

func tarGz(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.text)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReviewsLayouts: the archive and the unpacked folder give the same texts, in
// the order of their numbers; what is no labeled review is left out.
func TestReviewsLayouts(t *testing.T) {
	entries := []entry{
		{"aclImdb/README", "not a review"},
		{"aclImdb/train/unsup/0_0.txt", "no label"},
		{"../aclImdb/train/pos/7_9.txt", "outside"},
	}
	for _, part := range []string{"train", "test"} {
		for _, class := range []string{"pos", "neg"} {
			for _, id := range []int{10, 9, 100} {
				entries = append(entries, entry{fmt.Sprintf("aclImdb/%s/%s/%d_3.txt", part, class, id), fmt.Sprintf("%s %s %d", part, class, id)})
			}
		}
	}
	packed, folder := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(packed, "aclImdb_v1.tar.gz"), tarGz(t, entries...), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(folder, "in", e.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(e.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{packed, filepath.Join(folder, "in")} {
		train, test, err := Reviews(t.Context(), From{Source: dir})
		if err != nil {
			t.Fatal(err)
		}
		want := "[train neg 9 train neg 10 train neg 100 train pos 9 train pos 10 train pos 100] [0 0 0 1 1 1]"
		if got := fmt.Sprint(train.Texts, train.Labels); got != want || test.Len() != 6 {
			t.Errorf("%s, want %s", got, want)
		}
		few, err := test.Subset([]int{5, 0})
		if err != nil || few.Texts[0] != "test pos 100" || few.Labels[1] != 0 {
			t.Errorf("subset: %v %v", few, err)
		}
		if _, err := test.Subset([]int{6}); err == nil || err.Error() != "subset: index 6 at position 0, there are 6 texts" {
			t.Errorf("got error %v", err)
		}
	}
}

func TestReadTarErrors(t *testing.T) {
	good := tarGz(t, entry{"aclImdb/train/pos/0_9.txt", "good"})
	long := tarGz(t, entry{"aclImdb/train/pos/0_9.txt", strings.Repeat("x", maxReviewBytes+1)})
	for _, c := range []struct {
		raw  []byte
		want string
	}{
		{nil, "f: offset 0: an empty file, want a tar archive compressed with gzip or bzip2"},
		{[]byte("PK\x03\x04"), "f: offset 0: a zip archive, want a tar archive"},
		{[]byte("BZh9 is no bzip2 stream"), "f: offset 0: bzip2 data invalid: bad magic value"},
		{good[:5], "f: gzip header: unexpected EOF"},
		{good[:len(good)-12], "f: offset "},
		{long, "f: offset 0: aclImdb/train/pos/0_9.txt: more than 1048576 bytes in one review"},
	} {
		if err := readTar(t.Context(), bytes.NewReader(c.raw), "f", map[string][]review{}); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func FuzzReadTar(f *testing.F) {
	f.Add(tarGz(f, entry{"aclImdb/train/pos/0_9.txt", "good"}, entry{"aclImdb/test/neg/1_2.txt", "bad"}))
	f.Add(tarGz(f, entry{"../../aclImdb/train/pos/0_9.txt", "good"}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		found := map[string][]review{}
		if err := readTar(t.Context(), bytes.NewReader(raw), "f", found); err != nil && !positioned.MatchString(err.Error()) {
			t.Fatalf("error without file and position: %v", err)
		}
		for key := range found {
			if key != "train/neg" && key != "train/pos" && key != "test/neg" && key != "test/pos" {
				t.Fatalf("a review of %q", key)
			}
		}
	})
}
