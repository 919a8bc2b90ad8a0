// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadVectors(t *testing.T) {
	v, err := ReadVectors(strings.NewReader("the 1 -2e-1\n, 0.5 3\nof 7 8\n"), "f", 2, func(w string) bool { return w != "," })
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := v.Vector("the"); !ok || !slices.Equal(got, []float32{1, -0.2}) || v.Len() != 2 || v.Word(1) != "of" {
		t.Errorf("%d words, the: %v", v.Len(), got)
	}
	names := []string{"", "of", "unknown", "the"}
	data, found := v.Matrix(5, func(id int) (string, bool) {
		if id < 1 || id >= len(names) {
			return "", false
		}
		return names[id], true
	})
	if !slices.Equal(data, []float32{0, 0, 7, 8, 0, 0, 1, -0.2, 0, 0}) || found != 2 {
		t.Errorf("matrix %v, %d found", data, found)
	}
	for _, c := range []struct{ raw, want string }{
		{"", "f: no lines"},
		{"a 1 2\n\nb 1 2\n", "f: line 2: empty, want a word and 2 numbers"},
		{"a 1 2\nb 1\n", `f: line 2: "b": 1 numbers, want 2`},
		{"a 1 2\nb 1 2 3\n", `f: line 2: "b": 3 numbers, want 2`},
		{"a 1 2\nb\n", `f: line 2: "b": 0 numbers, want 2`},
		{"a 1 2\n 1 2\n", "f: line 2: no word before the 2 numbers"},
		{"a 1 x\n", `f: line 1: "a": number 2 of 2 is "x"`},
		{"a 1 NaN\n", `f: line 1: "a": number 2 of 2 is "NaN"`},
		{"a -Inf 1\n", `f: line 1: "a": number 1 of 2 is "-Inf"`},
		{"a 1e39 1\n", `f: line 1: "a": number 1 of 2 is "1e39"`},
		{"a 0.5 1 NaN\n", `f: line 1: "a": 3 numbers, want 2`},
		{"at name 0.5 1 2\n", `f: line 1: "at": 4 numbers, want 2`},
		{"a 1 2\nb 1 2\na 1 2\n", `f: line 3: duplicate word "a"`},
		{"a 1 " + strings.Repeat("1", maxVectorLine), "f: line 1: longer than 131072 bytes"},
		{"3 2\na 1 2\nb 3 4\n", "f: line 1: header of 3 words, 2 follow"},
		{"3 300\na 1 2\n", "f: line 1: header of 3 words of 300 numbers, want 2"},
		{"\xff\xfea\x00 \x001\x00", "f: line 1: text in UTF-16, want lines of a word and 2 numbers"},
		{"<!DOCTYPE html>\n", "f: line 1: an HTML page, want lines of a word and 2 numbers"},
	} {
		if _, err := ReadVectors(strings.NewReader(c.raw), "f", 2, nil); err == nil || err.Error() != c.want {
			t.Errorf("%.40q: got error %v, want %q", c.raw, err, c.want)
		}
	}
	_, err = ReadVectors(strings.NewReader("a 1 2\n"), "f", 2, func(string) bool { panic("boom") })
	if err == nil || !strings.HasPrefix(err.Error(), "f: line 1: the function keep panicked (glove_test.go:") {
		t.Errorf("got error %v", err)
	}
}

