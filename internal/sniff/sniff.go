// SPDX-License-Identifier: Apache-2.0

// Package sniff recognizes a file by its first bytes, for the errors of readers that expect
// another format.
package sniff

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// Len is the number of bytes that Name looks at.
const Len = 512

// File returns the first bytes of a file, at most Len.
func File(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	begin := make([]byte, Len)
	n, err := io.ReadFull(f, begin)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return begin[:n], nil
}

// Peek returns the next bytes of a reader without reading them: n, or as many as there are or as its buffer holds.
// Peek of the reader itself returns an error of reading once, and what is read next may not fail again.
func Peek(in *bufio.Reader, n int) ([]byte, error) {
	begin, err := in.Peek(n)
	if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	return begin, err
}

// magics are the first bytes of formats; a dot stands for any byte.
var magics = []struct{ begin, name string }{
	{"\xff\xd8\xff", "a JPEG image"},
	{"\x89PNG\r\n\x1a\n", "a PNG image"},
	{"GIF8", "a GIF image"},
	{"RIFF....WEBP", "a WebP image"},
	{"II*\x00", "a TIFF image"},
	{"MM\x00*", "a TIFF image"},
	{"II+\x00", "a TIFF image"},
	{"MM\x00+", "a TIFF image"},
	{"....ftypavif", "an AVIF image"},
	{"....ftypavis", "an AVIF image"},
	{"....ftyphei", "a HEIC image"},
	{"....ftyphev", "a HEIC image"},
	{"....ftypmif1", "a HEIF image"},
	{"....ftypmsf1", "a HEIF image"},
	{"....ftyp", "a video"},
	{"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"},
	{"\xff\x4f\xff\x51", "a JPEG 2000 image"},
	{"\xff\x0a", "a JPEG XL image"},
	{"\x00\x00\x00\x0cJXL ", "a JPEG XL image"},
	{"8BPS", "a Photoshop image"},
	{"\x00\x00\x01\x00", "a Windows icon"},
	{"\x00\x05\x16\x07", "the attributes of a file that macOS keeps beside it"},
	{"\x00\x05\x16\x00", "the attributes of a file that macOS keeps beside it"},
	{"%PDF-", "a PDF document"},
	{"PK\x03\x04", "a zip archive"},
	{"PK\x05\x06", "an empty zip archive"},
	{"\x1f\x8b", "a gzip file"},
	{"BZh", "a bzip2 file"},
	{"\xfd7zXZ\x00", "an xz file"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"},
	{"Rar!", "a RAR archive"},
	{"\x28\xb5\x2f\xfd", "a Zstandard file"},
	{"\x89HDF\r\n\x1a\n", "an HDF5 file"},
	{"\x93NUMPY", "a numpy array"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"BM", "a BMP image"},
	{"version https://git-lfs", "a Git LFS pointer, not the file itself"},
	{"\xff\xfe", "text in UTF-16"},
	{"\xfe\xff", "text in UTF-16"},
}

// tags are the beginnings of markup, in lower case.
var tags = []struct{ begin, name string }{
	{"<!doctype html", "an HTML page"},
	{"<html", "an HTML page"},
	{"<head", "an HTML page"},
	{"<body", "an HTML page"},
	{"<svg", "an SVG drawing"},
	{"<!doctype svg", "an SVG drawing"},
	{"<?xml", "an XML file"},
}

// Name describes, with an article, the kind of file that begins like this; it is "" if
// that is unknown. begin should have the first Len bytes, or all bytes of a shorter file.
func Name(begin []byte) string {
	if len(begin) == 0 {
		return "an empty file"
	}
	for _, m := range magics {
		if matches(begin, m.begin) {
			return m.name
		}
	}
	text := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\ufeff")), " \t\r\n")))
	for strings.HasPrefix(text, "<!--") { // comments before the first tag
		_, rest, ok := strings.Cut(text, "-->")
		if !ok {
			break
		}
		text = strings.TrimLeft(rest, " \t\r\n")
	}
	for _, tag := range tags {
		if strings.HasPrefix(text, tag.begin) {
			if tag.begin == "<?xml" && strings.Contains(text, "<svg") {
				return "an SVG drawing"
			}
			if tag.begin == "<?xml" && strings.Contains(text, "<html") {
				return "an HTML page"
			}
			return tag.name
		}
	}
	switch {
	case len(bytes.Trim(begin, "\x00")) == 0:
		return "a file of zeros"
	case (text != "" && (text[0] == '{' || text[0] == '[')) && isText(begin):
		return "a JSON file"
	case isText(begin):
		return "a text file"
	}
	return ""
}

func matches(begin []byte, pattern string) bool {
	if len(begin) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '.' && pattern[i] != begin[i] {
			return false
		}
	}
	return true
}

// isText reports whether the bytes are UTF-8 without control characters.
func isText(begin []byte) bool {
	for len(begin) > 0 {
		r, n := utf8.DecodeRune(begin)
		if r == utf8.RuneError && n == 1 && len(begin) >= utf8.UTFMax { // not merely truncated
			return false
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' {
			return false
		}
		begin = begin[n:]
	}
	return true
}
