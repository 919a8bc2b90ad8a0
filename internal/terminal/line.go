// SPDX-License-Identifier: Apache-2.0

// Package terminal draws the last line of a terminal in place, as a program does that
// shows how far it is.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	refresh = 100 * time.Millisecond // between two drawings
	echo    = len("^C")              // what a terminal writes behind the line at Ctrl-C
)

// Line is drawn in place at the end of what was written to Writer.
type Line struct {
	Writer io.Writer
	// Columns is the width of the terminal, asked before each drawing since windows
	// change; 0 where there is none, so that nothing is drawn.
	Columns func() int
	Now     func() time.Time

	shown int // columns that are drawn
	drawn time.Time
}

// NewLine draws on w if that is a terminal.
func NewLine(w io.Writer) *Line {
	l := &Line{Writer: w, Columns: func() int { return 0 }, Now: time.Now}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		l.Columns = func() int {
			if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
				return columns
			}
			return 80
		}
	}
	return l
}

// Draw draws what text returns for the width that it is given, over what was drawn before:
// at most ten times a second, and only on a terminal.
func (l *Line) Draw(text func(width int) string) {
	columns := l.Columns()
	if columns == 0 || l.Now().Sub(l.drawn) < refresh {
		return
	}
	l.drawn = l.Now()
	line := text(columns - 1 - echo) // the last column would wrap on some terminals
	n := utf8.RuneCountInString(line)
	fmt.Fprint(l.Writer, "\r", line, strings.Repeat(" ", max(0, l.shown-n)))
	l.shown = n
}

// Erase removes what was drawn, so that other lines can follow.
func (l *Line) Erase() {
	if l.shown > 0 {
		fmt.Fprint(l.Writer, "\r", strings.Repeat(" ", l.shown+echo), "\r")
	}
	l.shown, l.drawn = 0, time.Time{}
}

// The widths of a bar.
const (
	narrowBar = 8
	wideBar   = 24
)

// MinBar is the width of the narrowest bar with its brackets.
const MinBar = narrowBar + len("[]")

// Bar puts a bar, of which the given share is done, between head and tail, as wide as there
// is space for, and none where the space is short.
func Bar(head string, done float64, tail string, width int) string {
	bar := min(wideBar, width-utf8.RuneCountInString(head)-utf8.RuneCountInString(tail)-len("[]"))
	if bar < narrowBar {
		return Cut(strings.TrimSpace(head)+" "+tail, width)
	}
	full := max(0, min(bar, int(done*float64(bar))))
	return head + "[" + strings.Repeat("#", full) + strings.Repeat("-", bar-full) + "]" + tail
}

// Cut returns the first characters of a line, at most width of them.
func Cut(line string, width int) string {
	if utf8.RuneCountInString(line) <= max(0, width) {
		return line
	}
	return string([]rune(line)[:max(0, width)])
}

// PerSecond is a rate, 0 where no time has passed.
func PerSecond(n int, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}
