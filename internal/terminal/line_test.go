// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// The line is redrawn in place, at most ten times a second, covers the previous one, and is
// erased together with a ^C that may follow it.
func TestLine(t *testing.T) {
	var b bytes.Buffer
	at := time.Unix(0, 0)
	l := &Line{Writer: &b, Columns: func() int { return 10 }, Now: func() time.Time { return at }}
	draw := func(text string) { l.Draw(func(width int) string { return Cut(text, width) }) }
	draw("0123456789")
	draw("too early")
	at = at.Add(refresh)
	draw("größe")
	l.Erase()
	draw("at once")
	l.Erase()
	l.Erase()
	if got, want := b.String(), "\r0123456"+"\rgröße  "+"\r       \r"+"\rat once"+"\r         \r"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoTerminal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := NewLine(f)
	l.Draw(func(int) string { t.Error("drew on a file"); return "" })
	l.Erase()
	if info, err := f.Stat(); err != nil || info.Size() != 0 || l.Columns() != 0 {
		t.Errorf("wrote %d bytes (%v) on a file of %d columns", info.Size(), err, l.Columns())
	}
}

func TestBar(t *testing.T) {
	for width := range 120 {
		for _, done := range []float64{-1, 0, 0.5, 1, 2} {
			got := Bar("größe ", done, " of 5", width)
			if n := len([]rune(got)); n > width {
				t.Fatalf("%d characters in %d columns: %s", n, width, got)
			}
			if wide := width >= len([]rune("größe  of 5"))+MinBar; strings.Contains(got, "[") != wide {
				t.Fatalf("in %d columns got %s", width, got)
			}
		}
	}
	if got, want := Bar("a ", 0.25, " b", 22), "a [####------------] b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if PerSecond(3, 0) != 0 || PerSecond(3, 2*time.Second) != 1.5 {
		t.Error("3 in 0 s and 2 s are not 0 and 1.5 a second")
	}
}
