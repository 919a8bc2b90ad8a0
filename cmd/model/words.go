// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// byteSize writes a number of bytes.
func byteSize(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return text.Count(int(n), "byte")
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// short writes a number with four digits, "-" for none.
func short(n number) string {
	if v := float64(n); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return fmt.Sprintf("%.4g", v)
	}
	return "-"
}

// shapeOf writes a shape as summaries do.
func shapeOf(shape []int) string {
	words := make([]string, len(shape))
	for i, n := range shape {
		if words[i] = fmt.Sprint(n); n < 0 {
			words[i] = "?"
		}
	}
	return "(" + strings.Join(words, ", ") + ")"
}

// brief shortens JSON to a line of about so many characters.
func brief(raw []byte, width int) string {
	r := []rune(text.Printable(string(raw)))
	if most := max(40, width-30); len(r) > most {
		return string(r[:most]) + "..."
	}
	return string(r)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// writeTrimmed writes text without blanks at the ends of lines.
func writeTrimmed(w io.Writer, s string) error {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimRight(line, " \n"))
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}
