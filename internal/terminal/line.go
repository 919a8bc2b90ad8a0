// SPDX-License-Identifier: Apache-2.0

// Package terminal redraws the last line of a terminal in place, to show a program's progress.
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
	refresh = 100 * time.Millisecond // minimum time between redraws
	echo    = len("^C")              // what a terminal appends to the line on Ctrl-C
)

// Line is a line redrawn in place at the end of the output.
type Line struct {
	Writer io.Writer
	// Columns returns the width of the terminal. It is called before each redraw, because
	// windows can be resized. If it returns 0, there is no terminal and nothing is drawn.
	Columns func() int
	Now     func() time.Time

	shown int // columns currently drawn
	drawn time.Time
}

// NewLine returns a line that is drawn on w if w is a terminal, but for one without a cursor
// (TERM=dumb). It uses carriage returns and blanks, and no escape codes.
func NewLine(w io.Writer) *Line {
	l := &Line{Writer: w, Columns: func() int { return 0 }, Now: time.Now}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && redraws(os.Getenv("TERM")) {
		l.Columns = func() int {
			if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
				return columns
			}
			return 80
		}
	}
	return l
}

// redraws reports whether a terminal of this kind can return to the start of a line.
func redraws(kind string) bool { return kind != "dumb" }

// Draw draws text(width) over the previous content, at most ten times a second and only on
// a terminal.
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

// Erase removes the line, so that other output can follow.
func (l *Line) Erase() {
	if l.shown > 0 {
		fmt.Fprint(l.Writer, "\r", strings.Repeat(" ", l.shown+echo), "\r")
	}
	l.shown, l.drawn = 0, time.Time{}
}

// Minimum and maximum width of a bar.
const (
	narrowBar = 8
	wideBar   = 24
)

// MinBar is the minimum width of a bar including its brackets.
const MinBar = narrowBar + len("[]")

// Bar returns head, a progress bar of which the fraction done is filled, and tail. The bar is as
// wide as width allows, and omitted if that is too narrow.
func Bar(head string, done float64, tail string, width int) string {
	bar := min(wideBar, width-utf8.RuneCountInString(head)-utf8.RuneCountInString(tail)-len("[]"))
	if bar < narrowBar {
		return Cut(strings.TrimSpace(head)+" "+tail, width)
	}
	full := max(0, min(bar, int(done*float64(bar))))
	return head + "[" + strings.Repeat("#", full) + strings.Repeat("-", bar-full) + "]" + tail
}

// Cut truncates a line to width characters.
func Cut(line string, width int) string {
	if utf8.RuneCountInString(line) <= max(0, width) {
		return line
	}
	return string([]rune(line)[:max(0, width)])
}

// PerSecond returns a rate, 0 if no time has passed.
func PerSecond(n int, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}
