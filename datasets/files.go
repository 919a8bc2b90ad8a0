// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"iter"
	"os"
	"path/filepath"
)

// ReadCSVFile is [ReadCSV] for the file at a path, by which errors call it.
func ReadCSVFile(path string, o CSVOptions) (*Frame, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadCSV(f, path, o)
}

// CSVFileChunks is [CSVChunks] for the file at a path. Each iteration opens the file, reads it
// from its beginning and closes it, so that [TableEncoder.Stream] can read it in every epoch.
func CSVFileChunks(path string, o CSVOptions, rows int) iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		f, err := os.Open(path)
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
	f, err := os.Open(path)
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