// TestReadVectorsWritten: as GloVe, fastText and word2vec write them, and what editors do
// to such files.
func TestReadVectorsWritten(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"the 0.1 0.2\na 3 4", "the [0.1 0.2], a [3 4]"},
		{"2 2\nthe 0.1 0.2 \na 3 4 \n", "the [0.1 0.2], a [3 4]"},    // word2vec and fastText, blank at the end
		{"\ufeffthe 0.1 0.2\r\na 3 4\r\n", "the [0.1 0.2], a [3 4]"}, // Windows
		{"\ufeff2 2\r\nthe 0.1 0.2\r\na 3 4\r\n\r\n", "the [0.1 0.2], a [3 4]"},
		{"the\t0.1\t0.2\na\t3 4\n", "the [0.1 0.2], a [3 4]"},
		{". . . 1 2\nat name@domain.com 3 4\n", ". . . [1 2], at name@domain.com [3 4]"}, // glove.840B
		{"1 2 3\n2 3 4\n", "1 [2 3], 2 [3 4]"},                                           // numbers as words
		{"a\u00a0b 1 2\n\u0085 3 4\n", "a\u00a0b [1 2], \u0085 [3 4]"},                   // other white space is part of a word
		{"the  1   2\n", "the [1 2]"},
		{"nan 1 2\ninf 1 2\n", "nan [1 2], inf [1 2]"},
		{"{ 1 2\n[ 3 4\n", "{ [1 2], [ [3 4]"},
	} {
		v, err := ReadVectors(strings.NewReader(c.raw), "f", 2, nil)
		if err != nil {
			t.Errorf("%q: %v", c.raw, err)
			continue
		}
		var got []string
		for i := range v.Len() {
			row, _ := v.Vector(v.Word(i))
			got = append(got, fmt.Sprint(v.Word(i), " ", row))
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%q: %q, want %q", c.raw, s, c.want)
		}
	}
	for _, c := range []struct {
		raw, want string
		words     int
	}{
		{"1 1\nx 5\n", "", 1}, // a header: one word of one number
		{"7 3\nx 5\n", "", 2}, // the word 7
		{"2 2\nthe 0.1 0.2", `f: line 2: "the": 2 numbers, want 1`, 0},
	} {
		v, err := ReadVectors(strings.NewReader(c.raw), "f", 1, nil)
		if c.want != "" {
			if err == nil || err.Error() != c.want {
				t.Errorf("%q: got error %v, want %q", c.raw, err, c.want)
			}
		} else if err != nil || v.Len() != c.words {
			t.Errorf("%q: %v, %v", c.raw, v, err)
		}
	}
	// A word that is a space of another kind makes no header.
	if v, err := ReadVectors(strings.NewReader("\u00a0 1 2\n"), "f", 2, nil); err != nil || v.Word(0) != "\u00a0" {
		t.Errorf("%v, %v", v, err)
	}
}

func FuzzReadVectors(f *testing.F) {
	f.Add([]byte("the 1 -2e-1\n, 0.5 3\n"))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte("a 1 2\n")); err != nil {
		f.Fatal(err)
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		v, err := ReadVectors(bytes.NewReader(raw), "f", 2, nil)
		if err != nil {
			if !positioned.MatchString(err.Error()) {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		if len(v.data) != 2*v.Len() || len(v.index) != v.Len() {
			t.Fatalf("%d words, %d numbers", v.Len(), len(v.data))
		}
	})
}

