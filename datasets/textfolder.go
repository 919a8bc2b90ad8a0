// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/reef-dl/reef/datasets/internal/picture"
	"github.com/reef-dl/reef/internal/inflate"
	"github.com/reef-dl/reef/internal/sniff"
)

// textTypes are the extensions of text files.
var textTypes = []string{".txt"}

// textsInflated limits the uncompressed size of all texts of an archive.
var textsInflated = inflate.Limit{Base: 64 << 20, Ratio: 16}

// NewTextFolder reads a folder that has one folder of .txt files for each class, as Keras's
// text_dataset_from_directory: each file is a text in UTF-8 of up to 1 MB. Classes are sorted
// by name, and files are found, as by NewImageFolder. A byte order mark and white space around
// a text are removed.
//
// fsys may be a folder (os.DirFS) or an archive (zip.Reader); dir is the folder in it that has
// the class folders, "" if it is the root.
func NewTextFolder(fsys fs.FS, dir string) (_ *Texts, err error) {
	defer rescue(&err, "text folder: the file system")
	w := walk{fsys: fsys, types: textTypes}
	names, err := w.classes(dir, "texts")
	if err != nil {
		return nil, fmt.Errorf("text folder: %w", err)
	}
	t := &Texts{names: names}
	var stored, total int64
	for _, f := range w.files {
		body, size, err := readText(fsys, f.name)
		if err != nil {
			return nil, fmt.Errorf("text folder: %w", err)
		}
		stored, total = stored+size, total+int64(len(body))
		if most := min(textsInflated.Base+textsInflated.Ratio*stored, maxTextsBytes); total > most {
			return nil, fmt.Errorf("text folder: %s: with the files before it more than %d bytes", f.name, most)
		}
		t.Texts, t.Labels = append(t.Texts, body), append(t.Labels, int32(f.class))
	}
	return t, nil
}

// readText reads one file; size is that in its archive.
func readText(fsys fs.FS, name string) (body string, size int64, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", 0, err // names the file
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxTextLine+1))
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("%s: %w", name, err)
	case len(raw) > maxTextLine:
		return "", 0, fmt.Errorf("%s: more than %d bytes", name, maxTextLine)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if !utf8.Valid(raw) {
		err := errors.New("not UTF-8")
		if is := sniff.Name(raw[:min(len(raw), sniff.Len)]); is != "" {
			err = fmt.Errorf("%s, want text in UTF-8", is)
		}
		return "", 0, fmt.Errorf("%s: %w", name, err)
	}
	return strings.TrimSpace(string(raw)), picture.StoredSize(info), nil
}

// ReadLines reads a file of texts in UTF-8, one in each line, such as the text of a language
// model or what is to be classified. Empty lines, a byte order mark, CRLF and white space
// around the texts are removed. Errors name the file, which is called name, and the line.
func ReadLines(r io.Reader, name string) ([]string, error) {
	limited := &io.LimitedReader{R: r, N: maxTextsBytes + 1}
	lines := bufio.NewScanner(withoutMark(limited))
	lines.Buffer(make([]byte, 1<<14), maxTextLine)
	var out []string
	n := 0
	for lines.Scan() && lines.Err() == nil { // an error comes after what was left
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if !utf8.Valid(line) {
			return nil, fmt.Errorf("%s: line %d: not UTF-8", name, n)
		}
		if len(line) > 0 {
			out = append(out, string(line))
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s: line %d: longer than %d bytes", name, n+1, maxTextLine)
	case err != nil:
		return nil, fmt.Errorf("%s: line %d: %w", name, n+1, err)
	case limited.N <= 0:
		return nil, fmt.Errorf("%s: line %d: more than %d bytes", name, n, maxTextsBytes)
	case len(out) == 0:
		return nil, fmt.Errorf("%s: no lines of text", name)
	}
	return out, nil
}
