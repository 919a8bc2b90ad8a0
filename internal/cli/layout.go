// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/terminal"
)

// widest is the longest line of text that is pleasant to read.
const widest = 100

// TextWidth returns how wide text for w is: as the terminal, between 40 and 100 columns, or 80.
func TextWidth(w io.Writer) int {
	columns := terminal.NewLine(w).Columns()
	if columns == 0 {
		columns = 80
	}
	return max(40, min(widest, columns-1))
}

// onTerminal wraps each line that a terminal would break in the middle of a word; in a file or a pipe
// a message stays one line.
func onTerminal(w io.Writer, message string) string {
	columns := terminal.NewLine(w).Columns()
	if columns == 0 {
		return message
	}
	lines := strings.Split(message, "\n")
	for i, line := range lines {
		if utf8.RuneCountInString(line) > columns {
			lines[i] = Wrap(line, columns-1)
		}
	}
	return strings.Join(lines, "\n")
}

// Paragraph wraps a text with an indent before each line.
func Paragraph(w io.Writer, indent, s string, width int) {
	for line := range strings.SplitSeq(Wrap(s, width-len(indent)), "\n") {
		fmt.Fprintln(w, indent+line)
	}
}

// Wrap breaks a text between words into lines of at most width characters. A longer word
// has a line of its own.
func Wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i > 0 && column+1+n > width:
			b.WriteByte('\n')
			column = 0
		case i > 0:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