// TestGloVeExcerpt reads the beginning of the published file, as text, gzipped and
// inside the published archive's layout.
func TestGloVeExcerpt(t *testing.T) {
	zipped, err := os.ReadFile(realData(t, "glove", "glove.6B.50d.first2445.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"glove.6B.100d.txt", "glove.6B.50d.txt"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"glove.6B.50d.txt": plain, "glove.6B.50d.txt.gz": zipped, "glove.6B.zip": b.Bytes()} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
		v, err := GloVe(t.Context(), From{Source: dir}, 50, nil)
		if err != nil {
			t.Fatal(err)
		}
		the, _ := v.Vector("the")
		if v.Len() != 2445 || !slices.Equal(the[:3], []float32{0.418, 0.24968, -0.41242}) {
			t.Errorf("%s: %d words, the %v", name, v.Len(), the[:3])
		}
		for i, w := range []string{"the", ",", ".", "of", "to", "and", "in", "a"} {
			if v.Word(i) != w {
				t.Errorf("%s: word %d is %q, want %q", name, i, v.Word(i), w)
			}
		}
		if _, err := GloVe(t.Context(), From{Source: dir}, 100, nil); err == nil { // no such file, or one of 50
			t.Errorf("%s: 50 numbers were read as 100", name)
		}
	}
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

// TestExcerpts: files of the shared folders under their longer names.
func TestExcerpts(t *testing.T) {
	realData(t, "glove", "glove.6B.50d.first2445.txt.gz")
	v, err := GloVe(t.Context(), From{Source: realData(t, "glove")}, 50, nil)
	if err != nil || v.Len() != 2445 {
		t.Errorf("GloVe: %v", err)
	}
	s, err := Jena(t.Context(), From{Source: realData(t, "jena")})
	if err != nil || s.Len() != 4000 {
		t.Errorf("Jena: %v", err)
	}
	if _, err := GloVe(t.Context(), From{Source: t.TempDir()}, 50, nil); err == nil || !strings.HasSuffix(err.Error(), "glove.6B.50d.txt: file does not exist") {
		t.Errorf("got error %v", err)
	}
}

// TestGloVeWidths: what lies in $REEF_DATA counts for its own width only, comes
// before a download, and is what the open width takes.
func TestGloVeWidths(t *testing.T) {
	noData(t)
	root := t.TempDir()
	t.Setenv("REEF_DATA", root)
	dir := filepath.Join(root, "glove")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name string, dim int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("the"+strings.Repeat(" 1", dim)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	asked := 0
	client := &http.Client{Transport: notFound{&asked}}
	try := func(source string, dim, wantDim int, wantKind string) {
		t.Helper()
		v, err := GloVe(t.Context(), From{Source: source, Client: client}, dim, nil)
		if err != nil {
			t.Errorf("source %q, width %d: %v", source, dim, err)
		} else if v.Dim != wantDim || v.Origin().Kind != wantKind {
			t.Errorf("source %q, width %d: %d numbers from %v, want %d of kind %q", source, dim, v.Dim, v.Origin(), wantDim, wantKind)
		}
	}
	find := func(want string) {
		t.Helper()
		if o, err := Find("glove"); err != nil || o.Kind != want {
			t.Errorf("Find: %v, %v; want kind %q", o, err, want)
		}
	}
	find(Sample)
	try(Local, 0, 100, Sample)
	put("glove.6B.50d.first.txt", 50)
	find("folder")
	for _, source := range []string{Local, Full} {
		try(source, 0, 50, "folder")
		try(source, 50, 50, "folder")
	}
	try(Local, 100, 100, Sample)
	try(Sample, 0, 100, Sample)
	try(dir, 0, 50, "folder")
	if asked != 0 {
		t.Errorf("%d requests, want none", asked)
	}
	if _, err := GloVe(t.Context(), From{Source: Full, Client: client}, 100, nil); err == nil || asked != 2 {
		t.Errorf("width 100: error %v after %d requests, want the two addresses asked in vain", err, asked)
	}
	put("glove.6B.300d.txt", 300)
	find(Full)
	try(Full, 300, 300, Full)
	try(Full, 0, 50, "folder")
	put("glove.6B.100d.txt", 100)
	try(Full, 0, 100, Full)
	if _, err := GloVe(t.Context(), From{Source: dir}, 200, nil); err == nil || !strings.HasSuffix(err.Error(), "glove.6B.200d.txt: file does not exist") {
		t.Errorf("got error %v", err)
	}
}

// notFound answers every request with 404 and counts them.
type notFound struct{ requests *int }

func (n notFound) RoundTrip(*http.Request) (*http.Response, error) {
	*n.requests++
	return &http.Response{StatusCode: http.StatusNotFound, Status: "404 Not Found", Body: http.NoBody}, nil
}

// TestGloVeSample: words of like use are closer than others.
func TestGloVeSample(t *testing.T) {
	v, err := GloVe(t.Context(), From{Source: Sample}, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	get := func(word string) []float32 {
		vec, ok := v.Vector(word)
		if !ok {
			t.Fatalf("no vector of %q", word)
		}
		return vec
	}
	for _, c := range [][3]string{{"movie", "film", "sword"}, {"he", "she", "year"}, {"bad", "good", "house"}, {"was", "is", "john"}} {
		if near, far := cosine(get(c[0]), get(c[1])), cosine(get(c[0]), get(c[2])); near < far+0.05 {
			t.Errorf("%s is %.3f from %s and %.3f from %s", c[0], near, c[1], far, c[2])
		}
	}
	again, err := GloVe(t.Context(), From{Source: Sample}, 100, nil)
	if err != nil || !slices.Equal(again.data, v.data) {
		t.Errorf("%v, the second time %t", err, slices.Equal(again.data, v.data))
	}
	if !strings.Contains(v.Origin().String(), "generated") {
		t.Errorf("origin %s", v.Origin())
	}
}

func TestCoOccurrenceErrors(t *testing.T) {
	if _, err := CoOccurrence([][]int32{{1}, {0, 5}}, 5, 2, 1); err == nil || err.Error() != "co-occurrence: text 1: word 1 has id 5, want 0 to 4" {
		t.Errorf("got error %v", err)
	}
}
