// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets/internal/idx"
	"github.com/reef-dl/reef/internal/inflate"
)

// TestFilesByPath reads files by their paths, which errors name.
func TestFilesByPath(t *testing.T) {
	dir := t.TempDir()
	table, texts, broken := filepath.Join(dir, "table.csv"), filepath.Join(dir, "texts.tsv"), filepath.Join(dir, "broken.csv")
	for path, body := range map[string]string{table: "a,b\n1,2\n3,4\n5,6\n", texts: "x\tone text\ny\tanother\n", broken: "a,b\n1\n"} {
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	frame, err := ReadCSVFile(table, CSVOptions{})
	if err != nil || frame.Len() != 3 {
		t.Errorf("table: %v, %v", frame, err)
	}
	read, err := ReadTextsFile(texts)
	if err != nil || !slices.Equal(read.Texts, []string{"one text", "another"}) {
		t.Errorf("texts: %v, %v", read, err)
	}
	photo, err := LoadImageFile("../examples/transfer/testdata/photo.jpg", ImageOptions{Height: 8, Width: 8})
	if err != nil || !slices.Equal(photo.Shape, []int{8, 8, 3}) {
		t.Errorf("photo: %v, %v", photo.Shape, err)
	}
	chunks := CSVFileChunks(table, CSVOptions{}, 2)
	for range 2 { // from the beginning each time
		var rows []int
		for frame, err := range chunks {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, frame.Len())
		}
		if !slices.Equal(rows, []int{2, 1}) {
			t.Errorf("frames of %d rows, want 2 and 1", rows)
		}
	}
	chunksErr := func(path string) (err error) {
		for _, err = range CSVFileChunks(path, CSVOptions{}, 2) {
			continue
		}
		return err
	}
	_, errFolder := ReadCSVFile(dir, CSVOptions{})
	_, errTextFolder := ReadTextsFile(dir)
	for k, err := range []error{errFolder, errTextFolder, chunksErr(dir)} {
		if err == nil || !strings.HasPrefix(err.Error(), dir) || strings.Contains(err.Error(), "an empty file") {
			t.Errorf("folder %d: %v", k, err)
		}
	}
	missing := filepath.Join(dir, "missing")
	_, errTable := ReadCSVFile(missing, CSVOptions{})
	_, errTexts := ReadTextsFile(missing)
	_, errPhoto := LoadImageFile(missing, ImageOptions{})
	for k, err := range []error{errTable, errTexts, errPhoto, chunksErr(missing)} {
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "missing") {
			t.Errorf("reader %d: error %v for a file that is not there", k, err)
		}
	}
	_, errTable = ReadCSVFile(broken, CSVOptions{})
	for _, err := range []error{errTable, chunksErr(broken)} {
		if err == nil || err.Error() != broken+": line 2: 1 column, the header has 2" {
			t.Errorf("error %v", err)
		}
	}
}

// TestErrorsOfReading: what a reader fails with, at once or later, is in the error, also if it fails only once.
func TestErrorsOfReading(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, read := range map[string]func(r io.Reader) error{
		"CSV":         func(r io.Reader) error { _, err := ReadCSV(r, "f", CSVOptions{}); return err },
		"CSV, UTF-16": func(r io.Reader) error { _, err := ReadCSV(r, "f", CSVOptions{Charset: UTF16LE}); return err },
		"texts":       func(r io.Reader) error { _, err := ReadTexts(r, "f"); return err },
		"reviews":     func(r io.Reader) error { return readTar(t.Context(), r, "f", map[string][]review{}) },
		"IDX": func(r io.Reader) error {
			plain, _, err := inflate.Gunzip(r, "f", reviewsInflated)
			if err == nil {
				_, err = idx.Read(plain, "f", 1<<20, func([]int) error { return nil })
			}
			return err
		},
	} {
		for _, begin := range []string{"", "a", "BZ", "a,b"} {
			r := io.MultiReader(strings.NewReader(begin), &failsOnce{err: broken})
			if err := read(r); !errors.Is(err, broken) {
				t.Errorf("%s after %q: got %v, want %v", name, begin, err, broken)
			}
		}
	}
}

// failsOnce is a reader that fails and then ends.
type failsOnce struct{ err error }

func (f *failsOnce) Read([]byte) (int, error) {
	err := cmp.Or(f.err, io.EOF)
	f.err = nil
	return 0, err
}
