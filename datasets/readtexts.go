// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/sniff"
)

// Limits of a file of texts; the longest review of IMDB has 14 kB.
const (
	maxTextsBytes = 1 << 28
	maxTextLine   = 1 << 20
)

// ReadTexts decodes lines of a class name, a tab and a text in UTF-8. Classes are sorted by
// name, as NewImageFolder sorts them: the label of a text is the index of its class in
// Names. Empty lines, a byte order mark, CRLF and white space around names and texts are
// ignored. Errors name the file, which is called name, and the line.
func ReadTexts(r io.Reader, name string) (*Texts, error) {
	limited := &io.LimitedReader{R: r, N: maxTextsBytes}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 1<<14), maxTextLine)
	t, classes, found := &Texts{}, []int32{}, map[string]int32{} // by first appearance
	n := 0
	for lines.Scan() && lines.Err() == nil { // an error comes after what was left
		n++
		class, text, err := labeledLine(lines.Bytes(), n == 1)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
		}
		if class == "" {
			continue
		}
		if _, ok := found[class]; !ok {
			found[class] = int32(len(found))
			t.names = append(t.names, class)
		}
		t.Texts, classes = append(t.Texts, text), append(classes, found[class])
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s: line %d: longer than %d bytes", name, n+1, maxTextLine)
	case err != nil:
		return nil, fmt.Errorf("%s: line %d: %w", name, n+1, err)
	case limited.N <= 0:
		return nil, fmt.Errorf("%s: line %d: more than %d bytes", name, n, maxTextsBytes)
	case len(t.Texts) == 0:
		return nil, fmt.Errorf("%s: no lines of a class, a tab and a text", name)
	}
	sorted := make([]int32, len(found)) // by first appearance
	slices.Sort(t.names)
	for label, class := range t.names {
		sorted[found[class]] = int32(label)
	}
	t.Labels = classes
	for i, c := range classes {
		t.Labels[i] = sorted[c]
	}
	return t, nil
}

// labeledLine cuts one line at its first tab; an empty line has no class.
func labeledLine(line []byte, first bool) (class, text string, err error) {
	if first {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
		switch is := sniff.Name(line[:min(len(line), sniff.Len)]); is {
		case "", "a text file", "an empty file", "a BMP image": // a name may begin with BM
		default:
			return "", "", fmt.Errorf("%s, want a class, a tab and a text", is)
		}
	}
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return "", "", nil
	}
	if !utf8.Valid(line) {
		return "", "", errors.New("not UTF-8")
	}
	class, text, ok := strings.Cut(string(line), "\t")
	if class = strings.TrimSpace(class); !ok || class == "" {
		return "", "", fmt.Errorf("%.40q, want a class, a tab and a text", line)
	}
	return class, strings.TrimSpace(text), nil
}
