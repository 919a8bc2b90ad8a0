// SPDX-License-Identifier: Apache-2.0

package sniff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	for _, c := range []struct{ begin, want string }{
		{"", "an empty file"},
		{"RIFF\x10\x00\x00\x00WEBPVP8 ", "a WebP image"},
		{"RIFF\x10\x00\x00\x00WAVE", ""},
		{"II*\x00\x08\x00", "a TIFF image"},
		{"MM\x00*\x00", "a TIFF image"},
		{"\x00\x00\x00\x1cftypavif\x00\x00", "an AVIF image"},
		{"\x00\x00\x00\x18ftypheic\x00\x00", "a HEIC image"},
		{"\x00\x00\x00\x18ftypisom\x00\x00", "a video"},
		{"<!DOCTYPE html><html>", "an HTML page"},
		{"\ufeff\r\n <HTML lang=en>", "an HTML page"},
		{"<!-- x --> <!-- y --><html>", "an HTML page"},
		{"<?xml version='1.0'?><svg>", "an SVG drawing"},
		{"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML file"},
		{"<!-- endless", "a text file"},
		{`{"message": "not found"}`, "a JSON file"},
		{"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer, not the file itself"},
		{"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", "the attributes of a file that macOS keeps beside it"},
		{"PK\x03\x04\x14", "a zip archive"},
		{"\xff\xfea\x00", "text in UTF-16"},
		{"\x00\x00\x00\x00", "a file of zeros"},
		{"hello\nworld", "a text file"},
		{"caf\xc3", "a text file"}, // cut off inside a character
		{"\x01\x02\x03", ""},
		{"\xc3\x28\xa0\xa1aaa", ""},
	} {
		if got := Name([]byte(c.begin)); got != c.want {
			t.Errorf("%q: %q, want %q", c.begin, got, c.want)
		}
	}
}

func TestFile(t *testing.T) {
	folder := t.TempDir()
	for _, content := range []string{"", "GIF89a", strings.Repeat("a", 2*Len)} {
		path := filepath.Join(folder, "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := File(path); err != nil || string(got) != content[:min(Len, len(content))] {
			t.Errorf("a file of %d bytes begins with %q, %v", len(content), got, err)
		}
	}
	for _, path := range []string{folder, filepath.Join(folder, "missing")} {
		if _, err := File(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
