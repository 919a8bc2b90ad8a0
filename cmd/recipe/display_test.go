// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/recipes"
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

// TestSparks: the losses of each model, within the width, with their first and last values.
func TestSparks(t *testing.T) {
	var r recipes.Report
	if err := json.Unmarshal([]byte(result), &r); err != nil {
		t.Fatal(err)
	}
	one := func(r *recipes.Report, width int, utf8 bool) string {
		var b bytes.Buffer
		sparks(&b, r, width, utf8)
		return b.String()
	}
	if got, want := one(&r, 79, true), "\n                loss  █▄▂▁  0.6 -> 0.0001\n            val_loss  █▁×█  0.5 -> 0.5, lowest 0.3 in epoch 2\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	both := &recipes.Report{Variants: []*recipes.Report{&r, &r}}
	if got, want := one(both, 79, false), "plain val_loss  #_x#  0.5"; !strings.Contains(got, want) || strings.Count(got, "\n") != 5 {
		t.Errorf("got\n%s\nwant %s", got, want)
	}
	for width := 40; width < 60; width++ {
		for line := range strings.Lines(one(&r, width, true)) {
			if n := utf8.RuneCountInString(line); n > width+1 {
				t.Fatalf("%d characters in %d columns: %s", n, width, line)
			}
		}
	}
	if got := one(&recipes.Report{}, 79, true); got != "" {
		t.Errorf("without curves got %q", got)
	}
}

// TestNoEscapeCodes: neither colors nor cursor movements, whatever the environment says.
func TestNoEscapeCodes(t *testing.T) {
	emptyFolder(t)
	for _, env := range [][2]string{{"NO_COLOR", "1"}, {"TERM", "dumb"}, {"TERM", "xterm-256color"}} {
		t.Setenv(env[0], env[1])
		status, stdout, stderr := command(t, "-name", "mnist", "-epochs", "2", "-out", "o")
		if status != 0 || strings.ContainsAny(stdout+stderr, "\x1b\r") {
			t.Errorf("%v: status %d, codes in %q", env, status, stdout+stderr)
		}
		wantText(t, "stdout", stdout, "The training loss was still falling")
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
		if got := cli.Wrap(c.text, c.width); got != c.want {
			t.Errorf("%q in %d columns is %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
