// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
)

func TestTextFolder(t *testing.T) {
	files := map[string]string{
		"data/sun/2.txt": "\ufeffIt is warm. \n", "data/sun/10.TXT": "No\ncloud", "data/rain/a/1.txt": "I am wet.", "data/rain/b.md": "no text", "data/readme.txt": "x", "data/.git/x.txt": "x",
	}
	memory := fstest.MapFS{}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for name, body := range files {
		memory[name] = &fstest.MapFile{Data: []byte(body)}
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		t.Fatal(err)
	}
	root, err := fs.Sub(memory, "data")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fsys fs.FS
		dir  string
	}{{memory, "data"}, {memory, "./data/"}, {archive, "data"}, {root, ""}, {root, "."}} {
		texts, err := NewTextFolder(c.fsys, c.dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q %v %q", texts.Texts, texts.Labels, texts.Names()); got != `["I am wet." "No\ncloud" "It is warm."] [0 1 1] ["rain" "sun"]` {
			t.Errorf("%q: %s", c.dir, got)
		}
	}
	bad := func(body string) fs.FS {
		return fstest.MapFS{"a/1.txt": {Data: []byte("x")}, "b/1.txt": {Data: []byte(body)}}
	}
	for _, c := range []struct {
		fsys fs.FS
		want string
	}{
		{bad("\xff\xfex\x00"), "text folder: b/1.txt: text in UTF-16, want text in UTF-8"},
		{bad("caf\xe9 au lait"), "text folder: b/1.txt: not UTF-8"},
		{bad(strings.Repeat("x", maxTextLine+1)), "text folder: b/1.txt: more than 1048576 bytes"},
		{fstest.MapFS{"a/1.txt": {}, "b/1.md": {}}, "text folder: class folder b contains no texts (.txt): remove it or add some"},
		{fstest.MapFS{"a/1.txt": {}}, "text folder: . has 1 class folder with 1 text, want one folder for each of at least two classes"},
		{fstest.MapFS{}, "text folder: . has 0 class folders"},
		{fragile{fstest.MapFS{"a/1.txt": {}, "b/1.txt": {}}, "b/1.txt", func() error { panic("broken") }}, "text folder: the file system panicked"},
	} {
		if _, err := NewTextFolder(c.fsys, ""); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func TestReadLines(t *testing.T) {
	got, err := ReadLines(strings.NewReader("\ufeff one\r\n\n two\tthree \nfour"), "f")
	if err != nil || !slices.Equal(got, []string{"one", "two\tthree", "four"}) {
		t.Errorf("%q %v", got, err)
	}
	for _, c := range []struct {
		r    io.Reader
		want string
	}{
		{strings.NewReader(" \n"), "f: no lines of text"},
		{strings.NewReader("a\n\xff\n"), "f: line 2: not UTF-8"},
		{strings.NewReader("a\n" + strings.Repeat("b", maxTextLine+1)), "f: line 2: longer than 1048576 bytes"},
		{io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errors.New("no disk"))), "f: line 2: no disk"},
	} {
		if _, err := ReadLines(c.r, "f"); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func FuzzReadLines(f *testing.F) {
	f.Add("a\n b \r\n\n")
	f.Fuzz(func(t *testing.T, raw string) {
		texts, err := ReadLines(strings.NewReader(raw), "f")
		if err != nil {
			if !positioned.MatchString(err.Error()) {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		for _, text := range texts {
			if text == "" || strings.TrimSpace(text) != text || strings.Contains(text, "\n") {
				t.Fatalf("text %q", text)
			}
		}
	})
}

func TestNewTexts(t *testing.T) {
	texts, err := NewTexts([]string{"x", "y"}, []int32{1, 0}, []string{"a", "b"})
	if err != nil || texts.Len() != 2 || texts.Names()[texts.Labels[0]] != "b" {
		t.Errorf("%v %v", texts, err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(NewTexts([]string{"x"}, nil, nil)), "texts: 0 labels for 1 texts"},
		{second(NewTexts([]string{"x"}, []int32{2}, []string{"a", "b"})), "texts: text 0: label 2, want 0 to 1"},
		{second(NewTexts(nil, nil, []string{"a", "a"})), `texts: class names: columns 1 and 2 are both named "a"`},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("got error %v, want %q", c.err, c.want)
		}
	}
}

// TestTextEncoder: in every form, a text encodes in prediction as in training, before and
// after saving, and test texts have no part in the vocabulary.
func TestTextEncoder(t *testing.T) {
	var lines strings.Builder
	for i := range 20 {
		fmt.Fprintf(&lines, "%s\tthe word%d and word%d\n", [2]string{"even", "odd"}[i%2], i, i/3)
	}
	texts, err := ReadTexts(strings.NewReader(lines.String()), "f")
	if err != nil {
		t.Fatal(err)
	}
	train, test, err := texts.TrainTestSplit(0.25, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (TextSchema{}).Fit(test); err == nil || err.Error() != "fit: these texts are held out for testing; fit to the training part and encode these" {
		t.Errorf("fitted to test texts: %v", err)
	}
	fitted := &Tokenizer{NumWords: 12, KeepCase: true}
	fitted.Fit(texts.Texts)
	for _, s := range []TextSchema{
		{Padding: Padding{Length: 3}},
		{Padding: Padding{Length: 6, Post: true, TruncatePost: true, Value: 9}, Tokenizer: fitted},
		{},
		{Tokenizer: fitted},
		{Mode: Count, Tokenizer: &Tokenizer{CharLevel: true}},
		{Mode: Freq},
		{Mode: TFIDF, Tokenizer: fitted},
	} {
		e, err := s.Fit(train)
		if err != nil {
			t.Fatal(err)
		}
		if want := 15; e.Tokenizer().documents != want {
			t.Errorf("fitted to %d texts, want %d", e.Tokenizer().documents, want)
		}
		loaded := savedPreprocessor(t, e.Preprocessor()).(interface {
			Array(texts []string) (Array, error)
		})
		for _, part := range []*Texts{train, test} {
			source, err := e.EncodeTexts(part)
			if err != nil {
				t.Fatal(err)
			}
			want, y := readAll(t, source)
			for i, l := range part.Labels {
				if y[i] != float32(l) {
					t.Errorf("class %v, want %d", y[i], l)
				}
			}
			got, err := loaded.Array(part.Texts)
			if err != nil || !slices.Equal(got.Data, want) {
				t.Errorf("%+v: encoded as %v, in training %v: %v", s, got.Data, want, err)
			}
			in, out := source.Shapes()
			if wantIn, wantOut := e.Shapes(); !reflect.DeepEqual(in, wantIn) || !reflect.DeepEqual(out, wantOut) || !reflect.DeepEqual(in[0], got.Shape) {
				t.Errorf("shapes %v %v, want %v %v", in, out, wantIn, wantOut)
			}
			if !slices.Equal(source.(interface{ Names() []string }).Names(), []string{"even", "odd"}) || !slices.Equal(e.Names(), []string{"even", "odd"}) {
				t.Error("class names")
			}
		}
	}
	e, err := TextSchema{Padding: Padding{Length: 3}}.Fit(train)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewTexts([]string{"x"}, []int32{0}, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(e.Encode()), "encode: no texts"},
		{second(e.EncodeTexts(other)), `encode: texts of the classes ["a" "b"], want ["even" "odd"], as in training`},
		{second(TextSchema{Padding: Padding{Length: -1}}.Fit(train)), "length -1, "},
		{second(TextSchema{Padding: Padding{Post: true}}.Fit(train)), "Padding without a Length"},
		{second(TextSchema{Padding: Padding{Length: 3}, Mode: Count}.Fit(train)), "mode 1, want"},
	} {
		if c.err == nil || !strings.HasPrefix(c.err.Error(), c.want) {
			t.Errorf("got error %v, want %q", c.err, c.want)
		}
	}
}
