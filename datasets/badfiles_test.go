// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npy"
)

// npyBytes is an array as numpy saves it.
func npyBytes(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rewriteNPZ copies an embedded archive with some of its arrays replaced (nil
// leaves one out) and puts it and the word index beside it into a new folder.
func rewriteNPZ(t *testing.T, set string, replace map[string][]byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	entries, err := samples.ReadDir("samples/" + set)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := samples.ReadFile("samples/" + set + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(e.Name()) == ".npz" {
			old, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			for _, f := range old.File {
				body, replaced := replace[f.Name]
				if !replaced {
					r, err := f.Open()
					if err != nil {
						t.Fatal(err)
					}
					if body, err = io.ReadAll(r); err != nil {
						t.Fatal(err)
					}
				}
				if body == nil {
					continue
				}
				w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(body); err != nil {
					t.Fatal(err)
				}
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			raw = b.Bytes()
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestBadArchives: content that is not that of the data set, each with an error
// that names the file and what is wrong in it.
func TestBadArchives(t *testing.T) {
	labels := func(n int, last int64) []byte {
		y := make([]int64, n)
		y[n-1] = last
		return npyBytes(t, y)
	}
	load := map[string]func(ctx context.Context, dir string) error{
		"imdb": func(ctx context.Context, dir string) error {
			_, _, err := IMDB(ctx, From{Source: dir}, Words{})
			return err
		},
		"reuters": func(ctx context.Context, dir string) error {
			_, _, err := Reuters(ctx, From{Source: dir}, Words{})
			return err
		},
		"boston_housing": func(ctx context.Context, dir string) error {
			_, _, err := Boston(ctx, From{Source: dir})
			return err
		},
	}
	for _, c := range []struct {
		set, array string
		body       []byte
		want       string // after the path of the archive; none: no error
	}{
		{"imdb", "", nil, ""},
		{"imdb", "y_train", labels(800, 2), ": train: text 799: label 2, want 0 to 1"},
		{"imdb", "y_test", labels(399, 0), ": test: texts [400] and labels [399], want one axis of equal length, lists and integers"},
		{"imdb", "x_test", nil, `: no array "x_test"`},
		{"imdb", "x_train", labels(800, 0), ": train: texts [800] and labels [800], want one axis of equal length, lists and integers"},
		{"imdb", "x_train", []byte("\x93NUMPY"), ": x_train.npy: offset 6: unexpected EOF"},
		{"reuters", "", nil, ""},
		{"reuters", "y", labels(2000, 46), ": text 1999: label 46, want 0 to 45"},
		{"reuters", "y", labels(2000, -1), ": text 1999: label -1, want 0 to 45"},
		{"boston_housing", "", nil, ""},
		{"boston_housing", "x", npyBytes(t, make([]float64, 506*13)), ": arrays x [6578] and y [506], want floats of shapes (n, 13) and (n)"},
		{"boston_housing", "y", labels(506, 1), ": arrays x [506 13] and y [506], want floats of shapes (n, 13) and (n)"},
	} {
		dir := rewriteNPZ(t, c.set, map[string][]byte{c.array + ".npy": c.body})
		err := load[c.set](t.Context(), dir)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s, rewritten: %v", c.set, err)
			}
			continue
		}
		if want := c.set + ": " + filepath.Join(dir, c.set+".npz") + c.want; err == nil || err.Error() != want {
			t.Errorf("got error  %v\nwant error %s", err, want)
		}
	}
	dir := rewriteNPZ(t, "imdb", nil)
	if err := os.WriteFile(filepath.Join(dir, "imdb_word_index.json.gz"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := load["imdb"](t.Context(), dir); err == nil || !strings.HasSuffix(err.Error(), "imdb_word_index.json.gz: offset 1: unexpected EOF") {
		t.Errorf("got error %v", err)
	}
}

// TestJenaCheck makes a file with as many rows as the published one and the right
// first and last temperature, which stands in for its checksum, and one that is
// wrong at the end.
func TestJenaCheck(t *testing.T) {
	slowUnderRace(t)
	t.Parallel()
	write := func(rows int, last string) string {
		path := filepath.Join(t.TempDir(), jenaFile+".zip")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z := zip.NewWriter(f)
		w, err := z.CreateHeader(&zip.FileHeader{Name: jenaFile, Method: zip.Store}) // the rows are all alike
		if err != nil {
			t.Fatal(err)
		}
		row := func(temperature string) string {
			return "01.01.2009 00:10:00,996.5," + temperature + strings.Repeat(",1", 12) + "\n"
		}
		text := "time" + strings.Repeat(",x", 14) + "\n" + row("-8.02") + strings.Repeat(row("0"), rows-2) + row(last)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := checkJena(write(jenaRows, "-4.82")); err != nil {
		t.Error(err)
	}
	if err := checkJena(write(jenaRows, "-4.81")); err == nil || !strings.HasSuffix(err.Error(), "temperature from -8.02 to -4.81, want -8.02 to -4.82") {
		t.Errorf("got error %v", err)
	}
	if err := checkJena(write(5000, "-4.82")); err == nil || !strings.HasSuffix(err.Error(), "5000 rows of 14 columns, want 420551 of 14") {
		t.Errorf("got error %v", err)
	}
}
