// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/reef-dl/reef/datasets"
)

func TestDownloadLine(t *testing.T) {
	p := datasets.Progress{Set: "mnist", File: "train.gz", Done: 2_500_000, Total: 10_000_000}
	if got, want := downloadLine(p, 5*time.Second, 79), "downloading mnist/train.gz [####--------------] 2.5/10.0 MB  0.5 MB/s  15s left"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p.Total = 0 // the size is unknown
	if got, want := downloadLine(p, 5*time.Second, 79), "downloading mnist/train.gz  2.5 MB  0.5 MB/s"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	wantText(t, "line", downloadLine(datasets.Progress{Set: "a", File: "b", Total: 5}, 0, 79), "? left")
}

func TestDisplayOfDownloads(t *testing.T) {
	var b bytes.Buffer
	d := newDisplay(&b, false)
	for _, p := range []datasets.Progress{{Set: "mnist", File: "a", Done: 1, Total: 2}, {Set: "mnist", File: "a", Done: 2, Total: 2}, {Set: "mnist", File: "b", Done: 0, Total: 2}} {
		d.download(p)
	}
	if got, want := b.String(), "downloading mnist/a\ndownloading mnist/b\n"; got != want {
		t.Errorf("without a terminal: got %q, want %q", got, want)
	}
	b.Reset()
	quiet := newDisplay(&b, true)
	quiet.download(datasets.Progress{Set: "mnist", File: "a"})
	if quiet.say("model 1 of 2"); b.Len() > 0 {
		t.Errorf("quiet shows %q", b.String())
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text, want string
		width      int
	}{
		{"", "", 10},
		{"one", "one", 2},
		{"one two three", "one two\nthree", 7},
		{"one two three", "one\ntwo\nthree", 6},
		{"the article’s one", "the article’s\none", 13}, // 13 characters in 15 bytes
	} {
		if got := wrap(c.text, c.width); got != c.want {
			t.Errorf("%q in %d columns is %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
