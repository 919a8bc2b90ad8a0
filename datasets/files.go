// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
)

// ReadCSVFile is [ReadCSV] for the file at a path, by which errors call it.
func ReadCSVFile(path string, o CSVOptions) (*Frame, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadCSV(f, path, o)
}

// openFile opens a file. A folder is an error here, since it reads like an empty file.
func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close() // only opened
		return nil, fmt.Errorf("%s is a folder, want a file", path)
	}
	return f, nil
}

// CSVFileChunks is [CSVChunks] for the file at a path. Each iteration opens the file, reads it
// from its beginning and closes it, so that [TableEncoder.Stream] can read it in every epoch.
func CSVFileChunks(path string, o CSVOptions, rows int) iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		f, err := openFile(path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		CSVChunks(f, path, o, rows)(yield)
	}
}

// ReadTextsFile is [ReadTexts] for the file at a path, by which errors call it.
func ReadTextsFile(path string) (*Texts, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadTexts(f, path)
}

// LoadImageFile is [LoadImage] for the image at a path.
func LoadImageFile(path string, o ImageOptions) (Array, error) {
	return LoadImage(os.DirFS(filepath.Dir(path)), filepath.Base(path), o)
}
